"""Multipart bodies, as cameras and vendors push them: pictures beside what is said of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from connectors.contract import Document
from connectors.errors import VendorChanged

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS: Final = 64
"""A pass has a handful of pictures; more parts than this are an attack or a mistake."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the name of its field and of its file (empty where it has none), its content type, its bytes."""

    name: str
    filename: str
    content_type: str
    body: bytes


def parts(document: Document) -> list[Part] | None:
    """The parts of a multipart document in their order; None where it is none.

    The boundary is the one that the content type names, or the first line of a captured body without a content type.
    Raises `VendorChanged` where the body is cut short or is not what its boundary promises.
    """
    boundary = _boundary(document)
    if boundary is None:
        return None
    taker = _Taker()
    try:
        parser = MultipartParser(boundary, taker.callbacks(), max_header_count=16)
        parser.write(document.body)
        parser.finalize()
    except MultipartParseError:
        raise VendorChanged("is not the multipart body that it says it is", document.body) from None
    if not taker.ended:
        raise VendorChanged("is a multipart body that is cut short", document.body)
    return taker.parts


def _boundary(document: Document) -> bytes | None:
    kind, options = parse_options_header(document.content_type)
    if kind.startswith(b"multipart/"):
        if not options.get(b"boundary"):
            raise VendorChanged("is multipart without a boundary", document.body)
        return options[b"boundary"]
    first = document.body[:200].lstrip().partition(b"\n")[0].rstrip()
    return (
        first[2:]
        if first.startswith(b"--") and len(first) > 4 and b"content-disposition:" in document.body[:2000].lower()
        else None
    )


class _Taker:
    """Gathers what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._field, self._value, self._body = bytearray(), bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}

    def callbacks(self) -> "MultipartCallbacks":
        """The parser's calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_part_data": lambda data, start, end: self._body.extend(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._over,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MOST_PARTS:
            raise MultipartParseError("too many parts")
        self._headers, self._body = {}, bytearray()

    def _header(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field, self._value = bytearray(), bytearray()

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name, filename = (options.get(key, b"").decode("utf-8", "replace") for key in (b"name", b"filename"))
        kind = self._headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        self.parts.append(Part(name, filename, kind, bytes(self._body)))

    def _over(self) -> None:
        self.ended = True
