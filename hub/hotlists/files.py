"""Hot-list files: CSV with a header, in the columns that people and vendors use."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from hub.errors import Invalid
from hub.hotlists.lists import NewEntry
from normalize.fault import Unusable
from normalize.states import state
from normalize.times import from_iso
from normalize.word import Known, spelled

_COLUMNS: Final = {
    "plate": ("plate", "platenumber", "hotplate", "licenseplate", "licenceplate"),
    "state": ("state", "platestate", "stateprovince"),
    "reason": ("reason", "description"),
    "case_number": ("case", "casenumber", "caseno"),
    "alert": ("alert", "alertlevel", "priority"),
    "expires_at": ("expires", "expiry", "expiresat", "expiration"),
    "note": ("note", "notes"),
}
_ALERTS: Final = {"low": "low", "yellow": "low", "medium": "medium", "orange": "medium", "high": "high", "red": "high"}


def entries_of(text: str, zone: ZoneInfo, defaults: dict[str, str]) -> Iterator[NewEntry]:
    """The entries of a CSV text; `defaults` fills reason and case where the file has no such column or cell.

    Times without an offset are local to `zone`. Raises `Invalid` naming line and field.
    """
    try:
        yield from _entries(text, zone, defaults)
    except csv.Error as wrong:
        raise Invalid(f"file: is not the CSV it should be: {wrong}") from None


def _entries(text: str, zone: ZoneInfo, defaults: dict[str, str]) -> Iterator[NewEntry]:
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    header = next((row for row in rows if any(cell.strip() for cell in row) and not row[0].startswith("#")), None)
    if header is None:
        raise Invalid("file: is empty")
    places = {
        field: index
        for index, title in enumerate(header)
        for field, spellings in _COLUMNS.items()
        if spelled(title) in spellings
    }
    if "plate" not in places:
        # The first line is not quoted: where the header was forgotten it is an entry.
        raise Invalid("header: no column is called plate; the first line must name the columns")
    for row in rows:
        if not any(cell.strip() for cell in row) or row[0].startswith("#"):
            continue
        line = rows.line_num
        if len(row) != len(header):
            raise Invalid(f"line {line}: has {len(row)} cells, the header has {len(header)}")
        cells = {field: row[index].strip() for field, index in places.items()}
        yield NewEntry(
            plate=cells["plate"],
            state=_state(cells.get("state", ""), line),
            reason=cells.get("reason") or defaults.get("reason", ""),
            case_number=cells.get("case_number") or defaults.get("case_number", ""),
            alert=_alert(cells.get("alert", ""), line),
            expires_at=_expiry(cells.get("expires_at", ""), zone, line),
            note=cells.get("note") or None,
            line=line,
        )


def _state(text: str, line: int) -> str | None:
    word = state(text or None)
    if word.known is Known.UNMAPPED:
        raise Invalid(f"line {line}: state: {text!r} is no state that is known here")
    return word.code


def _alert(text: str, line: int) -> Literal["low", "medium", "high"]:
    if not text:
        return "medium"
    level = _ALERTS.get(text.casefold())
    if level is None:
        raise Invalid(f"line {line}: alert: must be low, medium or high")
    return cast(Literal["low", "medium", "high"], level)


def _expiry(text: str, zone: ZoneInfo, line: int) -> datetime | None:
    if not text:
        return None
    try:
        return from_iso(text if len(text) > len("2026-01-01") else f"{text}T23:59:59", zone).at.astimezone(UTC)
    except Unusable as wrong:
        raise Invalid(f"line {line}: expires: {wrong.reason}") from None
