"""Which camera a read is of: one spelling of a device's address, and one rule where a record names no camera."""

import re
from typing import Final
from urllib.parse import urlsplit

UNNAMED: Final = "unnamed"
"""The camera of what names none, and of which nobody said what it is called."""
_MAC: Final = re.compile(
    r"[0-9A-F]{2}([:. -]?)(?:[0-9A-F]{2}\1){4}[0-9A-F]{2}|(?:[0-9A-F]{4}\.){2}[0-9A-F]{4}"
    r"|(?:[0-9A-F]{1,2}:){5}[0-9A-F]{1,2}",  # some programs leave the zero before a digit out
    re.IGNORECASE,
)


def mac_of(text: str) -> str | None:
    """The twelve digits of a MAC address in capitals, however it is written; None for any other text."""
    plain = text.strip().upper()
    if not _MAC.fullmatch(plain):
        return None
    return "".join(f"{octet:0>2}" for octet in plain.split(":")) if ":" in plain else re.sub("[^0-9A-F]", "", plain)


def one_spelling(ident: str) -> str:
    """An id without a vendor's own way of writing it: a MAC address as its digits, blanks as one; case stays."""
    return mac_of(ident) or " ".join(ident.split())


def likeness(ident: str) -> str:
    """What the spellings of one camera's id have in common: a connection has one camera of it."""
    return "/".join(mac_of(part) or " ".join(part.split()).casefold() for part in ident.split("/"))


def with_colons(text: str) -> str:
    """A MAC address as `00:00:5e:00:53:01`, however it is written; any other text as it is."""
    digits = mac_of(text)
    return text if digits is None else ":".join(re.findall("..", digits.lower()))


def camera_of(*said: str | None, setting: str | None = None, address: str | None = None) -> str:
    """The id of a camera by the one rule of all connectors: what the record says, the id before the name.

    Where it says nothing, what the admin said (`setting`), then the host of the camera's own `address`, then `unnamed`:
    no read is lost over it, and nobody is made to believe in a camera that is none.
    """
    for each in said:
        if each:
            return each
    return setting or (urlsplit(address).hostname if address else None) or UNNAMED
