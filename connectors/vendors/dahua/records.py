"""Whatever a camera pushes, streams or answers is cut into records, or refused."""

import re
from collections.abc import Iterator
from typing import Any, Final

from connectors.contract import Document, Record
from connectors.errors import VendorChanged
from connectors.fields import Fields, elements, slices
from normalize.fault import Unusable

_ENDS: Final = re.compile(r"\r\n|\n|\r")
_PREFIX: Final = re.compile(rb"[ \t]*((?:Events|items)\[[0-9]{1,6}\])\.")
_BOUNDARY: Final = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{1,69})\r?\n")


def with_boundary(document: Document) -> Document:
    """The same document; a captured stream is told by its first line, since its parts name no form fields."""
    first = _BOUNDARY.match(document.body)
    if first is None or document.content_type.startswith("multipart/"):
        return document
    return Document(document.body, f'multipart/mixed; boundary="{first[1].decode()}"', document.name)


def records_of(body: bytes, pictures: dict[str, bytes]) -> Iterator[Record]:
    """One text of a camera as records, with the pictures that came behind it."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    plain = text.strip()
    if plain.startswith((b"{", b"[")):
        yield from _json(text)
    elif plain.startswith(b"Code=") and b"data={" in plain:
        yield Record("coded", text, 0, pictures)
    elif plain == b"Heartbeat":
        yield Record("notice", text)
    elif plain.startswith((b"Events[", b"found=", b"items[")):
        kind = "text" if plain.startswith(b"Events[") else "file"
        yield from (Record(kind, lines, 0, pictures) for lines in _grouped(text))
    elif plain.startswith(b"Error"):
        raise VendorChanged("is an error of the camera, not a read", body)
    else:
        raise VendorChanged("is nothing that a Dahua camera tells of reads", body)


def tree_of(payload: bytes) -> Fields:
    """`Events[0].TrafficCar.PlateNumber=…` lines as nested fields below their first name."""
    try:
        lines = _ENDS.split(payload.decode())
    except UnicodeDecodeError:
        raise Unusable("record", "is not text in UTF-8") from None
    root: dict[str, Any] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        steps = name.strip().split(".")[1:]
        if not equals or not steps:
            continue
        at = root
        for step in steps[:-1]:
            at = at.setdefault(step, {})
            if not isinstance(at, dict):
                raise Unusable("record", "gives one name a value and names below it")
        at[steps[-1]] = value
    return Fields(root)


def _json(body: bytes) -> Iterator[Record]:
    members = slices(body)
    if isinstance(members, list):
        raise VendorChanged("is a list, which no Dahua camera pushes", body)
    if "Picture" in members:
        yield Record("tollgate", body)
    elif "params" in members:
        inside = slices(members["params"]) if members["params"].startswith(b"{") else {}
        if isinstance(inside, list) or "eventList" not in inside:
            raise VendorChanged("is an answer of the camera, not an event", body)
        yield from (Record("event", event) for event in elements(inside["eventList"]))
    elif "DeviceID" in members and "Result" not in members:
        yield Record("notice", body)
    else:
        raise VendorChanged("is JSON that tells of no read, no heartbeat and no camera", body)


def _grouped(body: bytes) -> list[bytes]:
    """The lines of each `Events[n]` or `items[n]`, as they arrived and in the order of their first lines."""
    groups: dict[bytes, list[bytes]] = {}
    for line in body.splitlines(keepends=True):
        if whose := _PREFIX.match(line):
            groups.setdefault(whose[1], []).append(line)
    return [b"".join(lines) for lines in groups.values()]
