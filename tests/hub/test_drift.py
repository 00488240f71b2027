"""A vendor that changes what it sends is noticed, loses us nothing, and is asked again."""

from pathlib import Path
from typing import Any

import pytest
from plain import record, write_page
from sqlalchemy import text

from connectors.contract import Record
from connectors.errors import NotARead, VendorChanged
from hub.ingest.drift import AT_LEAST, MOST_REFUSED
from hub.people import Actor
from hub.wiring import Hub

AT = "2026-06-01T11:{:02d}:00Z"


def good(*numbers: int) -> list[Any]:
    return [record(n, f"9SYN{n:04d}", AT.format(n % 60)) for n in numbers]


def bad(*numbers: int) -> list[Any]:
    return [{**record(n, f"9SYN{n:04d}", AT.format(n % 60)), "at": "soon"} for n in numbers]


def count(hub: Hub, table: str) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def last_run(hub: Hub) -> tuple[str, str | None, int, int]:
    sql = "SELECT outcome, error, pulled, quarantined FROM runs WHERE outcome <> 'partly' ORDER BY id DESC LIMIT 1"
    with hub.store.read() as connection:
        return tuple(connection.execute(text(sql)).one())  # type: ignore[return-value]


def checkpoint(hub: Hub) -> str | None:
    with hub.store.read() as connection:
        return connection.scalar(text("SELECT checkpoint FROM connections"))


def test_more_than_five_percent_refused_stops_the_run_and_says_how_many_and_why(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    assert (MOST_REFUSED, AT_LEAST) == (0.05, 20)
    write_page(feed, 1, good(*range(60)))
    write_page(feed, 2, [*good(*range(60, 100)), *bad(*range(100, 110)), {"id": "r110", "at": AT.format(1)}])
    write_page(feed, 3, good(*range(200, 400)))
    with pytest.raises(
        VendorChanged, match=r"11 of 111 records could not be read, 10 of them because captured_at"
    ) as told:
        opened.sync.run(actor, "feed")
    assert "9SYN" not in str(told.value)
    assert last_run(opened) == ("VendorChanged", str(told.value), 111, 11)
    assert (count(opened, "reads"), count(opened, "quarantine")) == (100, 11)
    assert "page-001" in (checkpoint(opened) or ""), "the page that showed it is kept, but not passed"
    (account,) = opened.connections.list()
    assert (account.state, account.last_success) == ("active", None)


def test_the_next_run_tries_again_and_goes_on_once_the_fix_is_there(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [*good(*range(15)), *bad(*range(15, 20))])
    for _ in range(2):
        with pytest.raises(VendorChanged, match="5 of 20"):
            opened.sync.run(actor, "feed")
    assert (count(opened, "reads"), count(opened, "quarantine")) == (15, 5)
    write_page(feed, 1, good(*range(20)))
    assert opened.sync.run(actor, "feed").stored == 5
    assert last_run(opened)[0] == "done"
    assert opened.quarantine.replay(actor, "feed").quarantined == 5


def test_bad_records_in_a_row_do_not_stop_a_run_that_is_good_as_a_whole(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [*bad(0, 1, 2), *good(*range(3, 50))])
    write_page(feed, 2, good(*range(50, 100)))
    saved = opened.sync.run(actor, "feed")
    assert (saved.stored, saved.quarantined) == (97, 3)
    assert "page-002" in (checkpoint(opened) or "")


def test_the_checkpoint_waits_before_what_is_too_much_until_the_end_tells(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    write_page(feed, 1, good(*range(64)))
    write_page(feed, 2, [*bad(*range(64, 69)), *good(69)])
    write_page(feed, 3, good(70))
    with pytest.raises(VendorChanged, match="5 of 71"):
        opened.sync.run(actor, "feed")
    assert (count(opened, "reads"), count(opened, "quarantine")) == (66, 5)
    assert "page-001" in (checkpoint(opened) or "")


def test_five_percent_are_borne(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [*good(*range(19)), *bad(19)])
    assert opened.sync.run(actor, "feed").quarantined == 1


def test_a_few_refused_records_are_no_change_however_short_the_run(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [*good(*range(23)), *bad(23, 24)])
    assert opened.sync.run(actor, "feed").quarantined == 2


def test_of_a_few_records_any_number_may_be_refused(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, bad(*range(19)))
    assert opened.sync.run(actor, "feed").quarantined == 19


def test_what_tells_of_no_plate_by_design_counts_for_nothing(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plain import PlainConnector

    parse = PlainConnector.parse

    def parse_or_leave(self: PlainConnector, record: Record) -> Any:
        if b"heartbeat" in record.payload:
            raise NotARead("kind", "is a heartbeat")
        return parse(self, record)

    monkeypatch.setattr(PlainConnector, "parse", parse_or_leave)
    write_page(feed, 1, [*({"kind": "heartbeat"} for _ in range(50)), *good(*range(10)), *bad(11, 12)])
    saved = opened.sync.run(actor, "feed")
    assert (saved.pulled, saved.stored, saved.quarantined) == (12, 10, 2)
