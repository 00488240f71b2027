"""`Head`: the line that names the columns, which titles, notes and `sep=;` may stand above."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from normalize.spreadsheet import error

MOST_ABOVE: Final = 20
"""Lines with something in them among which the header is looked for."""
LONGEST_ROW: Final = 20
"""Lines that one quoted row may span; a quote that is still open then is a slip of the writer's."""
DELIMITERS: Final = (",", ";", "\t", "|")
"""What stands between cells where neither the settings nor the file say what does."""
_SAYS: Final = re.compile(r'"?sep=([^"\r\n])"?[,;\t|]*', re.IGNORECASE)
_OF_A_ROW: Final = re.compile(r"\d.*|(?=.*\d.*\d)[A-Z0-9-]{4,10}")
"""What stands in no header: a time, a number, a plate."""
_FIRST_CELL: Final = re.compile(r"[,;\t|\"]")
_BLANK: Final = ',;\t|" \r\n'
Line = tuple[str, bool]
"""A line, and whether it could be decoded."""
Fits = Callable[[Sequence[str]], bool]
"""Whether these names are those of a header that is looked for."""


class Head(NamedTuple):
    """The names of the columns, what stands between cells, and where the rows begin.

    `line` is the header's number, from 1; 0 where there is none. `is_found` is False where no line fits: then it is the
    line that looks most like a header, and no read where there is another. `rows_above` says that there are rows above
    it, which belong to no column. `least` is how many cells a row must have.
    """

    columns: tuple[str, ...]
    delimiter: str
    line: int
    rows_at: int
    is_found: bool = True
    rows_above: bool = False
    least: int = 0


def head(lines: Sequence[Line], fits: Fits, delimiter: str, comment: str) -> Head | None:
    """The header of a file; None where the file is empty. `comment` begins lines that are no part of the table."""
    said, above = None, list[tuple[int, str, int]]()
    for at, text, after in _first(lines, comment):
        if sep := _SAYS.fullmatch(text.strip(" \r")):
            said = sep[1]
            continue
        above.append((at, text, after))
    between = tuple(dict.fromkeys((said or delimiter, delimiter, *DELIMITERS)))
    for place, (at, text, after) in enumerate(above):
        for sign in between:
            columns = names(text, sign)
            if fits(columns):
                is_data = (_is_data(other, sign, columns) for _, other, _ in above[:place])
                return Head(columns, sign, at + 1, after, rows_above=any(is_data), least=_width(columns))
    if not above:
        return None
    likely = list(takewhile(lambda one: not is_row(names(one[1], between[0])), above)) or above[:1]
    at, text, after = max(likely, key=lambda one: _named(names(one[1], between[0])))
    columns = names(text, between[0])
    return Head(columns, between[0], at + 1, after, is_found=False, least=_width(columns))


def numbered(lines: Sequence[Line], least: int, delimiter: str) -> Head | None:
    """The head of a file without a header, whose columns are numbers from 1; None where the file is empty.

    There are as many as the longest of its first rows has cells, of which the longest of what they hold is needed, and
    the `least` that somebody asks for.
    """
    first = list(_first(lines, ""))
    said = _SAYS.fullmatch(first[0][1].strip(" \r")) if first else None
    begin = first[1:] if said else first
    if not begin:
        return None
    between = dict.fromkeys((said[1] if said else delimiter, delimiter, *DELIMITERS))
    told = {sign: [names(text, sign) for _, text, _ in begin] for sign in between}
    sign = next((sign for sign in between if max(map(_width, told[sign])) >= least), next(iter(between)))
    least = max(least, *map(_width, told[sign]))
    columns = tuple(str(number) for number in range(1, max(least, *map(len, told[sign])) + 1))
    return Head(columns, sign, 0, begin[0][0], least=least)


def names(line: str, delimiter: str) -> tuple[str, ...]:
    """The cells of a line without line ends and blanks around them; none where its quotes do not close."""
    return tuple(" ".join(name.split()) for name in split(line, delimiter) or ())


def is_row(columns: Sequence[str]) -> bool:
    """Whether a line that should be a header looks like a read."""
    return any(_OF_A_ROW.fullmatch(name) for name in columns)


def split(text: str, delimiter: str) -> list[str] | None:
    """The cells of a row; None where its quotes do not close."""
    try:
        return next(csv.reader((text,), delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def joined(lines: Sequence[Line], at: int) -> tuple[str, int]:
    """The lines from `at` up to where the quotes close, and how many; the first alone where they never do."""
    text = lines[at][0]
    if text.count('"') % 2 == 0:
        return text, 1
    for taken, (line, _) in enumerate(lines[at + 1 : at + LONGEST_ROW], start=2):
        text = f"{text}\n{line}"
        if line.count('"') % 2:
            return text, taken
    return lines[at][0], 1


def says_nothing(line: str, comment: str) -> bool:
    """Whether a line is empty, or a comment: what begins them stands before a blank, or in the only cell of its line.

    A cell such as #N/B or #REF! begins none, whatever comments begin with.
    """
    if not line.strip():
        return True
    plain = line.removeprefix('"')
    if not comment or not plain.startswith(comment):
        return False
    if plain.strip() == comment:
        return True
    first = _FIRST_CELL.split(plain, maxsplit=1)
    if error(first[0]):
        return False
    return plain[len(comment)].isspace() or not "".join(first[1:]).strip(_BLANK)


def _first(lines: Sequence[Line], comment: str) -> Iterator[tuple[int, str, int]]:
    """The first lines that say something: where each begins, its text, and where the next one does."""
    at = told = 0
    while at < len(lines) and told < MOST_ABOVE:
        begin = at
        if says_nothing(lines[at][0], comment):
            at += 1
            continue
        text, taken = joined(lines, at)
        at, told = at + taken, told + 1
        yield begin, text, at


def _is_data(text: str, delimiter: str, columns: Sequence[str]) -> bool:
    above = names(text, delimiter)
    return _named(above) >= _named(columns) and is_row(above)


def _named(columns: Sequence[str]) -> int:
    return sum(map(bool, columns))


def _width(columns: Sequence[str]) -> int:
    """How many cells there are up to the last that holds something."""
    return max((number for number, name in enumerate(columns, start=1) if name), default=0)
