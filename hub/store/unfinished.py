"""The mark of a restore in PostgreSQL's database: from before its first table until what is over has been purged.

Whoever has another data folder, on another machine too, sees no `restoring` folder; the database itself says it. With
SQLite the database lies in that folder.
"""

from typing import Final

from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from hub.errors import Conflict
from hub.store.engine import Store

TABLE: Final = "alprhub_restoring"


def restored_in(store: Store) -> str | None:
    """The folder in which a restore puts this database together or was cut short; None where there is none."""
    if store.is_sqlite:
        return None
    with store.read() as connection:
        if not inspect(connection).has_table(TABLE):
            return None
        return str(connection.scalar(text(f"SELECT folder FROM {TABLE}")))


def begin(store: Store, folder: str) -> None:
    """Mark an empty database as one that is being restored in a folder; raises `Conflict` where another did."""
    if store.is_sqlite:
        return
    try:
        with store.write() as connection:
            connection.execute(
                text(f"CREATE TABLE {TABLE} AS SELECT CAST(:folder AS text) AS folder"), {"folder": folder}
            )
    except DatabaseError:
        if (other := restored_in(store)) is None:
            raise
        raise Conflict(f"another restore fills this database (in the folder {other!r}): name another") from None


def end(store: Store) -> None:
    """Take the mark away: whoever comes now opens the database."""
    if not store.is_sqlite:
        with store.write() as connection:
            connection.execute(text(f"DROP TABLE {TABLE}"))
