"""`ClockTrust`: that the machine's clock is right although it is in doubt is said by two people.

Whoever may set the clock of a machine could else have everything destroyed before its floor, or live past its ceiling.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from hub.audit.record import Audit
from hub.clock import STEP, Clock, ClockStanding
from hub.errors import Conflict, Invalid, Outdated
from hub.people import Actor, plainly
from hub.proposals import Action, NewProposal, Proposal, Proposing, Settle
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.trusted_clock import TrustedClock
from hub.words import moment

TARGET: Final = "clock"


class ClockTrust:
    """Lets the hub go by a clock that it doubts."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, approvals: Proposing) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._approvals = approvals

    def propose(self, actor: Actor, reason: str) -> Proposal:
        """Propose that the machine's clock is right; the hub goes by it once somebody else approves.

        Raises `Conflict` where it is not in doubt, and `Invalid` without a reason.
        """
        if not plainly(reason):
            raise Invalid("reason: say how you know that the clock is right")
        stands, zone = self._standing(), self._store.zone()
        if stands.state == "right":
            raise Conflict(f"the clock is not in doubt, so nothing was changed: it says {moment(stands.machine, zone)}")
        content = {
            "was": stands.state, "machine": stands.machine.isoformat(), "trusted": stands.trusted.isoformat(),
        }  # fmt: skip
        words = (
            f"trust the clock of this machine, which says {moment(stands.machine, zone)}, though the hub last trusted"
            f" {moment(stands.trusted, zone)}"
        )
        return self._approvals.propose(actor, NewProposal(Action.CLOCK, TARGET, words, content, reason))

    def check(self, connection: Connection, proposal: Proposal) -> None:
        """Raise where the clock is not in doubt as it was when this was proposed, or was set since."""
        stands, content = self._standing(), proposal.content
        proposed = datetime.fromisoformat(content["machine"])
        newest = connection.scalar(select(tables.trusted_time.c.newest))
        if newest is not None and newest < to_micros(datetime.fromisoformat(content["trusted"])):
            raise Outdated("the hub has been told to trust another time since this was proposed; see alprhub clock")
        if stands.state != content["was"] or not -STEP <= stands.machine - proposed <= proposal.lasts + STEP:
            zone = self._store.zone()
            raise Outdated(
                f"the clock of this machine was set since this was proposed: it said {moment(proposed, zone)}, and says"
                f" {moment(stands.machine, zone)}; see alprhub clock, and propose it anew"
            )

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        """Go by the machine's clock from now on."""
        with self._store.write() as connection:
            self.check(connection, proposal)
            before = self._trusted().trust(
                actor, self._audit, proposal.reason, connection, approval=proposal.id, proposed_by=proposal.proposed_by
            )
            settle(connection, {"machine": before.machine.isoformat(), "was": before.state})

    def _standing(self) -> ClockStanding:
        return self._trusted().standing()

    def _trusted(self) -> TrustedClock:
        if not isinstance(self._clock, TrustedClock):
            raise Conflict("whoever opened this hub answers for its clock, so nobody doubts it")
        return self._clock
