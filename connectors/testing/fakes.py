"""Fakes of the same shape: as long, letters for letters, digits for digits, one and the same for one original."""

import string
from random import Random
from typing import Final, Literal
from unicodedata import normalize

FakeKind = Literal["plate", "secret", "vin", "email", "name", "words"]

_VIN: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_CYRILLIC: Final = "АВЕКМНОРСТУХ"
_SYNTHETIC: Final = "SYN"
"""Plates of fixtures say that they are none: 7ABC123 becomes 9SYN042 or the like."""


def folded(kind: FakeKind, text: str) -> str:
    """The key that all spellings of an original share: a plate's letters and digits, another text without its case."""
    if kind == "plate":
        return "".join(filter(str.isalnum, normalize("NFC", text))).upper()
    if kind == "vin":
        return text.upper()
    return text if kind == "secret" else text.lower()


class Fakes:
    """The fakes of one recording. They are drawn in the order of asking, so none tells anything of its original."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self._given: dict[tuple[FakeKind, str], str] = {}
        self._taken: set[str] = set()

    def known(self) -> dict[tuple[FakeKind, str], str]:
        """Every original so far, folded, with its fake."""
        return dict(self._given)

    def keep_off(self, kind: FakeKind, original: str) -> None:
        """Never give this text as a fake: it is somebody's original."""
        self._taken.add(folded(kind, original).casefold())

    def of(self, kind: FakeKind, original: str) -> str:
        """The fake of an original, in the shape of this spelling."""
        key = kind, folded(kind, original)
        if key not in self._given:
            self._given[key] = self._drawn(kind, key[1])
        return shaped(self._given[key], original) if kind == "plate" else _cased(self._given[key], original)

    def _drawn(self, kind: FakeKind, original: str) -> str:
        for attempt in range(400):
            synthetic = attempt < 100 and kind == "plate" and sum(map(str.isalpha, original)) >= len(_SYNTHETIC)
            fake = self._once(kind, original, _SYNTHETIC if synthetic else "")
            shorter = original.isdigit() and original[0] != "0" and fake[0] == "0"  # as a number it would lose a digit
            if fake.casefold() not in self._taken and fake != original and not shorter:
                break
        self._taken.add(fake.casefold())
        return fake

    def _once(self, kind: FakeKind, original: str, first: str) -> str:
        letters = iter(first)
        return "".join((sign.isalpha() and next(letters, "")) or self._sign(kind, sign) for sign in original)

    def _sign(self, kind: FakeKind, sign: str) -> str:
        pools = (string.digits, string.ascii_lowercase, _VIN if kind == "vin" else string.ascii_uppercase, _CYRILLIC)
        pool = next((pool for pool in pools if sign in pool), sign)
        return self._random.choice(pool)


def shaped(fake: str, original: str) -> str:
    """A plate's fake with the blanks, hyphens and cases of a spelling."""
    signs = iter(fake)
    copy = ""
    for sign in normalize("NFC", original):
        new = next(signs, "") if sign.isalnum() else sign
        copy += new.lower() if sign.islower() else new
    return copy


def _cased(fake: str, original: str) -> str:
    return "".join(
        new.upper() if old.isupper() else new.lower() if old.islower() else new
        for new, old in zip(fake, original, strict=False)
    )
