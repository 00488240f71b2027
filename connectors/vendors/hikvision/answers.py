"""A device that refuses is believed, although it does so with HTTP status 200."""

import re

from connectors import xml
from connectors.errors import AdminMustFix, VendorChanged
from connectors.fields import slices


def must_be_done(body: bytes) -> None:
    """Return unless a body says that the device refused: it does so with HTTP status 200.

    Raises `AdminMustFix` where the list is too long or the device cannot do it at all, `VendorChanged` otherwise.
    """
    plain = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if plain[:1] == b"{":
        told = slices(body)
        names = {name: raw.strip(b'"') for name, raw in told.items()} if isinstance(told, dict) else {}
        words = {name: raw.decode("utf-8", "replace") for name, raw in names.items()}
    elif plain[:1] == b"<":
        root = xml.element(body)
        if xml.local(root.tag).casefold() == "html":
            raise VendorChanged("the device answered with a web page", body)
        leaves = [each for each in root.iter() if not len(each)]
        words = {xml.local(each.tag): (each.text or "").strip() for each in leaves}
    else:
        words = {}
    if b"overLimit" in body[:4000]:  # said in more than one shape
        raise AdminMustFix("the device's list has no room for that many entries")
    code = words.get("statusCode", "1")
    if code == "1" and not any(word in body[:4000] for word in (b"importFail", b"importErrorData")):
        return
    why = re.sub(r"[^A-Za-z ]", "", words.get("subStatusCode") or words.get("statusString") or "")[:60]
    if why == "notSupport":
        raise AdminMustFix("the device says that it does not support this")
    raise VendorChanged(f"the device refused with status {code[:10]} {why}".rstrip(), body)
