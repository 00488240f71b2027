"""`Log`: the one place where audit events are appended and read.

An event by itself is appended at once. One of a transaction is written with it into `audit_waiting`, and carried into
the log once that is committed: by whoever wrote it, or else by whoever next appends, reads or opens the log. So each
has its place in the log's tree when it is there, nobody who writes to the database is waited for, and what is undone
never had a place. An event is taken from `audit_waiting` after the log has it on the disk, and has an id of its own, so
that a kill at any moment neither loses it nor doubles it. On SQLite, which has one writer a file, the log is a file of
its own.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select, text

from hub.store import tables
from hub.store.audit_rows import BATCH, Event, put
from hub.store.engine import Store

log = logging.getLogger(__name__)

AFTERWARDS_S: Final = 1.0
"""So long whoever has committed waits for his turn to carry: his events are safe where they wait."""
_JOIN: Final = text("INSERT INTO audit_waiting (event_id, body) VALUES (:event_id, :body)")
_WAITING: Final = f"SELECT id, body FROM audit_waiting WHERE id > :after ORDER BY id LIMIT {BATCH}"


class _Waiting(NamedTuple):
    """An event that waits for its place in the log."""

    id: int
    event: Event


class Log:
    """The audit log of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._carried = 0
        """The last of the waiting events that this process knows to be in the log; their ids are never given twice."""

    def append(self, event: Event) -> None:
        """Put an event on the disk, after all those that waited; waits for no writer of the database."""
        with self._store.read() as connection:
            event = _of_policy(connection, event)
            waiting = self._waiting(connection)
        while len(waiting) == BATCH:  # another version left them, or the log could not be written for long
            self._carry(waiting)
            waiting = self._left()
        with self._store.append() as connection:
            self._put(connection, waiting, event)
        self._note(waiting)

    def join(self, connection: Connection, event: Event) -> None:
        """Write an event in a transaction that is open: it stands or falls with it."""
        self._forget(connection)
        event = _of_policy(connection, event)
        connection.execute(_JOIN, {"event_id": event["event_id"], "body": msgspec.json.encode(event).decode()})
        self._store.afterwards(self._carry_now)

    def newest(self, limit: int, **only: str | None) -> list[dict[str, Any]]:
        """The last events, the newest first: all, or those with this `action`, `outcome` or `actor`."""
        self.carry()
        return self._lying(limit, **only)

    def last_lying(self, action: str, outcome: str) -> dict[str, Any] | None:
        """The last event of an action with this outcome, carried or not; nothing is carried for it."""
        waits = [each.event for each in self._left() if each.event["action"] == action]
        there = [
            *self._lying(1, action=action, outcome=outcome),
            *(event for event in waits if event["outcome"] == outcome),
        ]
        return max((dict(event) for event in there), key=lambda event: str(event["at"]), default=None)

    def carry(self, patience: float | None = None) -> None:
        """Bring all that waits into the log; very many leave the database too, in turns."""
        while waiting := self._left():
            self._carry(waiting, patience)
            if len(waiting) == BATCH:
                doing = "events are taken over into the audit log"
                with self._store.write(doing=doing, patience=patience) as connection:
                    self._forget(connection)

    def _lying(self, limit: int, **only: str | None) -> list[dict[str, Any]]:
        table = tables.audit
        query = select(table.c.id, table.c.document).order_by(table.c.id.desc()).limit(limit)
        for column, wanted in only.items():
            if wanted is not None:
                query = query.where(table.c[column] == wanted)
        with self._store.read_log() as connection:
            return [{"id": row.id, **msgspec.json.decode(row.document)} for row in connection.execute(query)]

    def _carry_now(self) -> None:
        """Carry what this thread has committed; where that cannot be done now, it is done later.

        Nothing is raised, whatever went wrong: the change is on the disk, and whoever made it must not hear that it
        failed.
        """
        try:
            self.carry(AFTERWARDS_S)
        except Exception as failed:
            log.warning(
                "audit events wait in the database, where they are safe: the log could not be written: %s", failed
            )

    def _left(self) -> list[_Waiting]:
        with self._store.read() as connection:
            return self._waiting(connection)

    def _waiting(self, connection: Connection) -> list[_Waiting]:
        rows = self._store.rows(connection, _WAITING, {"after": self._carried})
        return [_Waiting(ident, msgspec.json.decode(body)) for ident, body in rows]

    def _carry(self, waiting: Sequence[_Waiting], patience: float | None = None) -> None:
        with self._store.append(patience) as connection:
            self._put(connection, waiting)
        self._note(waiting)

    def _put(self, connection: Connection, waiting: Sequence[_Waiting], *more: Event) -> None:
        """Append what waited and is not in the log yet, since another process may have carried it, and what is new."""
        events = [each.event for each in waiting]
        if events:
            sql = text(f"SELECT event_id FROM audit_events WHERE {self._store.one_of('event_id', 'ids')}")
            idents = self._store.as_list([event["event_id"] for event in events])
            had = set(connection.scalars(sql, {"ids": idents}))
            events = [event for event in events if event["event_id"] not in had]
        put(connection, [*events, *more])

    def _note(self, waiting: Sequence[_Waiting]) -> None:
        if waiting:
            self._carried = max(self._carried, waiting[-1].id)

    def _forget(self, connection: Connection) -> None:
        """Take what the log has on its disk from the events that wait; raises `AdminMustAct` where its file is gone."""
        self._store.demand_log()
        connection.execute(text("DELETE FROM audit_waiting WHERE id <= :carried"), {"carried": self._carried})


def _of_policy(connection: Connection, event: Event) -> Event:
    """An event with the policy that was applied: the one in force, where it names none."""
    if event["policy_id"] is not None:
        return event
    return {**event, "policy_id": connection.scalar(select(func.max(tables.policies.c.id)))}
