"""`Links`: reads that a case or an event needs. A link is no hold: it lets reads live to the linked ceiling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, text

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.cases.held import BATCH
from hub.clock import Clock, sure
from hub.errors import Invalid, NotFound
from hub.governing.floors import Floors, Kept
from hub.governing.in_force import Governing
from hub.governing.lives import Promises
from hub.governing.sources import Sources
from hub.people import Actor, Why, plainly
from hub.store import tables
from hub.store.ends import End, set_ends, told_end
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.visible import visible


@dataclass(frozen=True, slots=True)
class Linked:
    """What became of reads: how many were linked (or unlinked), and how many live longer (or shorter) for it."""

    reads: int
    changed: int


class Links:
    """Links reads to cases, and lets them go."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, governing: Governing, sources: Sources) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._sources = sources

    def link(self, actor: Actor, reads: Sequence[int], case_number: str, reason: str = "") -> Linked:
        """Say that a case or event needs reads, which then live as long as policy lets such reads live, never shorter.

        Each copy keeps its own source's rule. All of the reads or none, up to a thousand at once; raises `NotFound` for
        one whose time is over, for nothing that has ended comes back.
        """
        case = _checked(reads, case_number)
        kinds = self._sources.all()
        with self._store.write() as connection:
            now = self._clock.now()  # asked once nobody else writes: what ended meanwhile stays over
            rows = self._visible(connection, reads, to_micros(now))
            known = set(connection.scalars(select(tables.links.c.read_id).where(tables.links.c.case_number == case)))
            fresh = [row for row in rows if row.id not in known]
            if fresh:
                link = {"case_number": case, "linked_by": actor.name, "linked_at": to_micros(now)}
                connection.execute(tables.links.insert(), [{"read_id": row.id, **link} for row in fresh])
            changed = self._longer(connection, rows, Promises(self._governing.history(within=connection), kinds))
            self._record(connection, actor, Act.LINKS_ADD, case, reason, len(fresh), changed)
        return Linked(len(fresh), changed)

    def unlink(self, actor: Actor, reads: Sequence[int], case_number: str, reason: str = "") -> Linked:
        """Take a case's need of reads back; those that no other case and no hit needs end as if never linked."""
        case = _checked(reads, case_number)
        now, table, kinds = sure(self._clock), tables.links, self._sources.all()
        with self._store.write() as connection:
            rows = self._visible(connection, reads, to_micros(now))
            bound = {"ids": self._store.as_list([row.id for row in rows])}
            gone = connection.execute(
                delete(table).where(table.c.case_number == case, table.c.read_id.in_([row.id for row in rows]))
            ).rowcount
            needed: set[int] = set()
            for other in ("links", "hits"):
                sql = f"SELECT read_id FROM {other} WHERE {self._store.one_of('read_id', 'ids')}"
                needed.update(connection.scalars(text(sql), bound))
            free = [row for row in rows if row.id not in needed]
            history = self._governing.history(within=connection)
            promises, floors = Promises(history, kinds), Floors(history, kinds)
            changed = self._shorter(connection, free, promises, floors, to_micros(now))
            self._record(connection, actor, Act.LINKS_REMOVE, case, reason, gone, changed)
        return Linked(gone, changed)

    def _visible(self, connection: Connection, reads: Sequence[int], now: int) -> Sequence[Any]:
        table, wanted = tables.reads, sorted(set(reads))
        columns = (
            *(table.c.id, table.c.connection_id, table.c.captured_at, table.c.received_at, table.c.ingested_at),
            *(table.c.expires_at, table.c.floor_at),
        )
        rows = connection.execute(select(*columns).where(table.c.id.in_(wanted), visible(table, now))).all()
        if missing := set(wanted) - {row.id for row in rows}:
            raise NotFound(f"reads: {min(missing)} is not here")
        return rows

    def _longer(self, connection: Connection, rows: Sequence[Any], promises: Promises) -> int:
        """Give reads the life of linked ones where that is longer; gives how many changed."""
        removed = tables.removals
        leaving = set(connection.scalars(select(removed.c.connection_id).where(removed.c.reads == "purge")))
        ends = ((row, promises.needed(*_times(row))) for row in rows if row.connection_id not in leaving)
        return self._give(connection, [(row, end) for row, end in ends if end is not None and end[0] > row.expires_at])

    def _shorter(
        self, connection: Connection, rows: Sequence[Any], promises: Promises, floors: Floors, now: int
    ) -> int:
        """Give reads the life of those that nothing needs where that is shorter, none before the floor under which it
        was kept; gives how many changed."""
        given = []
        for row in rows:
            end = promises.end(*_times(row), linked=False)
            if end is None or end[0] >= row.expires_at:
                continue
            kept = Kept(*_times(row), row.floor_at)
            until = told_end(floors.end(kept, end[0], row.expires_at), row.expires_at, now)
            if until < row.expires_at:
                given.append((row, (until, end[1])))
        return self._give(connection, given)

    def _give(self, connection: Connection, ends: Sequence[tuple[Any, tuple[int, str]]]) -> int:
        set_ends(self._store, connection, [End(row.id, row.captured_at, *end, row.expires_at) for row, end in ends])
        return len(ends)

    def _record(
        self, connection: Connection, actor: Actor, action: Act, case: str, reason: str, reads: int, changed: int
    ) -> None:
        why = Why("", reason.strip(), case)
        self._audit.record(actor, action, Outcome.DONE, why=why, within=connection, reads=reads, changed=changed)


def _times(row: Any) -> tuple[int, int, int, int]:
    return row.connection_id, row.captured_at, row.received_at, row.ingested_at


def _checked(reads: Sequence[int], case_number: str) -> str:
    if not plainly(case_number):
        raise Invalid("case_number: is missing")
    if not 1 <= len(reads) <= BATCH:
        raise Invalid(f"reads: between 1 and {BATCH} at once")
    return case_number.strip()
