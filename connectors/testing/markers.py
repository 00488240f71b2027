"""Looking for what must not be left: a marker in every form in which it may still stand in a body."""

import json
import re
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize
from urllib.parse import quote, quote_plus, unquote
from xml.sax.saxutils import escape

from connectors.testing.spans import spans, unescaped

BETWEEN: Final = r"(?:[-\s._·]|%20|%2[Dd]|\+)?"
"""What may stand between two characters of a plate."""
_SHORTEST: Final = 6
"""Encoded pieces shorter than this are found everywhere and prove nothing."""
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


@dataclass(frozen=True, slots=True)
class Marker:
    """What must not be left; `name` says which without saying what (`plate 2`)."""

    name: str
    text: str
    is_plate: bool = False

    @property
    def weak(self) -> bool:
        """Whether the text is so common that only a whole value can be it: `BEACH`, `2026`, `A1`."""
        return self.is_plate and not strong(self.text)


def strong(plate: str) -> bool:
    """Whether a plate stands out wherever it stands: letters and digits, five or more."""
    plain = "".join(filter(str.isalnum, plate))
    return len(plain) >= 5 and not plain.isalpha() and not plain.isdigit()


def loose(plate: str) -> str:
    """A pattern for a plate with or without anything between its characters."""
    signs = (sign for sign in normalize("NFC", plate) if sign.isalnum())
    return BETWEEN.join(f"(?:{sign}|{normalize('NFD', sign)})" for sign in signs)


def leftovers(body: bytes, markers: Iterable[Marker]) -> list[str]:
    """Which markers stand in a body, and in which form: `plate 2, backwards`; empty where none does.

    Looks at the body as it is, at every value without its escapes, and into what is base64 inside of it.
    """
    text = body.decode("utf-8", "surrogateescape")
    found_in = spans(text)
    values = [span.text for span in found_in]
    whole = "\n".join([text, *values, *(unquote(value) for value in values if "%" in value), *_unpacked(text)])
    whole += "\n" + unescaped(whole)
    low, plain = whole.casefold(), {_plain(span.text) for span in found_in if not span.is_name}
    leaks = []
    for marker in markers:
        if marker.weak:
            forms = [("as a whole value", _plain(marker.text) in plain)]
        else:
            forms = [(form, piece in (low if folds else whole)) for form, piece, folds in _forms(marker.text)]
            if marker.is_plate:
                forms.append(("with signs between", bool(re.search(loose(marker.text), whole, re.IGNORECASE))))
        leaks += [f"{marker.name}, {form}" for form, there in forms if there][:1]
    return leaks


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, normalize("NFC", text))).casefold()


def _forms(text: str) -> Iterator[tuple[str, str, bool]]:
    """Each form, its text, and whether upper and lower case are one there."""
    yield "as it is", text.casefold(), True
    yield "backwards", text[::-1].casefold(), True
    yield "url-encoded", quote(text, safe="").casefold(), True
    yield "url-encoded", quote_plus(text).casefold(), True
    yield "url-encoded", "".join(f"%{byte:02x}" for byte in text.encode()), True
    yield "escaped for JSON", json.dumps(text)[1:-1].casefold(), True
    yield "escaped for XML", escape(text, {'"': "&quot;"}).casefold(), True
    yield "in hexadecimal", text.encode().hex(), True
    for spelling in {text, text.lower(), text.upper()}:
        for offset in range(3):
            piece = _piece(spelling.encode(), offset)
            if len(piece) >= _SHORTEST:
                yield "in base64", piece, False
                yield "in base64", piece.translate(str.maketrans("+/", "-_")), False


def _piece(data: bytes, offset: int) -> str:
    """The base64 signs that data at `offset` within a group of three bytes fixes, whatever its neighbours are."""
    encoded = b64encode(bytes(offset) + data).decode()
    return encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]


def _unpacked(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        plain = match[0].translate(str.maketrans("-_", "+/")).rstrip("=")
        try:
            yield a2b_base64(plain + "=" * (-len(plain) % 4)).decode("latin-1")
        except Error:
            continue
