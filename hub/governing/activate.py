"""`Activate`: putting another policy in force, once it is known what that would do."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import func, insert, select

from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.errors import Conflict, Invalid
from hub.governing.in_force import keep, newest, row_of
from hub.people import Actor
from hub.policy.decisions import Decision
from hub.policy.profile import Profile, load
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros


class Change(NamedTuple):
    """What a policy would do to one connection's reads that get their end from one of its rules."""

    connection: str
    rule: str
    reads: int
    shorter: int
    longer: int
    kept_short: int
    """Those that it would let live longer, if that were signed (`lengthening`): they keep the end that they have."""
    end_now: int
    """Those that would be over at once, and purged; they are among `shorter`."""


class Activate:
    """Puts policies in force."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        effect: Callable[[Profile], Sequence[Change]],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._effect = effect

    def preview(self, name: str, decisions: Sequence[Decision] = ()) -> list[Change]:
        """What putting a profile in force would do, by connection and rule; changes nothing.

        Raises `NotFound`, `Invalid`, and `PolicyConflict` or `PolicyRefused` where it cannot be put in force.
        """
        profile = load(name, decisions)
        profile.activation().demand()
        return list(self._effect(profile))

    def activate(self, actor: Actor, name: str, reason: str, decisions: Sequence[Decision] = ()) -> int:
        """Put a profile in force with what was signed about it; gives the policy's id.

        Reads that are kept get their new ends from `Recompute`, and what opens the hub from now on follows the new
        policy. Raises as `preview` does, and `Conflict` where it is in force already.
        """
        if not reason.strip():
            raise Invalid("reason: say why the policy changes")
        load(name, decisions).activation().demand()
        row, now = row_of(name, decisions), to_micros(sure(self._clock))
        reads, recomputes = tables.reads, tables.recomputes
        with self._store.write() as connection:
            before = newest(connection)
            if before is not None and before.digest == row["digest"]:
                raise Conflict(f"{name} is in force already, with the same decisions")
            ident = keep(connection, row, now, actor, reason.strip())
            last = connection.scalar(select(func.coalesce(func.max(reads.c.id), 0)))
            connection.execute(
                insert(recomputes).values(policy_id=ident, started_at=now, started_by=actor.name, last_id=last)
            )
            self._audit.record(
                actor, "policy.activate", "done", target=name, within=connection, digest=row["digest"],
                before=before.digest if before else None, change=reason.strip(),
                settles=[one.settles for one in decisions],
            )  # fmt: skip
        return ident
