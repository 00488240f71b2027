"""`ListStandings`: every hot list in one row, and at which vendors its copy is proved."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from hub.clock import Clock
from hub.store import tables
from hub.store.engine import Store
from hub.store.entries import standing
from hub.store.instant import to_micros
from hub.store.visible import listed


@dataclass(frozen=True, slots=True)
class ListStanding:
    """A hot list: its entries in force, when it changed last, and the connections that have a copy, proved or not.

    Only a copy that was proved since the list was as it is now is called proved.
    """

    name: str
    entries: int
    changed_at: datetime | None
    proved_at: list[str]
    not_proved_at: list[str]


class ListStandings:
    """Shows which hot lists there are."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def of(self, changes: dict[str, datetime | None]) -> list[ListStanding]:
        """These lists, by name, each with when it changed last."""
        lists, entries, copies, accounts = tables.hotlists, tables.entries, tables.publications, tables.connections
        now = to_micros(self._clock.now())
        with self._store.read() as connection:
            idents = dict(connection.execute(select(lists.c.id, lists.c.name)).tuples().all())
            in_force = select(entries.c.hotlist_id, func.count()).where(standing(), listed(now))
            counts = dict(connection.execute(in_force.group_by(entries.c.hotlist_id)).tuples().all())
            lapsed = select(entries.c.hotlist_id, func.max(entries.c.expires_at)).where(standing(), ~listed(now))
            ends = dict(connection.execute(lapsed.group_by(entries.c.hotlist_id)).tuples().all())
            held = connection.execute(
                select(copies.c.hotlist_id, copies.c.verified_at, copies.c.error, accounts.c.name)
                .join(accounts, accounts.c.id == copies.c.connection_id)
                .where(accounts.c.removed_at.is_(None))
                .order_by(accounts.c.name)
            ).all()
        standings = []
        for ident, name in sorted(idents.items(), key=lambda one: one[1]):
            if name not in changes:
                continue
            of_it = [row for row in held if row.hotlist_id == ident]
            changed = changes[name]
            since = max(to_micros(changed) if changed is not None else 0, ends.get(ident, 0))
            proved = [
                row.name
                for row in of_it
                if row.verified_at is not None and row.verified_at >= since and row.error is None
            ]
            others = [row.name for row in of_it if row.name not in proved]
            standings.append(ListStanding(name, counts.get(ident, 0), changes[name], proved, others))
        return standings
