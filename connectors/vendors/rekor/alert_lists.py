"""An alert list as Scout imports it."""

from collections.abc import Iterable
from typing import Final

import msgspec

from connectors.contract import Entry
from connectors.hotlists import as_csv

MOST_ROWS: Final = 250_000
HEADER: Final = ("Plate Number", "Description", "State/Province")


class Import(msgspec.Struct):
    success: bool | None = None
    added: int | None = None
    modified: int = 0
    unmodified: int = 0
    deleted: int = 0


def import_file(entries: Iterable[Entry]) -> bytes:
    """The import's file: commas, quotes and line ends leave the text, as the public importer has it."""
    descriptions = (
        (entry, " ".join(f"{entry.reason} {entry.case_number} {entry.note or ''}".split())) for entry in entries
    )
    plain = ((entry, text.replace(",", "").replace('"', "")[:1000]) for entry, text in descriptions)
    return as_csv(HEADER, ((entry.plate, text, (entry.state or "").lower()) for entry, text in plain))
