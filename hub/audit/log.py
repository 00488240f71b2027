"""`Log`: the one place where audit events are appended and read.

On PostgreSQL the log is a table, and an event of a transaction is written with it. SQLite has one writer a file, so the
log is a file of its own. There an event of a transaction is written with it into `audit_waiting`, and carried into the
log once that is committed: by whoever wrote it, or else by whoever next appends, reads or opens the log. It is taken
from `audit_waiting` after the log has it on the disk, and has an id of its own, so that a kill at any moment neither
loses an event nor doubles it.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, text

from hub.errors import IntegrityBroken
from hub.store import tables
from hub.store.engine import Store

log = logging.getLogger(__name__)

BATCH: Final = 1000
"""Events that are carried in one transaction of the log."""
AFTERWARDS_S: Final = 1.0
"""So long whoever has committed waits for his turn to carry: his events are safe where they wait."""
_COLUMNS: Final = tuple(column.name for column in tables.audit.c if column.name != "id")
_NAMES: Final = ", ".join(_COLUMNS)
_VALUES: Final = ", ".join(f":{name}" for name in _COLUMNS)
_JOIN: Final = text(f"INSERT INTO audit_waiting ({_NAMES}) VALUES ({_VALUES})")
_WAITING: Final = f"SELECT id, event_id, {_NAMES} FROM audit_waiting WHERE id > :after ORDER BY id LIMIT {BATCH}"
_CARRY: Final = text(
    f"INSERT INTO audit_events (event_id, {_NAMES}) VALUES (:event_id, {_VALUES}) ON CONFLICT (event_id) DO NOTHING"
)
Event = Mapping[str, Any]
"""A value for each column but the id; `policy_id` None: the policy in force."""


class Log:
    """The audit log of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._apart = store.log_file is not None
        self._carried = 0
        """The last of the waiting events that this process knows to be in the log; their ids are never given twice."""

    def append(self, event: Event) -> None:
        """Put an event on the disk, after all those that waited; waits for no writer of the database."""
        event = {**event}
        with self._store.read() as connection:
            if event["policy_id"] is None:
                event["policy_id"] = connection.scalar(select(func.max(tables.policies.c.id)))
            waiting = self._waiting(connection)
        while len(waiting) == BATCH:  # another version left them, or the log could not be written for long
            self._carry(waiting)
            waiting = self._left()
        with self._store.append() as connection:
            self._put(connection, waiting)
            connection.execute(insert(tables.audit).values(**event))
        self._note(waiting)

    def join(self, connection: Connection, event: Event) -> None:
        """Write an event in a transaction that is open: it stands or falls with it."""
        in_force = select(func.max(tables.policies.c.id)).scalar_subquery()
        if not self._apart:
            policy = in_force if event["policy_id"] is None else event["policy_id"]
            connection.execute(insert(tables.audit).values(**{**event, "policy_id": policy}))
            return
        self._forget(connection)
        policy = connection.scalar(select(in_force)) if event["policy_id"] is None else event["policy_id"]
        connection.execute(_JOIN, {**event, "policy_id": policy})
        self._store.afterwards(self._carry_now)

    def newest(self, limit: int, action: str | None = None, outcome: str | None = None) -> list[dict[str, Any]]:
        """The last events, the newest first: all, or those of an action or an outcome."""
        self.carry()
        return self._lying(limit, action, outcome)

    def last_lying(self, action: str, outcome: str) -> dict[str, Any] | None:
        """The last event of an action with this outcome, carried or not; nothing is carried for it."""
        waits: list[dict[str, Any]] = []
        if self._apart:
            sql = text(
                f"SELECT {_NAMES} FROM audit_waiting WHERE action = :action AND outcome = :outcome"
                " ORDER BY id DESC LIMIT 1"
            )
            with self._store.read() as connection:
                found = connection.execute(sql, {"action": action, "outcome": outcome})
                waits = [dict(row) for row in found.mappings()]
        there = [*self._lying(1, action, outcome), *waits]
        return max(there, key=lambda one: int(one["at"]), default=None)

    def _lying(self, limit: int, action: str | None, outcome: str | None) -> list[dict[str, Any]]:
        table = tables.audit
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        for column, wanted in ((table.c.action, action), (table.c.outcome, outcome)):
            if wanted is not None:
                query = query.where(column == wanted)
        with self._store.read_log() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def carry(self, patience: float | None = None) -> None:
        """Bring all that waits into the log; very many leave the database too, in turns."""
        while waiting := self._left():
            self._carry(waiting, patience)
            if len(waiting) == BATCH:
                doing = "events are taken over into the audit log"
                with self._store.write(doing=doing, patience=patience) as connection:
                    self._forget(connection)

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

    def _left(self) -> list[Event]:
        with self._store.read() as connection:
            return self._waiting(connection)

    def _waiting(self, connection: Connection) -> list[Event]:
        if not self._apart:
            return []
        names = ("id", "event_id", *_COLUMNS)
        rows = self._store.rows(connection, _WAITING, {"after": self._carried})
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _carry(self, waiting: Sequence[Event], patience: float | None = None) -> None:
        with self._store.append(patience) as connection:
            self._put(connection, waiting)
        self._note(waiting)

    def _put(self, connection: Connection, waiting: Sequence[Event]) -> None:
        if not waiting:
            return
        connection.execute(_CARRY, [dict(event) for event in waiting])
        there = text(f"SELECT count(*) FROM audit_events WHERE {self._store.one_of('event_id', 'ids')}")
        present = connection.scalar(there, {"ids": self._store.as_list([event["event_id"] for event in waiting])})
        if present != len(waiting):
            raise IntegrityBroken(f"the audit log took {present} of {len(waiting)} events that waited for it")

    def _note(self, waiting: Sequence[Event]) -> None:
        if waiting:
            self._carried = max(self._carried, int(waiting[-1]["id"]))

    def _forget(self, connection: Connection) -> None:
        """Take what the log has on its disk from the events that wait; raises `AdminMustAct` where its file is gone."""
        self._store.demand_log()
        connection.execute(text("DELETE FROM audit_waiting WHERE id <= :carried"), {"carried": self._carried})
