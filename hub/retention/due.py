"""Which reads are over and held by nobody: found by their ends, without a look at those that are not."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from sqlalchemy import text

from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.narrowing import narrow
from hub.store.partitions import REST, months_of

MOST: Final = 50_000
"""Reads of a month that are kept in memory at once, on PostgreSQL."""


class ReadToPurge(NamedTuple):
    """What is asked of a read that is over."""

    id: int
    connection_id: int
    vendor_read_id: str
    plate_id: int
    captured_at: int
    received_at: int
    ingested_at: int
    expires_at: int
    rule: str
    floor_at: int | None


_COLUMNS: Final = ", ".join(ReadToPurge._fields)
_OVER: Final = "expires_at <= :now AND NOT held"


def due(
    store: Store, now: int, turn: Callable[[], int], stays: Callable[[ReadToPurge], bool]
) -> Iterator[list[ReadToPurge]]:
    """The reads that were over at an instant (µs), that nothing holds and that do not stay all the same.

    At most `turn()` at once. Whoever asks for the next ones has removed those before; each read is asked about once.
    """
    walk = _by_month if dialect(store).IN_MONTHS else _by_end
    return walk(store, now, turn, stays)


def _by_end(
    store: Store, now: int, turn: Callable[[], int], stays: Callable[[ReadToPurge], bool]
) -> Iterator[list[ReadToPurge]]:
    """In the order of their ends alone: very many reads may share one, and a removed read does not come again."""
    sql = f"SELECT {_COLUMNS} FROM reads WHERE {_OVER} AND expires_at >= :at AND NOT {store.among('id', 'kept')}"
    at, kept = -(1 << 62), set[int]()
    while True:
        bound = {"now": now, "at": at, "kept": store.as_list(list(kept))}
        with store.read() as connection:
            found = store.rows(connection, f"{sql} ORDER BY expires_at LIMIT {turn()}", bound)
        if not found:
            return
        rows = list(map(ReadToPurge._make, found))
        last, staying = rows[-1].expires_at, {row.id for row in rows if stays(row)}
        yield [row for row in rows if row.id not in staying]
        at, kept = last, staying | kept if last == at else staying


def _by_month(
    store: Store, now: int, turn: Callable[[], int], stays: Callable[[ReadToPurge], bool]
) -> Iterator[list[ReadToPurge]]:
    """Month by month in the order of their ids; where reads went, their ends are noted anew (`narrowing`)."""
    with store.read() as connection:
        names = [*months_of(connection), REST]
    for name in names:
        # No index is in this order that holds ends: without the + the planner would walk one of all reads.
        sql = f"SELECT {_COLUMNS} FROM {name} WHERE {_OVER} AND id > :after ORDER BY id + 0 LIMIT {MOST}"
        after, went = 0, False
        while True:
            with store.read() as connection:
                connection.execute(text("SET LOCAL enable_seqscan = off"))
                found = store.rows(connection, sql, {"now": now, "after": after})
            rows = [row for row in map(ReadToPurge._make, found) if not stays(row)]
            went = went or bool(rows)
            while rows:
                some, rows = rows[: (size := turn())], rows[size:]
                yield some
            if len(found) < MOST:
                break
            after = found[-1][0]
        if went:
            narrow(store, name)
