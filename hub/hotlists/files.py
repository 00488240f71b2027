"""Hot-list files: CSV with a header, in the columns that people and vendors use; semicolons and tabs do as well."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar, cast
from zoneinfo import ZoneInfo

from connectors.faults import MOST
from hub.errors import Faults, Invalid
from hub.hotlists.lists import NewEntry, faults_of
from hub.hotlists.origins import EntryOrigin, origin_of
from hub.moments import american
from hub.words import count
from normalize.fault import Unusable
from normalize.states import Codes
from normalize.times import from_iso, local
from normalize.word import spelled

_COLUMNS: Final = {
    "plate": ("plate", "platenumber", "hotplate", "licenseplate", "licenceplate", "lic"),
    "state": ("state", "platestate", "stateprovince"),
    "ncic_state": ("lis", "ncicstate", "statencic"),
    "country": ("country", "platecountry"),
    "reason": ("reason", "description"),
    "case_number": ("case", "casenumber", "caseno"),
    "alert": ("alert", "alertlevel", "priority"),
    "expires_at": ("expires", "expiry", "expiresat", "expiration"),
    "note": ("note", "notes"),
}
_EXAMPLE: Final = "such as `plate,state,reason,case,alert,expires,note`"
_EXPIRY: Final = "write it as 12/31/2026, 2026-12-31 or 2026-12-31T17:00"
_BETWEEN: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
T = TypeVar("T")
_ALERTS: Final = {"low": "low", "yellow": "low", "medium": "medium", "orange": "medium", "high": "high", "red": "high"}


def entries_of(
    text: str, zone: ZoneInfo, defaults: dict[str, str], file: str = "the file", codes: Codes | None = None
) -> Iterator[NewEntry]:
    """The entries of a CSV text; `defaults` fills reason and case where the file has no such column or cell.

    `codes` says whose codes of states the file has; a column with NCIC's own name for them (`LIS`) says it too. Times
    without an offset are local to `zone`. Raises `Faults` once all is read, naming the `file`, and line and
    column of everything that cannot be used.
    """
    wrong: list[str] = []
    number = 0
    try:
        for line, cells in _rows(text, file):
            if isinstance(cells, str):
                faults = [f"line {line}: {cells}"]
            else:
                entry, faults = _entry(cells, line, zone, defaults, codes)
                if entry is not None:
                    yield entry
            number += len(faults)
            wrong += faults[: max(MOST - len(wrong), 0)]
    except csv.Error as broken:
        raise Invalid(f"{file} is not the CSV that it should be: {broken}") from None
    if wrong:
        raise Faults(f"{file} cannot be imported, and nothing of it was", wrong, number - len(wrong))


def _rows(text: str, file: str) -> Iterator[tuple[int, dict[str, str] | str]]:
    """The line number and the cells of every row by field, or what is wrong with the row."""
    whole = text.removeprefix("\ufeff")
    between = _between(whole)
    rows = csv.reader(io.StringIO(whole, newline=""), delimiter=between)
    header = next((row for row in rows if any(cell.strip() for cell in row) and not row[0].startswith("#")), None)
    if header is None:
        raise Invalid(f"{file} is empty: its first line names the columns, {_EXAMPLE}")
    places = _places(header, rows.line_num, file)
    for row in rows:
        if not any(cell.strip() for cell in row) or row[0].startswith("#"):
            continue
        if len(row) != len(header):
            has, wants = count(len(row), "cell"), count(len(header), "column")
            what = _BETWEEN[between]
            yield rows.line_num, f"has {has}, and the first line names {wants}: put quotes around what holds {what}"
        else:
            yield rows.line_num, {field: row[index].strip() for field, index in places.items()}


def _between(text: str) -> str:
    """What stands between columns: a comma, or what spreadsheets of other countries write where the header has none."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    header = next(lines, "")
    return next((sign for sign in _BETWEEN if sign in header), ",")


def _places(header: list[str], line: int, file: str) -> dict[str, int]:
    """The place of every field that the header has; raises `Invalid` where plates are in no column, or in two."""
    places: dict[str, int] = {}
    twice = set()
    for index, title in enumerate(header):
        for field, spellings in _COLUMNS.items():
            if spelled(title) in spellings:
                twice |= {field} & places.keys()
                places[field] = index
    if "plate" not in places:
        # The first line is not quoted: without a header it is an entry, with its plate.
        raise Invalid(
            f"{file} has no column for plates: its line {line} must name the columns, {_EXAMPLE}, and one of"
            f" them must be called plate, plate number, hot plate or license plate."
        )
    if twice:
        columns = {"case_number": "case", "expires_at": "expires"}
        named = ", ".join(columns.get(column, column) for column in sorted(twice))
        raise Invalid(f"{file} has two columns for {named} in its line {line}: rename or remove one of them")
    return places


def _entry(
    cells: dict[str, str], line: int, zone: ZoneInfo, defaults: dict[str, str], codes: Codes | None
) -> tuple[NewEntry | None, list[str]]:
    """The entry of a row, or every fault of it."""
    faults: list[str] = []

    def understood(word: Callable[[], T], otherwise: T) -> T:
        try:
            return word()
        except Invalid as wrong:
            faults.append(str(wrong))
            return otherwise

    region, by_ncic = cells.get("state", ""), cells.get("ncic_state", "")
    codes = codes if region or not by_ncic else Codes.NCIC
    where = understood(lambda: origin_of(region or by_ncic, cells.get("country", ""), codes), EntryOrigin(None, None))
    entry = NewEntry(
        plate=cells["plate"],
        state=where.state,
        country=where.country,
        reason=cells.get("reason") or defaults.get("reason", ""),
        case_number=cells.get("case_number") or defaults.get("case_number", ""),
        alert=understood(lambda: _alert(cells.get("alert", "")), "medium"),
        expires_at=understood(lambda: _expiry(cells.get("expires_at", ""), zone), None),
        note=cells.get("note") or None,
        line=line,
    )
    lines = [f"line {line}: {fault}" for fault in (*faults_of(entry), *faults)]
    return (None if lines else entry), lines


def _alert(text: str) -> Literal["low", "medium", "high"]:
    if not text:
        return "medium"
    level = _ALERTS.get(text.casefold())
    if level is None:
        raise Invalid(f"alert: {text[:40]!r} is none of low, medium and high (or yellow, orange and red)")
    return cast(Literal["low", "medium", "high"], level)


def _expiry(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        if (reading := american(" ".join(text.split()))) is not None:
            last = reading if ":" in text else reading.replace(hour=23, minute=59, second=59)
            return local(last, zone).at.astimezone(UTC)
        return from_iso(text if len(text) > len("2026-01-01") else f"{text}T23:59:59", zone).at.astimezone(UTC)
    except Unusable as wrong:
        raise Invalid(f"expires: {text[:40]!r} {wrong.reason}; {_EXPIRY}") from None
    except OverflowError:
        raise Invalid(f"expires: {text[:40]!r} is no day that comes; leave it empty for none, or {_EXPIRY}") from None
