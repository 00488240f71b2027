"""What is said to SQLite; `postgresql` has the same names, and `dialect.Dialect` says what each means."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from hub.store.engine import Store
from hub.store.plates import MARK
from hub.store.wildcards import TRIGRAM, runs

NAME: Final[str] = "sqlite"
SORTS_FEW: Final[bool] = True
IN_MONTHS: Final[bool] = False
PASSES: Final[int] = 1
"""It writes in place."""
PLACE: Final[str] = "0"


def pass_of(place: Any) -> int:  # noqa: ARG001 - PostgreSQL's
    """There is one."""
    return 0


def pattern(text: str) -> str:
    """GLOB has our wildcards."""
    return text


def fits(column: str, parameter: str) -> str:
    """By GLOB, which tells capitals from small letters."""
    return f"{column} GLOB :{parameter}"


def fits_unindexed(column: str, parameter: str) -> str:
    """The unary + keeps SQLite from making a range of the index out of a pattern's beginning."""
    return f"+{column} GLOB :{parameter}"


def unindexed(column: str) -> str:
    """The unary + keeps the planner from the column's index."""
    return f"+{column}"


def in_ranges(ranges: Sequence[tuple[str, str]], condition: str) -> tuple[str, dict[str, Any]]:
    """A range is one part of the index; several are joined to the plates one by one, as CROSS JOIN demands."""
    if len(ranges) == 1:
        sql = f"SELECT p.id, p.plate FROM plates p WHERE p.plate >= :low AND p.plate < :high AND {condition}"
        return sql, dict(zip(("low", "high"), ranges[0], strict=True))
    sql = (
        "SELECT p.id, p.plate FROM json_each(:ranges) span CROSS JOIN plates p "
        "ON p.plate >= json_extract(span.value, '$[0]') AND p.plate < json_extract(span.value, '$[1]') "
        f"WHERE {condition}"
    )
    return sql, {"ranges": msgspec.json.encode(ranges).decode()}


def inside(store: Store, connection: Connection, pattern: str) -> tuple[str, dict[str, Any]]:
    """By the trigrams of FTS5; two characters in a row by all trigrams that begin with them; else every plate."""
    fitting = fits("p.plate", "pattern")
    # Two marks follow each plate in the index, so that its last two characters begin a trigram as well.
    known = runs(pattern if pattern.endswith("*") else pattern + MARK)
    match = " AND ".join(f'"{run}"' for run in known if len(run) >= TRIGRAM)
    if not match:
        two = next((run for run in known if len(run) > 1 and run != MARK), None)
        if two is None:
            return f"SELECT p.id FROM plates p WHERE {fitting}", {}
        match = " OR ".join(_beginning_with(store, connection, two)) or '"no plate has it"'
    sql = (
        "SELECT p.id FROM plates_inside JOIN plates p ON p.id = plates_inside.rowid "
        f"WHERE plates_inside MATCH :match AND {fitting}"
    )
    return sql, {"match": match}


def _beginning_with(store: Store, connection: Connection, two: str) -> list[str]:
    """The trigrams of the index that begin with two characters: where they stand, some trigram begins."""
    sql = "SELECT term FROM plates_trigrams WHERE term >= :two AND term < :beyond"
    bound = {"two": two, "beyond": two[0] + chr(ord(two[1]) + 1)}
    return [f'"{row[0]}"' for row in store.rows(connection, sql, bound)]


def in_span(column: str) -> str:
    """The unary + leaves the rows to their ids."""
    return f"+{column} BETWEEN :first AND :last"


def each_text(parameter: str) -> str:
    """A list is bound as JSON."""
    return f"value FROM json_each(:{parameter})"
