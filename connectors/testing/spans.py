"""Every name and value of a JSON, XML or CSV text with its place: one can change and the rest stays as it is."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import Final
from xml.sax.saxutils import escape

import msgspec

_JSON: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[{}\[\],:]|true|false|null', re.DOTALL)
_XML: Final = re.compile(
    r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[(?P<cdata>.*?)\]\]>|<![^>]*>|</(?P<end>[^\s>]+)\s*>"
    r"|<(?P<start>[^\s/>]+)(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(?P<single>/?)>|(?P<text>[^<]+)",
    re.DOTALL,
)
ESCAPED: Final = re.compile(r"(?:\\u[0-9A-Fa-f]{4})+")
_ATTRIBUTE: Final = re.compile(r"([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_LABELS: Final = frozenset({"name", "key", "field"})


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A name or value: where it stands, the names around it from the outside in, its text without escapes.

    `written` gives a text as this place would write it.
    """

    start: int
    end: int
    path: tuple[str, ...]
    text: str
    written: Callable[[str], str]
    is_name: bool = False
    is_number: bool = False


def spans(text: str) -> list[TextSpan]:
    """The spans of a text in their order: of JSON, of XML, of CSV under a header, else the text as a whole."""
    plain = text.removeprefix("\ufeff")
    if not structured(plain):
        return list(_of_csv(text))
    return list(_of_xml(text) if plain.lstrip()[:1] == "<" else _of_json(text))


def structured(text: str) -> bool:
    """Whether a text is JSON or XML with something inside."""
    begin, end = text.strip()[:1], text.strip()[-1:]
    if (begin, end) in (("{", "}"), ("[", "]")):
        return _is_json(text)
    return (begin, end) == ("<", ">") and any(match["start"] for match in _XML.finditer(text))


def unescaped(text: str) -> str:
    r"""The text with signs for what it writes as `\u0041`, as some vendors do inside of JSON's own text."""
    return ESCAPED.sub(lambda run: "".join(chr(int(code, 16)) for code in run[0].split("\\u")[1:]), text)


def replaced(text: str, changes: list[tuple[TextSpan, str]]) -> str:
    """The text with another text in some of its spans; everything else stays to the letter."""
    pieces, at = [], 0
    for span, new in sorted(changes, key=lambda change: change[0].start):
        pieces += [text[at : span.start], span.written(new)]
        at = span.end
    return "".join([*pieces, text[at:]])


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text.lstrip("\ufeff").encode("utf-8", "surrogateescape"), type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _of_json(text: str) -> Iterator[TextSpan]:
    path: list[str] = []
    kinds: list[str] = []
    labels: list[str | None] = []
    naming = False
    for match in _JSON.finditer(text):
        piece = match[0]
        if piece in ("{", "["):
            path.append(path[-1] if piece == "[" and path else "")
            kinds.append(piece)
            labels.append(None)
            naming = piece == "{"
        elif piece in ("}", "]"):
            path.pop()
            kinds.pop()
            labels.pop()
        elif piece in (",", ":"):
            naming = piece == "," and bool(kinds) and kinds[-1] == "{"
        elif piece[0] == '"':
            word = _unquoted(piece)
            if naming:
                path[-1] = word
                yield TextSpan(match.start(), match.end(), tuple(path[:-1]), word, _quoted, is_name=True)
                continue
            yield TextSpan(match.start(), match.end(), _labelled(path, labels), word, _quoted)
            if path and path[-1].lower() in _LABELS:
                labels[-1] = word
        elif piece[0] in "-0123456789":
            yield TextSpan(match.start(), match.end(), _labelled(path, labels), piece, str, is_number=True)


def _labelled(path: list[str], labels: list[str | None]) -> tuple[str, ...]:
    """The path, where `{"name": "plate", "value": …}` counts as `{"plate": …}`."""
    if path and path[-1].lower() == "value" and labels[-1]:
        return (*path[:-1], labels[-1])
    return tuple(path)


def _unquoted(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token[1:-1]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _of_xml(text: str) -> Iterator[TextSpan]:
    path: list[str] = []
    for match in _XML.finditer(text):
        if match["start"]:
            path.append(_local(match["start"]))
            yield from _attributes(match, path)
            if match["single"]:
                path.pop()
        elif match["end"]:
            if path:
                path.pop()
        elif match["cdata"]:
            yield TextSpan(match.start("cdata"), match.end("cdata"), tuple(path), match["cdata"], str)
        elif match["text"] and match["text"].strip():
            yield TextSpan(match.start(), match.end(), tuple(path), unescape(match["text"]), escape)


def _attributes(element: re.Match[str], path: list[str]) -> Iterator[TextSpan]:
    label = None
    for match in _ATTRIBUTE.finditer(element["attributes"]):
        group = 2 if match[2] is not None else 3
        start, name = element.start("attributes") + match.start(group), _local(match[1])
        value = unescape(match[group])
        at = label if label and name.lower() == "value" else name
        yield TextSpan(
            start,
            start + len(match[group]),
            (*path, at),
            value,
            lambda new: escape(new, {'"': "&quot;", "'": "&apos;"}),
        )
        if name.lower() in _LABELS:
            label = value


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _of_csv(text: str) -> Iterator[TextSpan]:
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t|", key=header.count)
    if "\n" not in text.strip() or not header.count(delimiter):
        yield TextSpan(0, len(text), (), text, str)
        return
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"|([^{re.escape(delimiter)}"\r\n]*))({re.escape(delimiter)}|\r\n|\r|\n|\Z)')
    columns: list[str] = []
    column, at, done = 0, 0, False
    while at < len(text):
        match = cell.match(text, at)
        if match is None:  # a quote amid a cell: the rest of the line is one text
            end = min((n for n in (text.find("\n", at), len(text)) if n >= 0), default=len(text))
            yield TextSpan(at, end, (), text[at:end], str)
            at, column = end + 1, 0
            continue
        quoted = match[1] is not None
        value = match[1].replace('""', '"') if quoted else match[2]
        if not done:
            columns.append(value.strip("\ufeff \t"))
        elif value.strip():
            path = (columns[column],) if column < len(columns) else ()
            yield TextSpan(match.start(), match.start(3), path, value, _celled if quoted else str)
        column += 1
        if match[3] != delimiter:
            column, done = 0, done or any(columns)
        at = max(match.end(), at + 1)


def _celled(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
