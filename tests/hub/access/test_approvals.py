"""What takes two people happens once, when another person has approved it in time, and else never."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Thread
from typing import Any

import pytest
from effort import tries
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import Connection, text

from hub.access.approvals import NOT_IN_TIME, Approvals
from hub.access.lasting import LASTS, RESUMED
from hub.clock import ClockStanding, SetClock
from hub.errors import (
    AdminMustAct,
    Busy,
    Conflict,
    IntegrityBroken,
    Invalid,
    NoConnector,
    NotFound,
    PolicyRefused,
    Unsettled,
)
from hub.people import Actor
from hub.proposals import Action, NewProposal, Proposal, Settle
from hub.settings import HubSettings
from hub.store.canonical import canonical_json
from hub.store.engine import Store
from hub.wiring import Hub, open_hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRST, SECOND, THIRD, SERVICE = Actor("jlee"), Actor("rdiaz"), Actor("pchan"), Actor.service("jobs")
INSTANT = timedelta(microseconds=1)
WAITS = LASTS[Action.CLASSIFY]


class Counting:
    """A service that counts what it did, in the transaction that says so."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refuses = False
        self.dies = 0

    def check(self, connection: Connection, proposal: Proposal) -> None:
        if self.refuses:
            raise Conflict("somebody holds it")

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        if self.dies == 1:
            raise KeyboardInterrupt
        with self._store.write() as connection:
            self.check(connection, proposal)
            connection.execute(
                text(
                    "INSERT INTO counters (name, value) VALUES (:name, 1)"
                    " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1"
                ),
                {"name": f"done-{proposal.id}"},
            )
            settle(connection, {"by": actor.name})
            if self.dies == 2:
                raise KeyboardInterrupt
        if self.dies == 3:
            raise KeyboardInterrupt

    def done(self, ident: int) -> int:
        with self._store.read() as connection:
            found = connection.scalar(text("SELECT value FROM counters WHERE name = :name"), {"name": f"done-{ident}"})
        return int(found or 0)


@pytest.fixture
def service(opened: Hub) -> Counting:
    """A service in place of the real one."""
    made = Counting(opened.store)
    opened.access.approvals.register(Action.CLASSIFY, made)
    return made


@pytest.fixture
def approvals(opened: Hub, service: Counting) -> Approvals:
    return opened.access.approvals


def new(**more: Any) -> NewProposal:
    said: dict[str, Any] = {
        "target": "7",
        "words": "say what it is",
        "content": {"b": 1, "a": [2]},
        "reason": "robbery",
    }
    return NewProposal(Action.CLASSIFY, **(said | more))


def steps(hub: Hub) -> list[tuple[str, str, str, str]]:
    events = [one for one in reversed(hub.audit.events(500)) if one["action"].startswith("approvals.")]
    return [(one["actor"], one["action"].partition(".")[2], one["outcome"], one["target"]) for one in events]


def test_what_one_proposed_and_another_approved_is_carried_out_and_every_step_is_on_record(
    opened: Hub, approvals: Approvals, service: Counting, clock: SetClock
) -> None:
    proposal = approvals.propose(FIRST, new())
    assert (proposal.state, proposal.proposed_by, proposal.expires_at) == ("waits", "jlee", clock.now() + WAITS)
    assert proposal.sha256 == sha256(b'{"a":[2],"b":1}').hexdigest()
    assert service.done(proposal.id) == 0
    done = approvals.approve(SECOND, proposal.id, "seen the report")
    assert (done.state, done.decided_by, done.note, done.outcome) == (
        "carried_out", "rdiaz", "seen the report", {"by": "rdiaz"}
    )  # fmt: skip
    assert service.done(proposal.id) == 1
    number = str(proposal.id)
    assert steps(opened) == [
        ("jlee", "propose", "done", number),
        ("rdiaz", "approve", "done", number),
        ("rdiaz", "carry_out", "done", number),
    ]


@pytest.mark.parametrize("spelling", ["jlee", "JLEE", " jlee ", "ｊｌｅｅ", "j\u200blee"])
def test_nobody_approves_what_they_proposed_under_any_spelling_and_the_attempt_is_on_record(
    opened: Hub, approvals: Approvals, service: Counting, spelling: str
) -> None:
    proposal = approvals.propose(FIRST, new())
    with pytest.raises(PolicyRefused, match="another person must approve it, under a login of their own"):
        approvals.approve(Actor(spelling), proposal.id)
    with pytest.raises(PolicyRefused, match=f"alprhub approvals withdraw {proposal.id}"):
        approvals.refuse(Actor(spelling), proposal.id, "no")
    assert (approvals.get(proposal.id).state, service.done(proposal.id)) == ("waits", 0)
    assert [step[1:3] for step in steps(opened)] == [
        ("propose", "done"), ("approve", "refused"), ("refuse", "refused")
    ]  # fmt: skip


def test_a_service_neither_proposes_nor_decides(opened: Hub, approvals: Approvals) -> None:
    with pytest.raises(PolicyRefused, match="only a person"):
        approvals.propose(SERVICE, new())
    proposal = approvals.propose(FIRST, new())
    for decide in (approvals.approve, lambda *who: approvals.refuse(*who, "no"), approvals.withdraw):
        with pytest.raises(PolicyRefused, match="only a person"):
            decide(SERVICE, proposal.id)
    assert [step[2] for step in steps(opened)] == ["refused", "done", "refused", "refused", "refused"]


def test_only_who_proposed_withdraws(approvals: Approvals) -> None:
    proposal = approvals.propose(FIRST, new())
    with pytest.raises(PolicyRefused, match="only jlee"):
        approvals.withdraw(SECOND, proposal.id)
    assert approvals.withdraw(FIRST, proposal.id).state == "withdrawn"


@pytest.mark.parametrize("end", ["refused", "withdrawn", "carried out", "lapsed", "over"])
def test_what_is_decided_is_decided(approvals: Approvals, service: Counting, clock: SetClock, end: str) -> None:
    proposal = approvals.propose(FIRST, new())
    if end == "refused":
        approvals.refuse(SECOND, proposal.id, "no")
    elif end == "withdrawn":
        approvals.withdraw(FIRST, proposal.id)
    elif end == "carried out":
        approvals.approve(SECOND, proposal.id)
    else:
        clock.advance(WAITS)
        assert end == "over" or approvals.lapse(SERVICE) == 1
    before = approvals.get(proposal.id)
    for decide in (
        lambda: approvals.approve(THIRD, proposal.id),
        lambda: approvals.refuse(THIRD, proposal.id, "no"),
        lambda: approvals.withdraw(FIRST, proposal.id),
    ):
        with pytest.raises(Conflict, match=f"approval {proposal.id}: "):
            decide()
    assert approvals.get(proposal.id) == before
    assert service.done(proposal.id) == (end == "carried out")


def test_the_instant_at_which_its_time_is_over_is_too_late_and_the_one_before_is_not(
    approvals: Approvals, clock: SetClock
) -> None:
    late, early = approvals.propose(FIRST, new()), approvals.propose(FIRST, new())
    clock.advance(WAITS - INSTANT)
    assert approvals.lapse(SERVICE) == 0
    assert approvals.approve(SECOND, early.id).state == "carried_out"
    clock.advance(INSTANT)
    with pytest.raises(Conflict, match="its time was over"):
        approvals.approve(SECOND, late.id)
    assert (approvals.get(late.id).state, approvals.lapse(SERVICE), approvals.lapse(SERVICE)) == ("lapsed", 1, 0)


@pytest.mark.parametrize("dies", [1, 2, 3])
def test_a_carrying_out_that_was_killed_is_done_once_in_the_end(
    approvals: Approvals, service: Counting, clock: SetClock, dies: int
) -> None:
    proposal = approvals.propose(FIRST, new())
    service.dies = dies
    with pytest.raises(KeyboardInterrupt):
        approvals.approve(SECOND, proposal.id)
    service.dies = 0
    clock.advance(RESUMED[Action.CLASSIFY] - INSTANT)
    assert approvals.lapse(SERVICE) == 0, "what was approved in time may be finished for a time"
    if dies < 3:
        assert approvals.list()[0].state == "approved"
        with pytest.raises(Conflict, match="was approved at"):
            approvals.refuse(THIRD, proposal.id, "no")
        with pytest.raises(PolicyRefused, match="another person"):
            approvals.approve(FIRST, proposal.id)
        approvals.approve(SECOND, proposal.id)
    assert (approvals.get(proposal.id).state, service.done(proposal.id)) == ("carried_out", 1)


def test_of_two_who_approve_at_once_one_is_told_that_it_is_decided_and_it_is_done_once(
    approvals: Approvals, service: Counting
) -> None:
    proposal = approvals.propose(FIRST, new())
    ended: list[str] = []

    def approve(actor: Actor) -> None:
        try:
            approvals.approve(actor, proposal.id)
            ended.append("done")
        except Conflict:
            ended.append("decided")

    threads = [Thread(target=approve, args=(who,)) for who in (SECOND, THIRD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "done" in ended
    assert (approvals.get(proposal.id).state, service.done(proposal.id)) == ("carried_out", 1)


def test_what_is_there_now_is_looked_at_before_it_is_approved_and_again_before_it_is_done(
    opened: Hub, approvals: Approvals, service: Counting
) -> None:
    proposal = approvals.propose(FIRST, new())
    service.refuses = True
    with pytest.raises(Conflict, match="somebody holds it"):
        approvals.approve(SECOND, proposal.id)
    assert approvals.get(proposal.id).state == "waits"
    assert steps(opened)[-1][1:3] == ("approve", "refused")
    service.refuses, service.dies = False, 1
    with pytest.raises(KeyboardInterrupt):
        approvals.approve(SECOND, proposal.id)
    service.refuses, service.dies = True, 0
    with pytest.raises(Conflict, match="somebody holds it"):
        approvals.approve(SECOND, proposal.id)
    ended = approvals.get(proposal.id)
    assert (ended.state, ended.outcome, service.done(proposal.id)) == ("overtaken", {"because": "somebody holds it"}, 0)
    assert steps(opened)[-1][1:3] == ("carry_out", "refused")
    service.refuses = False
    for decide in (
        lambda: approvals.approve(SECOND, proposal.id),
        lambda: approvals.refuse(THIRD, proposal.id, "no"),
        lambda: approvals.withdraw(FIRST, proposal.id),
    ):
        with pytest.raises(Conflict, match=r"not carried out \(somebody holds it\); it must be proposed anew"):
            decide()
    assert (approvals.get(proposal.id), approvals.list(), service.done(proposal.id)) == (ended, [], 0)


@pytest.mark.parametrize("passing", [Busy, Unsettled, NoConnector, AdminMustAct])
def test_what_stands_in_the_way_for_a_time_ends_nothing(
    approvals: Approvals, service: Counting, passing: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = approvals.propose(FIRST, new())

    def stopped(*_: object) -> None:
        raise passing("not now")

    with monkeypatch.context() as broken:
        broken.setattr(service, "carry_out", stopped)
        with pytest.raises(passing):
            approvals.approve(SECOND, proposal.id)
    assert approvals.get(proposal.id).state == "approved"
    assert approvals.approve(SECOND, proposal.id).state == "carried_out"


def cut_short(approvals: Approvals, service: Counting) -> int:
    """Approved, and not carried out."""
    proposal = approvals.propose(FIRST, new())
    service.dies = 1
    with pytest.raises(KeyboardInterrupt):
        approvals.approve(SECOND, proposal.id)
    service.dies = 0
    return proposal.id


@pytest.mark.parametrize("swept", [False, True])
def test_what_nobody_finishes_in_time_is_never_carried_out(
    opened: Hub, approvals: Approvals, service: Counting, clock: SetClock, swept: bool
) -> None:
    ident = cut_short(approvals, service)
    clock.advance(RESUMED[Action.CLASSIFY])
    with opened.store.read() as connection:
        assert approvals.waiting(connection, Action.CLASSIFY, "7") is None
    if swept:
        assert (approvals.lapse(SERVICE), approvals.lapse(SERVICE), approvals.list()) == (1, 0, [])
        assert approvals.get(ident).outcome == {"because": NOT_IN_TIME}
        assert steps(opened)[-1] == ("jobs", "carry_out", "refused", str(ident))
    with pytest.raises(Conflict, match="nobody finished it in time"):
        approvals.approve(SECOND, ident)
    assert (approvals.get(ident).state, service.done(ident)) == ("overtaken", 0)


def test_what_is_being_carried_out_when_its_time_ends_is_left_alone(
    opened: Hub, approvals: Approvals, service: Counting, clock: SetClock
) -> None:
    ident, whole = cut_short(approvals, service), service.carry_out

    def slow(*args: Any) -> None:
        clock.advance(RESUMED[Action.CLASSIFY])
        assert approvals.lapse(SERVICE) == 0
        whole(*args)

    service.carry_out = slow  # type: ignore[method-assign, assignment]
    assert approvals.approve(SECOND, ident).state == "carried_out"
    assert (approvals.lapse(SERVICE), service.done(ident)) == (0, 1)


def test_two_who_carry_out_at_once_are_told_of_each_other(
    approvals: Approvals, service: Counting, clock: SetClock
) -> None:
    ident, whole = cut_short(approvals, service), service.carry_out

    def slow(*args: Any) -> None:
        with pytest.raises(Busy, match=f"approval {ident} is being carried out"):
            approvals.approve(THIRD, ident)
        whole(*args)

    service.carry_out = slow  # type: ignore[method-assign, assignment]
    assert approvals.approve(SECOND, ident).state == "carried_out"
    assert service.done(ident) == 1


def test_what_was_carried_out_is_not_noted_a_second_time(opened: Hub, approvals: Approvals, service: Counting) -> None:
    kept: list[Settle] = []
    whole = service.carry_out

    def twice(actor: Actor, proposal: Proposal, settle: Settle) -> None:
        whole(actor, proposal, settle)
        kept.append(settle)
        whole(actor, proposal, settle)

    service.carry_out = twice  # type: ignore[method-assign]
    proposal = approvals.propose(FIRST, new())
    with pytest.raises(Conflict, match="carried out already"):
        approvals.approve(SECOND, proposal.id)
    assert (approvals.get(proposal.id).state, service.done(proposal.id)) == ("carried_out", 1)
    with opened.store.write() as connection, pytest.raises(Conflict, match="carried out already"):
        kept[0](connection, {"by": "somebody"})
    assert approvals.get(proposal.id).outcome == {"by": "rdiaz"}


def test_by_a_clock_in_doubt_nothing_lapses(
    approvals: Approvals, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = approvals.propose(FIRST, new())
    doubted = Doubted(clock.now() + WAITS)
    monkeypatch.setattr(approvals, "_clock", doubted)
    with pytest.raises(AdminMustAct, match="far ahead"):
        approvals.lapse(SERVICE)
    monkeypatch.setattr(approvals, "_clock", clock)
    assert approvals.approve(SECOND, proposal.id).state == "carried_out"


class Doubted(SetClock):
    """A clock that is far ahead."""

    def standing(self) -> ClockStanding:
        return ClockStanding(self.now(), NOW)

    def sure(self) -> datetime:
        raise AdminMustAct("the clock is far ahead")

    def certain(self) -> datetime:
        return self.now()

    def earliest(self) -> datetime:
        return self.now()


@pytest.mark.parametrize("changed", ["content", "attachment"])
def test_what_was_changed_behind_the_hubs_back_is_not_carried_out(opened: Hub, changed: str) -> None:
    kept = Attached(opened)
    opened.access.approvals.register(Action.CLASSIFY, kept)
    proposal = opened.access.approvals.propose(FIRST, new(attachment=b"ORDERED"))
    assert opened.access.approvals.attachment(proposal.id) == b"ORDERED"
    with opened.store.write() as connection:
        value = {"content": '{"b":2}', "attachment": b"FORGED"}[changed]
        connection.execute(text(f"UPDATE approvals SET {changed} = :value"), {"value": value})
    with pytest.raises(IntegrityBroken, match=f"approval {proposal.id}"):
        opened.access.approvals.approve(SECOND, proposal.id)
    assert opened.access.approvals.get(proposal.id).state == "approved"


class Attached(Counting):
    """A service that needs what is attached."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub.store)
        self._hub = hub

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        self._hub.access.approvals.attachment(proposal.id)
        super().carry_out(actor, proposal, settle)


def test_what_lacks_its_reason_and_what_is_not_there_is_said(approvals: Approvals) -> None:
    with pytest.raises(Invalid, match="reason"):
        approvals.propose(FIRST, new(reason=" "))
    proposal = approvals.propose(FIRST, new())
    with pytest.raises(Invalid, match="reason"):
        approvals.refuse(SECOND, proposal.id, " ")
    for ask in (approvals.get, approvals.attachment):
        with pytest.raises(NotFound, match="alprhub approvals list"):
            ask(99)
    assert approvals.attachment(proposal.id) is None


def test_the_json_of_a_content_is_one_whatever_the_order_of_its_keys() -> None:
    told: list[Mapping[str, Any]] = [{"a": 1, "b": {"d": 2, "c": 3}}, {"b": {"c": 3, "d": 2}, "a": 1}]
    assert {canonical_json(one) for one in told} == {b'{"a":1,"b":{"c":3,"d":2}}'}


PEOPLE = {"jlee": FIRST, "JLee": Actor("JLee"), "rdiaz": SECOND, "jobs": SERVICE}


class TwoPeople(RuleBasedStateMachine):
    """Two people, one of them in two spellings, a service, and a clock, against what should be so."""

    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        folder = Path(mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.open.callback(rmtree, folder)
        self.clock = SetClock(NOW)
        self.hub = self.open.enter_context(open_hub(HubSettings(data=folder, agency="Agency"), self.clock))
        self.service = Counting(self.hub.store)
        self.hub.access.approvals.register(Action.CLASSIFY, self.service)
        self.model: dict[int, dict[str, Any]] = {}

    def teardown(self) -> None:
        self.open.close()

    @rule(target=made, who=st.sampled_from(sorted(PEOPLE)))
    def propose(self, who: str) -> Any:
        try:
            proposal = self.hub.access.approvals.propose(PEOPLE[who], new())
        except PolicyRefused:
            assert who == "jobs"
            return multiple()
        assert who != "jobs"
        self.model[proposal.id] = {"by": who.casefold(), "until": self.clock.now() + WAITS, "state": "waits"}
        return proposal.id

    def waits(self, ident: int) -> bool:
        one = self.model[ident]
        return one["state"] == "waits" and self.clock.now() < one["until"]

    def late(self, ident: int) -> bool:
        one = self.model[ident]
        return bool(one["state"] == "approved" and self.clock.now() >= one["at"] + RESUMED[Action.CLASSIFY])

    @rule(ident=made, who=st.sampled_from(sorted(PEOPLE)), dies=st.sampled_from([0, 1, 2, 3]))
    def approve(self, ident: int, who: str, dies: int) -> None:
        one, self.service.dies = self.model[ident], dies
        other = who != "jobs" and who.casefold() != one["by"]
        may = other and (self.waits(ident) or (one["state"] == "approved" and not self.late(ident)))
        try:
            self.hub.access.approvals.approve(PEOPLE[who], ident)
        except (PolicyRefused, Conflict):
            assert not may
        except KeyboardInterrupt:
            assert may
            one |= {"at": one.get("at", self.clock.now()), "state": "carried_out" if dies == 3 else "approved"}
        else:
            assert may
            one["state"] = "carried_out"

    @rule(ident=made, who=st.sampled_from(sorted(PEOPLE)), own=st.booleans())
    def end(self, ident: int, who: str, own: bool) -> None:
        one = self.model[ident]
        its = who.casefold() == one["by"]
        may = self.waits(ident) and who != "jobs" and its == own
        try:
            if own:
                self.hub.access.approvals.withdraw(PEOPLE[who], ident)
            else:
                self.hub.access.approvals.refuse(PEOPLE[who], ident, "no")
        except (PolicyRefused, Conflict):
            assert not may
        else:
            assert may
            one["state"] = "withdrawn" if own else "refused"

    @rule(by=st.sampled_from([INSTANT, timedelta(days=1), WAITS - INSTANT, WAITS]))
    def wait(self, by: timedelta) -> None:
        self.clock.advance(by)

    @rule()
    def lapse(self) -> None:
        over = [one for ident, one in self.model.items() if one["state"] == "waits" and not self.waits(ident)]
        late = [one for ident, one in self.model.items() if self.late(ident)]
        assert self.hub.access.approvals.lapse(SERVICE) == len(over) + len(late)
        for one in over:
            one["state"] = "lapsed"
        for one in late:
            one["state"] = "overtaken"

    @invariant()
    def it_happens_once_by_another_in_time_or_never(self) -> None:
        for ident, one in self.model.items():
            found = self.hub.access.approvals.get(ident)
            meant = "lapsed" if one["state"] == "waits" and not self.waits(ident) else one["state"]
            meant = "overtaken" if self.late(ident) else meant
            assert found.state == meant
            assert self.service.done(ident) == (meant == "carried_out")
            if meant in ("approved", "carried_out"):
                assert found.decided_by is not None
                assert found.decided_at is not None
                assert not Actor(found.decided_by).is_called(found.proposed_by)
                assert found.decided_at < found.expires_at
        asked = {ident for ident, one in self.model.items() if one["state"] in ("waits", "approved")}
        assert {one.id for one in self.hub.access.approvals.list()} == asked


TestTwoPeople = pytest.mark.slow(TwoPeople.TestCase)
TestTwoPeople.settings = effort(max_examples=tries(8, 15), stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("action", Action)
def test_whatever_takes_two_people_is_told_by_health_while_it_waits(
    opened: Hub, clock: SetClock, action: Action
) -> None:
    opened.access.proposing.propose(Actor("tester"), NewProposal(action, "x", "something", {}, "a reason"))
    assert [card.code for card in opened.connections.health.around()] == ["approval_waits"]
    assert action in LASTS
    assert action in RESUMED
