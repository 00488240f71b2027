"""What was destroyed does not come back to live longer: what was promised then holds for what is given again."""

from datetime import timedelta
from pathlib import Path

import two
from plain import record, write_page
from sqlalchemy import text

from hub.clock import SetClock
from hub.people import Actor
from hub.store.instant import from_micros
from hub.wiring import Hub

DAY = timedelta(days=1)


def stored(hub: Hub, actor: Actor, name: str, clock: SetClock) -> int:
    return hub.ingest.sync.run(actor, name, clock.now() - 100 * DAY, clock.now()).stored


def test_what_was_destroyed_stays_away_after_a_longer_policy_also_under_another_connection(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", clock.now().isoformat())])
    assert stored(opened, actor, "feed", clock) == 1
    clock.advance(31 * DAY)
    assert opened.retention.expired.purge(actor) == {"feed": 1}
    two.activate(opened, actor, "long-beach", "the council has decided it")
    opened.connections.accounts.add(actor, "again", "plain", {"folder": str(feed)})
    assert [stored(opened, actor, name, clock) for name in ("feed", "again")] == [0, 0]


def test_what_was_over_stays_away_although_it_is_signed_that_what_is_kept_lives_longer(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", clock.now().isoformat())])
    assert stored(opened, actor, "feed", clock) == 1
    clock.advance(31 * DAY)
    opened.retention.expired.purge(actor)
    signed = two.decision("lengthening", decided_at=clock.now())
    two.activate(opened, actor, "long-beach", "the council has decided it", [signed])
    assert stored(opened, actor, "feed", clock) == 0


def test_what_was_not_over_when_the_longer_policy_came_ends_as_was_promised(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    captured = clock.now()
    clock.advance(10 * DAY)
    two.activate(opened, actor, "long-beach", "the council has decided it")
    write_page(feed, 1, [record(1, "9SYN001", captured.isoformat()), record(2, "9SYN002", clock.now().isoformat())])
    assert stored(opened, actor, "feed", clock) == 2
    with opened.store.read() as connection:
        ends = [from_micros(end) for end in connection.scalars(text("SELECT expires_at FROM reads ORDER BY id"))]
    assert ends[0] == captured + 30 * DAY
    assert ends[1] > captured + 700 * DAY


def test_reads_of_a_vendor_that_the_hub_knows_only_since_the_longer_policy_live_by_that(
    opened: Hub, actor: Actor, clock: SetClock, tmp_path: Path
) -> None:
    captured = clock.now()
    clock.advance(60 * DAY)
    two.activate(opened, actor, "long-beach", "the council has decided it")
    clock.advance(timedelta(minutes=1))
    write_page(tmp_path / "later", 1, [record(1, "9SYN001", captured.isoformat())])
    opened.connections.accounts.add(actor, "later", "plain", {"folder": str(tmp_path / "later")})
    assert stored(opened, actor, "later", clock) == 1
