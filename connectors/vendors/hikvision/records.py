"""A push or an answer is cut into records, or refused as another answer of a device."""

from collections.abc import Iterator, Mapping, Sequence

from connectors import xml
from connectors.contract import Record
from connectors.encoding import in_utf8
from connectors.errors import VendorChanged
from connectors.fields import slices
from connectors.multipart import Part
from connectors.pictures import is_picture


def records_of(body: bytes, pictures: Mapping[str, bytes]) -> Iterator[Record]:
    """The records of one XML or JSON text; raises `VendorChanged` where it is another answer of a device."""
    plain = in_utf8(body[:64]).lstrip()
    if plain[:1] in (b"{", b"["):
        elements = slices(body)
        for payload in elements if isinstance(elements, list) else [body]:
            names = slices(payload) if in_utf8(payload[:64]).lstrip()[:1] == b"{" else {}
            if "statusCode" in names:
                raise VendorChanged("is a device's answer to a request, not a read", body)
            yield Record("json", payload, 0, pictures)
        return
    root = xml.element(body)
    name = xml.local(root.tag)
    if name == "Plates":
        yield from (Record("asked", payload) for payload in xml.cut(body, "Plate"))
    elif name == "EventNotificationAlert":
        yield Record("xml", body, 0, pictures)
    elif name == "LPListAuditSearchResult":
        raise VendorChanged("is a list of plates, not reads", body)
    elif name == "ResponseStatus":
        raise VendorChanged("is a device's answer to a request, not a read", body)
    else:
        raise VendorChanged("is not an event of a Hikvision device", body)


def pictures_of(posted: Sequence[Part]) -> dict[str, bytes]:
    """The pictures of a push by the name of their file, or of their part where they have none."""
    named: dict[str, bytes] = {}
    for number, part in enumerate(posted):
        if is_picture(part.body):
            name = part.filename or part.name or "picture"
            named[f"{number}-{name}" if name in named else name] = part.body
    return named
