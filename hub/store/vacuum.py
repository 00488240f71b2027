"""What purged rows leave in SQLite's file is gone once SQLite has written the file anew and emptied its log.

`secure_delete` overwrites a row where it lies. When SQLite evens out neighbouring pages it moves rows and leaves their
old bytes behind, and a row that is deleted later stays there as a copy that nothing points to. Whoever destroys rows
notes that in the same transaction (`owe`); the note goes once no byte of them can be in the file (`vacuum`, then
`empty_log`), so that a run that is killed anywhere is repeated. Nothing but SQLite writes into its file.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

PATIENCE_S: Final = 1.0
"""How long emptying the log waits for readers of an old snapshot; writers wait with it."""
WRITERS_S: Final = 60.0
"""How long writing anew waits for programs that write without asking the hub for its turn."""
_STEPS: Final = 1_000_000
"""Instructions of SQLite between two calls of the progress handler; some tens of milliseconds."""
_OWED: Final = """
INSERT INTO vacuum_due (id, since) VALUES (1, :now)
ON CONFLICT (id) DO UPDATE SET since = min(vacuum_due.since, excluded.since), written_at = NULL, certificate_id = NULL
"""
_WRITTEN: Final = """
UPDATE vacuum_due SET written_at = ?, certificate_id = (SELECT max(id) FROM certificates WHERE closed_at IS NOT NULL)
"""
_CERTIFIED: Final = """
UPDATE certificates SET rewritten_at = ? WHERE rewritten_at IS NULL AND closed_at IS NOT NULL AND id <= ?
"""
Turn = Callable[[], AbstractContextManager[None]]


class Debt(NamedTuple):
    """Rows were destroyed since an instant (µs) whose bytes may be in the file; `written_at`: in its log alone."""

    since: int
    written_at: int | None


def owe(connection: Connection, now: int) -> None:
    """Note, in a transaction that destroys, that the file must be written anew. PostgreSQL's is its server's."""
    if connection.dialect.name == "sqlite":
        connection.execute(text(_OWED), {"now": now})


def owed(connection: Connection) -> Debt | None:
    """What is noted; None where nothing destroyed is left in the file."""
    row = connection.execute(text("SELECT since, written_at FROM vacuum_due")).one_or_none()
    return Debt(*row) if row is not None else None


def vacuum(path: Path, turn: Turn, now: int, go_on: Callable[[], None]) -> None:
    """Have SQLite write the file anew while nobody else writes; it then goes into the log, and from there to the disk.

    What `go_on` raises ends it, and nothing is changed then, nor by a kill.
    """
    raised: list[BaseException] = []

    def asked() -> bool:
        try:
            go_on()
        except BaseException as ended:
            raised.append(ended)
        return bool(raised)

    with _opened(path, WRITERS_S) as connection:
        # The copy is as large as the database: neither in memory, nor on a disk of its own that nobody has looked at.
        connection.execute("PRAGMA temp_store = FILE")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # what goes from the log to the disk keeps no writer
        connection.set_progress_handler(asked, _STEPS)
        with turn(), _temporary(connection, path.parent):
            try:
                connection.execute("VACUUM")
            except sqlite3.OperationalError:
                if raised:
                    raise raised[0] from None
                raise
            connection.set_progress_handler(None, 0)
            connection.execute(_WRITTEN, (now,))
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def empty_log(path: Path, turn: Turn) -> bool:
    """Empty the write-ahead log, and strike out the note of a file that was written anew; gives whether it is empty.

    While a reader of an old moment needs the log it is not emptied, and the next call tries again.
    """
    with _opened(path, PATIENCE_S) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # nearly all of it, while others write
        with turn():
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                return False
            try:
                _settle(connection)
            except sqlite3.OperationalError as failed:  # somebody writes who asks the hub for no turn
                if failed.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                return False
    return True


def size(path: Path) -> int:
    """The bytes of the file's pages that are in use: so much is written to write it anew."""
    with _opened(path, WRITERS_S) as connection:
        names = ("page_size", "page_count", "freelist_count")
        of_one, pages, free = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return of_one * (pages - free)


def _settle(connection: sqlite3.Connection) -> None:
    """In the turn in which the log was emptied: what was in it is in the file, and nothing else is."""
    note = connection.execute(
        "SELECT written_at, certificate_id FROM vacuum_due WHERE written_at IS NOT NULL"
    ).fetchone()
    if note is None:
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_CERTIFIED, note)
    connection.execute("DELETE FROM vacuum_due WHERE written_at IS NOT NULL")
    connection.execute("COMMIT")


@contextmanager
def _opened(path: Path, patience: float) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
    try:
        for pragma in ("synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        yield connection
    finally:
        connection.close()


@contextmanager
def _temporary(connection: sqlite3.Connection, folder: Path) -> Iterator[None]:
    """Let SQLite's temporary files lie in a folder; every other connection of the hub keeps them in memory."""
    quoted = str(folder).replace("'", "''")
    connection.execute(f"PRAGMA temp_store_directory = '{quoted}'")
    try:
        yield
    finally:
        connection.execute("PRAGMA temp_store_directory = ''")
