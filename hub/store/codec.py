"""Payloads and details, compressed."""

import threading

import zstandard

_local = threading.local()


def compress(data: bytes) -> bytes:
    """The bytes, smaller."""
    try:
        compressor = _local.compressor
    except AttributeError:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=1, write_checksum=False)
    return compressor.compress(data)  # type: ignore[no-any-return]


def decompress(data: bytes) -> bytes:
    """The bytes again."""
    return zstandard.ZstdDecompressor().decompress(data)
