"""Many rows into SQLite in few statements, so that a thread beside has the interpreter while they are written.

The driver lets go of the interpreter for each statement that it runs, and to have it back from a busy thread takes
longer than a hundred rows. With a statement for each row it does so thousands of times a page; with the sizes below, a
few times a table. Larger ones gain nothing: a row costs the same, and to prepare their statement takes SQLite ten times
as long as to run it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

MOST: Final = 320
"""Rows of one statement."""
STEP: Final = 32
"""Rows by which the sizes of statements differ, so that most stay prepared; what is left of them is one more."""
MOST_VALUES: Final = 32_766
"""What SQLite binds in one statement, unless it was built for more."""


def insert_many(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of plain tuples, in their order, as fast as the driver can."""
    cursor = connection.connection.cursor()
    sql = ""
    try:
        for some in _parts(rows, len(columns)):
            sql = _sql(table, tuple(columns), len(some))
            cursor.execute(sql, tuple(chain.from_iterable(some)))
    except sqlite3.Error as failed:
        # An error's text ends in logs, and what is bound are plates.
        raise DBAPIError.instance(sql, None, failed, sqlite3.Error, hide_parameters=True) from None
    finally:
        cursor.close()


def _parts(rows: Sequence[Sequence[Any]], width: int) -> Iterator[Sequence[Sequence[Any]]]:
    """The rows of one statement after the other."""
    most, at = min(MOST, MOST_VALUES // width), 0
    while at < len(rows):
        size = min(len(rows) - at, most)
        size -= size % STEP if size > STEP else 0
        yield rows[at : at + size]
        at += size


@lru_cache(maxsize=256)
def _sql(table: str, columns: tuple[str, ...], size: int) -> str:
    """One text for one shape, and the same object each time: the driver finds what it has prepared by it."""
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * size)}"
