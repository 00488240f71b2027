"""What is said to PostgreSQL; `sqlite` has the same names, and `dialect.Dialect` says what each means."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from hub.store.engine import Store
from hub.store.wildcards import TRIGRAM, like, runs

NAME: Final[str] = "postgresql"
SORTS_FEW: Final[bool] = False
"""It would ask every partition of reads, even for few."""
IN_MONTHS: Final[bool] = True
PASSES: Final[int] = 8
"""A new version lies on the page of the one before it where there is room, and then no index is written. Each pass
clears the versions that the one before it left over."""
PLACE: Final[str] = "ctid"


def pass_of(place: Any) -> int:
    """By the number that the row has on its page: `(page,number)`."""
    return int(place[place.index(",") + 1 : -1]) % PASSES


def pattern(text: str) -> str:
    """As LIKE has it."""
    return like(text)


def fits(column: str, parameter: str) -> str:
    """By LIKE, which pg_trgm's index serves."""
    return f"{column} LIKE :{parameter}"


def fits_unindexed(column: str, parameter: str) -> str:
    """An expression has no index, neither the column's own nor that of its trigrams."""
    return f"{column} || '' LIKE :{parameter}"


def unindexed(column: str) -> str:
    """The column itself: its planner knows which index is the narrower."""
    return column


def in_ranges(ranges: Sequence[tuple[str, str]], condition: str) -> tuple[str, dict[str, Any]]:
    """Each range is walked in the order of the index for patterns (`~>=~`)."""
    sql = (
        "SELECT found.id, found.plate FROM unnest(CAST(:lows AS text[]), CAST(:highs AS text[])) AS span (low, high) "
        "CROSS JOIN LATERAL (SELECT p.id, p.plate FROM plates p WHERE p.plate ~>=~ span.low AND p.plate ~<~ span.high "
        f"AND {condition} ORDER BY p.plate USING ~<~ LIMIT :most) AS found"
    )
    return sql, {"lows": [low for low, _ in ranges], "highs": [high for _, high in ranges]}


def inside(store: Store, connection: Connection, pattern: str) -> tuple[str, dict[str, Any]]:  # noqa: ARG001 - SQLite's
    """By pg_trgm where three characters in a row are known, else by the index of pairs."""
    known = runs(pattern)
    pairs = [run for run in known if len(run) > 1]
    fitting = fits("p.plate", "pattern")
    if not pairs or max(map(len, known)) >= TRIGRAM:
        return f"SELECT p.id FROM plates p WHERE {fitting}", {}
    return f"SELECT p.id FROM plates p WHERE plate_pairs(p.plate) @> :pairs AND {fitting}", {"pairs": pairs}


def in_span(column: str) -> str:
    """The partitions that hold none of the rows are pruned."""
    return f"{column} BETWEEN :first AND :last"


def each_text(parameter: str) -> str:
    """A list is bound as an array."""
    return f"unnest(CAST(:{parameter} AS text[]))"
