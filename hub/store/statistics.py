"""PostgreSQL's planner keeps samples of columns' values, and samples outlive the rows that they are from.

Columns that nobody searches by are kept out of them (`withhold`). Plates and vendors' ids are searched by, and plans
need to know how many there are: of those the samples are drawn again when rows have gone (`redraw`).
"""

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from hub.store.engine import Store
from hub.store.partitions import LOCK

WITHHELD: Final = {
    "reads": ("plate_raw", "vendor_read_id"),
    "payloads": ("payload", "sha256", "details"),
    "images": ("key", "url", "sha256"),
    "quarantine": ("payload", "attachments", "sha256"),
}
REDRAWN: Final = {"plates": ("plate", "plate_key"), "ledger": ("vendor_read_id",)}
PATIENCE_MS: Final = 100
"""How long a change of a table waits for its readers; new readers wait behind it."""
_SAMPLED: Final = """
SELECT 1 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE coalesce(i.inhparent, c.oid) = CAST(:name AS regclass) AND a.attname = ANY(:columns)
  AND a.attstattarget IS DISTINCT FROM 0 LIMIT 1
"""
_LEFT_OVER: Final = """
SELECT NOT EXISTS (SELECT 1 FROM {name}) AND EXISTS (SELECT 1 FROM pg_stats
WHERE schemaname = current_schema() AND tablename = :name AND attname = ANY(:columns))
"""


def withhold(store: Store) -> None:
    """Switch samples off for the columns of `WITHHELD`, in months that were made since too. Does nothing on SQLite."""
    if store.is_sqlite:
        return
    with store.read() as connection:
        missing = [name for name in WITHHELD if _is_sampled(connection, name)]
    for name in missing:
        changes = ", ".join(f"ALTER COLUMN {column} SET STATISTICS 0" for column in WITHHELD[name])
        with store.write() as connection:
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK}'"))
            connection.execute(text(f"ALTER TABLE {name} {changes}"))


def redraw(store: Store) -> bool:
    """Draw the samples of plates and vendors' ids again, from those that are left; gives whether that is done.

    Where somebody reads a table, empty by now, for too long, it is not done, and the next call tries again. Does
    nothing on SQLite.
    """
    done = True
    for name, columns in () if store.is_sqlite else REDRAWN.items():
        store.analyze(name)
        try:
            with store.write() as connection:
                connection.execute(text(f"SET LOCAL lock_timeout = {PATIENCE_MS}"))
                if connection.scalar(text(_LEFT_OVER.format(name=name)), {"name": name, "columns": list(columns)}):
                    # Of an empty table none are drawn and the old ones stay; a column that gets a type, its own too,
                    # has none.
                    same = ", ".join(f"ALTER COLUMN {column} TYPE text" for column in columns)
                    connection.execute(text(f"ALTER TABLE {name} {same}"))
        except OperationalError:
            done = False
    return done


def _is_sampled(connection: Connection, name: str) -> bool:
    return connection.scalar(text(_SAMPLED), {"name": name, "columns": list(WITHHELD[name])}) is not None
