"""A hot list as the file that Security Center watches."""

from collections.abc import Mapping
from typing import Final

from connectors import table
from connectors.contract import Entry, RemoteEntry
from connectors.errors import VendorChanged
from connectors.vendors.genetec.settings import GenetecSettings
from normalize.states import short_of, state_of

PRIORITIES: Final = {"high": 0, "medium": 50, "low": 100}
"""Genetec counts down: 0 is the highest priority and 100 the lowest (documented)."""
ATTRIBUTES: Final = (
    "PlateNumber", "PlateState", "Category", "EffectiveDate", "ExpiryDate", "Priority", "CaseNumber",
)  # fmt: skip
"""The columns of a hot-list file in their order; Security Center must be told the same."""


def file_of(held: Mapping[tuple[str, str | None], Entry], settings: GenetecSettings) -> bytes:
    """A row for each plate and state, in their order, so that the same list is the same bytes."""
    delimiter = _delimiter(settings)
    lines = []
    for (plate, _), entry in held.items():
        until = entry.expires_at.date().isoformat() if entry.expires_at else ""
        shown = short_of(entry.state, settings.state_codes) or ""
        cells = (plate, shown, entry.reason, "", until, str(PRIORITIES[entry.alert]), entry.case_number)
        lines.append(delimiter.join(_cell(text, delimiter) for text in cells))
    return "".join(f"{line}\r\n" for line in sorted(lines)).encode()


def entries_of(body: bytes, settings: GenetecSettings) -> list[RemoteEntry]:
    """The plates and states of a file; raises `VendorChanged` at a row that cannot be read."""
    entries = []
    for number, (line, readable) in enumerate(table.decoded(body, "utf-8-sig"), start=1):
        cells = line.split(_delimiter(settings))
        if not line.strip():
            continue
        if not readable or len(cells) < 2 or not cells[0].strip():
            raise VendorChanged(f"line {number} of the hot-list file is not a plate and a state", body)
        entries.append(RemoteEntry(cells[0].strip(), state_of(cells[1], settings.state_codes)))
    return entries


def _delimiter(settings: GenetecSettings) -> str:
    return "\t" if settings.delimiter == "Tab" else settings.delimiter


def _cell(text: str, delimiter: str) -> str:
    """A text without line ends and delimiters: nothing is published about quotes."""
    return " ".join(text.replace(delimiter, " ").split())
