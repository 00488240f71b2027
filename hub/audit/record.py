"""`Audit`: append-only events. A caller that cannot write its event must not answer."""

from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select

from hub.clock import Clock
from hub.people import Actor, Why
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros


class Audit:
    """Writes and lists audit events."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def record(
        self,
        actor: Actor,
        action: str,
        outcome: str,
        *,
        target: str | None = None,
        why: Why | None = None,
        results: int | None = None,
        within: Connection | None = None,
        by_policy: int | None = None,
        **detail: Any,
    ) -> None:
        """Make one event durable before returning; `within` joins a transaction that is open already.

        `action` is noun.verb (`reads.search`), `outcome` is `asked`, `done` or `refused`; `results` counts what is
        handed out; `by_policy` is the policy that was applied, where that is not the one in force now.
        """
        row = {
            "at": to_micros(self._clock.now()),
            "actor": actor.name,
            "authenticated": actor.authenticated,
            "action": action,
            "target": target,
            "purpose": why.purpose if why else None,
            "reason": why.reason if why else None,
            "case_number": why.case_number if why else None,
            "detail": msgspec.json.encode(detail).decode(),
            "results": results,
            "outcome": outcome,
        }
        in_force = select(func.max(tables.policies.c.id)).scalar_subquery()
        event = insert(tables.audit).values(**row, policy_id=in_force if by_policy is None else by_policy)
        if within is not None:
            within.execute(event)
            return
        with self._store.write() as connection:
            connection.execute(event)

    def last(self, action: str, outcome: str) -> dict[str, Any] | None:
        """The newest event of an action with this outcome; None where there is none."""
        table = tables.audit
        asked = select(table).where(table.c.action == action, table.c.outcome == outcome)
        with self._store.read() as connection:
            row = connection.execute(asked.order_by(table.c.id.desc()).limit(1)).mappings().one_or_none()
        if row is None:
            return None
        return {**row, "at": from_micros(row["at"]), "detail": msgspec.json.decode(row["detail"])}

    def events(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest events, newest first."""
        with self._store.read() as connection:
            rows = connection.execute(select(tables.audit).order_by(tables.audit.c.id.desc()).limit(limit)).mappings()
            return [{**row, "at": from_micros(row["at"]), "detail": msgspec.json.decode(row["detail"])} for row in rows]
