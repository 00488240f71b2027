"""PostgreSQL keeps reads and their payloads in months of `captured_at`, so that whole months can go at once.

SQLite keeps one table of each.
"""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from hub.store.engine import Store
from hub.store.instant import to_micros

AHEAD: Final = 2
"""Months that stand ready beyond the running one."""
BEHIND: Final = 12
"""Months before the running one that have a partition of their own; what is older shares one."""
REST: Final = "reads_rest"
"""The table of reads whose month is not made."""
LOCK: Final = "4s"
"""How long making months waits for readers that are under way: new readers wait behind it."""
IN_MONTHS: Final = ("reads", "payloads")
"""A month of reads and the same month of payloads come and go together."""
FULL: Final = 90
"""How full (%) a page of reads is made: a read that gets another end finds room for its new version beside it."""


def make_months(store: Store, now: datetime) -> list[str]:
    """Make every month from a year ago to two months ahead that is missing, and drop empty ones before; gives changes.

    Reads that came before their month was made move into it in the same transaction. Waits `LOCK` for whoever reads,
    and then fails. Does nothing on SQLite.
    """
    if store.is_sqlite:
        return []
    store.in_months = True
    wanted = [_month(now, step) for step in range(-BEHIND, AHEAD + 1)]
    with store.read() as connection:
        if set(map(_name, wanted)) <= set(months_of(connection)):
            return []
    changed = []
    with store.write() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK}'"))
        # Readers lock all of a table before its months: so do we, or we would wait for each other.
        connection.execute(text(f"LOCK TABLE {', '.join(IN_MONTHS)} IN ACCESS EXCLUSIVE MODE"))
        there = months_of(connection)
        for begin, end in zip(wanted, [*wanted[1:], _month(now, AHEAD + 1)], strict=True):
            if _name(begin) not in there:
                for table in IN_MONTHS:
                    _make(connection, table, _name(begin, table), to_micros(begin), to_micros(end))
                changed.append(f"made {_name(begin)}")
        for name in there:
            parts = (name, payloads_of(name))
            if name < _name(wanted[0]) and all(_is_empty(connection, part) for part in parts):
                connection.execute(text(f"DROP TABLE {', '.join(parts)}"))
                changed.append(f"dropped {name}")
    return changed


def has_month(store: Store, now: datetime) -> bool:
    """Whether the running month is made; on PostgreSQL only."""
    with store.read() as connection:
        return _name(_month(now, 0)) in months_of(connection)


def months_of(connection: Connection) -> list[str]:
    """The tables that hold a month of reads each, oldest first; on PostgreSQL only."""
    sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reads'::regclass ORDER BY 1"
    return [name for name in connection.scalars(text(sql)) if name != REST]


def payloads_of(month: str) -> str:
    """The table that holds the payloads of a month's reads."""
    return month.replace("reads", "payloads", 1)


def span_of(month: str) -> tuple[int, int]:
    """When a month begins and ends (µs)."""
    first = datetime.strptime(month, "reads_%Y_%m").replace(tzinfo=UTC)
    return to_micros(first), to_micros(_month(first, 1))


def _month(now: datetime, step: int) -> datetime:
    months = now.year * 12 + now.month - 1 + step
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _name(month: datetime, table: str = "reads") -> str:
    return f"{table}_{month:%Y_%m}"


def _is_empty(connection: Connection, name: str) -> bool:
    return connection.scalar(text(f"SELECT 1 FROM {name} LIMIT 1")) is None


def _make(connection: Connection, table: str, name: str, begin: int, end: int) -> None:
    bounds: dict[str, Any] = {"begin": begin, "end": end}
    with_room = f" WITH (fillfactor = {FULL})" if table == "reads" else ""
    connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS){with_room}"))
    connection.execute(
        text(
            f"WITH early AS (DELETE FROM {table}_rest WHERE captured_at >= :begin AND captured_at < :end RETURNING *) "
            f"INSERT INTO {name} SELECT * FROM early"
        ),
        bounds,
    )
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"))
