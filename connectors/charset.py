"""In which characters a document is written: what it says of itself, and what its sender says of it."""

import codecs
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from python_multipart.multipart import parse_options_header

if TYPE_CHECKING:
    from connectors.contract import Document

_CHARSETS: Final = re.compile(
    r"(utf-(8|16|32)(-[bl]e)?|ascii|iso8859-\d+|cp\d+|gb2312|gbk|gb18030|big5|big5hkscs|euc_\w+|shift_jis\w*|koi8-\w"
    r"|johab|mac-\w+|tis-620|kz1048|ptcp154|hz|iso2022_\w+)"
)
"""Names of codecs that are characters of people; Python knows other codecs, which no vendor writes."""
_WIDER: Final = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "cp950"}
"""Who says the one often writes the other, which has all its characters in the same places and more."""


def codec(name: str) -> str | None:
    """Python's codec for a charset's name; None where there is none, or none that people write in."""
    try:
        known = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None
    return _WIDER.get(known, known) if _CHARSETS.fullmatch(known) else None


def as_utf8(document: "Document") -> "Document":
    """The document in UTF-8, where its content type names other characters and its bytes are not UTF-8 already.

    XML that says itself in which characters it is, and multipart bodies, whose parts say so, stay as they are.
    """
    if "charset" not in document.content_type.lower():
        return document
    kind, options = parse_options_header(document.content_type)
    known = codec(options.get(b"charset", b"").decode("latin-1"))
    begin = document.body[:100].lstrip()
    if known is None or kind.startswith((b"multipart/", b"image/")) or begin.startswith(b"<?xml"):
        return document
    if _is_utf8(document.body):
        return document
    return replace(document, body=document.body.decode(known, "replace").encode("utf-8", "replace"))


def _is_utf8(body: bytes) -> bool:
    """Whether the bytes are UTF-8, whatever is said of them: other characters hardly ever look like it."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\x00" not in body[:64]
