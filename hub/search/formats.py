"""Rows as bytes of a file, one by one: CSV for spreadsheets, JSON Lines for programs, GeoJSON for maps."""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from hub.errors import Invalid

_FORMULA: Final = frozenset("=+-@")
_BREAKS: Final = frozenset("\t\r\n")
_PARTS: Final = re.compile(r"([;\t\r\n])")
_MARK: Final = "'"
_STEERS: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What steers a terminal, ends a line for some programs alone, or turns text around: no file has it as it came."""


class Format(StrEnum):
    """What a file of rows is written as."""

    CSV = "csv"
    JSONL = "jsonl"
    GEOJSON = "geojson"


ENDINGS: Final[dict[Format, tuple[str, ...]]] = {
    Format.CSV: (".csv",),
    Format.JSONL: (".jsonl", ".ndjson"),
    Format.GEOJSON: (".geojson", ".json"),
}
"""How the name of a file of each format may end; a map is JSON too, and is only taken for one where that is said."""
ARCHIVE: Final = ".zip"


def form_of(out: Path, wanted: Format | None, pictures: bool = False) -> Format:
    """The format of a file: what was said, or else what its name's ending says; with pictures it is an archive.

    Raises `Invalid` with the remedy where the ending says something else than what would be in the file, and where
    neither says anything.
    """
    ending = out.suffix.lower()
    if pictures:
        if ending != ARCHIVE:
            raise Invalid(f"out: pictures go into an archive; write it with --out {out.with_suffix(ARCHIVE)}")
        return wanted or Format.CSV
    if wanted is None:
        form_meant = next((form for form, endings in ENDINGS.items() if ending in endings and ending != ".json"), None)
        if form_meant is None and ending == ARCHIVE:
            raise Invalid(f"out: {out.name} is an archive, for reads with their pictures: add --pictures")
        if form_meant is None:
            names = ", ".join(str(out.with_suffix(endings[0])) for endings in ENDINGS.values())
            raise Invalid(f"out: {out.name} does not say what it shall be; name it {names}, or say --format")
        return form_meant
    if ending and ending not in ENDINGS[wanted]:
        right = out.with_suffix(ENDINGS[wanted][0])
        raise Invalid(
            f"out: {out.name} would be {wanted} by another name; write it with --out {right}, or another --format"
        )
    return wanted


def encoded(form: Format, kind: type, rows: Iterable[Any]) -> Iterator[bytes]:
    """The bytes of a file of rows of the dataclass `kind`: its public fields in their order, a row at a time.

    All is UTF-8, instants are ISO 8601 in UTC with Z. An answer without rows is a whole file too.
    """
    columns = [field.name for field in fields(kind) if not field.name.startswith("_")]
    plain = ({name: msgspec.to_builtins(getattr(row, name)) for name in columns} for row in rows)
    return _WRITERS[form](columns, plain)


def _csv(columns: list[str], rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """RFC 4180 with a header. Unknown is an empty cell, a list or an object is compact JSON, a number stays one.

    Texts are made safe by `defused` and `shown`, and NUL characters are left out: spreadsheets end a cell, or the file,
    at one.
    """
    writer = csv.writer(_Line(), lineterminator="\r\n")
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_cell(value) for value in row.values()])


class _Line:
    """Hands a line back through `writerow`, which returns what `write` does."""

    def write(self, line: str) -> bytes:
        return line.encode()


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    return shown(defused(value.replace("\0", "") if isinstance(value, str) else _json(value).decode()))


def shown(text: str) -> str:
    """A text in which what steers a terminal or turns text around is written as its number, as in JSON: `\\u202e`."""
    return text if text.isalnum() else _STEERS.sub(_number, text)


def _number(sign: re.Match[str]) -> str:
    units = sign.group().encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def defused(text: str) -> str:
    """A text that no spreadsheet runs: where it might begin a formula there is an apostrophe in front.

    A formula begins with = + - @, in any width or height and also behind blanks and characters that do not show. It may
    begin the text, and every part behind a semicolon, a tab or a line break: where those stand between cells, each
    part is one. A text that begins with a tab or a line break is marked too. A part that begins with an apostrophe gets
    a second, so that the text is always what is left once one apostrophe is taken away where a part begins.
    """
    if not _PARTS.search(text):
        return text if text[:1].isalnum() else _marked(text, _runs(text))
    first, *parts = _PARTS.split(text)
    marked = [_marked(first, _runs(text) or text[:1] in _BREAKS)]
    for between, part in zip(parts[::2], parts[1::2], strict=True):
        marked += [between, _marked(part, _runs(part))]
    return "".join(marked)


def _marked(part: str, runs: bool) -> str:
    return _MARK + part if runs or part.startswith(_MARK) else part


def _runs(text: str) -> bool:
    shown = next((character for character in text if character.isprintable() and not character.isspace()), "")
    return unicodedata.normalize("NFKC", shown)[:1] in _FORMULA


def _json(value: Any) -> bytes:
    """JSON in which a semicolon, which parts cells, and what steers a terminal are written as their numbers.

    Read as JSON it is the same.
    """
    text = msgspec.json.encode(value).replace(b";", b"\\u003b")
    if text.isascii() and b"\x7f" not in text:
        return text
    return _STEERS.sub(_number, text.decode()).encode()


def _jsonl(_columns: list[str], rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """One object a line, each ended by a line feed."""
    for row in rows:
        yield _json(row) + b"\n"


def _geojson(_columns: list[str], rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """A FeatureCollection of RFC 7946: a point [longitude, latitude], or null where no place is known."""
    yield b'{"type":"FeatureCollection","features":['
    between = b"\n"
    for row in rows:
        yield between + _json({"type": "Feature", "geometry": _point(row), "properties": row})
        between = b",\n"
    yield b"\n]}\n"


def _point(row: Mapping[str, Any]) -> dict[str, Any] | None:
    latitude, longitude = row["latitude"], row["longitude"]
    if latitude is None or longitude is None:
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}


_WRITERS: Final[dict[Format, Callable[[list[str], Iterable[dict[str, Any]]], Iterator[bytes]]]] = {
    Format.CSV: _csv,
    Format.JSONL: _jsonl,
    Format.GEOJSON: _geojson,
}
