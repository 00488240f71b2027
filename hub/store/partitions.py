"""PostgreSQL keeps reads in months of `captured_at`, so that whole months can go at once; SQLite keeps one table."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from hub.store.engine import Store
from hub.store.instant import to_micros

AHEAD: Final = 2
"""Months that stand ready beyond the running one."""
BEHIND: Final = 12
"""Months before the running one that have a partition of their own; what is older shares one."""


def make_months(store: Store, now: datetime) -> list[str]:
    """Make every month from a year ago to two months ahead that is missing, and drop empty ones before; gives changes.

    Reads that came before their month was made move into it in the same transaction. Does nothing on SQLite.
    """
    if store.is_sqlite:
        return []
    store.in_months = True
    wanted = [_month(now, step) for step in range(-BEHIND, AHEAD + 1)]
    with store.read() as connection:
        if set(map(_name, wanted)) <= set(_made(connection)):
            return []
    changed = []
    with store.write() as connection:
        # Readers lock the whole table before its months: so do we, or we would wait for each other.
        connection.execute(text("LOCK TABLE reads IN ACCESS EXCLUSIVE MODE"))
        made = _made(connection)
        for begin, end in zip(wanted, [*wanted[1:], _month(now, AHEAD + 1)], strict=True):
            if _name(begin) not in made:
                _make(connection, _name(begin), to_micros(begin), to_micros(end))
                changed.append(f"made {_name(begin)}")
        for name in made:
            if name < _name(wanted[0]) and connection.scalar(text(f"SELECT 1 FROM {name} LIMIT 1")) is None:
                connection.execute(text(f"DROP TABLE {name}"))
                changed.append(f"dropped {name}")
    return changed


def _month(now: datetime, step: int) -> datetime:
    months = now.year * 12 + now.month - 1 + step
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _name(month: datetime) -> str:
    return f"reads_{month:%Y_%m}"


def months_of(connection: Connection) -> list[str]:
    """The tables that hold a month each, oldest first; on PostgreSQL only."""
    return _made(connection)


def _made(connection: Connection) -> list[str]:
    sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reads'::regclass ORDER BY 1"
    return [name for name in connection.scalars(text(sql)) if name != "reads_rest"]


def _make(connection: Connection, name: str, begin: int, end: int) -> None:
    bounds: dict[str, Any] = {"begin": begin, "end": end}
    connection.execute(text(f"CREATE TABLE {name} (LIKE reads INCLUDING DEFAULTS)"))
    connection.execute(
        text(
            "WITH early AS (DELETE FROM reads_rest WHERE captured_at >= :begin AND captured_at < :end RETURNING *) "
            f"INSERT INTO {name} SELECT * FROM early"
        ),
        bounds,
    )
    connection.execute(text(f"ALTER TABLE reads ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"))
