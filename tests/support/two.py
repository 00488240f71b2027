"""What takes two people, done by two: one proposes, another approves, and it is carried out."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from hub.cases.holds import Hold, NewHold
from hub.cases.orders import NewOrder, Order
from hub.people import Actor
from hub.policy.contract import Term
from hub.policy.decisions import Decision
from hub.policy.profile import load
from hub.proposals import Proposal
from hub.wiring import Hub

SECOND = Actor("second")
"""Who approves where it does not matter who."""


def activate(hub: Hub, actor: Actor, name: str, reason: str, decisions: Sequence[Decision] = ()) -> int:
    """Put a policy in force, with what its office signs where it loosens something, and without the grace; gives its
    id."""
    proposal = hub.governing.activate.activate(actor, name, reason, signed(hub, name, decisions))
    done = approve_at_once(hub, proposal.id)
    assert done.outcome is not None
    return int(done.outcome["policy"])


def agree(hub: Hub, actor: Actor, name: str, document: bytes | None, reason: str = "the city signed it") -> Proposal:
    """Put another contract of a connection in force, or none, signed by the office and without the grace."""
    by_office = {"title": hub.governing.profile.office, "decided_at": hub.clock.now()}
    signed = [decision("loosening", **by_office)]
    proposal = hub.connections.contracts.propose(actor, name, document, "contract.yaml", reason, signed)
    return approve_at_once(hub, proposal.id)


def approve_at_once(hub: Hub, ident: int) -> Proposal:
    """Approve a proposal as if its grace had begun, and been over, already."""
    done = hub.access.approvals.approve(SECOND, ident)
    if done.state != "in_grace":
        return done
    with hub.store.write() as connection:
        ago = text("UPDATE approvals SET decided_at = decided_at - grace WHERE id = :id")
        connection.execute(ago, {"id": ident})
    return hub.access.approvals.approve(SECOND, ident)


def signed(hub: Hub, name: str, decisions: Sequence[Decision] = ()) -> list[Decision]:
    """What a profile needs signed to be in force after the one that is: what is given, in the name of the office that
    the policy in force names, that it may be loosened, and the schedule that its rules are left to."""
    office, now = hub.governing.profile.office, hub.clock.now()
    by_office = {"title": office, "decided_at": now}
    every = [one.model_copy(update=by_office) if one.settles == "lengthening" else one for one in decisions]
    given = {ident for one in every for ident in one.ceilings}
    taken = {one.settles for one in every}
    profile = load(name)
    left = {
        rule.id: Term(dur=rule.max.text, clock=rule.max.clock, ref="Schedule 26-17")
        for rule in profile.rules
        if rule.needs_schedule and rule.max and rule.id not in given
    }
    if left:
        question = next(one.id for one in profile.open_decisions() if one.layer == "agency" and one.id not in taken)
        every.append(decision(question, ceilings=left, decided_at=now))
    if hub.governing.activate.loosens(name, every) and "loosening" not in taken:
        every.append(decision("loosening", **by_office))
    return every


def decision(settles: str, **more: Any) -> Decision:
    """A decision that somebody signed."""
    who = {"decided_by": "R. Lee", "title": "Chief of Police", "why": "the council has decided it"}
    return Decision(settles=settles, answer="as it stands there", **{**who, **more})


def place(hub: Hub, actor: Actor, new: NewHold, *asked: Any, by: Actor = SECOND, **named: Any) -> Hold:
    """A hold that stands."""
    made = hub.cases.holds.place(actor, new, *asked, **named)
    assert made.approval is not None
    hub.access.approvals.approve(by, made.approval)
    return hub.cases.holds.get(made.id)


def classify(hub: Hub, actor: Actor, hold: int, offence: str | None, committed_on: date | None) -> Proposal:
    """Say the class and the day of a case's offence."""
    return hub.access.approvals.approve(SECOND, hub.cases.reviews.classify(actor, hold, offence, committed_on).id)


def destroy(hub: Hub, actor: Actor, new: NewOrder, *asked: Any, by: Actor = SECOND, **named: Any) -> Order:
    """Carry out an order of a court."""
    hub.access.approvals.approve(by, hub.cases.orders.destroy(actor, new, *asked, **named).id)
    return hub.cases.orders.get(new.number)
