"""`bounded`: an answer in the one compression that was asked for, unpacked in small steps up to a limit, or refused."""

import re
import zlib
from collections.abc import Iterator
from typing import Final

import httpx

from connectors.errors import VendorChanged

ASKED: Final = "gzip"
"""The one compression that is asked for; an answer that is not compressed will do as well."""
_TAKEN: Final = ("gzip", "x-gzip")
_NAME: Final = re.compile(r"[a-z0-9.-]{1,20}")
_STEP: Final = 1 << 16
"""Bytes that are unpacked at a time: a few bytes of a hostile answer would else become gigabytes at once."""
_GZIP: Final = 16 + zlib.MAX_WBITS


def bounded(response: httpx.Response, most: int) -> None:
    """Have a response give its body unpacked, and no more than `most` bytes of it, whoever reads it.

    The library itself reads some, such as the refusal before a digest login, and undoes any number of layers. Raises
    `VendorChanged` for a compression that was not asked for, and for more than one.
    """
    layers = [name.lower() for name in response.headers.get_list("content-encoding", split_commas=True)]
    layers = [name for name in layers if name not in ("", "identity")]
    if len(layers) > 1 or not set(layers) <= set(_TAKEN):
        named = " in ".join(name if _NAME.fullmatch(name) else "a nameless one" for name in layers[:3])
        raise VendorChanged(
            f"the answer is compressed in a way that was not asked for ({named}), so it was not unpacked: the service"
            " should answer as it is, or in gzip once"
        )
    if layers:
        del response.headers["content-encoding"]
    if isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _Bounded(response.stream, most, packed=bool(layers))


class _Bounded(httpx.SyncByteStream):
    """The bytes of a stream as they are wanted, each of them counted as it arrived and as it was unpacked."""

    def __init__(self, inner: httpx.SyncByteStream, most: int, *, packed: bool) -> None:
        self._inner = inner
        self._most = most
        self._packed = packed

    def __iter__(self) -> Iterator[bytes]:
        arrived = self._counted(self._inner)
        yield from self._counted(_unpacked(arrived)) if self._packed else arrived

    def close(self) -> None:
        self._inner.close()

    def _counted(self, chunks: Iterator[bytes] | httpx.SyncByteStream) -> Iterator[bytes]:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > self._most:
                raise VendorChanged(
                    f"the answer is larger than {self._most:,} bytes, more than the service sends at once"
                )
            yield chunk


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes in one or several gzip members; raises `httpx.DecodingError` where they are broken or cut short."""
    member = None
    for chunk in chunks:
        left = chunk
        while left:
            member = member or zlib.decompressobj(_GZIP)
            try:
                piece = member.decompress(left, _STEP)
                while piece:
                    yield piece
                    piece = member.decompress(member.unconsumed_tail, _STEP)
            except zlib.error:
                raise httpx.DecodingError("what was compressed is broken") from None
            left = b""
            if member.eof:
                left, member = member.unused_data.lstrip(b"\x00"), None
    if member is not None:
        raise httpx.DecodingError("what was compressed is cut short")
