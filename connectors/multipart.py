"""Multipart bodies, as cameras and vendors push them: pictures beside what is said of them."""

import re
from base64 import b64decode
from binascii import a2b_qp
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from python_multipart.multipart import parse_options_header

from connectors.charset import as_utf8
from connectors.contract import Document
from connectors.errors import VendorChanged
from connectors.jsontext import decoded
from connectors.pictures import is_picture, is_whole_picture
from connectors.xml import element

MOST_PARTS: Final = 64
"""A pass has a handful of pictures; more parts than this are an attack or a mistake."""
MOST_HEADERS: Final = 16
LONGEST_HEAD: Final = 16 * 1024
_HEADER: Final = re.compile(rb"([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t]+[^\r\n]+)*)(?:\r?\n|\Z)")
_LINE_END: Final = re.compile(rb"\r?\n")
_DELIMITER: Final = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the name of its field and of its file (empty where it has none), its content type, its bytes."""

    name: str
    filename: str
    content_type: str
    body: bytes


def parts(document: Document) -> list[Part] | None:
    """The parts of a multipart document in their order; None where it is none.

    The boundary is the one that the content type names, or the first line of a body. Lines may end in LF alone, blank
    lines and delimiters come twice, parts lack their headers and the body its end, as cameras do all of it: a last part
    that nothing ends counts where it is whole by itself, and a picture cut short is left out. Raises `VendorChanged`
    where an event may be cut short, and where there are no parts.
    """
    boundary = _boundary(document)
    if boundary is None:
        return None
    found: list[Part] = []
    for raw, closed in _pieces(document.body, boundary):
        headers, body = _taken_apart(raw)
        if not headers and not body:
            continue
        if not closed:
            body = body.removesuffix(b"\n").removesuffix(b"\r")
        part = _named(headers, body)
        if not closed and not _is_counted(headers, raw) and _is_cut(part, found, document.body):
            continue
        found.append(part)
        if len(found) > MOST_PARTS:
            raise VendorChanged(f"is a multipart body of more than {MOST_PARTS} parts", document.body)
    if not found and boundary not in document.body:
        raise VendorChanged("is not the multipart body that it says it is", document.body)
    return found


def is_no_event(part: Part) -> bool:
    """Whether a part is a picture, be it one of a kind that nobody keeps, or empty."""
    return is_picture(part.body) or part.content_type.startswith("image/") or not part.body.strip()


def framed(document: Document) -> bytes:
    """The body from its first delimiter on, which tells its boundary without a content type; all where none is."""
    return document.body[max(document.body.find(b"--" + (_boundary(document) or b"")), 0) :]


def _boundary(document: Document) -> bytes | None:
    """The boundary; what the body begins with counts where the content type's is not in it."""
    kind, options = parse_options_header(document.content_type)
    said = options.get(b"boundary", b"") if kind.startswith(b"multipart/") else b""
    if said and b"--" + said in document.body:
        return said
    first = _DELIMITER.match(document.body[:200].lstrip())
    if first is not None and (kind.startswith(b"multipart/") or _comes_again(document.body, first[1])):
        return first[1]
    if document.body.lstrip()[:1] in (b"<", b"{", b"["):
        return None  # it is one document, whatever its sender calls it
    if kind.startswith(b"multipart/") and not said:
        raise VendorChanged("is multipart without a boundary", document.body)
    return said or None


def _comes_again(body: bytes, boundary: bytes) -> bool:
    """Whether a body that nobody calls multipart has headers of a part or a second delimiter."""
    head = body[:2000].lower()
    return b"content-" in head or re.search(rb"\n--" + re.escape(boundary), body) is not None


def _pieces(body: bytes, boundary: bytes) -> Iterator[tuple[bytes, bool]]:
    """What lies between the delimiters, and whether a delimiter ends it; what stands outside of them is nobody's."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(?:(--)|[ \t]*(?=\r?\n|\Z))")
    began: int | None = None
    for found in delimiter.finditer(body):
        if began is not None:
            yield body[began : found.start()], True
        if found[1]:
            return
        began = found.end()
    if began is not None:
        yield body[began:], False


def _taken_apart(raw: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """The headers of a part by their names, none where it has none, and what stands behind them."""
    at = 0
    while line := _LINE_END.match(raw, at):
        at = line.end()
    headers, begin = dict[bytes, bytes](), at
    while len(headers) < MOST_HEADERS and (header := _HEADER.match(raw, at, at + LONGEST_HEAD)):
        headers[header[1].lower()] = b" ".join(header[2].split())
        at = header.end()
    if not any(name.startswith(b"content-") for name in headers):
        return {}, raw[begin:]
    line = _LINE_END.match(raw, at)
    return headers, raw[line.end() if line else at :]


def _named(headers: Mapping[bytes, bytes], body: bytes) -> Part:
    _, options = parse_options_header(headers.get(b"content-disposition", b""))
    name, filename = (options.get(key, b"").decode("utf-8", "replace") for key in (b"name", b"filename"))
    said = headers.get(b"content-type", b"").decode("latin-1")
    if not is_picture(body):
        body = _sent(headers.get(b"content-transfer-encoding", b"").lower(), body)
    if not is_picture(body):
        body = as_utf8(Document(body, said)).body
    return Part(name, filename, said.partition(";")[0].strip().lower(), body)


def _sent(encoding: bytes, body: bytes) -> bytes:
    """The bytes that a part stands for; as they are where they are not in the encoding that they are said to be in."""
    if encoding == b"quoted-printable":
        return a2b_qp(body)
    if encoding != b"base64":
        return body
    try:
        return b64decode(b"".join(body.split()), validate=True)
    except ValueError:
        return body


def _is_counted(headers: Mapping[bytes, bytes], raw: bytes) -> bool:
    """Whether a part says how long it is, and is."""
    said = headers.get(b"content-length", b"")
    return said.isdigit() and len(said) < 10 and len(_taken_apart(raw)[1]) >= int(said)


def _is_cut(last: Part, before: list[Part], body: bytes) -> bool:
    """Whether the last part, which nothing ends, is a picture cut short; raises where it may be an event cut short."""
    text = last.body.strip()
    if is_picture(last.body):
        if is_whole_picture(last.body):
            return False
        if any(not is_picture(part.body) for part in before):
            return True
    elif not text or _is_whole_text(text, body):
        return not text
    raise VendorChanged("is a multipart body that is cut short", body)


def _is_whole_text(text: bytes, body: bytes) -> bool:
    """Whether a text ends by itself, as JSON and XML do; of lines, the last must have its end."""
    if text[:1] not in (b"<", b"{", b"["):
        return body.endswith(b"\n") or text.endswith(b"}")
    try:
        element(text) if text[:1] == b"<" else decoded(text)
    except VendorChanged:
        return False
    return True
