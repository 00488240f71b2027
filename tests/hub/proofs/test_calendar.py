"""The calendar of ends: which reads go on which of the agency's days, and by which rule."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from plain import record, write_page
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import Invalid
from hub.people import Actor
from hub.proofs import calendar
from hub.wiring import Hub


def test_every_end_is_on_its_local_day_with_its_rule_and_clause(
    opened: Hub, actor: Actor, clock: SetClock, feed: Path
) -> None:
    # Midnight of Los Angeles is at seven in UTC.
    times = ("2026-05-31T06:59:59Z", "2026-05-31T07:00:00Z", "2026-06-01T11:00:00Z")
    write_page(feed, 1, [record(n, f"9SYN00{n}", at) for n, at in enumerate(times)])
    opened.sync.run(actor, "feed")
    ends = opened.calendar.next(actor, 31)
    assert [(one.day, one.reads) for one in ends] == [
        (date(2026, 6, 29), 1),
        (date(2026, 6, 30), 1),
        (date(2026, 7, 1), 1),
    ]
    assert {(one.rule, one.clause) for one in ends} == {("hb-flock", "429.5 ¶2 s4")}
    assert opened.calendar.next(actor, 28) == []
    clock.advance(timedelta(days=29, hours=-5, minutes=-1))
    assert sum(one.reads for one in opened.calendar.next(actor, 1)) == 1


def test_what_is_held_is_told_apart_and_what_is_over_already_is_not_to_come(
    opened: Hub, actor: Actor, clock: SetClock, feed: Path
) -> None:
    write_page(feed, 1, [record(n, f"9SYN00{n}", f"2026-06-01T11:0{n}:00Z") for n in range(3)])
    opened.sync.run(actor, "feed")
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET held = true WHERE vendor_read_id = 'r2'"))
    clock.advance(datetime.fromisoformat("2026-07-01T11:00:30Z") - clock.now())
    (one,) = opened.calendar.next(actor, 2)
    assert (one.reads, one.held) == (2, 1)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_span_without_sense_is_refused(opened: Hub, actor: Actor, days: int) -> None:
    with pytest.raises(Invalid, match="days"):
        opened.calendar.next(actor, days)


def test_on_sqlite_no_day_goes_through_every_read(opened: Hub) -> None:
    if opened.store.is_sqlite:
        with opened.store.read() as connection:
            bound = {"since": 0, "until": 1}
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {calendar._COUNTED}"), bound).all()
        assert any("USING INDEX ix_reads_expires_at" in row[-1] for row in plan), plan
        assert not any(row[-1].startswith("SCAN") for row in plan), plan
