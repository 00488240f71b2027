"""`Gathered`: the lines of an import, one for each plate and origin. Of several that differ the most serious counts."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

Key = tuple[str, str | None, str | None]
"""The plate and state of an entry, and its country where no state tells it."""
_SERIOUS: Final = {"low": 0, "medium": 1, "high": 2}
_MOST: Final = 5
"""Other lines that the note of one tells of."""


class Terms(NamedTuple):
    """What a line says of its plate; all but the last is kept. Microseconds, as the store has them."""

    reason: str
    case_number: str
    alert: str
    note: str | None
    expires_at: int | None
    line: int


class Gathered(NamedTuple):
    """The terms of every plate and origin, lines that differ over one, and how many repeat another to the letter."""

    terms: dict[Key, Terms]
    differing: tuple[tuple[int, ...], ...]
    repeated: int


def gathered(lines: Iterable[tuple[Key, Terms]], now: int) -> Gathered:
    """One line for each plate and origin, whatever their order.

    Of several that differ the one with the highest alert counts, then the one that lasts longest; one that is over by
    `now` counts least. Its note has what the others say.
    """
    terms: dict[Key, Terms] = {}
    several: dict[Key, dict[Terms, Terms]] = {}
    repeated = 0
    for key, said in lines:
        first = terms.setdefault(key, said)
        if first is said:
            continue
        known = several.setdefault(key, {_unplaced(first): first})
        repeated += _unplaced(said) in known
        known.setdefault(_unplaced(said), said)
    differing = []
    for key, known in several.items():
        if len(known) > 1:
            terms[key] = _most_serious(list(known.values()), now)
            differing.append(tuple(sorted(said.line for said in known.values())))
    return Gathered(terms, tuple(sorted(differing)), repeated)


def _unplaced(said: Terms) -> Terms:
    return said._replace(line=0)


def _most_serious(lines: Sequence[Terms], now: int) -> Terms:
    def weight(said: Terms) -> tuple[bool, int, float, int]:
        until = float("inf") if said.expires_at is None else said.expires_at
        return until > now, _SERIOUS[said.alert], until, -said.line

    most = max(lines, key=weight)
    others = sorted({f"{said.alert}: {said.reason}, case {said.case_number}" for said in lines if said is not most})
    notes = [most.note] if most.note else []
    notes += [f"also {other}" for other in others[:_MOST]]
    if len(others) > _MOST:
        notes.append(f"and {len(others) - _MOST} more")
    return most._replace(note="; ".join(notes))
