"""A vendor's word beside ours: mapped, unmapped, unknown and absent are four different things."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict


class Known(StrEnum):
    """How much the vendor told us."""

    MAPPED = "mapped"
    """The vendor's word has a code in our vocabulary."""
    UNMAPPED = "unmapped"
    """The vendor said something that our vocabulary does not have yet."""
    UNKNOWN = "unknown"
    """The vendor looked and said that it could not tell."""
    ABSENT = "absent"
    """The vendor said nothing."""


class Word(BaseModel):
    """One vocabulary entry of a read: our `code` (or none) and what the vendor `said`, kept side by side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str | None = None
    said: str | None = None
    known: Known = Known.ABSENT


ABSENT: Final = Word()
_SAYS_UNKNOWN: Final = frozenset({"unknown", "unknow", "unk", "-", "n/a", "na", "none", "null", "undefined", "other"})
LONGEST_SAID: Final = 100


def spelled(spelling: str) -> str:
    """A spelling without case, blanks, hyphens, underscores and dots: what vocabularies are keyed by."""
    return "".join(char for char in spelling.casefold() if char.isalnum())


def look_up(spelling: str | None, vocabulary: Mapping[str, str]) -> Word:
    """The word for what a vendor said; `vocabulary` maps `spelled` forms to codes."""
    if spelling is None or not spelling.strip():
        return ABSENT
    kept = spelling.strip()[:LONGEST_SAID]
    if kept.casefold() in _SAYS_UNKNOWN:
        return Word(said=kept, known=Known.UNKNOWN)
    code = vocabulary.get(spelled(kept))
    return Word(code=code, said=kept, known=Known.MAPPED if code else Known.UNMAPPED)
