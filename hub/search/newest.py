"""The newest reads that fulfil conditions: where they stand in time and their ids, and nothing else of them yet.

The index of plates, cameras or cells is used where there are few; without any the index of times is walked. A question
about several goes back in spans that grow, so that a page that is full early never sorts the years before it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection

from hub.search.conditions import Conditions
from hub.search.query import Cursor
from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.visible import visible_sql

DAY: Final = 86_400_000_000
FIRST: Final = {"r.camera_id": DAY, "r.cell": DAY, "r.make": DAY, "r.plate_id": 30 * DAY}
"""The first span back, by what leads to the reads: a camera has many a day, a plate few a month."""
GROWTH: Final = 8
FEW: Final = 32
"""So many plates are few (`Dialect.SORTS_FEW`)."""
MOST_AT_ONCE: Final = 10_000
"""So many reads are looked at in one statement for those that are not over."""
_CANDIDATES: Final = "candidates k JOIN reads r ON r.id = k.read_id AND r.captured_at = k.captured_at"


def newest(
    store: Store,
    connection: Connection,
    terms: Conditions,
    after: Cursor | None,
    limit: int,
    now: int,
    candidates: bool = False,
) -> list[Cursor]:
    """Up to `limit` reads after a cursor, newest first; with `candidates` those whose candidate has the plate too."""
    cursors: list[Cursor] = []
    for begin, end in _spans(store, terms, after, now):
        left = limit - len(cursors)
        if terms.by_plate_alone:
            cursors += _alive(store, connection, terms, begin, end, after, left, candidates)
        else:
            sql, bound, by = _either(store, terms, begin, end, after, candidates)
            rows = store.rows(connection, f"{sql} ORDER BY {by} LIMIT :limit", {**bound, "limit": left})
            cursors += [Cursor(*row) for row in rows]
        if len(cursors) == limit:
            break
    return cursors


def _alive(
    store: Store,
    connection: Connection,
    terms: Conditions,
    begin: int | None,
    end: int | None,
    after: Cursor | None,
    limit: int,
    candidates: bool,
) -> list[Cursor]:
    """Reads of a span by their plates alone: the index leads to the newest, and only of those a row is looked at.

    The index knows no ends, so what is over is left out afterwards, and as many more are asked for as that took.
    """
    alive: list[Cursor] = []
    size = limit
    while True:
        sql, bound, by = _either(store, replace(terms, over_too=True), begin, end, after, candidates)
        rows = store.rows(
            connection,
            f"SELECT f.captured_at, f.id, {visible_sql('r')} FROM ({sql} ORDER BY {by} LIMIT :size) AS f "
            "JOIN reads r ON r.id = f.id AND r.captured_at = f.captured_at ORDER BY f.captured_at DESC, f.id DESC",
            {**bound, "size": size},
        )
        alive += [Cursor(captured_at, ident) for captured_at, ident, is_alive in rows if is_alive]
        if len(rows) < size or len(alive) >= limit:
            return alive[:limit]
        after = Cursor(*rows[-1][:2])
        size = min(size * GROWTH, MOST_AT_ONCE)


def _either(
    store: Store, terms: Conditions, begin: int | None, end: int | None, after: Cursor | None, candidates: bool
) -> tuple[str, dict[str, Any], str]:
    """SQL for the times and ids of reads in a span, what it binds, and how it is put in order."""
    sql, bound = _span(store, terms, begin, end, after)
    if not candidates:
        return sql, bound, _order(terms)
    also, more = _span(store, _by_candidate(terms), begin, end, after)
    either = f"SELECT captured_at, id FROM ({sql} UNION {also}) AS either"
    return either, {**bound, **more}, "captured_at DESC, id DESC"


def edge(store: Store, connection: Connection, terms: Conditions, after: Cursor | None, reads: int) -> int | None:
    """The instant (µs) down to which there are so many reads, counted back from a cursor; None where there are
    fewer."""
    end = _end(terms, after)
    where = "" if end is None else "WHERE captured_at < :end"
    sql = f"SELECT captured_at FROM reads {where} ORDER BY captured_at DESC LIMIT 1 OFFSET :reads"
    rows = store.rows(connection, sql, {"end": end, "reads": reads})
    return int(rows[0][0]) if rows else None


def _end(terms: Conditions, after: Cursor | None) -> int | None:
    ends = [end for end in (terms.until, after.captured_at + 1 if after else None) if end is not None]
    return min(ends, default=None)


def _order(terms: Conditions) -> str:
    # The unary + keeps planners from the index of times where a better one leads to the reads by several values.
    return "+r.captured_at DESC, r.id DESC" if terms.several else "r.captured_at DESC, r.id DESC"


def _by_candidate(terms: Conditions) -> Conditions:
    """The same conditions on reads that are reached by their candidates."""
    keys = {column.replace("r.plate_id", "k.plate_id"): values for column, values in terms.keys.items()}
    tables = terms.tables.replace("reads r", _CANDIDATES, 1)
    return replace(terms, keys=keys, tables=tables, times=("k.captured_at", "r.captured_at"))


def _spans(store: Store, terms: Conditions, after: Cursor | None, now: int) -> Iterator[tuple[int | None, int | None]]:
    """Spans of time from the newest back, each ending where the one before it began; an open end is None."""
    end = _end(terms, after)
    column = terms.driver or ""
    few = dialect(store).SORTS_FEW and column == "r.plate_id" and len(terms.keys[column]) <= FEW
    if terms.several and not few:
        length = FIRST[column]
        begin = (end if end is not None else now) - length
        while terms.since is None or begin > terms.since:
            if length > 1000 * DAY:
                break
            yield begin, end
            end = begin
            length *= GROWTH
            begin = end - length
    yield terms.since, end


def _span(
    store: Store, terms: Conditions, begin: int | None, end: int | None, after: Cursor | None
) -> tuple[str, dict[str, Any]]:
    where, bound = terms.where(store, terms.driver)
    for captured_at in terms.times:
        if begin is not None:
            where.append(f"{captured_at} >= :begin")
            bound["begin"] = begin
        if end is not None:
            where.append(f"{captured_at} < :end")
            bound["end"] = end
    if after is not None:
        where.append(f"({terms.times[0]}, r.id) < (:after_time, :after_id)")
        bound.update(after_time=after.captured_at, after_id=after.id)
    return f"SELECT r.captured_at, r.id FROM {terms.tables} WHERE {' AND '.join(where)}", bound
