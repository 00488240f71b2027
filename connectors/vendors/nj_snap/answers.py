"""An answer, a push and each element of them are told apart; an error is never taken for no reads."""

import re
from contextlib import suppress
from typing import Final

from connectors.contract import Record
from connectors.errors import VendorChanged
from connectors.fields import slices
from normalize.fault import Unusable
from normalize.plate import canonical

_CODE: Final = re.compile(r"[A-Z][A-Z_]{1,40}")


def members_of(body: bytes) -> dict[str, bytes]:
    """The members of an answer; raises `VendorChanged` with the code where it is an error, whatever its status."""
    parts = slices(body) if body.strip() else {}
    if isinstance(parts, list):
        raise VendorChanged("the answer is a list", body)
    if parts.get("error", b"null") == b"null":
        return parts
    code = re.search(rb'"code"\s*:\s*"([^"]*)"', parts["error"])
    name = code[1].decode(errors="replace") if code else ""
    raise VendorChanged(f"is an error answer ({name if _CODE.fullmatch(name) else 'without a code'})", body)


def kind_of(element: bytes) -> str:
    parts = slices(element) if element.startswith(b"{") else {}
    for name, kind in (("eventDateTime", "hit"), ("read_time", "search"), ("plate", "raw")):
        if name in parts:
            return kind
    return "other"


def plate_of(raw: bytes) -> str | None:
    """The plate of a search's read; None where it cannot be told, so that the record is refused and not left out."""
    with suppress(Unusable):
        return canonical(Record("search", raw).fields().text("plate_num"))
    return None
