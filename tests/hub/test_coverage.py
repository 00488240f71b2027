"""Coverage: how far each source could answer, so that no answer has a silent hole."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import hub.connections.accounts as accounts
from connectors.registry import connector
from hub.people import Actor, Why
from hub.search.query import Query
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
SINCE = datetime(2026, 5, 1, tzinfo=UTC)
FLOCK = {"client_id": "synthetic", "client_secret": "synthetic-secret"}


def statuses(opened: Hub, actor: Actor, **asked: tuple[str, ...]) -> dict[str, str]:
    """The status of each connection in the answer to a question about one plate."""
    answer = opened.search.find(actor, Query(WHY, plates=("7SYN001",), **asked))
    return {part.connection: part.status for part in answer.coverage}


def test_a_source_that_answers_for_one_plate_only_is_on_demand(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "connector", connector)
    opened.connections.add(actor, "city-flock", "flock", FLOCK, check=False)
    assert statuses(opened, actor)["city-flock"] == "on-demand"
    opened.connections.pause(actor, "city-flock", "contract ended")
    assert statuses(opened, actor)["city-flock"] == "paused"


def test_a_source_that_the_question_leaves_out_says_so(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.sync.run(actor, "feed")
    assert statuses(opened, actor) == {"feed": "included"}
    assert statuses(opened, actor, connections=("other",)) == {"feed": "not-asked"}
    assert statuses(opened, actor, kinds=("commercial",)) == {"feed": "not-asked"}


def test_a_source_whose_connector_may_not_run_any_more_says_so(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "connector", connector)  # the real registry has no connector of the fixture's name
    assert statuses(opened, actor) == {"feed": "not-available"}


def test_of_a_source_that_only_sends_by_itself_nobody_knows_what_it_did_not_send(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "connector", connector)
    opened.connections.add(actor, "gate", "unifi", {"webhook_secret": "synthetic-secret"}, check=False)
    [gate] = [
        part
        for part in opened.search.find(actor, Query(WHY, plates=("7SYN001",), since=SINCE)).coverage
        if part.connection == "gate"
    ]
    assert (gate.status, gate.gaps) == ("pushed", [])
