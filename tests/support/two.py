"""What takes two people, done by two: one proposes, another approves, and it is carried out."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from hub.cases.holds import Hold, NewHold
from hub.cases.orders import NewOrder, Order
from hub.people import Actor
from hub.policy.decisions import Decision
from hub.proposals import Proposal
from hub.wiring import Hub

SECOND = Actor("second")
"""Who approves where it does not matter who."""


def activate(hub: Hub, actor: Actor, name: str, reason: str, decisions: Sequence[Decision] = ()) -> int:
    """Put a policy in force; gives its id."""
    done = hub.access.approvals.approve(SECOND, hub.governing.activate.activate(actor, name, reason, decisions).id)
    assert done.outcome is not None
    return int(done.outcome["policy"])


def agree(hub: Hub, actor: Actor, name: str, document: bytes | None, reason: str = "the city signed it") -> Proposal:
    """Put another contract of a connection in force, or none."""
    proposal = hub.connections.contracts.propose(actor, name, document, "contract.yaml", reason)
    return hub.access.approvals.approve(SECOND, proposal.id)


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
