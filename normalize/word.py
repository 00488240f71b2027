"""A vendor's word beside ours: mapped, unmapped, unknown and absent are four different things."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field


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
    """One vocabulary entry of a read: our `code` (or none) and what the vendor `said`, kept side by side.

    A code without `said` follows from another word of the read: its country from its state. `confidence` is how sure
    the vendor was of this word, where it told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str | None = None
    said: str | None = None
    known: Known = Known.ABSENT
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None

    def sure(self, confidence: float | None) -> "Word":
        """The same word with the vendor's confidence (0-1); below `FLOOR` it is one that the vendor could not tell."""
        if confidence is None or self.said is None:
            return self
        # In thousandths: no reader knows it better, and so one word serves many reads.
        return _sure(self, round(confidence, 3))


ABSENT: Final = Word()
FLOOR: Final = 0.1
"""How sure a vendor must be of a word about a vehicle for it to be one.

A word is there to find a car by. Below one in ten, a search for it would show nine wrong cars or more for each right
one, by the vendor's own account. Engines choose among dozens of makes and bodies, so that right answers begin far below
one half: in vendors' published examples, at 0.19.
"""
_SAYS_UNKNOWN: Final = frozenset({"unknown", "unknow", "unk", "-", "n/a", "na", "none", "null", "undefined", "other"})
LONGEST_SAID: Final = 100


@lru_cache(maxsize=8192)
def _sure(word: Word, confidence: float) -> Word:
    if not is_told(confidence):
        return Word(said=word.said, known=Known.UNKNOWN, confidence=confidence)
    return Word(code=word.code, said=word.said, known=word.known, confidence=confidence)


def is_told(confidence: float | None) -> bool:
    """Whether what a vendor is so sure of is told at all: it is where the vendor says nothing of how sure it is."""
    return confidence is None or confidence >= FLOOR


def spelled(spelling: str) -> str:
    """A spelling without case, blanks, hyphens, underscores and dots: what vocabularies are keyed by."""
    return "".join(char for char in spelling.casefold() if char.isalnum())


def look_up(spelling: str | None, vocabulary: Mapping[str, str], plain: Callable[[str], str] = str) -> Word:
    """The word for what a vendor said; `vocabulary` maps `spelled` forms to codes, of texts as `plain` makes them."""
    if spelling is None or not spelling.strip():
        return ABSENT
    kept = spelling.strip()[:LONGEST_SAID]
    if kept.casefold() in _SAYS_UNKNOWN:
        return Word(said=kept, known=Known.UNKNOWN)
    code = vocabulary.get(spelled(plain(kept)))
    return Word(code=code, said=kept, known=Known.MAPPED if code else Known.UNMAPPED)
