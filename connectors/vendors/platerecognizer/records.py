"""Whatever Plate Recognizer and ParkPow send or write is cut into records, or refused as what it is."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from connectors.contract import Record
from connectors.errors import VendorChanged
from connectors.fields import Fields, elements, slices
from connectors.jsontext import decoded
from normalize.fault import Unusable

_REFUSALS: Final = (
    ({"detail"}, "is an error answer, not a read"),
    ({"license_key"}, "is the SDK's word on itself, not a read"),
    ({"usage", "total_calls"}, "is a usage statistic, not a read"),
)
"""Answers that are the vendor's own and no reads, by the names they hold."""


def form_field(body: bytes) -> bytes | None:
    """The field `json` of a form body; None where the body is no such form."""
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name.strip() == b"json":
            return unquote_to_bytes(value.replace(b"+", b" "))
    return None


def records_of(body: bytes, attachments: Mapping[str, bytes]) -> Iterator[Record]:
    """The plates of an answer, a list, JSON Lines or a visit, each as a record."""
    try:
        members = slices(body)
    except VendorChanged:
        lines = _json_lines(body)
        if not lines:
            raise
        for line in lines:  # a line cut short costs that line
            yield from _events(line, attachments)
        return
    if isinstance(members, list):
        for raw in members:
            yield from _element(raw, attachments)
    elif _is_answer_of_visits(members):
        for raw in elements(members["results"]):
            yield from visit_ends(raw)
    elif "start_date" in members:
        yield from visit_ends(body)
    elif _tells_of_plates(members):
        yield from _events(body, attachments)
    else:
        raise VendorChanged(_why_no_read(members), body)


def visit_ends(raw: bytes) -> Iterator[Record]:
    """A visit's begin, and its end once there is one that is not its begin."""
    yield Record("visit", raw)
    with suppress(Unusable):
        visit = visit_fields(Record("visit", raw))
        if visit.has("end_date") and visit.text("end_date") != visit.text_or_none("start_date"):
            yield Record("visit", raw, 1)


def visit_fields(record: Record) -> Fields:
    """A visit without the text "None", which ParkPow's document of 2020 has where nothing is known."""
    record.fields()
    members: dict[str, Any] = decoded(record.payload)
    return Fields({name: _known(value) for name, value in _known(members).items() if value != "None"})


def _json_lines(body: bytes) -> list[bytes]:
    """The lines of JSON Lines, as Stream writes them; none where the text is something else."""
    lines = [line for line in body.splitlines() if line.strip()]
    starts = len(lines) > 1 and b'"results"' in lines[0] and isinstance(slices(lines[0]), dict)
    return lines if starts else []


def _element(raw: bytes, attachments: Mapping[str, bytes]) -> Iterator[Record]:
    """One of a list: an event says so by `hook` or `results`, and what has neither is a visit."""
    is_event = b'"hook"' in raw or b'"results"' in raw
    return _events(raw, attachments) if is_event else visit_ends(raw)


def _is_answer_of_visits(members: Mapping[str, bytes]) -> bool:
    return "results" in members and ("next" in members or "estimated_count" in members)


def _tells_of_plates(members: Mapping[str, bytes]) -> bool:
    return not members.keys().isdisjoint(("results", "hook", "data"))


def _why_no_read(members: Mapping[str, bytes]) -> str:
    return next((why for names, why in _REFUSALS if names <= members.keys()), "is no answer of Plate Recognizer's")


def _events(payload: bytes, attachments: Mapping[str, bytes]) -> Iterator[Record]:
    """A record for each result of an event, one where there are none or nobody can tell."""
    count = 1
    with suppress(VendorChanged):
        names = slices(payload)
        if isinstance(names, dict) and "results" not in names:
            names = slices(names.get("data", b"{}"))
        if isinstance(names, dict):
            count = len(elements(names.get("results", b"[]"))) or 1
    for part in range(count):
        yield Record("event", payload, part, attachments)


def _known(value: Any) -> Any:
    return {name: held for name, held in value.items() if held != "None"} if isinstance(value, dict) else value
