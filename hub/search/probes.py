"""Looking plates up: whole ones and folded ones by their own index, patterns by what is known of them.

A pattern is looked up by its beginning where more characters are known there than in runs inside it; a `?` in the
beginning is tried as every character that plates are made of, a range of the index for each. Otherwise its runs are
looked up by their trigrams, and a run of two characters by all trigrams that begin with it, or on PostgreSQL by an
index of pairs. A pattern of which less is known is compared with every plate.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection

from hub.search.pattern import Pattern
from hub.search.query import CHARACTERS
from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.wildcards import TRIGRAM, runs

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
    sql, bound = dialect(store).in_ranges([(head + _BEYOND, head + _LAST) for head in sorted(heads)], "p.id > 0")
    return [(row[0], row[1]) for row in store.rows(connection, sql, {**bound, "most": 1 << 30})]


def fitting(store: Store, connection: Connection, pattern: Pattern, most: int) -> list[int]:
    """The ids of up to so many plates that fit a pattern."""
    says = dialect(store)
    ranges, known = _beginnings(pattern.text)
    if known and known >= sum(len(run) for run in runs(pattern.text) if len(run) >= TRIGRAM):
        sql, bound = says.in_ranges(ranges, says.fits_unindexed("p.plate", "pattern"))
    else:
        sql, bound = says.inside(store, connection, pattern.text)
    bound |= {"pattern": says.pattern(pattern.text), "most": most}
    return [row[0] for row in store.rows(connection, f"{sql} LIMIT :most", bound)]


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
        heads = [head + character for head in heads for character in CHARACTERS]
    return [(head, head + _LAST) for head in heads] + beyond, known
