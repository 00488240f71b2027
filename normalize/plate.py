"""Plate text in its three forms: as the vendor wrote it, canonical, and folded.

`plate_raw` is what arrived. `plate` is what two people would agree is written on the metal: upper case,
no blanks, hyphens, dots or stars, marks taken off Latin letters (Ö becomes O). `plate_key` forgets the
differences that cameras cannot see, and exists for matching only: it is never shown as the plate.

What stays as it is: letters of other scripts with all that makes them the letter they are (a Chinese or Arabic plate
must not collapse to nothing, and the kana GA is no KA), each written in one piece where there is one; and words such
as NULL, VOID or NOPLATE, which are real vanity plates. A vendor's own word for "no plate" is known by that vendor's
module alone; what no plate can say is known by `connectors.plates`.
"""

import unicodedata
from functools import lru_cache
from typing import Final

LOOKALIKES: Final[dict[str, str]] = {
    "0OQD": "0",  # round strokes; plate dies differ by a notch, and Flock, NCIC and many states write 0 for O
    "1IL": "1",  # one upright; several states print I without serifs, low pictures lose L's foot
    "2Z": "2",  # the same three strokes, one corner apart
    "5S": "5",  # the same curve, one corner apart
    "6G": "6",  # an open or closed hook; closes under glare
    "8B": "8",  # two bowls; the flat left side of B is the first thing blur takes
}
"""Characters that readers confuse, by the character each class folds to.

Left out on purpose: 4/A, 7/T, U/V, M/N and their like. Each further class makes more innocent plates match: among
200,000 plates of `bench.town`, U/V alone would make one in 240 share its key with another car.
"""

_FOLD: Final = str.maketrans({char: to for group, to in LOOKALIKES.items() for char in group})
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_LOST: Final = frozenset({"Cc", "Cn", "Co", "Cs"})
_BLANKS: Final = frozenset("\t\n\v\f\r\x85")
LONGEST: Final = 15
"""Characters in the longest plate that any list format here can carry (Rekor's import)."""


@lru_cache(maxsize=65_536)
def canonical(raw: str) -> str:
    """The characters on the plate, upper case, nothing else; empty when there are none.

    Idempotent: `canonical(canonical(x)) == canonical(x)` for every text.
    """
    text = raw.upper()
    if _PLAIN.issuperset(text):
        return text
    kept: list[str] = []
    on_letter = False
    # Decompose, then upper-case again: ligatures and small capitals only show their letters afterwards.
    for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", raw).upper()):
        kind = unicodedata.category(char)
        if char in _PLAIN:
            kept.append(char)
            on_letter = False
        elif (digit := unicodedata.digit(char, None)) is not None:
            kept.append(str(digit))
            on_letter = False
        elif kind in ("Lu", "Lo"):
            kept.append(char)
            on_letter = not _is_latin(char)
        elif kind in ("Mn", "Mc"):
            if on_letter:
                kept.append(char)
        elif kind != "Cf":
            on_letter = False
    return unicodedata.normalize("NFC", "".join(kept))


def holds_lost(raw: str) -> bool:
    """Whether a text has a sign that stands for nothing in any script, such as U+0002: one of the plate may be lost.

    Blanks of any kind, and signs that nobody sees, are none: they stand between characters, or are copied with them.
    """
    return any(unicodedata.category(char) in _LOST and char not in _BLANKS for char in raw)


def length(plate: str) -> int:
    """How many characters a plate has for whoever reads it: the marks on a letter are no characters of their own."""
    return sum(unicodedata.category(char)[0] != "M" for char in plate)


def _is_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith("LATIN ")


@lru_cache(maxsize=65_536)
def fold(plate: str) -> str:
    """The plate with every look-alike class of `LOOKALIKES` written as its one digit; for matching only."""
    return plate.translate(_FOLD)
