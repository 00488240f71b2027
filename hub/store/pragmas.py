"""What a connection of SQLite is told, for good and for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection

PRAGMAS: Final = (
    "PRAGMA busy_timeout = 60000",
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit waits for the disk; `write(durable=False)` is the exception
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what the purge frees is overwritten, not only unlinked
    "PRAGMA wal_autocheckpoint = 16000",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
)


@contextmanager
def waiting(connection: Connection, patience: float | None) -> Iterator[None]:
    """Who locks SQLite's file without a turn of ours is waited for so long meanwhile; None: as always."""
    if patience is None:
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {max(round(patience * 1000), 1)}")
    try:
        yield
    finally:
        driver.execute(PRAGMAS[0])


@contextmanager
def hasty(connection: Connection) -> Iterator[None]:
    """SQLite's commits of a connection do not wait for the disk meanwhile; it can be said between transactions only."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        driver.execute("PRAGMA synchronous = FULL")
