"""A hold keeps its reads at once, and stands only once somebody else has approved it; else it lapses in time."""

from datetime import timedelta
from pathlib import Path

import pytest
from plain import record, write_page
from sqlalchemy import text

from hub.cases.holds import Hold, NewHold
from hub.clock import SetClock
from hub.errors import Conflict, PolicyRefused
from hub.people import Actor, Why
from hub.wiring import Hub

FIRST, SECOND, HOUR, DAY = Actor("tester"), Actor("sergeant"), timedelta(hours=1), timedelta(days=1)
WHY = Why("stolen_vehicle", "report of a stolen car", "26-1")
LIFE = timedelta(days=30)


@pytest.fixture
def read(opened: Hub, feed: Path, clock: SetClock) -> int:
    """A read whose life of thirty days begins now."""
    write_page(feed, 1, [record(1, "9SYN001", clock.now().isoformat())])
    opened.sync.run(FIRST, "feed")
    with opened.store.read() as connection:
        return int(connection.execute(text("SELECT id FROM reads")).scalar_one())


def placed(hub: Hub, read: int, kind: str = "evidence") -> Hold:
    new = NewHold(kind, "26-1", "needed in court", hub.clock.now() + 90 * DAY)
    return hub.holds.place(FIRST, new, reads=[read])


def approval(hold: Hold) -> int:
    assert hold.approval is not None
    return hold.approval


def held(hub: Hub) -> list[bool]:
    with hub.store.read() as connection:
        return [bool(one) for one in connection.scalars(text("SELECT held FROM reads"))]


def test_a_hold_keeps_its_reads_before_anybody_has_approved_it(opened: Hub, read: int, clock: SetClock) -> None:
    clock.advance(LIFE - HOUR)
    hold = placed(opened, read)
    assert (hold.placed_by, hold.approved_by, hold.reads) == ("tester", None, 1)
    clock.advance(2 * HOUR)
    assert opened.retention.purge(FIRST) == {"feed": 0}
    opened.approvals.approve(SECOND, approval(hold))
    assert opened.holds.get(hold.id).approved_by == "sergeant"
    clock.advance(LIFE)
    assert opened.approvals.lapse(FIRST) == 0
    assert opened.retention.purge(FIRST) == {"feed": 0}


def test_one_person_alone_keeps_nothing_for_longer_than_the_hold_waits(opened: Hub, read: int, clock: SetClock) -> None:
    clock.advance(LIFE - HOUR)
    hold = placed(opened, read)
    with pytest.raises(PolicyRefused, match="another person must approve it"):
        opened.approvals.approve(FIRST, approval(hold))
    clock.advance(72 * HOUR - timedelta(microseconds=1))
    assert (opened.approvals.lapse(FIRST), held(opened)) == (0, [True])
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(Conflict, match="its time was over"):
        opened.approvals.approve(SECOND, approval(hold))
    assert (opened.approvals.lapse(FIRST), held(opened)) == (1, [False])
    ended = opened.holds.get(hold.id)
    assert ended.released_because == "its approval was lapsed: nobody approved it in time"
    assert opened.retention.purge(FIRST) == {"feed": 1}


def test_what_is_held_past_its_time_is_shown_to_nobody_before_two_people_stand_behind_the_hold(
    opened: Hub, read: int, clock: SetClock
) -> None:
    clock.advance(LIFE - HOUR)
    hold = placed(opened, read)
    assert len(opened.holds.reads(FIRST, hold.id, WHY).rows) == 1
    clock.advance(HOUR)
    assert opened.holds.reads(FIRST, hold.id, WHY).rows == []
    opened.approvals.approve(SECOND, approval(hold))
    assert len(opened.holds.reads(FIRST, hold.id, WHY).rows) == 1


def test_a_court_order_takes_what_is_over_only_once_it_is_approved(opened: Hub, read: int, clock: SetClock) -> None:
    clock.advance(LIFE)
    hold = placed(opened, read, "court_order")
    assert (hold.reads, held(opened)) == (0, [False])
    assert opened.holds.reads(FIRST, hold.id, WHY).rows == []
    opened.approvals.approve(SECOND, approval(hold))
    assert (opened.holds.get(hold.id).reads, held(opened)) == (1, [True])
    assert opened.retention.purge(FIRST) == {"feed": 0}
    assert len(opened.holds.reads(FIRST, hold.id, WHY).rows) == 1


def test_a_court_order_that_nobody_approves_keeps_nothing_that_is_over(opened: Hub, read: int, clock: SetClock) -> None:
    clock.advance(LIFE)
    placed(opened, read, "court_order")
    assert opened.retention.purge(FIRST) == {"feed": 1}


@pytest.mark.parametrize("step", ["refuse", "withdraw"])
def test_a_hold_that_is_refused_or_withdrawn_ends_at_once(opened: Hub, read: int, step: str) -> None:
    hold = placed(opened, read)
    if step == "refuse":
        opened.approvals.refuse(SECOND, approval(hold), "another case")
    else:
        opened.approvals.withdraw(FIRST, approval(hold), "another case")
    ended = opened.holds.get(hold.id)
    by = {"refuse": "refused by sergeant", "withdraw": "withdrawn by tester"}[step]
    assert (ended.released_because, held(opened)) == (f"its approval was {by}: another case", [False])


def test_a_hold_that_is_released_before_it_is_approved_waits_for_nobody(opened: Hub, read: int) -> None:
    hold = placed(opened, read, "discovery")
    opened.holds.release(FIRST, hold.id, "a slip of the hand")
    assert opened.approvals.list() == []
    with pytest.raises(Conflict, match="withdrawn"):
        opened.approvals.approve(SECOND, approval(hold))


def test_a_lapse_that_was_killed_is_finished_by_the_next_run(
    opened: Hub, read: int, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(opened, read)
    clock.advance(73 * HOUR)

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hub.cases.held.empty", killed)
        with pytest.raises(KeyboardInterrupt):
            opened.approvals.lapse(FIRST)
    assert (held(opened), [hold.id for hold in opened.holds.list()]) == ([True], [])
    assert (opened.reviews.expire(FIRST).let_go, held(opened)) == (1, [False])


def test_people_are_told_of_a_hold_that_waits_before_it_lapses(opened: Hub, read: int, clock: SetClock) -> None:
    hold = placed(opened, read)
    (card,) = [card for card in opened.health.around() if card.code == "approval_waits"]
    assert (card.status, card.needs_person, card.command) == ("ok", True, f"alprhub approvals show {hold.approval}")
    assert "tester proposed, waits for a second person until 2026-06-04 05:00 PDT (for 3 d more)" in card.happened
    assert "26-1" not in card.plain, "what leaves the hub names no case"
    clock.advance(49 * HOUR)
    assert [card.status for card in opened.health.around() if card.code == "approval_waits"] == ["late"]
    opened.notices.look(FIRST)
    assert [one.notice.code for one in opened.notices.list()].count("approval_waits") == 1
    opened.approvals.approve(SECOND, approval(hold))
    assert not [card for card in opened.health.around() if card.code == "approval_waits"]


def test_a_service_places_no_hold(opened: Hub, read: int) -> None:
    new = NewHold("evidence", "26-1", "needed in court", opened.clock.now() + 90 * DAY)
    with pytest.raises(PolicyRefused, match="only a person proposes"):
        opened.holds.place(Actor.service("inbox"), new, reads=[read])
    assert (opened.holds.list(), held(opened)) == ([], [False])
