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
_PAIRS: Final = ("gb", "cp932", "cp949", "cp950", "big5", "euc_", "shift_jis", "johab")
"""How codecs are called that write a character in two bytes."""
_SEVEN_BITS: Final = ("hz", "iso2022_")
"""How codecs are called that write everything in the bytes of ASCII."""


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
    if known is None or kind.startswith(b"multipart/") or begin.startswith(b"<?xml"):
        return document
    if is_utf8(document.body, known):
        return document
    return replace(document, body=document.body.decode(known, "replace").encode("utf-8", "replace"))


def is_utf8(body: bytes, known: str = "") -> bool:
    """Whether the bytes are UTF-8, although their sender says `known`: other characters hardly ever look like it.

    Two bytes of a Chinese or Korean charset may (those of \u9c81 are also those of \u00b3), three hardly ever do.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    if b"\x00" in body[:64] or known.startswith(_SEVEN_BITS):
        return False
    return not known.startswith(_PAIRS) or text.isascii() or max(text) >= "\u0800"
