"""A push, a log or a notification is cut into records, or refused as something else of a camera's."""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from connectors import xml
from connectors.contract import Record
from connectors.encoding import in_utf8
from connectors.errors import VendorChanged
from connectors.fields import slices
from connectors.multipart import Part, is_no_event
from connectors.pictures import is_picture

SINGLE_QUOTED: Final = re.compile(rb"\s*\{\s*'(system|identify|ALPV|services)'\s*:")


def records_of_parts(posted: Sequence[Part], body: bytes) -> Iterator[Record]:
    """The events of a multipart push, the first of them with the pictures."""
    events = [
        part
        for part in posted
        if not is_picture(part.body) and in_utf8(part.body[:64]).lstrip()[:1] in (b"{", b"[", b"<")
    ]
    if posted and not events and all(map(is_no_event, posted)):
        yield Record("pictures", body)
    elif not events:
        raise VendorChanged("is multipart without an event", body)
    pictures = {f"{number}-{part.name or part.filename}": part.body
                for number, part in enumerate(posted) if is_picture(part.body)}  # fmt: skip
    for number, part in enumerate(events):
        if in_utf8(part.body[:64]).lstrip()[:1] == b"<":
            yield from (record._replace(attachments={} if number else pictures) for record in records_of_xml(part.body))
            continue
        heartbeat = SINGLE_QUOTED.match(part.body)
        if not heartbeat:
            slices(part.body)
        yield Record("heartbeat" if heartbeat else "push", part.body, 0, {} if number else pictures)


def notifications_of(root: Element) -> list[Element]:
    """Every notification below an element."""
    return [each for each in root.iter() if xml.local(each.tag) == "NotificationMessage"]


def records_of_xml(body: bytes) -> Iterator[Record]:
    """A log of events, or ONVIF notifications."""
    root = xml.element(body)
    name = xml.local(root.tag)
    if name == "events":
        yield from logged_events(body, root)
        return
    count = len(notifications_of(root))
    if not count:
        raise VendorChanged("is neither a log of events nor a notification", body)
    yield from (Record("onvif", body, part) for part in range(count))


def logged_events(body: bytes, root: Element) -> Iterator[Record]:
    """The events of a log; raises `VendorChanged` for a count of them and for any other text."""
    if xml.local(root.tag) != "events":
        raise VendorChanged("is no log of events", body)
    if any(xml.local(child.tag) == "vcount" for child in root):
        raise VendorChanged("is a count of events, not reads", body)
    yield from (Record("log", payload) for payload in xml.cut(body, "event"))
