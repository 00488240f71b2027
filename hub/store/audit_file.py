"""SQLite's file of the audit log: of its own, beside the database's, so that no question waits for who writes there."""

import sqlite3
from pathlib import Path
from typing import Final

from connectors.durable import settle_folder

_MADE: Final = (
    """
    CREATE TABLE audit_events (
      id INTEGER NOT NULL CONSTRAINT pk_audit_events PRIMARY KEY,
      event_id TEXT NOT NULL CONSTRAINT uq_audit_events_event_id UNIQUE DEFAULT (lower(hex(randomblob(16)))),
      at BIGINT NOT NULL, actor TEXT NOT NULL, authenticated BOOLEAN NOT NULL, action TEXT NOT NULL, target TEXT,
      purpose TEXT, reason TEXT, case_number TEXT, detail TEXT NOT NULL, results BIGINT, outcome TEXT NOT NULL,
      policy_id BIGINT
    )
    """,
    "CREATE INDEX ix_audit_at ON audit_events (at)",
    *(
        f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit_events "
        "BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "PRAGMA user_version = 1",
)


def beside(database: Path) -> Path:
    """Where the audit log of a database lies: `alprhub-audit.sqlite3` beside `alprhub.sqlite3`."""
    return database.with_name(f"{database.stem}-audit{database.suffix}")


def made(connection: sqlite3.Connection, file: Path) -> None:
    """Make the log's table in a file where it is not yet."""
    if _version(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    if not _version(connection):  # another process may have been first
        for statement in _MADE:
            connection.execute(statement)
    connection.execute("COMMIT")
    settle_folder(file.parent)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
