"""The encoding that the bytes of a text tell of themselves, whatever settings and headers say."""

import codecs
import re
from typing import Final

from connectors.damage import LETTERS, note

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # it begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BARE: Final = (
    (re.compile(rb"\x00\x00\x00[\[{<]"), "utf-32-be"),
    (re.compile(rb"[\[{<]\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"\x00[\[{<]"), "utf-16-be"),
    (re.compile(rb"[\[{<]\x00"), "utf-16-le"),
)
"""How a document begins that has no byte order mark: with a sign and its zeros."""
_GUARD: Final = re.compile(rb"(?:\xef\xbb\xbf|\s)*(?:\)\]\}',?|for ?\(;;\);?|while ?\(1\);?|\x1e)\s*(?=[\[{])")
_LOOKED_AT: Final = 200
"""Bytes that show whether every other one is NUL, as in UTF-16 without its mark."""


def encoding_of(body: bytes) -> str | None:
    """The encoding that the bytes themselves tell, by a mark or by NUL in other places; None where none does."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return encoding
    if b"\x00" not in body[:4]:
        return None
    for begin, encoding in _BARE:
        if begin.match(body):
            return encoding
    even, odd = body[:_LOOKED_AT:2], body[1:_LOOKED_AT:2]
    if len(odd) > 3 and not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if len(odd) > 3 and not any(even) and all(odd) else None


def is_wide(encoding: str) -> bool:
    """Whether every character takes several bytes, so that a byte of it is no line end."""
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


def in_utf8(body: bytes) -> bytes:
    """The same text in UTF-8 without a mark where the bytes tell that it is another Unicode; other bytes as they are.

    What services write before JSON so that no page runs it, and what begins a record of a sequence, goes too.
    What cannot be decoded is U+FFFD there, and noted as damage.
    """
    if body[:1] in (b"{", b"[", b"<") and body[1:2] != b"\x00":  # most bodies, and the quickest way out
        return body
    if guard := _GUARD.match(body):
        return body[guard.end() :]
    encoding = encoding_of(body)
    if encoding is None:
        return body
    if encoding == "utf-8-sig":
        return body[len(codecs.BOM_UTF8) :]
    try:
        return body.decode(encoding).encode()
    except UnicodeError:
        note(LETTERS)
        return body.decode(encoding, "replace").encode("utf-8", "replace")
