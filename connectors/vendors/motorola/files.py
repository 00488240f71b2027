"""Hot-list files as they were put there, and what the loader's receipts say of them."""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from connectors import table
from connectors.contract import Entry
from connectors.errors import VendorChanged
from connectors.hotlists import as_csv, file_stem
from connectors.places import DropPlace
from connectors.vendors.motorola.settings import MotorolaSettings
from normalize.states import short_of

COLUMNS: Final = ("Hot Plate", "State", "Alert", "Reason", "Case", "Expires")
TAKEN: Final = "taken"


class _Refusal(msgspec.Struct):
    row: int
    reason: str = ""


class _Receipt(msgspec.Struct):
    """What the loader says of a file it loaded; this form is ours, no vendor publishes one."""

    file: str
    sha256: str
    rows: int
    loaded_at: str
    rejected: list[_Refusal] = []


class SentFile(NamedTuple):
    """A hot-list file that was put there, and where it lies now."""

    number: int
    content: str
    kind: str
    name: str
    folder: str


def sent_files(place: DropPlace, folder: str, list_name: str) -> list[SentFile]:
    """The files of a list in the order in which they were put there, loaded and moved to `taken` or not."""
    form = re.compile(rf"{re.escape(file_stem(list_name))}-(\d{{6}})-([0-9a-f]{{16}})-(complete|add|remove)\.csv")
    files = {}
    for where in (f"{folder}/{TAKEN}", folder):
        for file in place.files(where):
            if fits := form.fullmatch(file.name):
                files[file.name] = SentFile(int(fits[1]), fits[2], fits[3], file.name, where)
    return sorted(files.values())


def loaded_rows(receipt: bytes, name: str, body: bytes) -> Iterator[dict[str, str]]:
    """The rows of a file that were loaded; raises `VendorChanged` where the receipt does not fit the file."""
    try:
        said = msgspec.json.decode(receipt, type=_Receipt)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise VendorChanged("the receipt is not one", receipt) from None
    if said.file != name or said.sha256 != sha256(body).hexdigest():
        raise VendorChanged("the receipt is for other content than the file's", receipt)
    refused = {refusal.row for refusal in said.rejected}
    rows = list(table.rows(body, COLUMNS[:1]))
    if 0 in refused or said.rows + len(refused) != len(rows) or any(row.fault for row in rows):
        raise VendorChanged(f"the loader took {said.rows} of {len(rows)} rows and does not say which", receipt)
    return (row.cells for number, row in enumerate(rows, start=1) if number not in refused)


def file_of(entries: Sequence[Entry], settings: MotorolaSettings) -> bytes:
    """A row for each plate and state, in their order, so that the same list is the same bytes."""
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    for entry in entries:
        short = short_of(entry.state, settings.state_codes)
        until = entry.expires_at.isoformat(timespec="seconds") if entry.expires_at else ""
        row = (entry.plate, short or settings.unknown_state, entry.alert.capitalize())
        rows.setdefault((row[0], row[1]), (*row, entry.reason, entry.case_number, until))
    return as_csv(COLUMNS, (rows[key] for key in sorted(rows)))
