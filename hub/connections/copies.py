"""How the copies of our hot lists stand at a connection."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, and_, case, exists, func, or_, select

from connectors.contract import Proof
from hub.store import tables
from hub.store.entries import standing
from hub.store.instant import from_micros, to_micros
from hub.store.visible import listed

GRACE: Final = timedelta(hours=1)
"""How long a new list, a new account or a changed entry may take to be published."""


ALIVE: Final = timedelta(minutes=1)
"""A publication that goes on says so within this."""


class UnprovedList(NamedTuple):
    """One list at one connection that is not proved to be what it should be.

    `published` says whether it was ever tried. `missing` and `unexpected` count the entries by which the copy differed
    when it was last compared; `behind` is since when a change of the list has waited to be published. `under_way`: it
    is being published now, and nothing is known to be wrong with it. `withdrawn` counts plates that the vendor has and
    that no entry names any more, since `behind`.
    """

    hotlist: str
    published: bool
    proof: str
    missing: int
    unexpected: int
    error: str | None
    behind: datetime | None
    under_way: bool = False
    withdrawn: int = 0


def unproved(connection: Connection, connection_id: int, now: datetime) -> list[UnprovedList]:
    """The lists that were published to a connection, or are being published, and whose copy is not proved."""
    table, lists, accounts = tables.publications, tables.hotlists, tables.connections
    differs = or_(table.c.verified_at.is_(None), table.c.error.is_not(None))
    rows = connection.execute(
        select(
            lists.c.name, table.c.proof, table.c.missing, table.c.unexpected, table.c.error, accounts.c.name.label("at")
        )
        .join(table, table.c.hotlist_id == lists.c.id)
        .join(accounts, accounts.c.id == table.c.connection_id)
        .where(table.c.connection_id == connection_id, differs)
        .order_by(lists.c.name)
    ).all()
    going = _going(connection, [f"{row.name} at {row.at}" for row in rows], now)
    copies = []
    for row in rows:
        well = row.error is None and not row.missing and not row.unexpected
        under_way = well and f"{row.name} at {row.at}" in going
        copies.append(
            UnprovedList(
                row.name, True, row.proof or "", row.missing or 0, row.unexpected or 0, row.error, None, under_way
            )
        )
    return copies


def _going(connection: Connection, subjects: list[str], now: datetime) -> set[str]:
    """Which of these publications go on now: begun, not ended, and alive."""
    table = tables.job_runs
    alive = table.c.alive_at.between(to_micros(now - ALIVE), to_micros(now + ALIVE))
    query = select(table.c.subject).where(
        table.c.job == "publish", table.c.ended_at.is_(None), alive, table.c.subject.in_(subjects)
    )
    return set(connection.scalars(query)) if subjects else set()


def behind(connection: Connection, connection_id: int, now: datetime) -> list[UnprovedList]:
    """The lists whose proved copy is older than a change that should have been published by now.

    Only copies that nobody compared within `GRACE` are looked at: the others are fresh.
    """
    table, lists, entries = tables.publications, tables.hotlists, tables.entries
    stale = connection.execute(
        select(lists.c.name, lists.c.id, table.c.verified_at)
        .join(table, table.c.hotlist_id == lists.c.id)
        .where(table.c.connection_id == connection_id, table.c.error.is_(None))
        .where(table.c.verified_at < to_micros(now - GRACE))
        .order_by(lists.c.name)
    ).all()
    unproved_lists = []
    for row in stale:
        there = entries.c.added_at <= row.verified_at
        over = entries.c.expires_at.between(row.verified_at, to_micros(now))
        changed_at = case(
            (and_(there, entries.c.removed_at > row.verified_at), entries.c.removed_at),
            (and_(there, entries.c.removed_at.is_(None), over), entries.c.expires_at),
            (and_(~there, entries.c.removed_at.is_(None)), entries.c.added_at),
        )
        # Entries of an import that is not in force do not count yet; those that an import ended count no more.
        known = or_(entries.c.removed_at.is_not(None), standing())
        first = connection.scalar(select(func.min(changed_at)).where(entries.c.hotlist_id == row.id, known))
        if first is not None and first < to_micros(now - GRACE):
            unproved_lists.append(UnprovedList(row.name, True, "", 0, 0, None, from_micros(first)))
    return unproved_lists


def withdrawn(connection: Connection, connection_id: int, now: datetime) -> list[UnprovedList]:
    """The lists of which a vendor still has a plate that was withdrawn, since nobody has published them after that.

    There is no grace: a car that was found is stopped for as long as a vendor watches for it. A copy that nobody could
    look at is judged by when it was handed over; one that was read back and differs is among the `unproved`.
    """
    table, lists, entries = tables.publications, tables.hotlists, tables.entries
    known = case((table.c.proof == Proof.ACCEPTED.value, table.c.pushed_at), else_=table.c.verified_at)
    copies = connection.execute(
        select(lists.c.name, lists.c.id, table.c.proof, known.label("at"), tables.connections.c.name.label("account"))
        .join(table, table.c.hotlist_id == lists.c.id)
        .join(tables.connections, tables.connections.c.id == table.c.connection_id)
        .where(table.c.connection_id == connection_id, table.c.error.is_(None), known.is_not(None))
        .where(or_(lists.c.changed_at.is_(None), lists.c.changed_at > known))
        .order_by(lists.c.name)
    ).all()
    going = _going(connection, [f"{copy.name} at {copy.account}" for copy in copies], now)
    found = []
    for copy in copies:
        gone = select(entries.c.plate, entries.c.plate_state, func.min(entries.c.removed_at).label("since")).where(
            entries.c.hotlist_id == copy.id, entries.c.added_at <= copy.at, entries.c.removed_at > copy.at
        )
        still = select(entries.c.plate, entries.c.plate_state).where(
            entries.c.hotlist_id == copy.id, standing(), listed(to_micros(now))
        )
        removed = {
            (row.plate, row.plate_state): row.since
            for row in connection.execute(gone.group_by(entries.c.plate, entries.c.plate_state))
        }
        there = set(connection.execute(still).tuples()) if removed else set()
        since = [at for key, at in removed.items() if key not in there]
        if since:
            on_its_way = f"{copy.name} at {copy.account}" in going
            behind_since = from_micros(min(since))
            found.append(UnprovedList(copy.name, True, copy.proof, 0, 0, None, behind_since, on_its_way, len(since)))
    return found


def never(connection: Connection, connection_id: int, added_at: int, now: datetime) -> list[UnprovedList]:
    """The lists with entries in force that were never published to a connection, though both are older than `GRACE`."""
    table, lists, entries = tables.publications, tables.hotlists, tables.entries
    before = to_micros(now - GRACE)
    if added_at > before:
        return []
    tried = exists().where(table.c.hotlist_id == lists.c.id, table.c.connection_id == connection_id)
    in_force = exists().where(
        entries.c.hotlist_id == lists.c.id,
        standing(),
        listed(to_micros(now)),
    )
    names = connection.scalars(
        select(lists.c.name).where(lists.c.made_at <= before, ~tried, in_force).order_by(lists.c.name)
    )
    return [UnprovedList(name, False, "", 0, 0, None, None) for name in names]
