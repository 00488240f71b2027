"""Patterns in which plates are issued: what one engine's single reading is held against where it doubts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_ISSUED: Final = frozenset(
    (
        *("LLL000", "000LLL", "LLL0000", "0000LLL", "0LLL000", "0LL0000", "00LL000", "LL00000", "LL0000", "L000000"),
        *("LL0L0L", "L00LLL", "LLL00L", "LLLL00", "0LLL00", "00L000", "000L00", "0L0000", "00000L0", "0L00000"),
        *("LL000LL", "LL00LLL", "LL000L", "LLL000L"),
    )
)
"""Letters and digits of regular plates: of the states, and those of Europe that no state's would be taken for."""


def weighed(texts: Sequence[tuple[str, float]], rare: float) -> list[tuple[str, float]]:
    """Return (text, probability) pairs, best first, with what is known of patterns added to what was seen.

    `rare` is how much less often a plate has another pattern: a wish of its owner, or an older series.
    Texts that nobody proposed have the rest of the probability, as if of other patterns.
    """
    shares = [(text, share * (1.0 if _pattern(text) in _ISSUED else rare)) for text, share in texts]
    rest = max(0.0, 1.0 - sum(share for _, share in texts)) * rare
    total = rest + sum(share for _, share in shares)
    return sorted(((text, share / total) for text, share in shares), key=lambda one: -one[1])


def _pattern(text: str) -> str:
    return "".join("0" if character.isdigit() else "L" for character in text)
