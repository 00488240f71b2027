"""`Alarms`: what somebody tried alone that takes two people is refused, put on record, and told of by `health`."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, certain
from hub.errors import PolicyRefused
from hub.people import Actor
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros

KEPT: Final = timedelta(days=30)
"""For how long a try is kept beside the audit record, which keeps it for good."""


class Alarms:
    """Refuses what takes two."""

    def __init__(self, store: Store, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def refused(self, actor: Actor, act: Act, target: str, refusal: str) -> PolicyRefused:
        """What is raised, once it is on record that somebody tried it and that `health` shall tell so."""
        with self._store.write() as connection:
            self.note(connection, actor, target, refusal)
            self._audit.record(
                actor, act, Outcome.REFUSED, target=target, within=connection, refusal=refusal, alarm=True
            )
        return PolicyRefused(refusal)

    def note(self, connection: Connection, actor: Actor, about: str, refusal: str) -> None:
        """Let `health` tell of it; who refuses puts it on record."""
        table, now = tables.alarms, self._clock.now()
        # The audit record keeps what goes here.
        connection.execute(delete(table).where(table.c.at < to_micros(certain(self._clock) - KEPT)))
        values = {"at": to_micros(now), "by": actor.name, "about": about, "refusal": refusal}
        connection.execute(insert(table).values(values))
