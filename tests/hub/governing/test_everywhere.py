"""A policy that is put in force is in force everywhere at once: in every service of every process that is open."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import two
import yaml
from plain import record, write_page
from registries import PLAIN
from services import services_of

from connectors.contract import Record
from hub.clock import SetClock
from hub.errors import HubError
from hub.governing.in_force import Governing
from hub.people import Actor, Why
from hub.policy.document import FOLDER
from hub.policy.profile import Profile
from hub.search.hours import Hours
from hub.search.query import Query
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
PLATE = "7ZZZ001"
WHY = Why("traffic_study", "report of a stolen car", "26-1", "none")


@pytest.fixture
def other(tmp_path: Path) -> str:
    """Another policy: its own name and purposes, days that begin elsewhere, half the time to live, other clauses."""
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    data["agency"] |= {"timezone": "America/New_York", "name": "Another PD"}
    data["use"]["purposes"]["v"].append(WHY.purpose)
    for rule in data["retention"]["rules"]:
        if rule["max"] is not None:
            rule["max"] = {"dur": "P5D", "clock": "captured_at"}
        rule["ref"] = "another manual"
    file = tmp_path / "other.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


def known_purpose(hub: Hub) -> Why:
    return Why(hub.governing.profile.purposes[0], WHY.reason, WHY.case_number, "none")


def or_refused(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except HubError as refused:
        return str(refused)


def _let_in(hub: Hub) -> datetime:
    account, connector = hub.connections.accounts.open("feed")
    raw = msgspec.json.encode(record(7, "7ZZZ007", CAPTURED.isoformat()))
    return hub.ingest.intake.look(connector, account.id, [Record("plain", raw)]).accepted[0].expires_at


ASKED: dict[str, Callable[[Hub], Any]] = {
    "purposes": lambda hub: or_refused(lambda: len(hub.search.reads.find(ACTOR, Query(WHY, (PLATE,))).rows)),
    "hours of a search": lambda hub: len(
        hub.search.reads.find(ACTOR, Query(known_purpose(hub), (PLATE,), hours=(Hours.parse("04:00-05:00"),))).rows
    ),
    "weeks of a pattern": lambda hub: hub.analysis.pattern(ACTOR, known_purpose(hub), PLATE).zone,
    "ages": lambda hub: [one.clause for one in hub.proofs.ages.report(ACTOR).kept],
    "calendar": lambda hub: [(one.day, one.clause) for one in hub.proofs.calendar.next(ACTOR, 40)],
    "what a connection shows": lambda hub: hub.connections.showing.of("feed").lives,
    "what a change would do": lambda hub: hub.connections.changes.preview("feed", {}, kind="own").clause,
    "how far back is pulled": lambda hub: hub.governing.in_force.life(
        hub.connections.accounts.list()[0].provenance, hub.clock.now()
    ),
    "how long a read is let in for": _let_in,
    "times that people are told": lambda hub: str(hub.store.zone()),
    "the profile": lambda hub: hub.governing.profile.zone.key,
}


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_what_another_process_puts_in_force_is_applied_by_a_process_that_was_open_before(
    asked: str, opened: Hub, settings: HubSettings, clock: SetClock, feed: Path, other: str
) -> None:
    write_page(feed, 1, [record(1, PLATE, CAPTURED.isoformat())])
    opened.ingest.sync.run(ACTOR, "feed", CAPTURED - timedelta(days=1))
    before = ASKED[asked](opened)
    with open_hub(settings, clock, registry=PLAIN) as elsewhere:
        two.activate(elsewhere, ACTOR, other, "the council has decided it")
    after = ASKED[asked](opened)
    with open_hub(settings, clock, registry=PLAIN) as fresh:
        assert after == ASKED[asked](fresh)
    assert after != before


def test_the_record_names_the_policy_that_was_applied_and_not_one_that_came_before_the_answer(
    opened: Hub, settings: HubSettings, clock: SetClock, other: str
) -> None:
    with opened.access.asking.question(ACTOR, "reads.search", known_purpose(opened)) as question:
        with open_hub(settings, clock, registry=PLAIN) as elsewhere:
            two.activate(elsewhere, ACTOR, other, "the council has decided it")
        question.answered(0, {})
    (event,) = [one for one in opened.audit.events() if one["action"] == "reads.search"]
    assert event["policy_id"] == 1


@pytest.mark.usefixtures("feed")
def test_no_service_keeps_a_policy_or_its_zone(opened: Hub) -> None:
    seen = set[int]()
    assert len(services_of(opened)) > 40
    assert list(_held(opened, "hub", seen)) == []


def _held(thing: Any, path: str, seen: set[int]) -> Iterator[str]:
    """Where below a thing of the hub's a profile or a zone is kept; what is in force is asked of `Governing` alone."""
    if id(thing) in seen or isinstance(thing, Governing):
        return
    seen.add(id(thing))
    if isinstance(thing, Profile | ZoneInfo):
        yield path
        return
    if isinstance(thing, dict | list | tuple):
        for place, one in enumerate(thing.values() if isinstance(thing, dict) else thing):
            yield from _held(one, f"{path}[{place}]", seen)
    elif callable(thing) and getattr(thing, "__closure__", None):
        for cell in thing.__closure__:
            yield from _held(cell.cell_contents, f"{path}()", seen)
    elif type(thing).__module__.startswith("hub."):
        for key in (*getattr(thing, "__slots__", ()), *getattr(thing, "__dict__", ())):
            yield from _held(getattr(thing, key, None), f"{path}.{key}", seen)
