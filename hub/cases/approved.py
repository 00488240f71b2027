"""`ApprovedHolds`: what becomes of a hold by its second person, or without one in time."""

from typing import Any, Final

from sqlalchemy import Connection, Row, update

from hub.audit.record import Audit
from hub.cases import held
from hub.clock import Clock
from hub.errors import Conflict
from hub.people import Actor, Why
from hub.proposals import Proposal, Settle
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros

_HOLDS: Final = tables.holds


class ApprovedHolds:
    """Makes a hold stand that was approved, and ends one that was not."""

    def __init__(self, store: Store, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def check(self, connection: Connection, proposal: Proposal) -> None:
        """Raise `Conflict` where the hold has ended, or is still being placed."""
        row = held.row_of(connection, int(proposal.target))
        if row.released_at is not None:
            raise Conflict(f"hold {row.id} has ended")
        if not row.whole:
            raise Conflict(
                f"hold {row.id} has not all its reads yet: {row.placed_by} repeats the command that placed it"
            )

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        """Let the hold stand; a court's order takes now what it names though its time is over, if it is still here."""
        hold = int(proposal.target)
        if proposal.content["kind"] == "court_order" and "reads" in proposal.content:
            with self._store.lease("purge", held.PURGING):  # else what it names may be half gone already
                self._take(actor, proposal)
        with self._store.write() as connection:
            self.check(connection, proposal)
            row = held.row_of(connection, hold)
            connection.execute(update(_HOLDS).where(_HOLDS.c.id == hold).values(approved_by=proposal.decided_by))
            self._record(actor, connection, "holds.approve", proposal, row)
            settle(connection, {"hold": hold})

    def drop(self, connection: Connection, actor: Actor, proposal: Proposal, because: str) -> None:
        """End a hold that nobody approved."""
        row = held.row_of(connection, int(proposal.target))
        if row.released_at is not None:
            return
        values = {"released_at": to_micros(self._clock.now()), "released_by": actor.name, "released_because": because}
        connection.execute(update(_HOLDS).where(_HOLDS.c.id == row.id).values(values))
        self._record(actor, connection, "holds.release", proposal, row, because=because)

    def dropped(self, proposal: Proposal) -> None:
        """Let its reads go, which have their own ends again."""
        held.empty(self._store, int(proposal.target))

    def _take(self, actor: Actor, proposal: Proposal) -> None:
        hold, now, ids = int(proposal.target), to_micros(self._clock.now()), proposal.content["reads"]
        for first in range(0, len(ids), held.BATCH):
            some = ids[first : first + held.BATCH]
            with self._store.write() as connection:
                self.check(connection, proposal)
                taken = held.take(self._store, connection, hold, some, now, expired=True)
                self._record(
                    actor, connection, "holds.place", proposal, held.row_of(connection, hold), "step", reads=taken
                )

    def _record(
        self, actor: Actor, connection: Connection, action: str, proposal: Proposal, row: Row[Any],
        outcome: str = "done", **detail: Any,
    ) -> None:  # fmt: skip
        self._audit.record(
            actor, action, outcome, target=str(row.id), within=connection, approval=proposal.id,
            why=Why(row.kind, row.reason, row.case_number), **detail,
        )  # fmt: skip
