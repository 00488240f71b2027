"""The first step of every search: which of the distinct plates are meant. They are far fewer than the reads.

Whole plates, look-alikes and edits are probes of an index. A pattern goes by what is known of it: its beginning (an
index range), or two or more characters in a row (the trigram index). What would name too many plates, or knows no two
characters in a row, is not resolved here: so many reads fit it that walking them newest first is quicker.
"""

import re
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from hub.search.pattern import Pattern
from hub.search.query import Mode, Query, one_edit, why_alike, why_edited
from hub.store.engine import Store
from hub.store.plates import MARK
from normalize.plate import fold

MANY: Final = 2000
"""More plates than this are walked through read by read."""
_TRIGRAM: Final = 3


class Found(NamedTuple):
    """The plates that a query means, each with why; `ids` is None where every read must be looked at."""

    ids: dict[int, str] | None
    patterns: tuple[Pattern, ...]


def find(store: Store, connection: Connection, query: Query) -> Found:
    """The plates of a query; raises `Invalid` for a question without an answer."""
    patterns = query.patterns()
    if not patterns:
        return Found(None, ())
    if query.mode is Mode.LOOKALIKE:
        return Found(_alike(store, connection, patterns), patterns)
    if query.mode is Mode.ONE_EDIT:
        return Found(_edited(store, connection, patterns), patterns)
    ids = {row[0]: "exact" for row in _whole(store, connection, [one.text for one in patterns if one.exact])}
    for pattern in patterns:
        if pattern.exact:
            continue
        fitting = _fitting(store, connection, pattern)
        if fitting is None or len(ids) + len(fitting) > MANY:
            return Found(None, patterns)
        for ident in fitting:
            ids.setdefault(ident, f"fits {pattern.text}")
    return Found(ids, patterns)


def why(query: Query, patterns: tuple[Pattern, ...], plate: str) -> str | None:
    """Why a plate is meant by patterns; None where it is not."""
    if not patterns:
        return "in the time and place asked for"
    if any(pattern.text == plate for pattern in patterns):
        return "exact"
    if query.mode is not Mode.PATTERN:
        return None
    return next((f"fits {pattern.text}" for pattern in patterns if _expression(pattern).fullmatch(plate)), None)


def _whole(store: Store, connection: Connection, plates: list[str]) -> list[Any]:
    if not plates:
        return []
    sql = text(f"SELECT id, plate FROM plates WHERE {store.one_of('plate', 'plates')}")
    return list(connection.execute(sql, {"plates": store.as_list(plates)}))


def _alike(store: Store, connection: Connection, patterns: tuple[Pattern, ...]) -> dict[int, str]:
    asked: dict[str, list[str]] = {}
    for pattern in patterns:
        asked.setdefault(fold(pattern.text), []).append(pattern.text)
    sql = text(f"SELECT id, plate, plate_key FROM plates WHERE {store.one_of('plate_key', 'keys')}")
    rows = connection.execute(sql, {"keys": store.as_list(list(asked))})
    return {ident: "exact" if plate in asked[key] else why_alike(asked[key][0], plate) for ident, plate, key in rows}


def _edited(store: Store, connection: Connection, patterns: tuple[Pattern, ...]) -> dict[int, str]:
    asked: dict[str, str] = {}
    for pattern in patterns:
        for plate in one_edit(pattern.text):
            asked.setdefault(plate, pattern.text)
    whole = {pattern.text for pattern in patterns}
    return {
        ident: "exact" if plate in whole else why_edited(asked[plate], plate)
        for ident, plate in _whole(store, connection, list(asked))
    }


def _fitting(store: Store, connection: Connection, pattern: Pattern) -> list[int] | None:
    """The ids of the plates that fit a pattern; None where they are too many, or nothing in it can be looked up."""
    if store.is_sqlite:
        sql, bound = _sqlite(connection, pattern)
    else:
        sql, bound = _postgresql(pattern)
    if sql is None:
        return None
    ids = [row[0] for row in connection.execute(text(f"{sql} LIMIT :most"), {**bound, "most": MANY + 1})]
    return None if len(ids) > MANY else ids


def _sqlite(connection: Connection, pattern: Pattern) -> tuple[str | None, dict[str, Any]]:
    runs = _runs(pattern.text if pattern.text.endswith("*") else pattern.text + MARK)
    head = re.split(r"[?*]", pattern.text)[0]
    longest = max(runs, key=len, default="")
    if len(head) >= _TRIGRAM or (len(head) > 1 and len(longest) < _TRIGRAM):
        return "SELECT id FROM plates WHERE plate GLOB :glob", {"glob": pattern.text}
    wanted = [f'"{run}"' for run in runs if len(run) >= _TRIGRAM]
    if not wanted:
        wanted = _beginning_with(connection, longest) if len(longest) > 1 else []
        if not wanted:
            return None, {}
        match = " OR ".join(wanted)
    else:
        match = " AND ".join(wanted)
    sql = (
        "SELECT plates.id FROM plates_inside JOIN plates ON plates.id = plates_inside.rowid "
        "WHERE plates_inside MATCH :match AND plate GLOB :glob"
    )
    return sql, {"match": match, "glob": pattern.text}


def _beginning_with(connection: Connection, two: str) -> list[str]:
    """The trigrams of the index that begin with two characters: where they stand, some trigram begins."""
    sql = text("SELECT term FROM plates_trigrams WHERE term >= :two AND term < :beyond")
    terms = connection.scalars(sql, {"two": two, "beyond": two[0] + chr(ord(two[1]) + 1)})
    return [f'"{term}"' for term in terms]


def _postgresql(pattern: Pattern) -> tuple[str | None, dict[str, Any]]:
    head = re.split(r"[?*]", pattern.text)[0]
    if len(head) < 2 and max(map(len, _runs(pattern.text)), default=0) < _TRIGRAM:
        return None, {}
    return "SELECT id FROM plates WHERE plate LIKE :like", {"like": pattern.like()}


def _runs(text: str) -> list[str]:
    """The known characters of a pattern, run by run."""
    return [run for run in re.split(r"[?*]", text) if run]


def _expression(pattern: Pattern) -> re.Pattern[str]:
    """The pattern as an expression, for the walk: every character of it stands for itself but the two wildcards."""
    return re.compile("".join({"?": ".", "*": ".*"}.get(char, re.escape(char)) for char in pattern.text), re.DOTALL)
