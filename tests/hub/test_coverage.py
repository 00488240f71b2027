"""Coverage: how far each source could answer, so that no answer has a silent hole."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from plain import PlainConnector
from registries import Having

from connectors.contract import Page, Window
from hub.people import Actor, Why
from hub.search.query import Query
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
SINCE = datetime(2026, 5, 1, tzinfo=UTC)
FLOCK = {"client_id": "synthetic", "client_secret": "synthetic-secret"}


def statuses(opened: Hub, actor: Actor, **asked: tuple[str, ...]) -> dict[str, str]:
    """The status of each connection in the answer to a question about one plate."""
    answer = opened.search.reads.find(actor, Query(WHY, plates=("7SYN001",), **asked))
    return {part.connection: part.status for part in answer.coverage}


def test_a_source_that_answers_for_one_plate_only_is_on_demand(
    opened: Hub, actor: Actor, feed: Path, plain_vendor: Having
) -> None:
    opened.connections.accounts.add(actor, "city-flock", "flock", FLOCK, check=False)
    assert statuses(opened, actor)["city-flock"] == "on-demand"
    opened.connections.accounts.pause(actor, "city-flock", "contract ended")
    assert statuses(opened, actor)["city-flock"] == "paused"


def test_a_source_that_the_question_leaves_out_says_so(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.ingest.sync.run(actor, "feed")
    assert statuses(opened, actor) == {"feed": "included"}
    assert statuses(opened, actor, connections=("other",)) == {"feed": "not-asked"}
    assert statuses(opened, actor, kinds=("commercial",)) == {"feed": "not-asked"}


def test_a_source_whose_connector_may_not_run_any_more_says_so(
    opened: Hub, actor: Actor, feed: Path, plain_vendor: Having
) -> None:
    plain_vendor.absent.add("plain")
    assert statuses(opened, actor) == {"feed": "not-available"}


def test_of_a_source_that_only_sends_by_itself_nobody_knows_what_it_did_not_send(
    opened: Hub, actor: Actor, feed: Path, plain_vendor: Having
) -> None:
    opened.connections.accounts.add(actor, "gate", "unifi", {"webhook_secret": "synthetic-secret"}, check=False)
    [gate] = [
        part
        for part in opened.search.reads.find(actor, Query(WHY, plates=("7SYN001",), since=SINCE)).coverage
        if part.connection == "gate"
    ]
    assert (gate.status, gate.gaps) == ("pushed", [])


def test_a_source_that_is_taken_whole_was_not_pulled_only_from_some_time_on(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        yield Page([], {"taken": "everything that lay there"})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    opened.ingest.sync.run(actor, "feed")
    for since in (None, SINCE):
        (part,) = opened.search.reads.find(actor, Query(WHY, plates=("7SYN001",), since=since)).coverage
        assert (part.status, part.gaps, part.covered_since) == ("included", [], None)
        assert part.covered_until == opened.clock.now()
