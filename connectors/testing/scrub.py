"""`Scrubber`: a vendor's payload with nothing of anybody in it, and otherwise to the letter what it was."""

import json
import re
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Final
from urllib.parse import quote, quote_plus

from connectors.encoding import encoding_of, is_wide
from connectors.pictures import is_picture
from connectors.testing.fakes import FakeKind, Fakes, folded
from connectors.testing.markers import Marker, leftovers, loose, strong
from connectors.testing.spans import ESCAPED, TextSpan, replaced, spans, structured, unescaped

LONGEST_BASE64: Final = 2000
"""Base64 that is longer and no picture is left out: nobody can see what is in it."""
_SECRET: Final = re.compile(
    r"(^|_)(key|apikey|token|secret|password|passwd|pwd|passphrase|authorization|signature|sig|credentials?|cookie"
    r"|session|session_id|jwt|bearer)$"
)
_PLATE: Final = re.compile(
    r"(^|_|licen[cs]e|number|hot|best)_?(plate|plates|plate_(number|no|num|text|raw|key|string|utf8)"
    r"|licen[cs]e_(number|no)|ocr|lpr|lpn|vrm|registration)$"
)
_PERSON: Final = re.compile(
    r"(^|_)(first_?name|last_?name|full_?name|middle_?name|sur_?name|user_?name|user|owner|owner_?name|operator|officer"
    r"|driver|driver_?name|contact|person|requested_by|created_by|modified_by|updated_by|display_name|login|phone|mobile)$"
)
_INSIDE: Final = frozenset({"text", "value", "number", "string", "raw", "plain"})
"""Names of the plate's text where the plate is an object."""
_NO_PLATES: Final = re.compile(
    r"UNKN?OWN?|NONE|NULL|NA|NAN|TRUE|FALSE|EMPTY|MISSING|UNDEFINED|INVALID|NO(PLATE|TAG|T[A-Z]+)|UN(READ|LICEN)[A-Z]*|N"
)
"""What vendors write where there is no plate."""
_PEOPLE: Final = re.compile(r"(user|owner|operator|officer|driver|contact|person|people)s?$")
_WORDS: Final = re.compile(r"^(reason|notes?|comments?|remarks?|narrative|memo|case_?(number|no)|description)$")
_SECRETS: Final = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\b(?i:bearer|basic|token)\s+([\w+/=.~-]{8,})|://[^\s/:@]+:([^\s/@]+)@|\bAKIA[0-9A-Z]{16}\b"
)
_PARAMETER: Final = re.compile(r"(?:[?&;]|^)([\w.-]+)=([^&\s#\"]+)")
_EMAIL: Final = re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+")
_VIN: Final = re.compile(r"\b(?=(?:\D*\d){4})(?=(?:[^A-Z]*[A-Z]){2})[A-HJ-NPR-Z0-9]{17}\b")
_DATA: Final = re.compile(r"data:[\w/+.-]+;base64,")


class LeftOver(Exception):
    """Something that should be gone still stands in what was scrubbed; says which and in what form, never what."""


class Scrubber:
    """Takes keys, tokens, passwords, e-mail, people's names, free words, VINs and plates out of one recording.

    What it looks for: `secrets` and `plates` as given, and what names of fields and forms of texts give away. The same
    original has the same fake in all documents of one scrubber, so teach it all of them before the first is scrubbed.
    Raises `ValueError` for a secret of fewer than 4 characters: it would be found everywhere.
    """

    def __init__(self, secrets: Iterable[str] = (), plates: Iterable[str] = (), seed: int = 0) -> None:
        self._fakes = Fakes(seed)
        self._originals: dict[tuple[FakeKind, str], str] = {}
        for secret in secrets:
            if len(secret) < 4:
                raise ValueError("a secret of fewer than 4 characters would be found everywhere")
            self._note("secret", secret)
        for plate in plates:
            self._note("plate", plate)

    def learn(self, body: bytes, plates: Iterable[str] = ()) -> None:
        """Note every original of a body; `plates` are what its connector reads in it."""
        for plate in plates:
            self._note("plate", plate)
        for span in _deep(_text_of(body)):
            if not span.is_name:
                self._judge(span)

    def scrub(self, body: bytes) -> bytes:
        """The body with fakes, in UTF-8; a picture as a tiny one of its kind.

        Raises `LeftOver` where an original is left.
        """
        self.learn(body)
        copy = tiny(body) if is_picture(body) else self._text(_text_of(body))
        clean = copy if isinstance(copy, bytes) else copy.encode("utf-8", "surrogateescape")
        self.must_be_clean(clean)
        return clean

    def must_be_clean(self, body: bytes) -> None:
        """Return where no original is left in any form; raises `LeftOver` naming what is left and how."""
        markers = [
            Marker(f"{kind} {number}", text, is_plate=kind == "plate")
            for number, ((kind, _), text) in enumerate(self._originals.items(), 1)
            if kind in ("secret", "plate", "vin", "email")
        ]
        if leaks := leftovers(body, markers):
            raise LeftOver(f"still there: {'; '.join(leaks)}")

    # Learning

    def _note(self, kind: FakeKind, text: str) -> None:
        text = text.strip()
        written = any(sign.isdigit() or sign.isascii() for sign in text if sign.isalnum())
        if (
            written
            and sum(map(str.isalnum, text)) >= 2
            and not (kind == "plate" and _NO_PLATES.fullmatch(folded(kind, text)))
        ):
            self._originals.setdefault((kind, folded(kind, text)), text)
            self._fakes.keep_off(kind, text)

    def _judge(self, span: TextSpan) -> None:
        name, text = _snake(span.path[-1]) if span.path else "", span.text.strip()
        if _kept_whole(text):
            return
        for match in _EMAIL.finditer(text):
            self._note("email", match[0])
        for match in _VIN.finditer(text):
            self._note("vin", match[0])
        for match in _SECRETS.finditer(text):
            self._note("secret", match[match.lastindex or 0])
        for match in _PARAMETER.finditer(text):
            self._by_name(_snake(match[1]), match[2], "")
        self._by_name(name, text, _snake(span.path[-2]) if len(span.path) > 1 else "")

    def _by_name(self, name: str, text: str, parent: str) -> None:
        if _SECRET.search(name) and len(text) >= 6 and (name.endswith(("word", "wd", "phrase")) or _random(text)):
            self._note("secret", text)
        elif (
            (_PLATE.search(name) or (name in _INSIDE and _PLATE.search(parent)))
            and 2 <= sum(map(str.isalnum, text)) <= 10
            and len(text) <= 14
        ):
            self._note("plate", text)
        elif name.endswith("vin") and 11 <= len(text) <= 17:
            self._note("vin", text)
        elif _PERSON.search(name) or (name == "name" and _PEOPLE.search(parent)):
            self._note("name", text)
        elif _WORDS.search(name) and (name != "description" or " " in text):
            self._note("words", text)

    # Writing

    def _text(self, text: str) -> str:
        in_names, in_values = self._swap(names=True), self._swap()
        changes = []
        for span in spans(text):
            new = self._value(span, in_names if span.is_name else in_values)
            if new != span.text:
                changes.append((span, new))
        return replaced(text, changes)

    def _value(self, span: TextSpan, swap: Callable[[str], str]) -> str:
        text = span.text
        if (whole := self._whole(span)) is not None:
            return whole
        if span.is_number:
            return text
        if ESCAPED.search(text):
            return ESCAPED.sub(lambda run: self._escaped(span, run[0], swap), text)
        if structured(text):
            return self._text(text)
        match = _DATA.match(text)
        head = match[0] if match else ""
        packed = _packed(text[len(head) :])
        return swap(text) if packed is None else self._unpacked(text, head, packed, swap)

    def _escaped(self, span: TextSpan, run: str, swap: Callable[[str], str]) -> str:
        new = self._value(replace(span, text=unescaped(run)), swap)
        return "".join(f"\\u{ord(sign):04x}" for sign in new)

    def _unpacked(self, text: str, head: str, packed: bytes, swap: Callable[[str], str]) -> str:
        """A text that is base64, perhaps behind the head of a data address."""
        if is_picture(packed):
            return head + b64encode(tiny(packed)).decode()
        if len(text) > LONGEST_BASE64:
            return ""
        try:
            inside = packed.decode()
        except UnicodeDecodeError:
            return swap(text)
        copy = self._text(inside)
        return swap(text) if copy == inside else head + b64encode(copy.encode()).decode()

    def _whole(self, span: TextSpan) -> str | None:
        """The fake of a span that is an original from end to end; None where it is none."""
        text = span.text.strip()
        for kind in ("secret", "plate", "vin", "email", "name", "words"):
            original = self._originals.get((kind, folded(kind, text)))
            if original is None or (span.is_name and (kind not in ("plate", "vin") or not strong(text))):
                continue
            if span.is_number and not text.isdigit():
                continue
            return span.text.replace(text, self._fakes.of(kind, text))
        return None

    def _swap(self, *, names: bool = False) -> Callable[[str], str]:
        """A function that replaces originals anywhere inside a text; in `names`, only the unmistakable ones."""
        rules: list[tuple[str, Callable[[str], str]]] = []
        for (kind, _), text in sorted(self._originals.items(), key=lambda item: -len(item[1])):
            fake = partial(self._fakes.of, kind)
            if kind == "secret":
                rules += [(re.escape(form(text)), partial(_formed, form, fake(text))) for form in _FORMS]
            elif kind == "plate" and strong(text):
                backwards = folded("plate", text)[::-1]
                rules += [(f"(?i:{loose(text)})", self._plate), (f"(?i:{backwards})", partial(_backwards, fake))]
            elif names and kind not in ("vin", "email"):
                continue
            elif kind == "plate":
                rules.append((rf"(?i:(?<=[/=]){loose(text)}(?=[/&.?#]|$))", self._plate))
            elif kind in ("vin", "email"):
                rules.append((f"(?i:{re.escape(text)})", fake))
            elif len(text) >= 4:
                rules.append((rf"(?i:\b{re.escape(text)}\b)", fake))
        if not rules:
            return str
        anything = re.compile("|".join(f"({pattern})" for pattern, _ in rules))
        return partial(anything.sub, lambda match: rules[(match.lastindex or 1) - 1][1](match[0]))

    def _plate(self, plate: str) -> str:
        """The fake in a spelling that may be url-encoded: `9SYN%20042`."""
        parts = re.split(r"(%20|%2[Dd])", plate)
        fake = iter(self._fakes.of("plate", "".join(parts[::2])))
        return "".join(part if index % 2 else "".join(next(fake, "") for _ in part) for index, part in enumerate(parts))


def tiny(picture: bytes) -> bytes:
    """A grey picture of eight by eight points, of the same kind as `picture`: JPEG, PNG or WebP."""
    from PIL import Image

    kind = "PNG" if picture.startswith(b"\x89PNG") else "WEBP" if picture.startswith(b"RIFF") else "JPEG"
    file = BytesIO()
    Image.new("RGB", (8, 8), (127, 127, 127)).save(file, kind)
    return file.getvalue()


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()


_FORMS: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: text,
    lambda text: quote(text, safe=""),
    quote_plus,
    _b64,
    lambda text: _b64(text).rstrip("="),
    str.lower,
    str.upper,
    lambda text: text[::-1],
    lambda text: json.dumps(text)[1:-1],
)
"""How a secret may be written; what is left in yet another way stops the writing."""


def _formed(form: Callable[[str], str], fake: str, _plate: str) -> str:
    return form(fake)


def _backwards(fake: Callable[[str], str], plate: str) -> str:
    return fake(plate[::-1])[::-1]


def _deep(text: str) -> Iterable[TextSpan]:
    """Every span, also of JSON and XML inside of values, as text or in base64."""
    for span in spans(text):
        yield span
        if span.is_name or span.is_number:
            continue
        packed = None if structured(span.text) else _packed(span.text)
        if packed is not None and not is_picture(packed):
            try:
                yield from _deep(packed.decode())
            except UnicodeDecodeError:
                continue
        elif structured(span.text):
            yield from _deep(span.text)


def _packed(text: str) -> bytes | None:
    """What is in base64; None for what is too short or too plain to be any."""
    plain = "".join(text.split())
    if len(plain) < 24 or len(plain) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", plain):
        return None
    try:
        return a2b_base64(plain)
    except Error:
        return None


def _kept_whole(text: str) -> bool:
    return len(text) > LONGEST_BASE64 or structured(text)


def _random(text: str) -> bool:
    """Whether a text looks drawn and not written: digits among letters, both cases, or length."""
    mixed = any(map(str.isdigit, text)) or (text != text.lower() and text != text.upper())
    return (
        " " not in text and "/" not in text[:1] and ((len(text) >= 8 and mixed) or (len(text) >= 20 and text.isalnum()))
    )


def _text_of(body: bytes) -> str:
    """The text of a body; in UTF-16 nobody would find what is to be scrubbed."""
    encoding = encoding_of(body) or "utf-8"
    return body.decode(encoding, "replace") if is_wide(encoding) else body.decode("utf-8", "surrogateescape")


def _snake(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
