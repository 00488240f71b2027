"""JSON as it comes: in any UTF, and with a slip in a text that nobody needs mended rather than all of it lost."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from connectors.damage import LETTERS, MARK, MARKUP, note
from connectors.encoding import in_utf8
from connectors.errors import VendorChanged

T = TypeVar("T")
_WRONG: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[^"]++|"', re.DOTALL)
_SLIP: Final = re.compile(
    r'\\(?:["\\/bfnrt]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\|[\x00-\x1f]"
)
"""In a text: an escape that is right, half a surrogate, a backslash that escapes nothing, a bare control character."""
_ESCAPED: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}
_SPOILT: Final = re.compile(r"[\\\x00-\x1f]|NaN|Infinity|,\s*[}\]]|\ufeff")
"""What there is wherever a document has a slip: without any, looking at each of its words would find none."""
_NO_NUMBER: Final = re.compile(r"-?\b(?:NaN|Infinity)\b")
_COMMA: Final = re.compile(r",(\s*[}\]])|\ufeff")
_AFTER: Final = " \t\r\n\x00\x1a,;"
"""What may stand behind a document that was one of a list, or a line of a program, or the end of a file."""


NO_LINE: Final = b" \t\r\n\x00\x1a\x1e"
"""What may stand in a line of JSON lines that holds nothing."""


class Written(str):
    """A number that is not whole, as its sender wrote it: Python would write `1e5` as `100000.0`."""

    __slots__ = ()


AS_WRITTEN: Final = msgspec.json.Decoder(float_hook=Written)
"""Decodes numbers that are not whole as `Written`."""


def decoded(body: bytes, decode: Callable[[bytes], Any] = msgspec.json.decode) -> Any:
    """The document; raises `VendorChanged` with the bytes where it is none, even mended."""
    try:
        return decode(in_utf8(body))
    except _WRONG:
        pass
    try:
        return decode(mended(body))
    except _WRONG:
        raise VendorChanged("is cut short or not JSON", body) from None


def shaped(body: bytes, shape: type[T]) -> T:
    """The document as `shape` (a msgspec struct or the like); raises msgspec's errors where it differs, even mended."""
    plain = in_utf8(body)
    try:
        return msgspec.json.decode(plain, type=shape)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(mended(plain), type=shape)


def lines_of(body: bytes) -> list[bytes]:
    """The documents of JSON lines; none where the first line is not a whole object, and where there is no other."""
    first, _, rest = body.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    if first[:1] != b"{" or not rest.strip(NO_LINE):
        return []
    try:
        msgspec.json.decode(first, type=msgspec.Raw)
    except _WRONG:
        return []
    return [first, *(line for line in rest.split(b"\n") if line.strip())]


def mended(body: bytes) -> bytes:
    """The document with its slips put right, each in the one way that it can be meant; notes what they were.

    Characters that cannot be read are marked, or go where they are padding; a backslash before what it cannot escape
    stands for itself; NaN is nothing; a comma before a bracket or behind the document goes, and a mark inside of it.
    """
    plain = in_utf8(body)
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        note(LETTERS)
        text = plain.decode("utf-8", "replace")
    whole = text.rstrip(_AFTER)
    if text[len(whole) :].strip("\x00 \t\r\n"):
        note(MARKUP)
    if _SPOILT.search(whole) is None:
        return whole.encode()
    tokens = (found[0] for found in _TOKEN.finditer(whole))
    return "".join(_text(token) if len(token) > 1 and token[0] == '"' else _between(token) for token in tokens).encode()


def _text(token: str) -> str:
    return '"' + _SLIP.sub(_put_right, token[1:-1].rstrip("\x00")) + '"'


def _put_right(slip: re.Match[str]) -> str:
    found = slip[0]
    if len(found) > 1 and not (len(found) == 6 and found[2] in "dD" and found[3] in "89abcdefABCDEF"):
        return found
    escaped = _ESCAPED.get(found)
    note(MARKUP if escaped else LETTERS)
    return escaped or MARK


def _between(token: str) -> str:
    right = _COMMA.sub(r"\1", _NO_NUMBER.sub("null", token))
    if right != token:
        note(MARKUP)
    return right
