"""Telling a picture from whatever else arrives in its place."""

from connectors.errors import VendorChanged


def is_picture(data: bytes) -> bool:
    """Whether bytes begin like a JPEG, a PNG or a WebP; looks at no more than the first twelve."""
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def picture(data: bytes) -> bytes:
    """The same bytes; raises `VendorChanged` where they are no picture (a web page with status 200)."""
    if not is_picture(data):
        raise VendorChanged("what came is neither a JPEG nor a PNG nor a WebP", data[:2000])
    return data


def is_whole_picture(data: bytes) -> bool:
    """Whether a picture also ends like one, a line end behind it or not; of a WebP its own length says so."""
    if data[:4] == b"RIFF":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return data.rstrip(b"\r\n\x00").endswith((b"\xff\xd9", b"IEND\xaeB`\x82"))
