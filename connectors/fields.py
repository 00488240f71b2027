"""Reading hostile JSON: every getter gives the asked-for type or an `Unusable` that names the path."""

import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from connectors.damage import MARK, legible
from connectors.encoding import in_utf8
from connectors.errors import VendorChanged
from connectors.jsontext import shaped
from connectors.pictures import is_picture
from normalize.confidence import Scale, scaled
from normalize.fault import Unusable
from normalize.read import Place

LONGEST_TEXT: Final = 4000
NO_FIX: Final = -10_000
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")


def slices(body: bytes) -> dict[str, bytes] | list[bytes]:
    """The members of a JSON object, or the elements of an array, each as the exact bytes that arrived.

    Of a document in another UTF, or whose slips had to be mended to tell them apart, they are the same in UTF-8.

    Raises `VendorChanged` with the bytes where the body is neither.
    """
    plain = in_utf8(body)
    shape: Any = list[msgspec.Raw] if plain.lstrip()[:1] == b"[" else dict[str, msgspec.Raw]
    try:
        parts = shaped(plain, shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise VendorChanged("is cut short or not JSON", body) from None
    if isinstance(parts, dict):
        return {name: bytes(raw) for name, raw in parts.items()}
    return [bytes(raw) for raw in parts]


def elements(body: bytes) -> list[bytes]:
    """The elements of a JSON array as the exact bytes that arrived; raises `VendorChanged` where it is none."""
    parts = slices(body)
    if isinstance(parts, dict):
        raise VendorChanged("is not a list", body)
    return parts


@contextmanager
def vendor_says(body: bytes) -> Iterator[None]:
    """Inside the block an unusable value raises `VendorChanged`: the answer has changed, not just one record."""
    try:
        yield
    except Unusable as unusable:
        raise VendorChanged(f"the answer has another shape: {unusable}", body) from None


class Fields:
    """A mapping from the wire, read by dotted paths (`plate.confidence`); never raises anything but `Unusable`."""

    __slots__ = ("_data", "_where")

    def __init__(self, data: Any, where: str = "") -> None:
        if type(data) is not dict:  # what JSON decodes to, and far quicker than asking for any Mapping
            raise Unusable(where or "record", "is not an object")
        self._data: dict[str, Any] = data
        self._where = where

    # Reading fields is half of parsing, so the getters look at the exact type first and explain themselves only when
    # it is the wrong one, and each asks for a plain name itself. What is absent and what is null are the same to every
    # getter.

    def _find(self, path: str) -> Any:
        if "." not in path:
            return self._data.get(path)
        at: Any = self._data
        for name in path.split("."):
            if type(at) is not dict:
                return None if at is None else self._wrong(path, "lies inside something that is not an object")
            at = at.get(name)
        return at

    def _wrong(self, path: str, reason: str) -> Any:
        raise Unusable(self.whole(path), reason)

    def has(self, path: str) -> bool:
        """Whether the path is there with anything but null."""
        return self._find(path) is not None

    def holds(self, path: str) -> bool:
        """Whether the path is there, with null or a blank too."""
        *inside, name = path.split(".")
        at: Any = self._data
        for step in inside:
            at = at.get(step) if type(at) is dict else None
        return type(at) is dict and name in at

    def whole(self, path: str) -> str:
        """The path from the record's beginning on, as refusals name it."""
        return f"{self._where}.{path}" if self._where else path

    def text_or_none(self, path: str) -> str | None:
        """Text without blanks around it; None where it is absent, null or blank."""
        value = self._data.get(path) if "." not in path else self._find(path)
        if value is None:
            return None
        if type(value) is not str:
            self._wrong(path, "is not text")
        if len(value) > LONGEST_TEXT:
            self._wrong(path, f"is longer than {LONGEST_TEXT} characters")
        if "\x00" in value:
            value = legible(value)
        return value.strip() or None

    def text(self, path: str) -> str:
        """Text that must be there."""
        return self.text_or_none(path) or str(self._wrong(path, "is missing or empty"))

    def ident(self, path: str) -> str:
        """An id that must be there, written as text or as a whole number."""
        return self.ident_or_none(path) or str(self._wrong(path, "is missing or empty"))

    def ident_or_none(self, path: str) -> str | None:
        """An id as text or whole number; None where absent, null or blank."""
        value = self._data.get(path) if "." not in path else self._find(path)
        if type(value) is int:
            return str(value) if abs(value) < 10**30 else str(self._wrong(path, "is too large for an id"))
        return self.text_or_none(path)

    def number_or_none(self, path: str) -> float | int | None:
        """A number; None where absent or null. Text is refused: a number in quotes means another wire format."""
        value = self._data.get(path) if "." not in path else self._find(path)
        if value is None:
            return None
        if type(value) is not float and type(value) is not int:
            self._wrong(path, "is not a number")
        if not -1e18 <= value <= 1e18:
            self._wrong(path, "is too large")
        return value

    def number_or_text(self, path: str) -> float | int | str:
        """A number or text that must be there, where a vendor writes the one or the other."""
        return self.text(path) if type(self._find(path)) is str else self.number(path)

    def number(self, path: str) -> float | int:
        """A number that must be there."""
        value = self.number_or_none(path)
        return self._wrong(path, "is missing") if value is None else value

    def decimal_or_none(self, path: str) -> float | int | None:
        """A number, or text that is one, as XML and some JSON write it; None where absent, null or blank."""
        if type(self._find(path)) is not str:
            return self.number_or_none(path)
        text = self.text_or_none(path)
        if text is None or MARK in text:  # a number that arrived damaged is none
            return None
        if not _DECIMAL.fullmatch(text):
            self._wrong(path, "is not a number")
        return int(text) if text.lstrip("+-").isdecimal() else float(text)

    def decimal(self, path: str) -> float | int:
        """The same, where it must be there."""
        value = self.decimal_or_none(path)
        return self._wrong(path, "is missing") if value is None else value

    def first(self, *paths: str) -> str:
        """The first path that is there, else the first path: the one that a refusal should name."""
        for path in paths:
            if self._find(path) is not None:
                return path
        return paths[0]

    def share(self, path: str, scale: Scale) -> float | None:
        """A confidence on the vendor's scale, as a share from 0 to 1; None where it is absent, null or blank."""
        return scaled(self.number_or_none(path), scale, path)

    def inside(self, path: str) -> "Fields | None":
        """The object at a path; None where absent or null."""
        value = self._find(path)
        return None if value is None else Fields(value, self.whole(path))

    def each(self, path: str) -> Iterator["Fields"]:
        """The objects of the list at a path; nothing where the list is absent or null."""
        for index, item in enumerate(self.items(path)):
            yield Fields(item, f"{self.whole(path)}.{index}")

    def items(self, path: str) -> list[Any]:
        """The list at a path; empty where absent or null."""
        value = self._find(path)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(path, "is not a list")
        return value  # type: ignore[no-any-return]

    def place(self, latitude: str, longitude: str) -> Place | None:
        """The position at two paths; None where one is absent, and for 0/0 and readings below any globe.

        Devices without a fix say 0/0 or a large negative number: neither is a place where a camera stands.
        """
        north, east = self.decimal_or_none(latitude), self.decimal_or_none(longitude)
        if north is None or east is None or (north == 0 and east == 0) or min(north, east) <= NO_FIX:
            return None
        return Place(latitude=north, longitude=east)

    def flag(self, path: str) -> bool:
        """Whether a yes is written at a path (true or 1, also as text); anything else is a no."""
        value = self._find(path)
        return value in (True, "1") or (type(value) is str and value.strip().lower() == "true")

    def picture_or_none(self, path: str) -> bytes | None:
        """The picture written as base64 or as a data address; None for anything else: no read is lost over one."""
        value = self._find(path)
        if not isinstance(value, str):
            return None
        if value.startswith("data:"):
            value = value.partition(",")[2]
        try:
            data = a2b_base64(value)
        except (NotBase64, ValueError):
            return None
        return data if is_picture(data) else None
