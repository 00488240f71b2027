"""What one person wants done and another must approve: what services and approvals know of each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol

from sqlalchemy import Connection

from hub.people import Actor


class Action(StrEnum):
    """What takes two people."""

    HOLD = "holds.place"
    DESTROY = "orders.destroy"
    CLASSIFY = "holds.classify"
    POLICY = "policy.activate"
    CONTRACT = "connections.contract"
    KIND = "connections.change"
    CLOCK = "clock.trust"


State = Literal["waits", "lapsed", "in_grace", "approved", "refused", "withdrawn", "carried_out", "overtaken"]
"""`in_grace`: approved, and it waits for a time in which anybody may stop it. `approved`: and not carried out yet.

`overtaken`: approved, and never to be carried out to its end.
"""


@dataclass(frozen=True, slots=True)
class NewProposal:
    """What somebody proposes: `words` say to people what will happen, `content` says it exactly.

    `attachment` are the bytes that belong to it: a court's order, a document of signed decisions. What was approved
    waits for its `grace` before it is carried out.
    """

    action: Action
    target: str
    words: str
    content: Mapping[str, Any]
    reason: str
    attachment: bytes | None = None
    grace: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal and what became of it; `sha256` is that of the canonical JSON of its content."""

    id: int
    action: Action
    target: str
    words: str
    content: Mapping[str, Any]
    sha256: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    state: State
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    carried_out_at: datetime | None
    outcome: Mapping[str, Any] | None
    grace_seconds: int = 0
    due_at: datetime | None = None
    """Where it has a grace and was approved: from when on it is carried out."""

    @property
    def lasts(self) -> timedelta:
        """How long it waits for its second person."""
        return self.expires_at - self.proposed_at


Settle = Callable[[Connection, Mapping[str, Any]], None]
"""Note, in the transaction that ends the work, that it is done and what came of it: once, or not at all."""


class CarriesOut(Protocol):
    """A service that does what was approved."""

    def check(self, connection: Connection, proposal: Proposal) -> None:
        """Raise where what is there now forbids it, before anybody approves."""

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        """Do it, exactly as its content says, and call `settle` in the last transaction; safe to kill and to repeat."""


class Undoes(Protocol):
    """A service that did something at once which must not stay unless it is approved."""

    def drop(self, connection: Connection, actor: Actor, proposal: Proposal, because: str) -> None:
        """Undo it in the transaction that ends the proposal."""

    def dropped(self, proposal: Proposal) -> None:
        """Do what is too much for that transaction; safe to kill and to repeat."""


class Proposing(Protocol):
    """Where services bring what a second person must approve."""

    def demand_person(self, actor: Actor, action: Action) -> None:
        """Raise `PolicyRefused`, on record, where who proposes is no person."""

    def propose(self, actor: Actor, new: NewProposal, within: Connection | None = None) -> Proposal:
        """Keep a proposal; `within` joins a transaction that is open already."""

    def waiting(self, connection: Connection, action: Action, target: str) -> Proposal | None:
        """The newest proposal about something that may still be approved or carried out."""

    def attachment(self, ident: int) -> bytes | None:
        """What was attached to a proposal, as it was proposed."""

    def moot(self, connection: Connection, actor: Actor, action: Action, target: str, because: str) -> None:
        """End what waits about something that is settled without it."""
