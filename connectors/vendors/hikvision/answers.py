"""A device that refuses is believed, although it does so with HTTP status 200."""

import re
from collections.abc import Mapping
from typing import Final

from connectors import xml
from connectors.errors import AdminMustFix, VendorChanged
from connectors.fields import slices

DONE: Final = "1"
"""The status of a request that was carried out."""
IMPORT_FAILURES: Final = (b"importFail", b"importErrorData")
"""What a device writes where it did not take a list, whatever the status beside it."""


def must_be_done(body: bytes) -> None:
    """Return unless a body says that the device refused: it does so with HTTP status 200.

    Raises `AdminMustFix` where the list is too long or the device cannot do it at all, `VendorChanged` otherwise.
    """
    words = _words(body)
    beginning = body[:4000]
    if b"overLimit" in beginning:  # said in more than one shape
        raise AdminMustFix("the device's list has no room for that many entries")
    status = words.get("statusCode", DONE)
    import_failed = any(word in beginning for word in IMPORT_FAILURES)
    if status == DONE and not import_failed:
        return
    reason = _reason(words)
    if reason == "notSupport":
        raise AdminMustFix("the device says that it does not support this")
    number = status if status.isascii() and status.isdecimal() and len(status) < 4 else "without a number"
    raise VendorChanged(f"the device refused with status {number} {reason}".rstrip(), body)


def _words(body: bytes) -> dict[str, str]:
    """What an answer says by name, in JSON or in XML; nothing where it is neither. A web page is no answer."""
    plain = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if plain[:1] == b"{":
        return _of_json(body)
    return _of_xml(body) if plain[:1] == b"<" else {}


def _of_json(body: bytes) -> dict[str, str]:
    members = slices(body)
    if not isinstance(members, dict):
        return {}
    return {name: raw.strip(b'"').decode("utf-8", "replace") for name, raw in members.items()}


def _of_xml(body: bytes) -> dict[str, str]:
    root = xml.element(body)
    if xml.local(root.tag).casefold() == "html":
        raise VendorChanged("the device answered with a web page", body)
    leaves = [element for element in root.iter() if not len(element)]
    return {xml.local(leaf.tag): (leaf.text or "").strip() for leaf in leaves}


def _reason(words: Mapping[str, str]) -> str:
    """The device's own word for why, in letters alone, so that no plate is in it."""
    return re.sub(r"[^A-Za-z ]", "", words.get("subStatusCode") or words.get("statusString") or "")[:60]
