"""`Audit`: append-only events. A caller that cannot write its event must not answer."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from hub.audit.actions import Act, Outcome
from hub.audit.log import Log
from hub.clock import Clock
from hub.people import Actor, Why
from hub.store.audit_rows import exact, written
from hub.store.engine import Store
from hub.store.instant import to_micros


class Audit:
    """Writes and lists audit events."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._clock = clock
        self._log = Log(store)

    def record(
        self,
        actor: Actor,
        action: Act,
        outcome: Outcome,
        *,
        target: str | None = None,
        why: Why | None = None,
        results: int | None = None,
        within: Connection | None = None,
        by_policy: int | None = None,
        **detail: Any,
    ) -> None:
        """Make one event durable before returning; `within` joins a transaction that is open already.

        An event by itself waits for nobody who writes to the database. `results` counts what is handed out; `by_policy`
        is the policy that was applied, where that is not the one in force now. The number of the event that `why` names
        is in the detail.
        """
        if why is not None and why.event_number is not None:
            detail = {**detail, "event_number": why.event_number}
        event = {
            "event_id": uuid4().hex,
            "at": written(to_micros(self._clock.now())),
            "actor": actor.name,
            "authenticated": actor.authenticated,
            "action": str(action),
            "target": target,
            "purpose": why.purpose if why else None,
            "reason": why.reason if why else None,
            "case_number": why.case_number if why else None,
            "detail": _plain(detail),
            "results": results,
            "outcome": str(outcome),
            "policy_id": by_policy,
        }
        if within is None:
            self._log.append(event)
        else:
            self._log.join(within, event)

    def last(self, action: str, outcome: str) -> dict[str, Any] | None:
        """The newest event of an action with this outcome; None where there is none."""
        return next(map(_shown, self._log.newest(1, action=action, outcome=outcome)), None)

    def last_lying(self, action: str, outcome: str) -> dict[str, Any] | None:
        """What `last` gives, for whoever may change nothing: events that wait are not carried for it."""
        found = self._log.last_lying(action, outcome)
        return None if found is None else _shown(found)

    def events(self, limit: int = 100, action: str | None = None, who: str | None = None) -> list[dict[str, Any]]:
        """The newest events, newest first: all, or those of an action, or of who acted."""
        return list(map(_shown, self._log.newest(limit, action=action, actor=who)))

    def carry(self) -> None:
        """Bring events that a process left behind into the log."""
        self._log.carry()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "at": datetime.fromisoformat(row["at"])}


def _plain(detail: dict[str, Any]) -> Any:
    """A detail in JSON's own types."""
    return exact(msgspec.json.decode(msgspec.json.encode(detail)))
