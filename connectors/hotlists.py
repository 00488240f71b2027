"""What a hot list comes down to before it is handed to a vendor, and what comes back of it."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from connectors.contract import Entry, RemoteEntry
from connectors.errors import VendorChanged
from connectors.table import table
from normalize.states import Codes, state


def alive(entries: Iterable[Entry], now: datetime) -> list[Entry]:
    """The entries that have not expired: a vendor may keep an expired one, so it must never arrive there."""
    return [entry for entry in entries if entry.expires_at is None or entry.expires_at > now]


def one_a_plate(entries: Iterable[Entry], held_form: Callable[[str], str]) -> dict[str, Entry]:
    """One entry for each plate as the vendor writes it; for vendors whose lists hold a plate once.

    The first entry of a plate stays. Where two name different states the one that stays names none, so that it
    still catches both vehicles.
    """
    kept: dict[str, Entry] = {}
    for entry in entries:
        form = held_form(entry.plate)
        first = kept.setdefault(form, entry)
        if first.state != entry.state:
            kept[form] = replace(first, state=None)
    return kept


def as_csv(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    """The UTF-8 bytes of a CSV file with a header; cells are quoted where they must be and never changed."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([columns, *lines])
    return out.getvalue().encode()


def file_stem(list_name: str) -> str:
    """The prefix of a list's file names: always the same for a list, and another for any other, thanks to its hash."""
    plain = re.sub(r"[^a-z0-9]+", "-", list_name.lower()).strip("-")[:60]
    return f"{plain or 'list'}-{sha256(list_name.encode()).hexdigest()[:8]}"


def exported(body: bytes) -> Iterator[RemoteEntry]:
    """The entries of a list that a vendor exports as CSV, by columns that begin with `plate` and with `state`.

    Raises `VendorChanged` where no column tells of plates, and at a line that cannot be read: a list that is read back
    in part would pass for one that lost entries.
    """
    found = table(body, lambda names: any(map(_is_of_plates, names)))
    plate = next(filter(_is_of_plates, found.head.columns), None) if found is not None else None
    if found is None or plate is None:
        raise VendorChanged("the exported list has no column for plates", body)
    place = next((name for name in found.head.columns if name.casefold().startswith("state")), "")
    for row in found:
        if row.fault:
            raise VendorChanged(f"line {row.number} of the exported list {row.fault}", body)
        yield RemoteEntry(row.cells[plate], state(row.cells.get(place), codes=Codes.POSTAL).code)


def _is_of_plates(name: str) -> bool:
    return name.casefold().startswith("plate")
