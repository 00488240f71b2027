"""What PostgreSQL's planner remembers of values goes with the rows that they are from."""

from datetime import timedelta
from pathlib import Path

import pytest
from plain import record, write_page
from sqlalchemy import create_engine, text

from hub.clock import SetClock
from hub.people import Actor
from hub.wiring import Hub

pytestmark = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)


def fill(hub: Hub, actor: Actor, feed: Path, clock: SetClock, end: str) -> None:
    at = clock.now() - timedelta(hours=1)
    write_page(feed, 1, [
        record(n, f"{n:03}{end}", (at + timedelta(seconds=n)).isoformat(), id=f"{n:03}{end}") for n in range(300)
    ])  # fmt: skip
    hub.sync.run(actor, "feed")


def look(hub: Hub) -> None:
    """What the server does by itself from time to time."""
    engine = create_engine(hub.store.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def remembered(hub: Hub, end: str) -> set[str]:
    """The columns of whose values some with this end are remembered."""
    sql = "SELECT tablename, attname FROM pg_stats WHERE histogram_bounds::text LIKE :some"
    with hub.store.read() as connection:
        return {f"{table}.{name}" for table, name in connection.execute(text(sql), {"some": f"%{end}%"})}


def test_what_no_plan_needs_is_never_remembered(opened: Hub, actor: Actor, feed: Path, clock: SetClock) -> None:
    fill(opened, actor, feed, clock, "PAST")
    look(opened)
    assert remembered(opened, "PAST") == {"plates.plate", "ledger.vendor_read_id"}


def test_what_plans_need_is_drawn_again_from_what_is_left(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    fill(opened, actor, feed, clock, "PAST")
    look(opened)
    assert remembered(opened, "PAST")
    clock.advance(timedelta(days=20))
    fill(opened, actor, feed, clock, "STAY")
    clock.advance(timedelta(days=11))
    opened.retention.purge(actor)
    assert remembered(opened, "PAST") == set()
    assert remembered(opened, "STAY")


def test_where_nothing_is_left_nothing_is_remembered_and_the_next_read_comes_in(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    fill(opened, actor, feed, clock, "PAST")
    look(opened)
    assert remembered(opened, "PAST")
    clock.advance(timedelta(days=31))
    opened.retention.purge(actor)
    assert remembered(opened, "PAST") == set()
    fill(opened, actor, feed, clock, "STAY")
    look(opened)
    assert remembered(opened, "STAY")
