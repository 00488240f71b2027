"""Which reads a hold has, in batches: taking them, letting them go, and what `reads.held` says of them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from hub.errors import NotFound
from hub.store import tables
from hub.store.engine import Store
from hub.store.visible import visible_sql

PURGING: Final = "what is over is being purged, or a backup made,"
"""The lease called purge, in words."""
BATCH: Final = 1000
"""Reads in one transaction: the writer is never held long."""


def row_of(connection: Connection, hold: int) -> Row[Any]:
    """A hold's row; raises `NotFound`."""
    row = connection.execute(select(tables.holds).where(tables.holds.c.id == hold)).one_or_none()
    if row is None:
        raise NotFound(f"there is no hold {hold}")
    return row


def take(store: Store, connection: Connection, hold: int, ids: Sequence[int], now: int, expired: bool) -> int:
    """Put reads under a hold: those visible at `now` (µs), or with `expired` all that are here.

    Gives how many are new to the hold.
    """
    alive = "" if expired else f" AND {visible_sql()}"
    bound = {"hold": hold, "ids": store.as_list(ids), "now": now}
    known = f"id FROM reads WHERE {store.one_of('id', 'ids')}{alive}"
    fresh = connection.execute(
        text(f"INSERT INTO held_reads (hold_id, read_id) SELECT :hold, {known} ON CONFLICT DO NOTHING"), bound
    ).rowcount
    connection.execute(text(f"UPDATE reads SET held = true WHERE id IN (SELECT {known})"), bound)
    return fresh


def let_go(store: Store, connection: Connection, hold: int, ids: Sequence[int]) -> None:
    """Take reads out of a hold; those that no live hold has are held no more."""
    bound = {"hold": hold, "ids": store.as_list(ids)}
    connection.execute(
        text(f"DELETE FROM held_reads WHERE hold_id = :hold AND {store.one_of('read_id', 'ids')}"), bound
    )
    connection.execute(
        text(
            f"UPDATE reads SET held = false WHERE {store.one_of('id', 'ids')} AND NOT EXISTS (SELECT 1 FROM held_reads "
            "k JOIN holds h ON h.id = k.hold_id WHERE k.read_id = reads.id AND h.released_at IS NULL)"
        ),
        bound,
    )


def batch_of(connection: Connection, hold: int, after: int = 0) -> list[int]:
    """The next ids of a hold's reads, in their order."""
    kept = tables.held_reads
    query = select(kept.c.read_id).where(kept.c.hold_id == hold, kept.c.read_id > after)
    return list(connection.scalars(query.order_by(kept.c.read_id).limit(BATCH)))


def empty(store: Store, hold: int) -> int:
    """Let every read of a released hold go, in batches; safe to kill and to repeat. Gives how many went."""
    gone = 0
    while True:
        with store.write() as connection:
            ids = batch_of(connection, hold)
            if not ids:
                return gone
            let_go(store, connection, hold, ids)
            gone += len(ids)
