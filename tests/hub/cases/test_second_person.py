"""A hold keeps its reads at once, and stands only once somebody else has approved it; else it lapses in time."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from plain import record, write_page
from sqlalchemy import text

from hub.access.approvals import NOT_IN_TIME
from hub.cases.holds import Hold, NewHold
from hub.clock import SetClock
from hub.errors import Busy, Conflict, PolicyRefused
from hub.people import Actor, Why
from hub.wiring import Hub

FIRST, SECOND, HOUR, DAY = Actor("tester"), Actor("sergeant"), timedelta(hours=1), timedelta(days=1)
WHY = Why("stolen_vehicle", "report of a stolen car", "26-1")
LIFE = timedelta(days=30)


@pytest.fixture
def read(opened: Hub, feed: Path, clock: SetClock) -> int:
    """A read whose life of thirty days begins now."""
    write_page(feed, 1, [record(1, "9SYN001", clock.now().isoformat())])
    opened.ingest.sync.run(FIRST, "feed")
    with opened.store.read() as connection:
        return int(connection.execute(text("SELECT id FROM reads")).scalar_one())


def placed(hub: Hub, read: int, kind: str = "evidence") -> Hold:
    new = NewHold(kind, "26-1", "needed in court", hub.clock.now() + 90 * DAY)
    return hub.cases.holds.place(FIRST, new, reads=[read])


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
    assert opened.retention.expired.purge(FIRST) == {"feed": 0}
    opened.access.approvals.approve(SECOND, approval(hold))
    assert opened.cases.holds.get(hold.id).approved_by == "sergeant"
    clock.advance(LIFE)
    assert opened.access.approvals.lapse(FIRST) == 0
    assert opened.retention.expired.purge(FIRST) == {"feed": 0}


def test_one_person_alone_keeps_nothing_for_longer_than_the_hold_waits(opened: Hub, read: int, clock: SetClock) -> None:
    clock.advance(LIFE - HOUR)
    hold = placed(opened, read)
    with pytest.raises(PolicyRefused, match="another person must approve it"):
        opened.access.approvals.approve(FIRST, approval(hold))
    clock.advance(72 * HOUR - timedelta(microseconds=1))
    assert (opened.access.approvals.lapse(FIRST), held(opened)) == (0, [True])
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(Conflict, match="its time was over"):
        opened.access.approvals.approve(SECOND, approval(hold))
    assert (opened.access.approvals.lapse(FIRST), held(opened)) == (1, [False])
    ended = opened.cases.holds.get(hold.id)
    assert ended.released_because == "its approval was lapsed: nobody approved it in time"
    assert opened.retention.expired.purge(FIRST) == {"feed": 1}


def test_what_is_held_past_its_time_is_shown_to_nobody_before_two_people_stand_behind_the_hold(
    opened: Hub, read: int, clock: SetClock
) -> None:
    clock.advance(LIFE - HOUR)
    hold = placed(opened, read)
    assert len(opened.cases.holds.reads(FIRST, hold.id, WHY).rows) == 1
    clock.advance(HOUR)
    assert opened.cases.holds.reads(FIRST, hold.id, WHY).rows == []
    opened.access.approvals.approve(SECOND, approval(hold))
    assert len(opened.cases.holds.reads(FIRST, hold.id, WHY).rows) == 1


def test_a_court_order_takes_what_is_over_only_once_it_is_approved(opened: Hub, read: int, clock: SetClock) -> None:
    clock.advance(LIFE)
    hold = placed(opened, read, "court_order")
    assert (hold.reads, held(opened)) == (0, [False])
    assert opened.cases.holds.reads(FIRST, hold.id, WHY).rows == []
    opened.access.approvals.approve(SECOND, approval(hold))
    assert (opened.cases.holds.get(hold.id).reads, held(opened)) == (1, [True])
    assert opened.retention.expired.purge(FIRST) == {"feed": 0}
    assert len(opened.cases.holds.reads(FIRST, hold.id, WHY).rows) == 1


def test_a_court_order_that_nobody_approves_keeps_nothing_that_is_over(opened: Hub, read: int, clock: SetClock) -> None:
    clock.advance(LIFE)
    placed(opened, read, "court_order")
    assert opened.retention.expired.purge(FIRST) == {"feed": 1}


@pytest.mark.parametrize("step", ["refuse", "withdraw"])
def test_a_hold_that_is_refused_or_withdrawn_ends_at_once(opened: Hub, read: int, step: str) -> None:
    hold = placed(opened, read)
    if step == "refuse":
        opened.access.approvals.refuse(SECOND, approval(hold), "another case")
    else:
        opened.access.approvals.withdraw(FIRST, approval(hold), "another case")
    ended = opened.cases.holds.get(hold.id)
    by = {"refuse": "refused by sergeant", "withdraw": "withdrawn by tester"}[step]
    assert (ended.released_because, held(opened)) == (f"its approval was {by}: another case", [False])


def test_a_hold_that_is_released_before_it_is_approved_waits_for_nobody(opened: Hub, read: int) -> None:
    hold = placed(opened, read, "discovery")
    opened.cases.holds.release(FIRST, hold.id, "a slip of the hand")
    assert opened.access.approvals.list() == []
    with pytest.raises(Conflict, match="withdrawn"):
        opened.access.approvals.approve(SECOND, approval(hold))


@pytest.fixture
def cut_short(opened: Hub, read: int, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Hold:
    """A court's order about a read whose time is over, approved and not carried out."""
    clock.advance(LIFE)
    hold = placed(opened, read, "court_order")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(opened.cases.approved, "_take", killed)
        with pytest.raises(KeyboardInterrupt):
            opened.access.approvals.approve(SECOND, approval(hold))
    return hold


def test_a_hold_that_is_released_before_its_approval_is_carried_out_takes_nothing(opened: Hub, cut_short: Hold) -> None:
    opened.cases.holds.release(FIRST, cut_short.id, "a slip of the hand")
    assert opened.access.approvals.list() == []
    with pytest.raises(Conflict, match=r"not carried out \(the hold was released\)"):
        opened.access.approvals.approve(SECOND, approval(cut_short))
    assert (opened.access.approvals.get(approval(cut_short)).state, held(opened)) == ("overtaken", [False])
    taken = [one["detail"]["reads"] for one in opened.audit.events(100) if one["outcome"] == "step"]
    assert taken == [0], "what was placed when its time was over"


def test_a_hold_that_is_released_while_its_approval_is_carried_out_takes_nothing_more(
    opened: Hub, cut_short: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = opened.cases.approved._take

    def taking(*args: Any) -> None:
        opened.cases.holds.release(FIRST, cut_short.id, "a slip of the hand")
        take(*args)

    monkeypatch.setattr(opened.cases.approved, "_take", taking)
    with pytest.raises(Conflict):
        opened.access.approvals.approve(SECOND, approval(cut_short))
    assert (opened.access.approvals.get(approval(cut_short)).state, held(opened)) == ("overtaken", [False])
    taken = [one["detail"]["reads"] for one in opened.audit.events(100) if one["outcome"] == "step"]
    assert taken == [0], "what was placed when its time was over"


def test_nothing_is_purged_while_a_court_order_takes_what_is_over(
    opened: Hub, cut_short: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = opened.cases.approved._take

    def taking(*args: Any) -> None:
        with pytest.raises(Busy):
            opened.retention.expired.purge(FIRST)
        take(*args)

    monkeypatch.setattr(opened.cases.approved, "_take", taking)
    with opened.store.lease("purge"), pytest.raises(Busy):
        opened.access.approvals.approve(SECOND, approval(cut_short))
    opened.access.approvals.approve(SECOND, approval(cut_short))
    assert held(opened) == [True]


def test_a_hold_whose_approval_nobody_finishes_ends(opened: Hub, cut_short: Hold, clock: SetClock) -> None:
    clock.advance(24 * HOUR)
    assert (opened.access.approvals.lapse(FIRST), held(opened)) == (1, [False])
    ended = opened.cases.holds.get(cut_short.id)
    assert ended.released_because == f"its approval was not carried out: {NOT_IN_TIME}"


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
            opened.access.approvals.lapse(FIRST)
    assert (held(opened), [hold.id for hold in opened.cases.holds.list()]) == ([True], [])
    assert (opened.cases.reviews.expire(FIRST).let_go, held(opened)) == (1, [False])


def test_people_are_told_of_a_hold_that_waits_before_it_lapses(opened: Hub, read: int, clock: SetClock) -> None:
    hold = placed(opened, read)
    (card,) = [card for card in opened.connections.health.around() if card.code == "approval_waits"]
    assert (card.status, card.needs_person, card.command) == ("ok", True, f"alprhub approvals show {hold.approval}")
    assert "tester proposed, waits for a second person until 2026-06-04 05:00 PDT (for 3 d more)" in card.happened
    assert "26-1" not in card.plain, "what leaves the hub names no case"
    clock.advance(49 * HOUR)
    assert [card.status for card in opened.connections.health.around() if card.code == "approval_waits"] == ["late"]
    opened.notices.telling.look(FIRST)
    assert [one.notice.code for one in opened.notices.telling.list()].count("approval_waits") == 1
    opened.access.approvals.approve(SECOND, approval(hold))
    assert not [card for card in opened.connections.health.around() if card.code == "approval_waits"]


def undone(hub: Hub) -> list[str]:
    return [card.about for card in hub.connections.health.around() if card.code == "approval_not_carried_out"]


def test_people_are_told_of_what_was_approved_and_not_done_as_long_as_it_can_go_on(
    opened: Hub, cut_short: Hold, clock: SetClock
) -> None:
    assert undone(opened) == []
    clock.advance(HOUR)
    assert undone(opened) == [str(cut_short.approval)]
    clock.advance(22 * HOUR)
    assert undone(opened) == [str(cut_short.approval)]
    clock.advance(HOUR)
    assert undone(opened) == [], "it has ended, whether or not anybody has swept it up"
    opened.access.approvals.lapse(FIRST)
    assert undone(opened) == []


def test_what_was_approved_for_a_hold_that_was_released_tells_nobody_any_more(
    opened: Hub, cut_short: Hold, clock: SetClock
) -> None:
    clock.advance(HOUR)
    opened.cases.holds.release(FIRST, cut_short.id, "a slip of the hand")
    assert undone(opened) == []
    event = opened.audit.last("approvals.carry_out", "refused")
    assert event is not None
    assert event["detail"]["refusal"] == "the hold was released"


def test_a_service_places_no_hold(opened: Hub, read: int) -> None:
    new = NewHold("evidence", "26-1", "needed in court", opened.clock.now() + 90 * DAY)
    with pytest.raises(PolicyRefused, match="only a person proposes"):
        opened.cases.holds.place(Actor.service("inbox"), new, reads=[read])
    assert (opened.cases.holds.list(), held(opened)) == ([], [False])
