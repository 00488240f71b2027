"""Cases: Long Beach keeps what one needs until prosecution is barred, Palm Springs lets linked copies live a year."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path

import manuals
import pytest
import two
from plain import record, write_page
from registries import Having
from sqlalchemy import text

from hub.cases.holds import Hold, NewHold
from hub.clock import SetClock
from hub.errors import Conflict, Invalid, NotFound, PolicyRefused
from hub.people import Actor, Why
from hub.search.query import Query
from hub.settings import HubSettings
from hub.wiring import Hub

CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
PLATE = "9SYN001"
ACTOR = Actor("investigator")
DAY = timedelta(days=1)
Opened = Callable[[str], Hub]


@pytest.fixture
def under(settings: HubSettings, clock: SetClock, plain_vendor: Having, tmp_path: Path) -> Iterator[Opened]:
    """Opens a hub under a profile, with one read that it has pulled."""

    def open_(profile: str) -> Hub:
        hub = stack.enter_context(manuals.under(settings, clock, profile, registry=plain_vendor))
        hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(tmp_path)})
        more = {"confidence": 0.8, "candidates": [["9SYN0O1", 0.1]]}
        write_page(tmp_path, 1, [record(1, PLATE, CAPTURED.isoformat(), **more)])
        assert hub.ingest.sync.run(ACTOR, "feed").stored == 1
        return hub

    with ExitStack() as stack:
        yield open_


def why(hub: Hub) -> Why:
    return Why(hub.governing.profile.purposes[0], "report of a stolen car", "26-1", "none")


def the_read(hub: Hub) -> int:
    with hub.store.read() as connection:
        return int(connection.execute(text("SELECT id FROM reads")).scalar_one())


def seen(hub: Hub) -> int:
    return len(hub.search.reads.find(ACTOR, Query(why(hub), plates=(PLATE,))).rows)


def case(hub: Hub, offence: str | None = None, committed_on: date | None = None) -> Hold:
    new = NewHold("case", "26-1", "robbery", hub.clock.now() + 365 * DAY, offence, committed_on)
    return two.place(hub, ACTOR, new, reads=[the_read(hub)])


def to(clock: SetClock, at: str) -> None:
    clock.advance(datetime.fromisoformat(at) - clock.now())


@pytest.mark.clause("long-beach 6.3.4 ¶2")
def test_a_case_keeps_its_reads_until_the_statute_of_limitations_and_then_the_hold_ends_by_itself(
    under: Opened, clock: SetClock
) -> None:
    from flows.door import lend
    from flows.upkeep import holds

    hub = under("long-beach")
    hold = case(hub, "felony", date(2026, 5, 31))
    assert hub.cases.reviews.due() == []
    to(clock, "2029-06-01T06:59:59Z")  # the end of that day in Long Beach, three years on, and a second before it
    assert (hub.cases.reviews.expire(ACTOR).ended, hub.retention.expired.purge(ACTOR), seen(hub)) == (0, {"feed": 0}, 0)
    assert len(hub.cases.holds.reads(ACTOR, hold.id, why(hub)).rows) == 1
    to(clock, "2029-06-01T07:00:00Z")
    with lend(hub):
        told = holds.fn().data
    assert (told["ended"], told["let_go"]) == (1, 1)
    assert hub.cases.holds.get(hold.id).released_because == "the time for prosecution is over"
    assert hub.retention.expired.purge(ACTOR) == {"feed": 1}


@pytest.mark.clause("long-beach 6.3.4 ¶2")
def test_a_case_without_a_class_or_a_day_is_a_task_from_the_first_moment_and_is_kept_meanwhile(
    under: Opened, clock: SetClock
) -> None:
    hub = under("long-beach")
    hold = case(hub)
    assert [(task.hold, task.task) for task in hub.cases.reviews.due()] == [(hold.id, "classify_offence")]
    two.classify(hub, ACTOR, hold.id, "felony", None)
    assert [task.task for task in hub.cases.reviews.due()] == ["state_commission_date"]
    to(clock, "2036-01-01T00:00:00Z")
    assert (hub.cases.reviews.expire(ACTOR).ended, hub.retention.expired.purge(ACTOR)) == (0, {"feed": 0})
    assert {task.task for task in hub.cases.reviews.due()} == {"review", "state_commission_date"}


@pytest.mark.clause("long-beach 6.3.4 ¶2")
def test_when_the_class_changes_the_end_is_reckoned_anew(under: Opened, clock: SetClock) -> None:
    hub = under("long-beach")
    hold = case(hub, "felony_8_years", date(2026, 5, 31))
    with pytest.raises(Invalid, match="no class"):
        two.classify(hub, ACTOR, hold.id, "jaywalking", None)
    to(clock, "2030-01-01T00:00:00Z")
    assert hub.cases.reviews.expire(ACTOR).ended == 0
    proposal = hub.cases.reviews.classify(ACTOR, hold.id, "felony", date(2026, 5, 31))
    with pytest.raises(PolicyRefused, match="another person"):
        hub.access.approvals.approve(ACTOR, proposal.id)
    assert hub.cases.holds.get(hold.id).offence == "felony_8_years"
    done = hub.access.approvals.approve(two.SECOND, proposal.id)
    assert done.outcome == {"hold": hold.id, "until": "2029-06-01T07:00:00Z", "task": None}
    assert hub.cases.reviews.expire(ACTOR).ended == 1
    assert hub.retention.expired.purge(ACTOR) == {"feed": 1}


@pytest.mark.clause("long-beach 6.3.4 ¶2")
def test_what_has_no_limit_is_looked_at_every_three_years_at_the_latest(under: Opened, clock: SetClock) -> None:
    hub = under("long-beach")
    hold = case(hub, "no_limit", date(2026, 5, 31))
    clock.advance(365 * DAY)
    assert [task.task for task in hub.cases.reviews.due()] == ["review"]
    with pytest.raises(Invalid, match="P3Y"):
        hub.cases.reviews.reviewed(ACTOR, hold.id, "still open", clock.now() + 1200 * DAY)
    hub.cases.reviews.reviewed(ACTOR, hold.id, "still open", clock.now() + 1000 * DAY)
    assert (hub.cases.reviews.due(), hub.cases.reviews.expire(ACTOR).ended) == ([], 0)


@pytest.mark.clause("palm-springs 430.8 ¶2 s3")
def test_a_linked_copy_lives_a_year_and_one_that_is_linked_no_more_ends_as_if_it_never_had_been(
    under: Opened, clock: SetClock
) -> None:
    hub = under("palm-springs")
    read = the_read(hub)
    assert hub.cases.links.link(ACTOR, [read], "26-1").changed == 1
    assert hub.cases.links.link(ACTOR, [read], "26-1").reads == 0
    hub.cases.links.link(ACTOR, [read], "26-2")
    clock.advance(100 * DAY)
    assert (hub.retention.expired.purge(ACTOR), seen(hub)) == ({"feed": 0}, 1)
    with hub.store.read() as connection:
        ends = connection.execute(text("SELECT expires_at FROM candidates UNION SELECT expires_at FROM reads")).all()
    assert len(ends) == 1
    assert hub.cases.links.unlink(ACTOR, [read], "26-1").changed == 0  # another case needs it
    assert seen(hub) == 1
    assert hub.cases.links.unlink(ACTOR, [read], "26-2").changed == 1
    assert (seen(hub), hub.retention.expired.purge(ACTOR)) == (0, {"feed": 1})


@pytest.mark.clause("palm-springs 430.8 ¶3 s1")
def test_a_link_is_no_hold_and_ends_with_the_linked_ceiling(under: Opened, clock: SetClock) -> None:
    hub = under("palm-springs")
    hub.cases.links.link(ACTOR, [the_read(hub)], "26-1")
    to(clock, "2027-06-01T11:00:00Z")
    assert (seen(hub), hub.retention.expired.purge(ACTOR)) == (0, {"feed": 1})


def test_a_link_brings_nothing_back_whose_time_is_over(under: Opened, clock: SetClock) -> None:
    hub = under("palm-springs")
    read = the_read(hub)
    clock.advance(30 * DAY)
    with pytest.raises(NotFound):
        hub.cases.links.link(ACTOR, [read], "26-1")
    with pytest.raises(Invalid, match="case_number"):
        hub.cases.links.link(ACTOR, [read], " ")
    assert hub.retention.expired.purge(ACTOR) == {"feed": 1}


def test_where_policy_gives_linked_copies_no_more_a_link_changes_no_life(under: Opened, clock: SetClock) -> None:
    hub = under("hermosa-beach")
    assert (hub.cases.links.link(ACTOR, [the_read(hub)], "26-1").changed, seen(hub)) == (0, 1)
    clock.advance(30 * DAY)
    assert hub.retention.expired.purge(ACTOR) == {"feed": 1}


@pytest.mark.clause("long-beach 6.3.4 ¶2")
def test_until_another_class_is_approved_the_case_keeps_its_reads_whichever_of_the_two_is_shorter(
    under: Opened, clock: SetClock
) -> None:
    hub = under("long-beach")
    hold = case(hub, "felony", date(2026, 5, 31))
    to(clock, "2029-05-31T12:00:00Z")
    proposal = hub.cases.reviews.classify(ACTOR, hold.id, "felony_8_years", date(2026, 5, 31))
    clock.advance(2 * DAY)
    assert (hub.cases.reviews.expire(ACTOR).let_go, hub.retention.expired.purge(ACTOR)) == (0, {"feed": 0})
    hub.access.approvals.refuse(two.SECOND, proposal.id, "it is no such felony")
    assert (hub.cases.reviews.expire(ACTOR).let_go, hub.retention.expired.purge(ACTOR)) == (1, {"feed": 1})


def test_of_two_classes_that_were_approved_at_once_the_second_is_overtaken_and_hinders_nothing(
    under: Opened, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = under("long-beach")
    hold, approvals = case(hub), hub.access.approvals
    first = hub.cases.reviews.classify(ACTOR, hold.id, "felony", date(2026, 5, 31))
    second = hub.cases.reviews.classify(ACTOR, hold.id, "felony_8_years", date(2026, 5, 31))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(hub.cases.reviews, "carry_out", killed)
        for one in (first, second):
            with pytest.raises(KeyboardInterrupt):
                approvals.approve(two.SECOND, one.id)
    assert approvals.approve(two.SECOND, first.id).state == "carried_out"
    with pytest.raises(Conflict, match="classified otherwise since"):
        approvals.approve(two.SECOND, second.id)
    assert (approvals.get(second.id).state, approvals.list()) == ("overtaken", [])
    to(clock, "2029-06-02T12:00:00Z")
    assert hub.cases.reviews.expire(ACTOR).let_go == 1


@pytest.mark.parametrize("how", ["withdrawn", "released"])
def test_what_is_proposed_about_a_hold_ends_with_it(under: Opened, how: str) -> None:
    hub = under("long-beach")
    new = NewHold("case", "26-1", "robbery", hub.clock.now() + 30 * DAY)
    hold = hub.cases.holds.place(ACTOR, new, reads=[the_read(hub)])
    proposal = hub.cases.reviews.classify(ACTOR, hold.id, "felony", None)
    assert hold.approval is not None
    if how == "withdrawn":
        hub.access.approvals.withdraw(ACTOR, hold.approval, "another case")
    else:
        hub.cases.holds.release(ACTOR, hold.id, "over")
    assert hub.access.approvals.list() == []
    assert hub.access.approvals.get(proposal.id).state == "withdrawn"
    with pytest.raises(Conflict, match="was withdrawn"):
        hub.access.approvals.approve(two.SECOND, proposal.id)


def test_what_one_person_said_alone_lets_nothing_go(under: Opened, clock: SetClock) -> None:
    hub = under("long-beach")
    to(clock, "2028-05-31T12:00:00Z")
    over = NewHold("case", "26-1", "robbery", hub.clock.now() + 365 * DAY, "misdemeanor", date(2020, 1, 1))
    hold = hub.cases.holds.place(ACTOR, over, reads=[the_read(hub)])
    clock.advance(2 * DAY)
    ended = hub.cases.reviews.expire(ACTOR)
    assert (ended.ended, ended.let_go) == (0, 0)
    assert hold.approval is not None
    hub.access.approvals.approve(two.SECOND, hold.approval)
    ended = hub.cases.reviews.expire(ACTOR)
    assert (ended.ended, ended.let_go) == (1, 1)


def test_a_class_that_was_proposed_before_another_was_approved_is_proposed_anew(under: Opened) -> None:
    hub = under("long-beach")
    hold = case(hub)
    late = hub.cases.reviews.classify(ACTOR, hold.id, "no_limit", None)
    two.classify(hub, ACTOR, hold.id, "felony", date(2026, 5, 31))
    with pytest.raises(Conflict, match="classified otherwise since"):
        hub.access.approvals.approve(two.SECOND, late.id)
