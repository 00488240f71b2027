"""The rows of a file of reads as records, and what an admin is told of a file that has none."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from connectors.contract import Record
from connectors.damage import LETTERS, MARK, SHEET, note
from connectors.errors import VendorChanged
from connectors.table.head import DELIMITERS, Head, is_row
from connectors.table.rows import Row, table
from normalize.fault import Unusable
from normalize.spreadsheet import error

MOST_NAMES: Final = 20
"""Columns of a header that a message tells."""
LONGEST_NAME: Final = 40
_REMEDY: Final = "either a line names the columns, or the settings call each that is needed by its number, from 1"


def rows(
    body: bytes,
    required: Sequence[str] | Mapping[str, str],
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    file: str = "",
) -> Iterator[Row]:
    """The rows under a header that names the `required` columns, in any case and order; nothing for an empty file.

    Where every required column is a number and no line names them, there is no header: a number is a column's place.
    Raises `VendorChanged` where no line names the required columns, or one of them twice: it tells the `file`, the
    header that it has, and what an admin sets for each missing column where `required` says so.
    """
    wanted = [name.casefold() for name in required]

    def fits(columns: Sequence[str]) -> bool:
        known = {name.casefold() for name in columns}
        return bool(wanted) and all(name in known for name in wanted)

    numbers = max(map(int, wanted)) if wanted and all(map(_is_number, wanted)) else 0
    found = table(body, fits, encoding=encoding, delimiter=delimiter, numbers=numbers)
    if found is None:
        return iter(())
    if (wrong := _wrong(found.head, required, file)) is not None:
        raise VendorChanged(wrong, body)
    return iter(found)


def records(
    body: bytes,
    required: Sequence[str] | Mapping[str, str],
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    file: str = "",
    kind: str = "row",
) -> Iterator[Record]:
    """The same rows as records of a `kind`: the cells by column, or the line and what is wrong with it."""
    for row in rows(body, required, encoding=encoding, delimiter=delimiter, file=file):
        if row.broken:
            broken = {"row": row.number, "line": row.line, "broken": row.broken}
            yield Record("broken_row", msgspec.json.encode(broken))
        else:
            yield Record(kind, msgspec.json.encode(row.cells))


def cells(record: Record, needed: Sequence[str] = ()) -> dict[str, str]:
    """A row's cells by column name in lower case; raises `Unusable` where the row is broken.

    An error that a spreadsheet wrote says nothing, and is empty; it stays in a column that is `needed`. What arrived
    damaged is noted for the read.
    """
    if record.kind == "broken_row":
        raise Unusable("row", record.fields().text("broken"))
    try:
        row = msgspec.json.decode(record.payload, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unusable("record", "is not a row of cells") from None
    found = {name.casefold(): cell for name, cell in row.items()}
    if errors := {name for name, cell in found.items() if error(cell)}.difference(map(str.casefold, needed)):
        note(SHEET)
        found |= dict.fromkeys(errors, "")
    if any(MARK in cell for cell in found.values()):
        note(LETTERS)
    return found


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and 0 < int(name) < 1000


def _wrong(head: Head, required: Sequence[str] | Mapping[str, str], file: str) -> str | None:
    """What is wrong with a head, as a sentence; None where nothing is."""
    where = f"{file}: " if file else ""
    known = [name.casefold() for name in head.columns]
    missing = [name for name in required if name.casefold() not in known]
    if head.rows_above or (missing and is_row(head.columns)):  # a read, whose plate is told to nobody
        what = "rows of data stand above its header" if head.rows_above else "its first line is a row of data"
        return f"{where}{what}; {_REMEDY}"
    if missing:
        s = "s" if len(missing) > 1 else ""
        sentence = f"{where}the header lacks the column{s} {', '.join(missing)}; {_columns_in_words(head)}"
        if isinstance(required, Mapping):
            settings = " ".join(dict.fromkeys(required[name] for name in missing))
            sentence += f". Where a column has another name, say which: {settings}"
        return sentence
    twice = next((name for name in required if known.count(name.casefold()) > 1), None)
    return None if twice is None else f"{where}the header names the column {twice} twice"


def _columns_in_words(head: Head) -> str:
    """What a header has, in words."""
    columns = [name for name in head.columns if name]
    other = next((sign for sign in DELIMITERS if sign != head.delimiter and sign in " ".join(columns)), None)
    if other is not None and len(columns) == 1:
        columns = [name.strip() for name in columns[0].split(other)]
    shown = [name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…" for name in columns[:MOST_NAMES]]
    more = f" and {len(columns) - MOST_NAMES} more" if len(columns) > MOST_NAMES else ""
    return f"it has {', '.join(shown)}{more}"
