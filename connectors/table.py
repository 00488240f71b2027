"""Reading other people's CSV: one bad line costs that line, never the file."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from connectors.contract import Record
from connectors.errors import VendorChanged
from normalize.fault import Unusable

LONGEST_ROW: Final = 20
"""Lines that one quoted row may span; a quote that is still open then is a slip of the writer's."""
MOST_NAMES: Final = 20
"""Columns of a header that a message tells."""
LONGEST_NAME: Final = 40
_OF_A_ROW: Final = re.compile(r"\d.*|(?=.*\d.*\d)[A-Z0-9-]{4,10}")
"""What stands in no header: a time, a number, a plate."""
_ENDS: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line number counted from 1, its text, its cells by column, or why it has none."""

    number: int
    line: str
    cells: dict[str, str]
    broken: str | None = None


def decoded(body: bytes, encoding: str) -> Iterator[tuple[str, bool]]:
    """The lines of a file, each with whether it could be decoded; a line that cannot be is told with escapes.

    A file that is not what `encoding` promises is read line by line, first in that, then in Windows' cp1252.
    """
    try:
        yield from ((line, True) for line in _ENDS.split(body.decode(encoding)))
        return
    except UnicodeDecodeError:
        pass
    for line in re.split(rb"\r\n|\n|\r", body):
        for attempt in (encoding, "cp1252"):
            try:
                yield line.decode(attempt), True
                break
            except UnicodeDecodeError:
                continue
        else:
            yield line.decode("ascii", "backslashreplace"), False


def rows(
    body: bytes,
    required: Sequence[str] | Mapping[str, str],
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    file: str = "",
) -> Iterator[Row]:
    """The rows under a header that names the `required` columns, in any case and order; nothing for an empty file.

    A row with too few or too many cells, an undecodable one and one whose quotes do not close come as broken.
    Raises `VendorChanged` where the first line that is not empty lacks a required column or names one twice: it tells
    the `file`, the header that it has, and what an admin sets for each missing column where `required` says so.
    """
    lines = list(decoded(body, encoding))
    if not any(text.strip() for text, _ in lines):
        return
    at = next(index for index, (text, _) in enumerate(lines) if text.strip())
    columns = _header(lines[at][0], required, delimiter, body, file)
    last = len(lines) if lines[-1][0] else 0  # without a line end after it, the last line may be half a line
    at += 1
    while at < len(lines):
        text, readable = lines[at]
        if not text.strip():
            at += 1
            continue
        number, taken = at + 1, 1
        if readable and text.count('"') % 2:
            text, taken = _joined(lines, at)
        at += taken
        if not readable:
            yield Row(number, text, {}, "cannot be decoded")
            continue
        cells = _cells(text, delimiter)
        if cells is None:
            yield Row(number, text, {}, "has quotes that do not close")
        elif len(cells) != len(columns):
            cut = "is cut short: it " if number == last and len(cells) < len(columns) else ""
            yield Row(number, text, {}, f"{cut}has {len(cells)} cells, the header has {len(columns)}")
        else:
            yield Row(number, text, dict(zip(columns, cells, strict=True)))


def records(
    body: bytes,
    required: Sequence[str] | Mapping[str, str],
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    file: str = "",
) -> Iterator[Record]:
    """The same rows as records: the cells by column, or the line and what is wrong with it."""
    for row in rows(body, required, encoding=encoding, delimiter=delimiter, file=file):
        if row.broken:
            broken = {"row": row.number, "line": row.line, "broken": row.broken}
            yield Record("broken_row", msgspec.json.encode(broken))
        else:
            yield Record("row", msgspec.json.encode(row.cells))


def cells(record: Record) -> dict[str, str]:
    """A row's cells by column name in lower case; raises `Unusable` where the row is broken."""
    if record.kind == "broken_row":
        raise Unusable("row", record.fields().text("broken"))
    try:
        row = msgspec.json.decode(record.payload, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unusable("record", "is not a row of cells") from None
    return {name.casefold(): cell for name, cell in row.items()}


def header(body: bytes, *, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[str]:
    """The cells of the first line that is not empty; none for an empty file."""
    first = next((text for text, _ in decoded(body, encoding) if text.strip()), "")
    return [name.strip() for name in _cells(first, delimiter) or ()]


def _header(
    line: str, required: Sequence[str] | Mapping[str, str], delimiter: str, body: bytes, file: str
) -> list[str]:
    columns = [name.strip() for name in _cells(line, delimiter) or ()]
    known = [name.casefold() for name in columns]
    missing = [name for name in required if name.casefold() not in known]
    where = f"{file}: " if file else ""
    if missing:
        if any(_OF_A_ROW.fullmatch(name) for name in columns):  # a read, whose plate is told to nobody
            raise VendorChanged(f"{where}its first line is a row of data; a header must say which column is what", body)
        s = "s" if len(missing) > 1 else ""
        sentence = (
            f"{where}the header lacks the column{s} {', '.join(missing)}; {_columns_in_words(columns, delimiter)}"
        )
        if isinstance(required, Mapping):
            settings = " ".join(dict.fromkeys(required[name] for name in missing))
            sentence += f". Where a column has another name, say which: {settings}"
        raise VendorChanged(sentence, body)
    if len(set(known)) < len(known):
        twice = next(name for place, name in enumerate(columns) if known[place] in known[:place])
        raise VendorChanged(f"{where}the header names the column {twice or 'without a name'} twice", body)
    return columns


def _columns_in_words(columns: Sequence[str], delimiter: str) -> str:
    """What a header has, in words."""
    other = next((sign for sign in ";\t|," if sign != delimiter and len(columns) == 1 and sign in columns[0]), None)
    if other is not None:
        return f"its first line has no {delimiter!r} but {other!r} between its words: --set {_delimiter(other)}"
    shown = [name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…" for name in columns[:MOST_NAMES]]
    more = f" and {len(columns) - MOST_NAMES} more" if len(columns) > MOST_NAMES else ""
    return f"it has {', '.join(shown)}{more}"


def _delimiter(sign: str) -> str:
    return "delimiter=$'\\t'" if sign == "\t" else f"delimiter='{sign}'"


def _joined(lines: Sequence[tuple[str, bool]], at: int) -> tuple[str, int]:
    """The lines from `at` up to where the quotes close, and how many; the first alone where they never do."""
    text = lines[at][0]
    for taken, (line, readable) in enumerate(lines[at + 1 : at + LONGEST_ROW], start=2):
        if not readable:
            break
        text = f"{text}\n{line}"
        if line.count('"') % 2:
            return text, taken
    return lines[at][0], 1


def _cells(text: str, delimiter: str) -> list[str] | None:
    try:
        rows = list(csv.reader((text,), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
