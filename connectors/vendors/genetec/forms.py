"""JSON and XML as one shape: an object by names."""

import re
from typing import Any, Final

from connectors import xml
from connectors.contract import Record
from connectors.errors import VendorChanged
from connectors.fields import slices
from connectors.jsontext import decoded
from normalize.fault import Unusable

_TOKEN: Final = re.compile(r"#[A-Z_]+#(\{[^}]*\})?")


def form_of(payload: bytes, body: bytes) -> str:
    """Which of the forms in JSON a read has; raises `VendorChanged` for any other."""
    names = slices(payload) if payload.lstrip().startswith(b"{") else {}
    if "PlateRead" in names:
        return "sharp"
    if "ReferenceReadId" in names:
        return "lpringestion"
    if "Plate" in names and "DateUtc" in names:
        return "webhook"
    raise VendorChanged("is JSON, but none of the forms in which Genetec tells of reads", body)


def from_json(record: Record) -> dict[str, Any]:
    """The members of a read in JSON; raises `Unusable` where it is no object."""
    try:
        data = decoded(record.payload)
    except VendorChanged:
        raise Unusable("record", "is not JSON") from None
    if not isinstance(data, dict):
        raise Unusable("record", "is not an object")
    return data


def from_xml(record: Record) -> dict[str, Any]:
    """The elements of a read in XML by their names."""
    try:
        members = _bare(xml.tree(xml.element(record.payload)))
    except VendorChanged as changed:
        raise Unusable("record", str(changed)) from None
    return members if isinstance(members, dict) else {}


def without_tokens(data: dict[str, Any]) -> dict[str, Any]:
    """The same without what a Sharp left as its template has it; raises `Unusable` where that is the plate."""
    left = {name for name, value in data.items() if isinstance(value, str) and _TOKEN.fullmatch(value)}
    if "Plate" in left:
        raise Unusable("Plate", "is a placeholder of the template, not a plate")
    return {name: None if name in left else value for name, value in data.items()}


def _bare(value: Any) -> Any:
    """The same without attributes, which tell of types and of nothing (`nil`) and never of a read."""
    if isinstance(value, list):
        return [_bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _bare(each) for name, each in value.items() if not name.startswith(("@", "#"))}
    return inner or value.get("#text")
