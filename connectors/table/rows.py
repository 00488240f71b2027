"""`Table`: the rows under a header. A row is judged by what its cells hold, and not by how many empty ones follow."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.table.head import Fits, Head, Line, head, joined, numbered, says_nothing, split
from connectors.table.lines import decoded

_DRAWN: Final = '-=+_|*~,;" \t\r\n\x1a'
"""What a line is drawn of, under a header or at the end, and the sign that ended files once."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line number counted from 1, its text, its cells by column, or why it has none.

    A column without a name, and one of several of a name, is called by its number, where a cell in it holds something.
    Several of a name have that name together where they do not disagree.
    """

    number: int
    line: str
    cells: dict[str, str]
    broken: str | None = None
    unread: bool = False
    """Whether some of its characters could not be decoded: U+FFFD stands for each."""

    @property
    def fault(self) -> str | None:
        """What is wrong with it, for whoever takes no row but a whole one."""
        return "has characters that cannot be read" if self.unread and not self.broken else self.broken


class Table:
    """A file of rows: its head, and each row once."""

    def __init__(self, lines: Sequence[Line], head: Head, comment: str = "") -> None:
        self.head = head
        self._lines = lines
        self._comment = comment
        known = Counter(name.casefold() for name in head.columns)
        self._names = [(name, known[name.casefold()] == 1) for name in head.columns]
        self._header = [name.casefold() for name in head.columns]
        self._is_plain = all(name and is_alone for name, is_alone in self._names)

    def __iter__(self) -> Iterator[Row]:
        """The rows that say something. One with too few cells, or with something in too many, comes as broken.

        So does one whose quotes do not close. The header, where it comes again, is no row.
        """
        at, lines = self.head.rows_at, self._lines
        while at < len(lines):
            number = at + 1
            if says_nothing(lines[at][0], self._comment):
                at += 1
                continue
            text, taken = joined(lines, at)
            row = self._row(number, text, all(readable for _, readable in lines[at : at + taken]))
            at += taken
            if row is not None:
                yield row

    def _row(self, number: int, text: str, readable: bool) -> Row | None:
        cells = split(text, self.head.delimiter)
        if cells is None:
            return Row(
                number, text, {}, "has quotes that do not close" if '"' in text else "cannot be parted into cells"
            )
        if not any(map(str.strip, cells)) or not text.strip(_DRAWN) or (self.head.line and self._is_header(cells)):
            return None
        if len(cells) < self.head.least or any(map(str.strip, cells[len(self._names) :])):
            return Row(number, text, {}, self._miscounted(number, len(cells)))
        return Row(number, text, self._by_column(cells), unread=not readable)

    def _is_header(self, cells: Sequence[str]) -> bool:
        begins = " ".join(cells[0].split()).casefold() == self._header[0]
        return begins and [" ".join(cell.split()).casefold() for cell in cells] == self._header

    def _miscounted(self, number: int, cells: int) -> str:
        # Which cell is missing nobody can tell, and a camera looks like a state: what is short is not read.
        is_short = cells < self.head.least
        # The last line, without a line end after it, may be half a line.
        cut = "is cut short: it " if number == len(self._lines) and is_short else ""
        others = f"the header has {len(self._names)}"
        if not self.head.line:
            others = f"the longest of the first rows has {self.head.least if is_short else len(self._names)}"
        return f"{cut}has {cells} cell{'s' if cells != 1 else ''}, {others}"

    def _by_column(self, cells: Sequence[str]) -> dict[str, str]:
        if self._is_plain:
            return dict(zip(self.head.columns, cells, strict=False))
        found: dict[str, str] = {}
        shared: dict[str, set[str]] = {}
        for number, ((name, is_alone), cell) in enumerate(zip(self._names, cells, strict=False), start=1):
            if name and is_alone:
                found[name] = cell
                continue
            said = shared.setdefault(name.casefold(), set()) if name else set()
            if cell.strip():
                said.add(cell.strip())
                found.setdefault(str(number), cell)
        for name, said in shared.items():
            if len(said) < 2:
                found.setdefault(name, next(iter(said), ""))
        return found


def table(
    body: bytes, fits: Fits, *, encoding: str = "utf-8-sig", delimiter: str = ",", comment: str = "", numbers: int = 0
) -> Table | None:
    """The rows under the first line whose names fit; None for an empty file.

    Where none fits and `numbers` is given, the file has no header and its columns are numbers, as many at least. Else
    its head says that it is not found. Lines that begin with `comment` are no part of it.
    """
    lines = list(decoded(body, encoding))
    found = head(lines, fits, delimiter, comment)
    if found is not None and not found.is_found and numbers:
        found = numbered(lines, numbers, delimiter)
    return None if found is None else Table(lines, found, comment)
