"""Looking plates up: whole ones and folded ones by their own index, patterns by what is known of them.

A pattern goes by its beginning where more is known of that than of any run of characters inside it: a `?` in the
beginning stands for each character that plates are made of, one range of the index a piece. Otherwise it goes by the
trigrams of its runs; two characters in a row by all trigrams that begin with them, or on PostgreSQL by an index of
pairs. What knows less than that is compared with every plate.
"""

import re
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection

from hub.search.pattern import Pattern
from hub.search.query import CHARACTERS
from hub.store.engine import Store
from hub.store.plates import MARK

_TRIGRAM: Final = 3
_MOST_RANGES: Final = 1500
_BEYOND: Final = "["
"""The first code point after Z: letters of other scripts all come later."""
_LAST: Final = "\U0010ffff"
_Range = tuple[str, str]


def whole(store: Store, connection: Connection, plates: Collection[str]) -> list[int]:
    """The ids of plates that are exactly these."""
    if not plates:
        return []
    sql = f"SELECT id FROM plates WHERE {store.one_of('plate', 'plates')}"
    return [row[0] for row in store.rows(connection, sql, {"plates": store.as_list(sorted(plates))})]


def alike(store: Store, connection: Connection, keys: Collection[str]) -> list[int]:
    """The ids of plates with these folded keys."""
    sql = f"SELECT id FROM plates WHERE {store.one_of('plate_key', 'keys')}"
    return [row[0] for row in store.rows(connection, sql, {"keys": store.as_list(sorted(keys))})]


def foreign(store: Store, connection: Connection, heads: Collection[str]) -> list[tuple[int, str]]:
    """The ids and texts of plates that go on with a letter of another script after one of these beginnings."""
    sql, bound = _in_ranges(store, [(head + _BEYOND, head + _LAST) for head in sorted(heads)], "p.id > 0")
    return [(row[0], row[1]) for row in store.rows(connection, sql, {**bound, "most": 1 << 30})]


def fitting(store: Store, connection: Connection, pattern: Pattern, most: int) -> list[int]:
    """The ids of up to so many plates that fit a pattern."""
    ranges, known = _beginnings(pattern.text)
    inside = sum(len(run) for run in _runs(pattern.text) if len(run) >= _TRIGRAM)
    if known and known >= inside:
        # Written so that neither database can make a range or trigrams of its own out of the pattern: both are wider.
        fits = "+p.plate GLOB :pattern" if store.is_sqlite else "p.plate || '' LIKE :pattern"
        sql, bound = _in_ranges(store, ranges, fits)
    elif store.is_sqlite:
        sql, bound = _by_trigrams(store, connection, pattern.text)
    else:
        sql, bound = _by_pairs(pattern.text)
    bound |= {"pattern": pattern.text if store.is_sqlite else pattern.like(), "most": most}
    return [row[0] for row in store.rows(connection, f"{sql} LIMIT :most", bound)]


def _fits(store: Store) -> str:
    return "p.plate GLOB :pattern" if store.is_sqlite else "p.plate LIKE :pattern"


def _in_ranges(store: Store, ranges: list[_Range], condition: str) -> tuple[str, dict[str, Any]]:
    """Plates of ranges that fulfil a condition too; `:most` of each range, so that PostgreSQL takes them in order."""
    if store.is_sqlite and len(ranges) == 1:
        sql = f"SELECT p.id, p.plate FROM plates p WHERE p.plate >= :low AND p.plate < :high AND {condition}"
        return sql, dict(zip(("low", "high"), ranges[0], strict=True))
    if store.is_sqlite:
        sql = (
            "SELECT p.id, p.plate FROM json_each(:ranges) span CROSS JOIN plates p "
            "ON p.plate >= json_extract(span.value, '$[0]') AND p.plate < json_extract(span.value, '$[1]') "
            f"WHERE {condition}"
        )
        return sql, {"ranges": store.as_list(ranges)}
    sql = (
        "SELECT found.id, found.plate FROM unnest(CAST(:lows AS text[]), CAST(:highs AS text[])) AS span (low, high) "
        "CROSS JOIN LATERAL (SELECT p.id, p.plate FROM plates p WHERE p.plate ~>=~ span.low AND p.plate ~<~ span.high "
        f"AND {condition} ORDER BY p.plate USING ~<~ LIMIT :most) AS found"
    )
    return sql, {"lows": [low for low, _ in ranges], "highs": [high for _, high in ranges]}


def _by_pairs(pattern: str) -> tuple[str, dict[str, Any]]:
    runs = _runs(pattern)
    pairs = [run for run in runs if len(run) > 1]
    if not pairs or max(map(len, runs)) >= _TRIGRAM:
        return "SELECT p.id FROM plates p WHERE p.plate LIKE :pattern", {}
    return "SELECT p.id FROM plates p WHERE plate_pairs(p.plate) @> :pairs AND p.plate LIKE :pattern", {"pairs": pairs}


def _beginnings(pattern: str) -> tuple[list[_Range], int]:
    """The ranges of the index that a pattern begins in, and how many characters are known of each."""
    heads, known = [""], 0
    beyond: list[_Range] = []
    fixed = pattern.split("*", 1)[0]
    for at, character in enumerate(fixed):
        if character != "?":
            heads = [head + character for head in heads]
            known += 1
            continue
        if not fixed[at:].strip("?") or len(heads) * len(CHARACTERS) > _MOST_RANGES:
            break
        beyond += [(head + _BEYOND, head + _LAST) for head in heads]
        heads = [head + one for head in heads for one in CHARACTERS]
    return [(head, head + _LAST) for head in heads] + beyond, known


def _by_trigrams(store: Store, connection: Connection, pattern: str) -> tuple[str, dict[str, Any]]:
    # Two marks follow each plate in the index, so that its last two characters begin a trigram as well.
    runs = _runs(pattern if pattern.endswith("*") else pattern + MARK)
    match = " AND ".join(f'"{run}"' for run in runs if len(run) >= _TRIGRAM)
    if not match:
        two = next((run for run in runs if len(run) > 1 and run != MARK), None)
        if two is None:
            return f"SELECT p.id FROM plates p WHERE {_fits(store)}", {}
        match = " OR ".join(_beginning_with(store, connection, two)) or '"no plate has it"'
    sql = (
        "SELECT p.id FROM plates_inside JOIN plates p ON p.id = plates_inside.rowid "
        f"WHERE plates_inside MATCH :match AND {_fits(store)}"
    )
    return sql, {"match": match}


def _beginning_with(store: Store, connection: Connection, two: str) -> list[str]:
    """The trigrams of the index that begin with two characters: where they stand, some trigram begins."""
    sql = "SELECT term FROM plates_trigrams WHERE term >= :two AND term < :beyond"
    bound = {"two": two, "beyond": two[0] + chr(ord(two[1]) + 1)}
    return [f'"{row[0]}"' for row in store.rows(connection, sql, bound)]


def _runs(pattern: str) -> list[str]:
    """The known characters of a pattern, run by run."""
    return [run for run in re.split(r"[?*]", pattern) if run]
