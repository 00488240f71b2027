"""Many rows into SQLite in few statements, so that a thread beside has the interpreter while they are written.

The driver lets go of the interpreter for each statement that it runs. With a statement for each row it does so
thousands of times a page, and to get it back takes longer than the row. With hundreds of rows a statement it does so a
few times, and a row costs no more.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection

SIZES: Final = (512, 128, 32)
"""Rows of one statement: few sizes, so that each stays prepared. What is left goes row by row."""
MOST_VALUES: Final = 32_766
"""What SQLite binds in one statement, unless it was built for more."""


def insert_many(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of plain tuples, in their order."""
    for size, some in _parts(rows, len(columns)):
        if size == 1:
            connection.exec_driver_sql(_sql(table, tuple(columns), 1), list(map(tuple, some)))
        else:
            connection.exec_driver_sql(_sql(table, tuple(columns), size), tuple(chain.from_iterable(some)))


def _parts(rows: Sequence[Sequence[Any]], width: int) -> Iterator[tuple[int, Sequence[Sequence[Any]]]]:
    """How many rows the next statement takes, and those rows; for 1 it is run for each of what is left."""
    at = 0
    for size in SIZES:
        while len(rows) - at >= size and size * width <= MOST_VALUES:
            yield size, rows[at : at + size]
            at += size
    if at < len(rows):
        yield 1, rows[at:]


@lru_cache(maxsize=256)
def _sql(table: str, columns: tuple[str, ...], size: int) -> str:
    """One text for one shape, and the same object each time: the driver finds what it has prepared by it."""
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * size)}"
