"""Months on PostgreSQL: each read lies in the one it was captured in; none is lost or doubled on the way there."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plain import record, write_page
from sqlalchemy import create_engine, text

from connectors.contract import Window
from hub.area import Circle
from hub.clock import SetClock
from hub.people import Actor, Why
from hub.search.hours import Hours
from hub.search.query import Mode, Query
from hub.search.rows import Found
from hub.store import partitions
from hub.store.engine import Store
from hub.store.page import Saved
from hub.store.partitions import make_months
from hub.wiring import Hub

on_postgresql = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
LATER = datetime(2026, 10, 5, 12, tzinfo=UTC)
"""Four months on, when nobody has made months since the hub was opened: those after August are missing."""
CAPTURED = {
    "r0": "2026-09-20T12:00:00Z",
    "r1": "2026-09-30T23:59:59.999999Z",
    "r2": "2026-10-01T00:00:00Z",
    "r3": "2026-10-05T11:00:00Z",
}


@pytest.fixture
def early(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> Hub:
    """A hub with four reads whose months were not made; the first says all that can be asked for."""
    clock.advance(LATER - clock.now())
    more = {"lat": 33.86, "lon": -118.4, "make": "Toyota", "candidates": [["9SYNQ00", 0.4]]}
    reads = [record(n, f"9SYN00{n}", at, **(more if n == 0 else {})) for n, at in enumerate(CAPTURED.values())]
    write_page(feed, 1, reads)
    assert opened.ingest.sync.run(actor, "feed", LATER - timedelta(days=20)).stored == len(CAPTURED)
    return opened


def lying(hub: Hub) -> list[tuple[str, str]]:
    """Every read by the vendor's id, with the partition that it lies in."""
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT vendor_read_id, tableoid::regclass::text FROM reads ORDER BY 1, 2"))
        return [(row[0], row[1]) for row in rows]


def with_their_payloads(hub: Hub) -> bool:
    """Whether every read's payload, and no other, lies in the same month as the read."""
    month = "substr(tableoid::regclass::text, {}) AS month"
    reads = f"SELECT id, captured_at, {month.format(len('reads_') + 1)} FROM reads"
    payloads = f"SELECT read_id, captured_at, {month.format(len('payloads_') + 1)} FROM payloads"
    with hub.store.read() as connection:
        return set(connection.execute(text(reads)).tuples()) == set(connection.execute(text(payloads)).tuples())


def made(hub: Hub) -> list[str]:
    """Every partition of reads."""
    with hub.store.read() as connection:
        sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reads'::regclass ORDER BY 1"
        return list(connection.scalars(text(sql)))


def names(first: tuple[int, int], count: int) -> list[str]:
    numbers = [first[0] * 12 + first[1] - 1 + step for step in range(count)]
    return [f"reads_{number // 12}_{number % 12 + 1:02d}" for number in numbers]


def found(hub: Hub, actor: Actor, *plates: str) -> list[Found]:
    return hub.search.reads.find(actor, Query(WHY, plates=plates, since=LATER - timedelta(days=60))).rows


@on_postgresql
def test_a_hub_that_opens_has_a_year_of_months_behind_and_two_ahead(opened: Hub) -> None:
    assert made(opened) == [*names((2025, 6), 15), "reads_rest"]


@on_postgresql
def test_a_read_lies_in_its_month_by_utc_to_the_microsecond(opened: Hub, actor: Actor, feed: Path) -> None:
    at = ["2026-05-31T23:59:59.999999Z", "2026-06-01T00:00:00Z", "2026-05-31T17:30:00-07:00"]
    write_page(feed, 1, [record(n, f"9SYN00{n}", captured) for n, captured in enumerate(at)])
    opened.ingest.sync.run(actor, "feed")
    assert lying(opened) == [("r0", "reads_2026_05"), ("r1", "reads_2026_06"), ("r2", "reads_2026_06")]


@on_postgresql
def test_reads_whose_month_was_not_made_are_kept_and_move_into_it_when_it_is(early: Hub, actor: Actor) -> None:
    assert lying(early) == [(name, "reads_rest") for name in CAPTURED]
    before = found(early, actor, "9SYN*")
    assert [row.plate for row in before] == ["9SYN003", "9SYN002", "9SYN001", "9SYN000"]
    changed = make_months(early.store, LATER)
    assert changed == [
        *(f"made {name}" for name in names((2026, 9), 4)),
        *(f"dropped {name}" for name in names((2025, 6), 4)),
    ]
    assert lying(early) == [
        ("r0", "reads_2026_09"),
        ("r1", "reads_2026_09"),
        ("r2", "reads_2026_10"),
        ("r3", "reads_2026_10"),
    ]
    assert with_their_payloads(early)
    assert found(early, actor, "9SYN*") == before
    assert [[one.id for one in found(early, actor, row.plate)] for row in before] == [[row.id] for row in before]
    assert made(early) == [*names((2025, 10), 15), "reads_rest"]


@on_postgresql
def test_what_was_moved_is_kept_once_when_it_comes_again_and_purged_in_its_time(
    early: Hub, actor: Actor, clock: SetClock
) -> None:
    make_months(early.store, LATER)
    again = early.ingest.sync.run(actor, "feed", LATER - timedelta(days=20))
    assert (again.stored, again.duplicates) == (0, len(CAPTURED))
    assert len(lying(early)) == len(CAPTURED)
    clock.advance(timedelta(days=22))
    assert early.retention.expired.purge(actor) == {"feed": 1}
    assert [name for name, _ in lying(early)] == ["r1", "r2", "r3"]
    clock.advance(timedelta(days=30))
    assert early.retention.expired.purge(actor) == {"feed": 3}
    with early.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ledger")) == 0


@on_postgresql
def test_making_months_again_changes_nothing(early: Hub) -> None:
    make_months(early.store, LATER)
    before = lying(early), made(early)
    assert make_months(early.store, LATER) == []
    assert make_months(early.store, datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)) == []
    assert (lying(early), made(early)) == before
    november = datetime(2026, 11, 1, tzinfo=UTC)
    assert make_months(early.store, november) == ["made reads_2027_01", "dropped reads_2025_10"]


@on_postgresql
def test_only_a_month_that_the_year_has_left_behind_and_that_holds_nothing_is_dropped(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", "2026-05-20T12:00:00Z"), record(2, "9SYN002", "2026-06-01T11:00:00Z")])
    opened.ingest.sync.run(actor, "feed", clock.now() - timedelta(days=20))
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET held = true WHERE vendor_read_id = 'r2'"))
    clock.advance(datetime(2027, 8, 10, tzinfo=UTC) - clock.now())
    kept = {"reads_2026_05", "reads_2026_06"}  # one holds what the purge has not reached, the other a held read
    empty = [name for name in names((2025, 6), 14) if name not in kept]
    changed = make_months(opened.store, clock.now())
    assert [one.removeprefix("dropped ") for one in changed if one.startswith("dropped ")] == empty
    assert lying(opened) == [("r1", "reads_2026_05"), ("r2", "reads_2026_06")]
    opened.retention.expired.purge(actor)
    clock.advance(timedelta(days=31))
    changed = make_months(opened.store, clock.now())
    assert changed == ["made reads_2027_11", "dropped reads_2026_05", "dropped reads_2026_08"]
    assert lying(opened) == [("r2", "reads_2026_06")]
    assert "reads_2026_06" in made(opened)


@on_postgresql
def test_months_that_cannot_all_be_made_change_nothing(
    early: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, before = partitions._make, (lying(early), made(early))

    def fails_late(connection: Any, table: str, name: str, begin: int, end: int) -> None:
        make(connection, table, name, begin, end)
        if name == "payloads_2026_10":
            raise OSError("no space left on device")

    monkeypatch.setattr(partitions, "_make", fails_late)
    with pytest.raises(OSError, match="no space"):
        make_months(early.store, LATER)
    assert (lying(early), made(early)) == before
    assert with_their_payloads(early)
    assert len(found(early, actor, "9SYN*")) == len(CAPTURED)
    monkeypatch.undo()
    make_months(early.store, LATER)
    assert {name for _, name in lying(early)} == {"reads_2026_09", "reads_2026_10"}


def begun_before_months_are_settled(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, run: Callable[[], Any], lock: str
) -> tuple[list[str], Any]:
    """What making months gave, and what `run` gave, which began before that was over and had to wait for a lock."""
    make, all_made, go_on = partitions._make, threading.Event(), threading.Event()

    def slowly(connection: Any, table: str, name: str, begin: int, end: int) -> None:
        make(connection, table, name, begin, end)
        if name == "payloads_2026_12":
            all_made.set()
            assert go_on.wait(60)

    monkeypatch.setattr(partitions, "_make", slowly)
    with ThreadPoolExecutor(2) as pool:
        try:
            changed = pool.submit(make_months, hub.store, LATER)
            assert all_made.wait(60)
            gave = pool.submit(run)
            until_somebody_waits(hub, lock)
            assert not gave.done()
        finally:
            go_on.set()
    return changed.result(), gave.result()


def until_somebody_waits(hub: Hub, lock: str) -> None:
    """Come back once a lock of a kind is waited for; the test's own time limit is the end if that never happens."""
    waits = text(
        "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE d.datname = current_database() AND l.locktype = :lock AND NOT l.granted)"
    )
    # Beside the store, whose own readers may be made to wait too.
    beside = create_engine(hub.store.url, isolation_level="AUTOCOMMIT")
    with beside.connect() as connection:
        while not connection.scalar(waits, {"lock": lock}):
            pass
    beside.dispose()


@on_postgresql
def test_a_save_waits_while_months_are_made_and_is_not_lost(
    early: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, connector = early.connections.accounts.open("feed")
    write_page(feed, 2, [record(9, "9SYN009", "2026-10-05T11:30:00Z")])
    *_, page = connector.pull(Window(LATER - timedelta(days=1), LATER))

    def save() -> Saved:
        return early.ingest.intake.take(connector, account.id, page.records, obtained="pull")

    changed, saved = begun_before_months_are_settled(early, monkeypatch, save, "advisory")
    assert "made reads_2026_12" in changed
    assert saved.stored == 1
    assert ("r9", "reads_2026_10") in lying(early)
    assert [name for name, _ in lying(early)] == [*CAPTURED, "r9"]
    assert len(found(early, actor, "9SYN*")) == len(CAPTURED) + 1


@on_postgresql
def test_a_search_while_months_are_made_finds_every_read_once(
    early: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found(early, actor, "9SYN*")
    changed, meanwhile = begun_before_months_are_settled(
        early, monkeypatch, lambda: found(early, actor, "9SYN*"), "relation"
    )
    assert "dropped reads_2025_06" in changed
    assert meanwhile == before


SEPTEMBER = {"since": datetime(2026, 9, 10, tzinfo=UTC), "until": datetime(2026, 9, 25, tzinfo=UTC)}


@on_postgresql
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"plates": ("9SYN000",)},
        {"plates": ("9SYN*",)},
        {"plates": ("9SYNOO0",), "mode": Mode.LOOKALIKE},
        {"plates": ("9SYN001",), "mode": Mode.ONE_EDIT},
        {"plates": ("9SYNQ00",), "candidates": True},
        {"connections": ("feed",)},
        {"cameras": ("c0", "c1")},
        {"hours": (Hours.parse("00:00-24:00"),)},
        {"area": Circle(33.86, -118.4, 1000)},
        {"makes": ("TOYT", "FORD")},
    ],
    ids=lambda asked: ", ".join(asked) or "time alone",
)
def test_a_question_about_a_time_looks_into_its_months_alone(
    early: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    make_months(early.store, LATER)
    said: list[tuple[str, Any]] = []
    rows = Store.rows

    def listening(self: Store, connection: Any, sql: str, bound: Any) -> list[Any]:
        said.append((sql, bound))
        return rows(self, connection, sql, bound)

    monkeypatch.setattr(Store, "rows", listening)
    assert [row.plate for row in early.search.reads.find(actor, Query(WHY, **SEPTEMBER, **asked)).rows] == ["9SYN000"]
    monkeypatch.undo()
    looked = [parts for sql, bound in said if "reads r" in sql and (parts := scanned(early.store, sql, bound))]
    assert looked
    assert set().union(*looked) == {"reads_2026_09"}


def scanned(store: Store, sql: str, bound: Any) -> set[str]:
    """The partitions of reads that PostgreSQL really looks into for a statement."""
    with store.read() as connection:
        ((plans,),) = store.rows(connection, f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", bound)
    plans = json.loads(plans) if isinstance(plans, str) else plans
    found: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        name = node.get("Relation Name", "")
        if name.startswith("reads_") and node["Actual Loops"]:
            found.add(name)
        for part in node.get("Plans", ()):
            walk(part)

    walk(plans[0]["Plan"])
    return found


@on_sqlite
def test_sqlite_keeps_one_table_and_is_left_as_it_is(early: Hub) -> None:
    def everything() -> list[Any]:
        with early.store.read() as connection:
            tables = connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name")).all()
            return [*tables, *connection.execute(text("SELECT * FROM reads ORDER BY id")).all()]

    before = everything()
    assert make_months(early.store, LATER) == []
    assert everything() == before


@on_postgresql
def test_the_flow_makes_the_months_that_are_missing_and_says_how_many(early: Hub) -> None:
    from flows.door import lend
    from flows.upkeep import months

    with lend(early):
        assert months.fn().data["changed"] >= 4
        assert months.fn().data == {}  # not due again until tomorrow
    assert "reads_rest" not in {name for _, name in lying(early)}


@on_sqlite
def test_the_flow_has_nothing_to_do_on_sqlite(early: Hub) -> None:
    from flows.door import lend
    from flows.upkeep import months

    with lend(early):
        assert months.fn().data == {"changed": 0}
