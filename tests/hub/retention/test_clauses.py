"""How long the five manuals let reads live, from the page that brings them to the last byte, on the real hub."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import manuals
import pytest
import two
import yaml
from plain import PlainConnector, record, write_page
from registries import Having
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import Conflict, Invalid, PolicyRefused
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
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


KINDS = Having(flock=Flock, motorola=Motorola, bought=Bought)
Ruled = Callable[..., Hub]


@pytest.fixture
def ruled(settings: HubSettings, clock: SetClock) -> Iterator[Ruled]:
    """Opens a hub under a manual and what is signed about it, with the connectors of this page."""
    with ExitStack() as open_:
        yield lambda manual, *signed: open_.enter_context(
            manuals.under(settings, clock, manual, *signed, registry=KINDS)
        )


def fed(hub: Hub, folder: Path, key: str, *records: Any) -> Path:
    """A connection of that name, whose first page has been saved."""
    folder = folder / key
    folder.mkdir()
    hub.connections.accounts.add(Actor("tester"), key, key, {"folder": str(folder)})
    if records:
        write_page(folder, 1, list(records))
        assert hub.ingest.sync.run(Actor("tester"), key).stored == len(records)
    return folder


def why(hub: Hub) -> Why:
    return Why(hub.governing.profile.purposes[0], "report of a stolen car", "26-1", "none")


def shown(hub: Hub, folder: Path) -> set[int]:
    """How many reads every kind of question finds of the plate."""
    actor, day = Actor("tester"), timedelta(days=1)
    near = (CAPTURED - day, CAPTURED + day)
    query = Query(why(hub), plates=(PLATE,))
    out = folder / f"{hub.clock.now():%Y%m%dT%H%M%S.%f}.csv"
    return {
        len(hub.search.reads.find(actor, query).rows),
        len(hub.search.reads.find(actor, Query(why(hub), plates=("9SYN*",))).rows),
        len(hub.search.lookups.ask(actor, PLATE, why(hub), since=near[0], until=near[1]).rows),
        hub.search.export.run(actor, query, "csv", out).rows,
        len(hub.analysis.timeline(actor, why(hub), PLATE, *near).passes),
    }


def kept(hub: Hub) -> dict[str, int]:
    with hub.store.read() as connection:
        rows = {place: int(connection.scalar(text(f"SELECT count(*) FROM {place}")) or 0) for place in PLACES}
    return rows | {"pictures": len(list(hub.ingest.images.stored()))}


@pytest.mark.clause("RET-10")
@pytest.mark.clause("hermosa-beach 429.5 ¶2 s3")
@pytest.mark.clause("hermosa-beach 429.5 ¶2 s4")
@pytest.mark.clause("palm-springs 430.8 ¶2 s3")
@pytest.mark.clause("long-beach 6.3.4 ¶1")
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
    if department != "palm-springs":  # where a hit gives a copy its year
        hub.hotlists.lists.load(actor, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")])
    sure = {"confidence": 0.8, "candidates": [["9SYN0O1", 0.1]]}
    fed(hub, tmp_path, source, record(1, PLATE, CAPTURED.isoformat(), picture="PICTURE", **sure))
    whole = kept(hub)
    assert all(whole[place] for place in whole if place != "hits" or department != "palm-springs"), whole
    clock.advance(end - INSTANT - clock.now())
    hub.retention.expired.purge(actor)
    assert (shown(hub, tmp_path), kept(hub)) == ({1}, whole)
    clock.advance(INSTANT)
    assert (shown(hub, tmp_path), kept(hub)) == ({0}, whole)
    hub.retention.expired.purge(actor)
    assert kept(hub) == dict.fromkeys(whole, 0)


@pytest.mark.clause("westminster 462.4 ¶2 s1", "hayward 429.4 ¶2 s1")
@pytest.mark.parametrize("department", ["westminster", "hayward"])
def test_before_a_year_from_its_receipt_nobody_gets_a_read_purged_not_even_with_its_connection(
    ruled: Ruled, tmp_path: Path, clock: SetClock, department: str
) -> None:
    hub, actor = ruled(department), Actor("tester")
    fed(hub, tmp_path, "flock", record(1, PLATE, CAPTURED.isoformat()))
    received = clock.now()
    hub.connections.removals.remove(actor, "flock", reads="purge", reason="the contract has ended")
    free = received.replace(year=2027)
    clock.advance(free - INSTANT - clock.now())
    hub.retention.expired.purge(actor)
    assert kept(hub)["reads"] == 1
    clock.advance(INSTANT)
    hub.retention.expired.purge(actor)
    assert kept(hub)["reads"] == 0


@pytest.mark.clause("westminster 462.4 ¶2 s2", "hayward 429.4 ¶2 s2", "hermosa-beach 429.5 ¶2 s2")
@pytest.mark.parametrize(
    ("department", "said"),
    [("westminster", "may be kept at most"), ("hayward", "may be kept at most"), ("hermosa-beach", "leaves hb-other")],
)
def test_a_manual_whose_schedule_is_missing_is_in_force_in_no_hub_not_even_in_a_new_one(
    settings: HubSettings, clock: SetClock, department: str, said: str
) -> None:
    first = settings.model_copy(update={"profile": department, "decisions": None})
    with pytest.raises(PolicyRefused, match=said), open_hub(first, clock, registry=KINDS):
        pass
    with manuals.under(settings, clock, "long-beach") as hub:
        loosening = two.decision("loosening", title=hub.governing.profile.office, decided_at=hub.clock.now())
        with pytest.raises(PolicyRefused, match=said):
            hub.governing.activate.activate(Actor("chief"), department, "the council has decided it", [loosening])
        assert hub.governing.profile.name == "long-beach"


@pytest.mark.clause("hermosa-beach 429.5 ¶2 s2")
def test_what_the_manual_leaves_to_the_schedule_follows_the_schedule_that_is_signed(
    ruled: Ruled, tmp_path: Path, clock: SetClock
) -> None:
    hub, actor = ruled("hermosa-beach", manuals.decided("hb-d3", "hb-other", "P60D")), Actor("tester")
    fed(hub, tmp_path, "bought", record(1, PLATE, CAPTURED.isoformat()))
    fed(hub, tmp_path, "flock", record(1, PLATE, CAPTURED.isoformat()))
    clock.advance(CAPTURED + timedelta(days=60) - INSTANT - clock.now())
    hub.retention.expired.purge(actor)
    (left,) = hub.search.reads.find(actor, Query(why(hub), plates=(PLATE,))).rows
    assert left.connection == "bought"
    clock.advance(INSTANT)
    assert shown(hub, tmp_path) == {0}
    hub.retention.expired.purge(actor)
    assert kept(hub)["reads"] == 0
    told = {one["rule"]: one["clause"] for one in hub.retention.certificates.list()}
    assert "Resolution 26-17, item 4" in told["hb-other"]
    assert "Resolution" not in told["hb-flock"]


@pytest.mark.clause("hermosa-beach 429.5 ¶2 s2")
def test_a_manual_without_a_number_where_it_leaves_that_to_the_schedule_is_not_put_in_force(
    ruled: Ruled, tmp_path: Path
) -> None:
    data = yaml.safe_load(files("hub.policy").joinpath("profiles/hermosa-beach.yaml").read_text("utf-8"))
    (rule,) = [one for one in data["retention"]["rules"] if one["id"] == "hb-other"]
    rule |= {"max": None, "min": {"dur": "P1D", "clock": "received_at"}}
    file = tmp_path / "hermosa-beach.yaml"
    file.write_text(yaml.safe_dump(data), "utf-8")
    hub = ruled("hermosa-beach")
    with pytest.raises(PolicyRefused, match="may be kept at most"):
        two.activate(hub, Actor("chief"), str(file), "the schedule is missing")
    signed = [manuals.decided("hb-d3", "hb-other", "P60D")]
    assert two.activate(hub, Actor("chief"), str(file), "the schedule is signed", signed) == 2


@pytest.mark.clause("hermosa-beach 429.5 ¶2 s2")
def test_a_manual_that_is_left_to_a_schedule_is_not_put_in_force_without_it_although_it_has_a_number(
    ruled: Ruled,
) -> None:
    hub, chief = ruled("long-beach"), Actor("chief")
    loosening = two.decision("loosening", title=hub.governing.profile.office, decided_at=hub.clock.now())
    with pytest.raises(PolicyRefused, match="leaves hb-other to the agency's retention schedule"):
        hub.governing.activate.activate(chief, "hermosa-beach", "the council has decided it", [loosening])
    signed = [loosening, manuals.decided("hb-d3", "hb-other", "P30D")]
    assert hub.governing.activate.activate(chief, "hermosa-beach", "the schedule is signed", signed).state == "waits"


@pytest.mark.clause("hermosa-beach 429.5 ¶2 s1")
def test_a_read_keeps_its_vendor_for_life_whatever_becomes_of_its_connection(
    ruled: Ruled, tmp_path: Path, clock: SetClock
) -> None:
    hub, actor = ruled("hermosa-beach"), Actor("tester")
    for source in ("flock", "motorola"):
        fed(hub, tmp_path, source, record(1, PLATE, CAPTURED.isoformat()))
    folder = {"folder": str(tmp_path / "flock")}
    with pytest.raises(Conflict, match="flock"):
        hub.connections.accounts.add(actor, "flock", "motorola", folder)
    with pytest.raises(Invalid, match="no setting"):
        hub.connections.changes.change(actor, "flock", {"retention_vendor": "motorola"})
    hub.connections.removals.remove(actor, "flock", reads="keep", reason="the contract has ended")
    with pytest.raises(Conflict, match="flock"):
        hub.connections.accounts.add(actor, "flock", "motorola", folder)
    hub.connections.accounts.add(actor, "again", "motorola", folder)
    assert (
        hub.ingest.sync.run(actor, "again", CAPTURED - timedelta(hours=1)).stored == 1
    )  # Motorola's copy, and no other's
    two.activate(hub, actor, "hermosa-beach", "the period is signed", [manuals.decided("hb-d3", "hb-other")])
    hub.retention.recompute.run(actor)
    clock.advance(CAPTURED + timedelta(days=30) - INSTANT - clock.now())
    rules = text("SELECT name, rule FROM reads JOIN connections ON connections.id = reads.connection_id")
    with hub.store.read() as connection:
        told = dict(connection.execute(rules).tuples().all())
    assert told == {"flock": "hb-flock", "motorola": "hb-motorola", "again": "hb-motorola"}
    assert {row.connection for row in hub.search.reads.find(actor, Query(why(hub), plates=(PLATE,))).rows} == set(told)
    clock.advance(INSTANT)
    rows = hub.search.reads.find(actor, Query(why(hub), plates=(PLATE,))).rows
    assert {row.connection for row in rows} == {"motorola", "again"}


@pytest.mark.clause(
    "palm-springs 430.8 ¶2 s1",
    lacks="the vendor's attestation of security, and a warning once it is a year old (not yet: governance)",
)
def test_what_flock_hosts_is_flocks_copy_under_its_own_rule_and_the_hub_ends_its_own(
    ruled: Ruled, tmp_path: Path, clock: SetClock
) -> None:
    hub, actor = ruled("palm-springs"), Actor("tester")
    folder = fed(hub, tmp_path, "flock", record(1, PLATE, CAPTURED.isoformat()))
    hosted, ours = (hub.governing.profile.rule_for("own", "flock", copy=copy) for copy in ("vendor", "hub"))
    assert (hosted.id, hosted.action, hosted.clause) == ("ps-flock-vendor", "verify_vendor_purge", "430.8 ¶2")
    assert (ours.id, ours.action) == ("ps-unlinked", "purge")
    clock.advance(CAPTURED + timedelta(days=30) - clock.now())
    hub.retention.expired.purge(actor)
    assert kept(hub)["reads"] == 0
    assert (folder / "page-001.json").exists()  # to delete there is the vendor's, and to ask for it is a canary's


@pytest.mark.clause("long-beach 6.3.3.2", lacks="sharing")
def test_what_long_beach_buys_ends_at_the_instant_at_which_its_own_does(
    ruled: Ruled, tmp_path: Path, clock: SetClock
) -> None:
    hub, actor = ruled("long-beach"), Actor("tester")
    for source in ("flock", "bought"):
        fed(hub, tmp_path, source, record(1, PLATE, CAPTURED.isoformat()))
    clock.advance(CAPTURED.replace(year=2028) - INSTANT - clock.now())
    assert len(hub.search.reads.find(actor, Query(why(hub), plates=(PLATE,))).rows) == 2
    clock.advance(INSTANT)
    assert shown(hub, tmp_path) == {0}
    hub.retention.expired.purge(actor)
    assert kept(hub)["reads"] == 0


@pytest.mark.clause("RET-08")
def test_a_read_that_comes_again_lives_no_longer_for_it(ruled: Ruled, tmp_path: Path, clock: SetClock) -> None:
    hub, actor = ruled("hermosa-beach"), Actor("tester")
    folder = fed(hub, tmp_path, "flock", record(1, PLATE, CAPTURED.isoformat()))
    clock.advance(timedelta(days=20))
    assert hub.ingest.sync.run(actor, "flock", CAPTURED - timedelta(hours=1)).duplicates == 1
    later = (CAPTURED + timedelta(days=20)).isoformat()
    write_page(folder, 2, [record(1, PLATE, later)])  # under the id of the first
    assert hub.ingest.sync.run(actor, "flock", CAPTURED - timedelta(hours=1)).stored == 0
    clock.advance(CAPTURED + timedelta(days=30) - clock.now())
    assert shown(hub, tmp_path) == {0}
    hub.retention.expired.purge(actor)
    assert kept(hub)["reads"] == 0


@pytest.mark.clause("RET-08")
def test_the_same_passing_from_a_source_with_a_longer_life_lengthens_nothing_of_the_shorter_one(
    ruled: Ruled, tmp_path: Path, clock: SetClock
) -> None:
    hub, actor = ruled("hermosa-beach"), Actor("tester")
    for source in ("flock", "motorola"):
        fed(hub, tmp_path, source, record(1, PLATE, CAPTURED.isoformat()))
    clock.advance(CAPTURED + timedelta(days=30) - clock.now())
    (left,) = hub.search.reads.find(actor, Query(why(hub), plates=(PLATE,))).rows
    assert left.connection == "motorola"
    assert {name: count for name, count in hub.retention.expired.purge(actor).items() if count} == {"flock": 1}
    assert kept(hub)["reads"] == 1


@pytest.mark.clause("RET-09")
def test_what_was_purged_comes_back_by_no_door(ruled: Ruled, tmp_path: Path, clock: SetClock) -> None:
    hub, actor = ruled("hermosa-beach"), Actor("tester")
    fed(hub, tmp_path, "flock", record(1, PLATE, CAPTURED.isoformat(), picture="PICTURE"))
    clock.advance(timedelta(days=30))
    hub.retention.expired.purge(actor)
    again = hub.ingest.sync.run(actor, "flock", CAPTURED - timedelta(days=1))
    assert (again.stored, again.born_expired) == (0, 1)
    hub.ingest.sync.backfill(actor, "flock", CAPTURED - timedelta(days=1), CAPTURED + timedelta(days=1))
    assert kept(hub) == dict.fromkeys(kept(hub), 0)
