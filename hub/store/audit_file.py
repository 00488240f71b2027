"""SQLite's file of the audit log: of its own, beside the database's, so that no question waits for who writes there."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from hub.errors import AdminMustAct
from hub.store.audit_rows import take_over
from hub.words import named

_MARK: Final = "alprhub_file"
_EVENTS: Final = """
    CREATE TABLE audit_events (
      id INTEGER NOT NULL CONSTRAINT pk_audit_events PRIMARY KEY,
      event_id TEXT NOT NULL CONSTRAINT uq_audit_events_event_id UNIQUE,
      at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL,
      document TEXT NOT NULL, leaf BLOB NOT NULL
    )
    """
_APPEND_ONLY: Final = "BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END"
_FORMER: Final = (
    "DROP INDEX ix_audit_at",
    "DROP TRIGGER audit_no_update",
    "DROP TRIGGER audit_no_delete",
    "ALTER TABLE audit_events RENAME TO audit_former",
)
_MADE: Final = (
    _EVENTS,
    "CREATE INDEX ix_audit_at ON audit_events (at)",
    *(f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit_events {_APPEND_ONLY}"
      for verb in ("UPDATE", "DELETE")),
    "CREATE TABLE audit_head (size BIGINT NOT NULL, roots BLOB NOT NULL)",
    "INSERT INTO audit_head (size, roots) VALUES (0, x'')",
    "PRAGMA user_version = 2",
)  # fmt: skip


def beside(database: Path) -> Path:
    """Where the audit log of a database lies: `alprhub-audit.sqlite3` beside `alprhub.sqlite3`."""
    return database.with_name(f"{database.stem}-audit{database.suffix}")


def is_made(connection: Connection) -> bool:
    """Whether a file has the log's tables as they are now."""
    return _version(connection) >= 2


def make(connection: Connection) -> None:
    """Make the log's tables in a file where they are not yet, within a transaction.

    What a version before wrote, whose events had no place in a tree, is taken over into them in its order.
    """
    former = _version(connection) == 1
    if former:
        for statement in _FORMER:
            connection.exec_driver_sql(statement)
    for statement in _MADE:
        connection.exec_driver_sql(statement)
    if former:
        take_over(connection, "audit_former")
        connection.exec_driver_sql("DROP TABLE audit_former")


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)


class LogFile:
    """The log's file as one process knows it: the file that it first had open, and no other that takes its place.

    SQLite goes on in a file that was removed or moved away, and what it adds there nobody finds. Another file in the
    place, a copy too, has not what this process knows to be on record.
    """

    def __init__(self, database: Path) -> None:
        self.path = beside(database)
        self._known: tuple[int, int] | None = None
        self._first = threading.Lock()

    def demand(self) -> None:
        """Return where the file is in its place, and the one that it was; raises `AdminMustAct` where it is not."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            raise self._lost("is not there") from None
        with self._first:
            self._known = self._known or (found.st_dev, found.st_ino)
            if (found.st_dev, found.st_ino) != self._known:
                raise self._lost("is another file than when this process began")

    def mark(self, failed: BaseException) -> None:
        """Let an error of SQLite tell that it is about this file."""
        setattr(failed, _MARK, self.path)

    def _lost(self, how: str) -> AdminMustAct:
        return AdminMustAct(
            f"the audit log {str(self.path)!r} {how}: nothing is answered that cannot go on record, and events that"
            " wait for it stay in the database. Move the file itself back; if it is gone, stop every alprhub, put its"
            " copy from the last backup there, and start again"
        )


def marked(failed: BaseException | None) -> Path | None:
    """The log's file that an error is about; None for one of the database itself."""
    file: Path | None = getattr(failed, _MARK, None)
    return file


def wrong_with(file: Path) -> str | None:
    """What is wrong with the log's file, as a sentence's end; None where it is whole. Nothing is changed or made."""
    if not file.stat().st_size:
        return "is empty: it has no event at all"
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=60)) as connection:
        try:
            found = _parts(connection)
        except sqlite3.DatabaseError as failed:
            return f"is damaged: {failed}"
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in _MADE:
            connection.execute(statement)
        wanted = _parts(connection)
    missing = [name for name, sql in wanted.items() if found.get(name) != sql]
    return f"is not as alprhub made it: {named(missing)}, missing or changed" if missing else None


def _parts(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: " ".join(sql.split()) for name, sql in rows}
