"""Spoiling one place of a payload and leaving the rest as it is."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

import msgspec

_TEXT: Final = re.compile(rb">([^<>]*[^<>\s][^<>]*)<|\"([^\"<>]+)\"")


@dataclass(frozen=True, slots=True)
class Spot:
    """One place of a payload: `put` gives the payload with another value there, `drop` without the place."""

    put: Callable[[Any], bytes]
    drop: Callable[[], bytes]


def spots(payload: bytes) -> list[Spot]:
    """Every place of a JSON payload, every text and attribute of an XML one; none of anything else."""
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return list(_of_xml(payload)) if payload.lstrip()[:1] == b"<" else []
    return [_of_json(payload, path) for path in _paths(msgspec.json.decode(payload))]


def _of_json(payload: bytes, path: tuple[Any, ...]) -> Spot:
    def at() -> tuple[Any, Any]:
        document = inside = msgspec.json.decode(payload)
        for step in path[:-1]:
            inside = inside[step]
        return document, inside

    def put(value: Any) -> bytes:
        document, inside = at()
        inside[path[-1]] = value
        return json.dumps(document).encode()

    def drop() -> bytes:
        document, inside = at()
        del inside[path[-1]]
        return json.dumps(document).encode()

    return Spot(put, drop)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    paths = [path] if path else []
    if isinstance(value, dict):
        for name in value:
            paths += _paths(value[name], (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            paths += _paths(value[index], (*path, index))
    return paths


def _of_xml(payload: bytes) -> Iterator[Spot]:
    for match in _TEXT.finditer(payload):
        before, after = payload[: match.start(match.lastindex or 0)], payload[match.end(match.lastindex or 0) :]

        def put(value: Any, before: bytes = before, after: bytes = after) -> bytes:
            text = value if isinstance(value, str) else json.dumps(value)
            return before + escape(text, {'"': "&quot;"}).encode("utf-8", "replace") + after

        def drop(before: bytes = before, after: bytes = after) -> bytes:
            return before + after

        yield Spot(put, drop)
