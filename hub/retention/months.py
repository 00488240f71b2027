"""Whole months of reads that are over go at once, where the database keeps them in months (PostgreSQL)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from hub.store.engine import Store
from hub.store.partitions import months_of

PATIENCE: Final = "5s"
"""So long the last step waits for readers of the month, and new readers wait behind it; then the month goes by rows."""


class Gone(NamedTuple):
    """What went of one connection and rule."""

    connection_id: int
    rule: str
    counts: Mapping[str, int]
    rows: Collection[str]
    """The vendor's ids."""
    captured: tuple[int, int]


Account = Callable[[Connection, Gone], None]
"""Certifies, in the transaction that removes."""
Day = Callable[[Connection, int, int, int], None]
"""Counts, in that transaction: the connection, a receipt (µs) of a day, and how many reads of that day went."""


def over(store: Store, now: int) -> list[str]:
    """The months that have reads and in which every one is expired and not held."""
    if store.is_sqlite:
        return []
    with store.read() as connection:
        return [
            name
            for name in months_of(connection)
            if connection.scalar(text(f"SELECT 1 FROM {name} LIMIT 1")) is not None and _all_over(connection, name, now)
        ]


def empty(store: Store, name: str, now: int, account: Account, day: Day) -> int:
    """Remove all that a month has, set by set, in one transaction; gives how many reads, 0 where it is not over."""
    try:
        with store.write() as connection:
            if not _all_over(connection, name, now):
                return 0
            return _empty(connection, name, account, day)
    except OperationalError:  # its readers took too long: they go first
        return 0


def _all_over(connection: Connection, name: str, now: int) -> bool:
    sql = f"SELECT 1 FROM {name} WHERE expires_at > :now OR held LIMIT 1"
    return connection.scalar(text(sql), {"now": now}) is None


def _empty(connection: Connection, name: str, account: Account, day: Day) -> int:
    rows: dict[tuple[int, str], list[str]] = defaultdict(list)
    captured: dict[tuple[int, str], tuple[int, int]] = {}
    for connection_id, rule, vendor_id, at in connection.execute(
        text(f"SELECT connection_id, rule, vendor_read_id, captured_at FROM {name}")
    ):
        key = (connection_id, rule)
        rows[key].append(vendor_id)
        first, last = captured.get(key, (at, at))
        captured[key] = (min(first, at), max(last, at))
    days = text(f"SELECT connection_id, received_at / 86400000000, count(*) FROM {name} GROUP BY 1, 2")
    for connection_id, number, count in connection.execute(days).all():
        day(connection, connection_id, number * 86_400_000_000, count)
    counts: dict[tuple[int, str], dict[str, int]] = {key: {"reads": len(ids)} for key, ids in rows.items()}
    connection.execute(
        text(
            f"CREATE TEMPORARY TABLE gone_plates ON COMMIT DROP AS SELECT plate_id AS id FROM {name} "
            f"UNION SELECT c.plate_id FROM candidates c JOIN {name} r ON r.id = c.read_id"
        )
    )
    changes = {
        "pictures": f"UPDATE images x SET state = 'doomed', url = NULL FROM {name} r WHERE x.read_id = r.id",
        **{table: f"DELETE FROM {table} x USING {name} r WHERE x.read_id = r.id" for table in ("hits", "payloads")},
    }
    for what, change in changes.items():
        told = f"WITH gone AS ({change} RETURNING r.connection_id, r.rule) SELECT *, count(*) FROM gone GROUP BY 1, 2"
        for connection_id, rule, count in connection.execute(text(told)).all():
            counts[connection_id, rule][what] = count
    for table in ("candidates", "links", "held_reads"):
        connection.execute(text(f"DELETE FROM {table} x USING {name} r WHERE x.read_id = r.id"))
    connection.execute(
        text(
            f"DELETE FROM ledger x USING {name} r "
            "WHERE x.connection_id = r.connection_id AND x.vendor_read_id = r.vendor_read_id"
        )
    )
    connection.execute(
        text(
            "DELETE FROM plates p USING gone_plates g WHERE p.id = g.id AND NOT EXISTS (SELECT 1 FROM reads r WHERE "
            f"r.plate_id = p.id AND r.tableoid <> '{name}'::regclass) "
            "AND NOT EXISTS (SELECT 1 FROM candidates c WHERE c.plate_id = p.id)"
        )
    )
    for (connection_id, rule), ids in rows.items():
        account(connection, Gone(connection_id, rule, counts[connection_id, rule], ids, captured[connection_id, rule]))
    # Emptied and not dropped: late reads of this month still have a place. A month that is emptied at once is empty for
    # whoever looks at an earlier moment too, so nobody may be looking: readers hold the whole table while they do.
    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    connection.execute(text("LOCK TABLE ONLY reads IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"TRUNCATE TABLE {name}"))
    return sum(map(len, rows.values()))
