"""Bodies that were packed on the way: unpacked up to their bound, never beyond it."""

import zlib
from typing import Final

from alprhub.web.bodies import TooLarge

KNOWN: Final = ("gzip", "x-gzip", "deflate")
GZIP: Final = b"\x1f\x8b"
_RATIO: Final = 1032
"""How many bytes one byte of deflate can become at most."""


def packing(body: bytes, header: str) -> str:
    """How a body is packed; empty where it is not, whatever its header says."""
    said = header.strip().lower()
    if body.startswith(GZIP):
        return "gzip"
    if said in ("", "identity") or (said in ("gzip", "x-gzip") and body[:1] in (b"{", b"[", b"<", b"-")):
        return ""
    return said


def room_for(body: bytes, most: int) -> int:
    """The bytes of memory that unpacking may take."""
    return min(most, len(body) * _RATIO)


def unpacked(body: bytes, how: str, most: int) -> bytes | None:
    """The body as it was; None where it cannot be unpacked. Raises `TooLarge` above `most` bytes."""
    if how not in KNOWN:
        return None
    forms = (zlib.MAX_WBITS | 32,) if how != "deflate" else (zlib.MAX_WBITS, -zlib.MAX_WBITS)
    for form in forms:
        try:
            return _unpacked(body, form, most)
        except zlib.error:
            continue
    return None


def _unpacked(body: bytes, form: int, most: int) -> bytes:
    whole, rest = bytearray(), body
    while rest.strip(b"\x00"):  # gzip may have several members, and zeros behind them
        stream = zlib.decompressobj(form)
        whole += stream.decompress(rest, most - len(whole) + 1)
        if len(whole) > most:
            raise TooLarge
        if not stream.eof:
            raise zlib.error("is cut short")
        rest = stream.unused_data
    return bytes(whole)
