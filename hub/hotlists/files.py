"""Hot-list files: CSV with a header, in the columns that people and vendors use, read as every other CSV is."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, Literal, TypeVar, cast
from zoneinfo import ZoneInfo

from connectors.faults import MOST
from connectors.table import Row, Table, names, table
from hub.errors import Faults, Invalid
from hub.hotlists.expiries import Dates, expiry
from hub.hotlists.lists import NewEntry, faults_of
from hub.hotlists.origins import EntryOrigin, origin_of
from normalize import spreadsheet
from normalize.states import Codes
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
"""The spellings of each field's column; of two columns for one of `_TOGETHER`, the spelling that stands first wins."""
_TOGETHER: Final = frozenset({"reason", "note"})
"""Fields of which a file may have two columns: what the second says goes to the note."""
_EXAMPLE: Final = "such as `plate,state,reason,case,alert,expires,note`"
_BETWEEN: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
T = TypeVar("T")
_ALERTS: Final = {"low": "low", "yellow": "low", "medium": "medium", "orange": "medium", "high": "high", "red": "high"}


def entries_of(
    body: bytes,
    zone: ZoneInfo,
    defaults: dict[str, str],
    file: str = "the file",
    codes: Codes | None = None,
    dates: Dates | None = None,
) -> Iterator[NewEntry]:
    """The entries of a CSV file; `defaults` fills reason and case where the file has no such column or cell.

    `codes` says whose codes of states the file has; a column with NCIC's own name for them (`LIS`) says it too.
    `dates` says how it writes days. Times without an offset are local to `zone`; lines that begin with # and a blank
    are comments. Raises `Faults` once all is read, naming the `file`, and line and column of everything that cannot be
    used.
    """
    wrong: list[str] = []
    number = 0
    found = table(body, _fits, comment="#")
    if found is None:
        raise Invalid(f"{file} is empty: its first line names the columns, {_EXAMPLE}")
    places = _places(found, file)
    for row in found:
        if row.fault:
            faults = [f"line {row.number}: {_broken(row, found)}"]
        else:
            cells = {field: [row.cells.get(name, "").strip() for name in columns] for field, columns in places.items()}
            entry, faults = _entry(
                _of_fields(cells), row.number, lambda said: expiry(said, zone, dates), defaults, codes
            )
            if entry is not None:
                yield entry
        number += len(faults)
        wrong += faults[: max(MOST - len(wrong), 0)]
    if wrong:
        raise Faults(f"{file} cannot be imported, and nothing of it was", wrong, number - len(wrong))


def _fits(columns: Sequence[str]) -> bool:
    return any(spelled(title) in _COLUMNS["plate"] for title in columns)


def _broken(row: Row, found: Table) -> str:
    """What is wrong with a line that is no row, and what to do about it."""
    if len(names(row.line, found.head.delimiter)) > len(found.head.columns):
        between = _BETWEEN.get(found.head.delimiter, repr(found.head.delimiter))
        return f"{row.broken}: put quotes around what holds {between}"
    return str(row.fault) if row.broken else f"{row.fault}: save the file as CSV UTF-8"


def _places(found: Table, file: str) -> dict[str, list[str]]:
    """The columns of every field that the header has, the one that wins first.

    Raises `Invalid` where plates are in no column, or a field is in two.
    """
    line, titles = found.head.line, found.head.columns
    if not found.head.is_found:
        # The line is not quoted: without a header it is an entry, with its plate.
        raise Invalid(
            f"{file} has no column for plates: its line {line} must name the columns, {_EXAMPLE}, and one of"
            f" them must be called plate, plate number, hot plate or license plate."
        )
    if found.head.rows_above:
        raise Invalid(f"{file} has entries above its line {line}, which names the columns: put that line first")
    places = {
        field: sorted((title for title in titles if spelled(title) in spellings), key=_rank(spellings))
        for field, spellings in _COLUMNS.items()
    }
    may_be = {field: len(set(map(spelled, columns))) if field in _TOGETHER else 1 for field, columns in places.items()}
    if twice := [field for field, columns in places.items() if len(columns) > may_be[field]]:
        called = {"case_number": "case", "expires_at": "expires"}
        named = ", ".join(called.get(field, field) for field in sorted(twice))
        raise Invalid(f"{file} has two columns for {named} in its line {line}: rename or remove one of them")
    return {field: columns for field, columns in places.items() if columns}


def _rank(spellings: Sequence[str]) -> Callable[[str], int]:
    return lambda title: spellings.index(spelled(title))


def _of_fields(cells: dict[str, list[str]]) -> dict[str, str]:
    """One text for each field; what a second column for the reason, or for the note, says goes to the note."""
    first = {field: next(filter(None, said), "") for field, said in cells.items()}
    more = [text for field in ("note", "reason") for text in cells.get(field, ()) if text]
    first["note"] = "; ".join(dict.fromkeys(text for text in more if text != first.get("reason")))
    return first


def _entry(
    cells: dict[str, str],
    line: int,
    ends: Callable[[str], datetime | None],
    defaults: dict[str, str],
    codes: Codes | None,
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
        expires_at=understood(lambda: ends(cells.get("expires_at", "")), None),
        note=cells.get("note") or None,
        line=line,
    )
    for field, name in (("reason", "reason"), ("case_number", "case")):
        if spreadsheet.error(text := cells.get(field, "")) or spreadsheet.number(text):
            faults.append(f"{name}: {text[:20]!r} is what a spreadsheet wrote, and not what stood there")
    lines = [f"line {line}: {fault}" for fault in (*faults_of(entry), *faults)]
    return (None if lines else entry), lines


def _alert(text: str) -> Literal["low", "medium", "high"]:
    if not text:
        return "medium"
    level = _ALERTS.get(text.casefold())
    if level is None:
        raise Invalid(f"alert: {text[:40]!r} is none of low, medium and high (or yellow, orange and red)")
    return cast(Literal["low", "medium", "high"], level)
