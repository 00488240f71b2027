"""Whatever a camera pushes, streams or answers is cut into records, or refused."""

import re
from collections.abc import Iterator
from typing import Any, Final

from connectors.contract import Record
from connectors.damage import LETTERS, note
from connectors.encoding import in_utf8
from connectors.errors import VendorChanged
from connectors.fields import Fields, elements, slices
from normalize.fault import Unusable

_ENDS: Final = re.compile(r"\r\n|\n|\r")
_PREFIX: Final = re.compile(rb"[ \t]*((?:Events|items)\[[0-9]{1,6}\])\.")


def records_of(body: bytes, pictures: dict[str, bytes], *, alone: bool) -> Iterator[Record]:
    """One text of a camera as records, with the pictures that came behind it.

    Raises `VendorChanged` for any other text that comes `alone`; one of several is refused alone.
    """
    text = in_utf8(body)
    plain = text.strip()
    if plain.startswith((b"{", b"[")):
        yield from _json(text, pictures)
    elif plain.startswith(b"Code=") and b"data={" in plain:
        yield Record("coded", text, 0, pictures)
    elif plain == b"Heartbeat":
        yield Record("notice", text)
    elif plain.startswith((b"Events[", b"found=", b"items[")):
        kind = "text" if plain.startswith(b"Events[") else "file"
        yield from (Record(kind, lines, 0, pictures) for lines in _grouped(text))
    elif not alone:
        yield Record("coded", text)
    elif plain.startswith(b"Error"):
        raise VendorChanged("is an error of the camera, not a read", body)
    else:
        raise VendorChanged("is nothing that a Dahua camera tells of reads", body)


def tree_of(payload: bytes) -> Fields:
    """`Events[0].TrafficCar.PlateNumber=…` lines as nested fields below their first name."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        note(LETTERS)
        text = payload.decode("utf-8", "replace")
    lines = _ENDS.split(text)
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


def _json(body: bytes, pictures: dict[str, bytes]) -> Iterator[Record]:
    members = slices(body)
    if isinstance(members, list):
        raise VendorChanged("is a list, which no Dahua camera pushes", body)
    if "Picture" in members:
        yield Record("tollgate", body, 0, pictures)
    elif "params" in members:
        inside = slices(members["params"]) if members["params"].startswith(b"{") else {}
        if isinstance(inside, list) or "eventList" not in inside:
            raise VendorChanged("is an answer of the camera, not an event", body)
        yield from (Record("event", event, 0, pictures) for event in elements(inside["eventList"]))
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
