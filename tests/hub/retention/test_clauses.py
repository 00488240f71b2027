"""How long the five manuals let reads live, from the page that brings them to the last byte, on the real hub."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from plain import PlainConnector, record, write_page
from sqlalchemy import text

import hub.connections.accounts as accounts
from hub.audit.record import Actor, Why
from hub.clock import SetClock
from hub.errors import PolicyRefused
from hub.hotlists.lists import NewEntry
from hub.search.query import Query
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

CAPTURED = datetime(2026, 6, 1, 11, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
PLATE = "9SYN001"
PLACES = ("reads", "ledger", "payloads", "candidates", "plates", "images", "hits")


class Flock(PlainConnector):
    """The agency's own reads, kept by Flock."""


class Motorola(PlainConnector):
    """The agency's own reads, kept by Motorola."""

    info = replace(PlainConnector.info, retention_vendor="motorola")


class Bought(PlainConnector):
    """A vendor's reads that the agency pays for."""

    info = replace(PlainConnector.info, retention_vendor="somebody", origin="commercial")


KINDS: dict[str, type[PlainConnector]] = {"flock": Flock, "motorola": Motorola, "bought": Bought}
Ruled = Callable[[str], Hub]


@pytest.fixture
def ruled(settings: HubSettings, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ruled]:
    """Opens a hub under a profile, with the connectors of this page."""
    monkeypatch.setattr(accounts, "connector", lambda key, allowed=(): KINDS[key])
    with ExitStack() as open_:
        yield lambda profile: open_.enter_context(open_hub(settings.model_copy(update={"profile": profile}), clock))


def fed(hub: Hub, folder: Path, key: str, *records: Any) -> Path:
    """A connection of that name, whose first page has been saved."""
    folder = folder / key
    folder.mkdir()
    hub.connections.add(Actor("tester"), key, key, {"folder": str(folder)})
    if records:
        write_page(folder, 1, list(records))
        assert hub.sync.run(Actor("tester"), key).stored == len(records)
    return folder


def why(hub: Hub) -> Why:
    return Why(hub.profile.purposes[0], "report of a stolen car", "26-1")


def shown(hub: Hub, folder: Path) -> set[int]:
    """How many reads every kind of question finds of the plate."""
    actor, day = Actor("tester"), timedelta(days=1)
    near = (CAPTURED - day, CAPTURED + day)
    query = Query(why(hub), plates=(PLATE,))
    out = folder / f"{hub.clock.now():%Y%m%dT%H%M%S.%f}.csv"
    return {
        len(hub.search.find(actor, query).rows),
        len(hub.search.find(actor, Query(why(hub), plates=("9SYN*",))).rows),
        len(hub.lookups.ask(actor, PLATE, why(hub), since=near[0], until=near[1]).rows),
        hub.export.run(actor, query, "csv", out).rows,
        len(hub.analysis.timeline(actor, why(hub), PLATE, *near).passes),
    }


def kept(hub: Hub) -> dict[str, int]:
    with hub.store.read() as connection:
        rows = {place: int(connection.scalar(text(f"SELECT count(*) FROM {place}")) or 0) for place in PLACES}
    return rows | {"pictures": len(list(hub.images.stored()))}


@pytest.mark.clause("RET-10")
@pytest.mark.clause("hermosa-beach 429.5 ¶2 s3")
@pytest.mark.clause("hermosa-beach 429.5 ¶2 s4")
@pytest.mark.clause("palm-springs 430.8 ¶2 s3", lacks="links to cases and events, and their year")
@pytest.mark.clause("long-beach 6.3.4 ¶1", lacks="that nobody lengthens a life by hand")
@pytest.mark.clause("long-beach 6.3.3.2", lacks="sharing")
@pytest.mark.parametrize(
    ("department", "source", "until"),
    [
        ("hermosa-beach", "motorola", "2027-06-01T11:00:00Z"),
        ("hermosa-beach", "flock", "2026-07-01T11:00:00Z"),
        ("hermosa-beach", "bought", "2026-07-01T11:00:00Z"),
        ("palm-springs", "flock", "2026-07-01T11:00:00Z"),
        ("long-beach", "flock", "2028-06-01T11:00:00Z"),
        ("long-beach", "bought", "2028-06-01T11:00:00Z"),
    ],
)
def test_a_read_is_found_until_its_ceiling_and_from_that_instant_by_nobody_and_the_purge_leaves_nothing(
    ruled: Ruled, tmp_path: Path, clock: SetClock, department: str, source: str, until: str
) -> None:
    hub, actor, end = ruled(department), Actor("tester"), datetime.fromisoformat(until)
    hub.hotlists.load(actor, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")])
    sure = {"confidence": 0.8, "candidates": [["9SYN0O1", 0.1]]}
    fed(hub, tmp_path, source, record(1, PLATE, CAPTURED.isoformat(), picture="PICTURE", **sure))
    whole = kept(hub)
    assert all(whole.values()), whole
    clock.advance(end - INSTANT - clock.now())
    hub.retention.purge(actor)
    assert (shown(hub, tmp_path), kept(hub)) == ({1}, whole)
    clock.advance(INSTANT)
    assert (shown(hub, tmp_path), kept(hub)) == ({0}, whole)
    hub.retention.purge(actor)
    assert kept(hub) == dict.fromkeys(whole, 0)


def floored(folder: Path, department: str, ceiling: str) -> str:
    """A department's manual with a number for its ceiling, as a schedule would give it."""
    data = yaml.safe_load(files("hub.policy").joinpath(f"profiles/{department}.yaml").read_text("utf-8"))
    data["retention"]["rules"][0]["max"] = {"dur": ceiling, "clock": "captured_at"}
    file = folder / f"{department}.yaml"
    file.write_text(yaml.safe_dump(data), "utf-8")
    return str(file)


@pytest.mark.clause("westminster 462.4 ¶2 s1", "hayward 429.4 ¶2 s1", lacks="a signed legal order")
@pytest.mark.parametrize("department", ["westminster", "hayward"])
def test_before_a_year_from_its_receipt_nobody_gets_a_read_purged_not_even_with_its_connection(
    ruled: Ruled, tmp_path: Path, clock: SetClock, department: str
) -> None:
    hub, actor = ruled(floored(tmp_path, department, "P2Y")), Actor("tester")
    fed(hub, tmp_path, "flock", record(1, PLATE, CAPTURED.isoformat()))
    received = clock.now()
    hub.removals.remove(actor, "flock", reads="purge", reason="the contract has ended")
    free = received.replace(year=2027)
    clock.advance(free - INSTANT - clock.now())
    hub.retention.purge(actor)
    assert kept(hub)["reads"] == 1
    clock.advance(INSTANT)
    hub.retention.purge(actor)
    assert kept(hub)["reads"] == 0


@pytest.mark.clause("westminster 462.4 ¶2 s2", "hayward 429.4 ¶2 s2", lacks="holds")
@pytest.mark.parametrize("department", ["westminster", "hayward"])
def test_a_manual_whose_schedule_is_missing_keeps_nothing_and_is_not_ready(
    ruled: Ruled, tmp_path: Path, department: str
) -> None:
    hub = ruled(department)
    assert not hub.profile.activation().ready
    folder = fed(hub, tmp_path, "flock")
    write_page(folder, 1, [record(1, PLATE, CAPTURED.isoformat())])
    with pytest.raises(PolicyRefused, match="no ceiling"):
        hub.sync.run(Actor("tester"), "flock")
    assert kept(hub)["reads"] == 0


@pytest.mark.clause("RET-08")
def test_a_read_that_comes_again_lives_no_longer_for_it(ruled: Ruled, tmp_path: Path, clock: SetClock) -> None:
    hub, actor = ruled("hermosa-beach"), Actor("tester")
    folder = fed(hub, tmp_path, "flock", record(1, PLATE, CAPTURED.isoformat()))
    clock.advance(timedelta(days=20))
    assert hub.sync.run(actor, "flock", CAPTURED - timedelta(hours=1)).duplicates == 1
    later = (CAPTURED + timedelta(days=20)).isoformat()
    write_page(folder, 2, [record(1, PLATE, later)])  # under the id of the first
    assert hub.sync.run(actor, "flock", CAPTURED - timedelta(hours=1)).stored == 0
    clock.advance(CAPTURED + timedelta(days=30) - clock.now())
    assert shown(hub, tmp_path) == {0}
    hub.retention.purge(actor)
    assert kept(hub)["reads"] == 0


@pytest.mark.clause("RET-08")
def test_the_same_passing_from_a_source_with_a_longer_life_lengthens_nothing_of_the_shorter_one(
    ruled: Ruled, tmp_path: Path, clock: SetClock
) -> None:
    hub, actor = ruled("hermosa-beach"), Actor("tester")
    for source in ("flock", "motorola"):
        fed(hub, tmp_path, source, record(1, PLATE, CAPTURED.isoformat()))
    clock.advance(CAPTURED + timedelta(days=30) - clock.now())
    (left,) = hub.search.find(actor, Query(why(hub), plates=(PLATE,))).rows
    assert left.connection == "motorola"
    assert {name: count for name, count in hub.retention.purge(actor).items() if count} == {"flock": 1}
    assert kept(hub)["reads"] == 1


@pytest.mark.clause("RET-09")
def test_what_was_purged_comes_back_by_no_door(ruled: Ruled, tmp_path: Path, clock: SetClock) -> None:
    hub, actor = ruled("hermosa-beach"), Actor("tester")
    fed(hub, tmp_path, "flock", record(1, PLATE, CAPTURED.isoformat(), picture="PICTURE"))
    clock.advance(timedelta(days=30))
    hub.retention.purge(actor)
    again = hub.sync.run(actor, "flock", CAPTURED - timedelta(days=1))
    assert (again.stored, again.born_expired) == (0, 1)
    hub.sync.backfill(actor, "flock", CAPTURED - timedelta(days=1), CAPTURED + timedelta(days=1))
    assert kept(hub) == dict.fromkeys(kept(hub), 0)
