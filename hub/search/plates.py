"""The first step of every search: which of the distinct plates are meant, and why; they are far fewer than reads."""

import re
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection

from hub.search import probes
from hub.search.pattern import Pattern
from hub.search.query import Mode, Query, one_edit, why_alike, why_edited
from hub.store.engine import Store
from normalize.plate import fold

MANY: Final = 4000
"""More plates than this are walked through read by read first."""


def find(
    store: Store, connection: Connection, query: Query, patterns: tuple[Pattern, ...], most: int
) -> list[int] | None:
    """The ids of the plates that a query means; None where there are more than `most`."""
    if query.mode is Mode.LOOKALIKE:
        return probes.alike(store, connection, {fold(pattern.text) for pattern in patterns})
    if query.mode is Mode.ONE_EDIT:
        edited = {plate for pattern in patterns for plate in one_edit(pattern.text)}
        heads = {pattern.text[:at] for pattern in patterns for at in range(len(pattern.text) + 1)}
        foreign = probes.foreign(store, connection, heads)
        meant = [ident for ident, plate in foreign if reason(query, patterns, plate) is not None]
        return list(dict.fromkeys(probes.whole(store, connection, edited) + meant))
    ids = dict.fromkeys(probes.whole(store, connection, {one.text for one in patterns if one.exact}))
    for pattern in patterns:
        if pattern.exact:
            continue
        fitting = probes.fitting(store, connection, pattern, most + 1)
        ids.update(dict.fromkeys(fitting))
        if len(ids) > most:
            return None
    return list(ids)


def reason(query: Query, patterns: tuple[Pattern, ...], plate: str) -> str | None:
    """Why a plate is meant; None where it is not."""
    if any(pattern.text == plate for pattern in patterns):
        return "exact"
    if query.mode is Mode.LOOKALIKE:
        key = fold(plate)
        return next((why_alike(one.text, plate) for one in patterns if fold(one.text) == key), None)
    if query.mode is Mode.ONE_EDIT:
        return next((why for one in patterns if (why := why_edited(one.text, plate))), None)
    return next((f"fits {one.text}" for one in patterns if _expression(one).fullmatch(plate)), None)


@lru_cache(maxsize=1024)
def _expression(pattern: Pattern) -> re.Pattern[str]:
    """The pattern as an expression, for the walk: every character of it stands for itself but the two wildcards."""
    return re.compile("".join({"?": ".", "*": ".*"}.get(char, re.escape(char)) for char in pattern.text), re.DOTALL)
