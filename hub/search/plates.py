"""The first step of every search: which of the distinct plates are meant, and why; they are far fewer than reads."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection

from hub.search import probes
from hub.search.pattern import Pattern
from hub.search.query import Mode, Query, one_edit, why_alike, why_edited
from hub.store.dialect import dialect
from hub.store.engine import Store
from normalize.plate import fold

MANY: Final = 4000
"""More plates than this are looked for among the newest reads first."""
MOST: Final = 8000
"""Where more plates fit they are not listed: each read's own plate is compared with the pattern."""


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
        because = reasons(query, patterns)
        meant = [ident for ident, plate in foreign if because(plate) is not None]
        return list(dict.fromkeys(probes.whole(store, connection, edited) + meant))
    ids = dict.fromkeys(probes.whole(store, connection, {pattern.text for pattern in patterns if pattern.exact}))
    for pattern in patterns:
        if pattern.exact:
            continue
        fitting = probes.fitting(store, connection, pattern, most + 1)
        ids.update(dict.fromkeys(fitting))
        if len(ids) > most:
            return None
    return list(ids)


def reasons(query: Query, patterns: tuple[Pattern, ...]) -> Callable[[str], str | None]:
    """Says why a plate is meant; None where it is not."""
    whole = {pattern.text for pattern in patterns}
    if query.mode is Mode.LOOKALIKE:
        keys = {fold(pattern.text): pattern.text for pattern in reversed(patterns)}

        def because(plate: str) -> str | None:
            asked = keys.get(fold(plate))
            return None if asked is None else why_alike(asked, plate)

    elif query.mode is Mode.ONE_EDIT:

        def because(plate: str) -> str | None:
            return next((why for pattern in patterns if (why := why_edited(pattern.text, plate))), None)

    else:
        expressions = [(_expression(pattern), f"fits {pattern.text}") for pattern in patterns if not pattern.exact]

        def because(plate: str) -> str | None:
            return next((why for expression, why in expressions if expression.fullmatch(plate)), None)

    return lru_cache(lambda plate: "exact" if plate in whole else because(plate))


def fit(store: Store, patterns: tuple[Pattern, ...], column: str) -> tuple[str, dict[str, Any]]:
    """Whether a column of plates fits any of the patterns, as SQL, and what it binds."""
    says = dialect(store)
    bound = {f"fits_{n}": says.pattern(pattern.text) for n, pattern in enumerate(patterns)}
    return f"({' OR '.join(says.fits(column, name) for name in bound)})", bound


def _expression(pattern: Pattern) -> re.Pattern[str]:
    """The pattern as an expression, for the walk: every character of it stands for itself but the two wildcards."""
    return re.compile("".join({"?": ".", "*": ".*"}.get(char, re.escape(char)) for char in pattern.text), re.DOTALL)
