"""Several documents in one body: a sequence of JSON, or events that a relay posts together."""

import re
from typing import Final

import msgspec

from connectors.encoding import in_utf8
from connectors.framing import framer

_BLANK: Final = b" \t\r\n\x00\x1a\x1e,;"
"""What stands between documents and behind the last: blanks, NUL, the signs that end a file or begin a document."""
_ROOT: Final = re.compile(rb"\s*(?:<\?[^>]*\?>\s*|<!--.*?-->\s*)*<([A-Za-z_][^\s<>/]*)", re.DOTALL)
_BEGINS: Final = (b"<", b"{", b"[")


def apart(body: bytes) -> list[bytes]:
    """The documents of a body that holds several, in their order; none where it holds one, or nobody can tell.

    The last may be cut short: it is refused by itself.
    """
    plain = in_utf8(body).lstrip(b" \t\r\n\x00\x1e")
    if not plain.startswith(_BEGINS) or (_is_one(plain) if plain[:1] != b"<" else not _goes_on(plain)):
        return []
    cutter = framer("document", len(plain))
    found = (document.strip(_BLANK) for document in (*cutter.feed(plain), cutter.rest()))
    pieces = [piece for piece in found if piece and not piece.startswith(b"<!--")]
    return pieces if len(pieces) > 1 and all(piece.startswith(_BEGINS) for piece in pieces) else []


def _is_one(plain: bytes) -> bool:
    try:
        msgspec.json.decode(plain, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _goes_on(plain: bytes) -> bool:
    """Whether another element may stand behind the first."""
    root = _ROOT.match(plain)
    if root is None:
        return False
    end = re.compile(rb"</%b\s*>|<%b[^<>]*/>" % (re.escape(root[1]), re.escape(root[1]))).search(
        plain, root.start(1) - 1
    )
    return end is not None and bool(plain[end.end() :].strip(_BLANK))
