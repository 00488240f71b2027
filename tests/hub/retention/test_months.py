"""Whole months on PostgreSQL: what is over in one goes at once, what is held in it stays, each row counts once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import two
from plain import record, write_page
from sqlalchemy import text

from hub.cases.holds import NewHold
from hub.clock import SetClock
from hub.errors import NotFound
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.retention import months
from hub.store.instant import to_micros
from hub.wiring import Hub

pytestmark = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
LIFE = timedelta(days=30)
TABLES = ("reads", "ledger", "payloads", "plates", "candidates", "images", "hits", "links", "held_reads")
GONE = {"reads": 3, "payloads": 3, "pictures": 1, "hits": 1}


@pytest.fixture(autouse=True)
def any_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few reads a month has."""
    monkeypatch.setattr(months, "FEW", 0)


@pytest.fixture
def three(opened: Hub, actor: Actor, feed: Path) -> Iterator[None]:
    """Three reads of June: one with a picture, a hit and a candidate, two of one car."""
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("7ZZZ001", "stolen", "26-1", "US-CA")])
    more = {"picture": "PICTURE-BYTES", "candidates": [["7ZZZQ01", 0.4]]}
    write_page(feed, 1, [
        record(1, "7ZZZ001", CAPTURED.isoformat(), **more),
        record(2, "7ZZZ002", (CAPTURED + timedelta(minutes=1)).isoformat()),
        record(3, "7ZZZ002", (CAPTURED + timedelta(minutes=2)).isoformat()),
    ])  # fmt: skip
    opened.ingest.sync.run(actor, "feed")
    yield
    opened.retention.certificates.verify()
    assert opened.proofs.reconciliation.run(actor).differences == []


def left(hub: Hub) -> dict[str, int]:
    """How many rows each table has that knows of a read."""
    with hub.store.read() as connection:
        return {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in TABLES}


def certified(hub: Hub) -> dict[str, int]:
    """What all certificates say together."""
    return {name: sum(one[name] for one in hub.retention.certificates.list()) for name in GONE}


def by_rows(*_: Any) -> None:
    """Stands where nothing may go by rows."""
    raise AssertionError("the month went by rows")


def test_a_month_in_which_all_is_over_goes_at_once_with_an_exact_certificate(
    opened: Hub, actor: Actor, clock: SetClock, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(LIFE)
    monkeypatch.setattr("hub.retention.purge.remove_unread", by_rows)
    assert opened.retention.expired.purge(actor) == {"feed": 3}
    assert left(opened) == dict.fromkeys(TABLES, 0)
    assert list(opened.ingest.images.stored()) == []
    assert certified(opened) == GONE
    (one,) = opened.retention.certificates.list()
    assert (one["captured_first"], one["captured_last"]) == (CAPTURED, CAPTURED + timedelta(minutes=2))


def test_what_is_held_in_a_month_stays_there_whole_while_the_rest_goes_at_once(
    opened: Hub, actor: Actor, clock: SetClock, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened.store.read() as connection:
        (first,) = connection.scalars(text("SELECT id FROM reads WHERE vendor_read_id = 'r1'"))
    hold = two.place(
        opened, actor, NewHold("evidence", "26-1", "a trial", clock.now() + timedelta(days=90)), reads=[first]
    )
    clock.advance(LIFE)
    monkeypatch.setattr("hub.retention.purge.remove_unread", by_rows)
    assert opened.retention.expired.purge(actor) == {"feed": 2}
    rest = {"reads": 1, "ledger": 1, "payloads": 1, "plates": 2, "candidates": 1, "images": 1, "hits": 1}
    assert left(opened) == {**rest, "links": 0, "held_reads": 1}
    with opened.store.read() as connection:
        lies = connection.execute(text("SELECT vendor_read_id, tableoid::regclass::text FROM reads")).one()
    assert tuple(lies) == ("r1", "reads_2026_06")
    assert len(list(opened.ingest.images.stored())) == 1
    assert opened.retention.expired.purge(actor) == {"feed": 0}
    opened.cases.holds.release(actor, hold.id, "the trial is over", booking="B-1")
    assert opened.retention.expired.purge(actor) == {"feed": 1}
    assert left(opened) == dict.fromkeys(TABLES, 0)
    assert certified(opened) == GONE


def test_a_month_with_a_read_that_is_not_over_goes_by_rows(
    opened: Hub, actor: Actor, clock: SetClock, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(LIFE - timedelta(minutes=58, seconds=30))
    monkeypatch.setattr(months, "empty", by_rows)
    assert opened.retention.expired.purge(actor) == {"feed": 2}
    assert left(opened) == {**dict.fromkeys(TABLES, 0), "reads": 1, "ledger": 1, "payloads": 1, "plates": 1}


def test_a_month_with_a_read_of_which_nobody_knows_how_long_it_may_be_kept_does_not_go(
    opened: Hub, actor: Actor, clock: SetClock, three: None
) -> None:
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET retention_vendor = NULL"))
    clock.advance(LIFE)
    assert opened.retention.expired.purge(actor) == {"feed": 0}
    assert left(opened)["reads"] == 3


def test_where_somebody_goes_on_reading_the_month_goes_by_rows_and_counts_once(
    opened: Hub, actor: Actor, clock: SetClock, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "ATTEMPTS", 2)
    monkeypatch.setattr(months, "BETWEEN_S", 0)
    clock.advance(LIFE)
    with opened.store.read() as connection:
        seen = connection.scalar(text("SELECT count(*) FROM reads"))
        assert opened.retention.expired.purge(actor) == {"feed": 3}
        assert connection.scalar(text("SELECT count(*) FROM reads")) == seen
    assert left(opened) == dict.fromkeys(TABLES, 0)
    assert certified(opened) == GONE


def test_a_month_that_was_begun_and_not_emptied_is_accounted_for_and_gone_on_with(
    opened: Hub, actor: Actor, clock: SetClock, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    clock.advance(LIFE)
    with monkeypatch.context() as broken:
        broken.setattr(months, "_truncate", dies)
        with pytest.raises(KeyboardInterrupt):
            opened.retention.expired.purge(actor)
    assert left(opened) == {**dict.fromkeys(TABLES, 0), "reads": 3, "payloads": 3, "images": 1}
    assert opened.proofs.reconciliation.run(actor).differences == []
    with pytest.raises(NotFound):  # a court order comes too late for it
        two.place(opened, actor, NewHold("court_order", "26-1", "an order", clock.now() + LIFE), reads=[1])
    assert opened.retention.expired.purge(actor) == {"feed": 0}  # all three were counted by the run that died
    assert left(opened) == dict.fromkeys(TABLES, 0)
    assert certified(opened) == GONE


def test_a_month_with_few_reads_goes_by_rows(
    opened: Hub, actor: Actor, clock: SetClock, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "FEW", 3)
    monkeypatch.setattr(months, "empty", by_rows)
    clock.advance(LIFE)
    assert opened.retention.expired.purge(actor) == {"feed": 3}


def test_a_month_with_a_read_whose_floor_is_not_there_yet_goes_by_rows_and_keeps_it(
    opened: Hub, actor: Actor, clock: SetClock, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = to_micros(clock.now() + 2 * LIFE)
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET floor_at = :at WHERE vendor_read_id = 'r1'"), {"at": later})
    clock.advance(LIFE)
    with monkeypatch.context() as patch:
        patch.setattr(months, "empty", by_rows)
        assert opened.retention.expired.purge(actor) == {"feed": 2}
    assert left(opened)["reads"] == 1
    clock.advance(LIFE)
    assert opened.retention.expired.purge(actor) == {"feed": 1}


def test_a_month_of_reads_that_carry_no_floor_goes_at_once_only_where_no_policy_ever_had_one(
    opened: Hub, actor: Actor, clock: SetClock, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET floor_at = NULL"))
    assert months.over(opened.store, to_micros(clock.now() + LIFE), floors=False) == ["reads_2026_06"]
    assert months.over(opened.store, to_micros(clock.now() + LIFE), floors=True) == []
    clock.advance(LIFE)
    monkeypatch.setattr("hub.retention.purge.remove_unread", by_rows)
    assert opened.retention.expired.purge(actor) == {"feed": 3}
