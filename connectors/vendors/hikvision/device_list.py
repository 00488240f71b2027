"""The device's list of plates is read whole or not at all, and written as the device writes it."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from connectors.contract import Entry
from connectors.errors import VendorChanged
from connectors.vendors.hikvision.answers import must_be_done
from connectors.vendors.hikvision.settings import HikvisionSettings

BLOCK: Final = frozenset({"0", "blocklist", "blacklist"})
"""The group of the device's list that the hub writes, in every spelling seen or likely."""
HEADER: Final = "No.,Plate,Group,Start,End,Card"
COLUMNS: Final = 6
PLATE, GROUP = 1, 2
Row = list[str]
"""A row's cells: a number that means nothing, a plate, a group, two days, and whatever the firmware has beside."""
_FAR: Final = "2099-12-31"


def blocks(row: Sequence[str]) -> bool:
    """Whether a row belongs to the block group, which is the hub's."""
    return row[GROUP].strip().casefold() in BLOCK


def list_of(body: bytes) -> tuple[str, list[Row]]:
    """The header line and the rows of the device's list; raises `VendorChanged` where a row cannot be told whole.

    A list that is read in part would be written back in part. The header is the firmware's own text.
    """
    if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{"):
        must_be_done(body)
        raise VendorChanged("is not the device's list", body)
    try:
        head, _, text = body.decode("utf-8-sig").lstrip().partition("\n")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(row)]
    except (UnicodeDecodeError, csv.Error):
        raise VendorChanged("the device's list is not CSV in UTF-8", body) from None
    head = head.rstrip() or HEADER
    if head.count(",") < COLUMNS - 1 or not _are_alike(rows):
        raise VendorChanged("the device's list has other columns than it is known to have", body)
    if not all(row[PLATE].strip() for row in rows):
        raise VendorChanged("the device's list has a row without a plate", body)
    return head, rows


def as_file(head: str, rows: Sequence[Sequence[str]]) -> bytes:
    """A file as the device writes it itself: a byte order mark, and CRLF behind every row."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return f"\ufeff{head}\r\n{out.getvalue()}".encode()


def day_of(at: datetime, settings: HikvisionSettings) -> str:
    """The day that it is where the device stands."""
    return f"{at.astimezone(settings.zone or UTC):%Y-%m-%d}"


def row_of(plate: str, entry: Entry, today: str, width: int, settings: HikvisionSettings) -> Row:
    """An entry as a row of the block group, as wide as the device's own rows are."""
    until = day_of(entry.expires_at, settings) if entry.expires_at else _FAR
    return ["", plate, "0", today, until, "", *[""] * (width - COLUMNS)]


def numbered(rows: Sequence[Row]) -> list[Row]:
    """The rows with numbers from 1 on."""
    return [[str(number), *row[1:]] for number, row in enumerate(rows, start=1)]


def _are_alike(rows: Sequence[Sequence[str]]) -> bool:
    """Whether every row has the same columns, and no fewer than are known."""
    widths = {len(row) for row in rows}
    return len(widths) <= 1 and all(width >= COLUMNS for width in widths)
