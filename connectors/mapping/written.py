"""Text that writes a name and a value: forms, lines of `name=value`, and the texts of cameras' event streams."""

import re
from contextlib import suppress
from json import JSONDecoder
from typing import Any, Final
from urllib.parse import parse_qsl

from connectors.damage import LETTERS, MARKUP, note
from connectors.errors import VendorChanged

MOST_FIELDS: Final = 1000
_NAME: Final = re.compile(r"\s*([A-Za-z_][\w .\[\]-]{0,199}?)\s*=")
_STEP: Final = re.compile(r"[^.\[\]]+")
_ENDS: Final = re.compile(r"[\r\n]+")
_END: Final = re.compile(r"[\r\n]|;(?=\s*(?:[A-Za-z_][\w .\[\]-]{0,199}?\s*=|[\r\n]|\Z))")
_BARE: Final = re.compile(r"(?<=.)&(?=[^&=]+(?:&|\Z))", re.DOTALL)
_JSON: Final = re.compile(r"[ \t]*[{\[]")
_DECODER: Final = JSONDecoder(strict=False)


def is_form(body: bytes, content_type: str) -> bool:
    """Whether a body is a form: its content type says so, or it begins with a name and is one line of pairs."""
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return b"&" in body or b"\n" not in body.strip()  # a program that sends lines may call them a form
    name, _, rest = body[:200].partition(b"=")
    plain = name.isascii() and name.decode().isidentifier() and len(name) < min(len(body), 200)
    return plain and b"\n" not in body and (b"&" in body or not re.search(rb";\s*\w+=", rest))


def is_pairs(body: bytes) -> bool:
    """Whether a body begins with a line of `name=value`."""
    return _NAME.match(_legible(body[:400])) is not None


def form(body: bytes) -> dict[str, Any]:
    """The fields of a form; a name that comes twice has a list of its values.

    What has no `=` belongs to the value before it, whose `&` was not written as it should be, and is noted.
    """
    text = _legible(body).strip()
    right = _BARE.sub("%26", text)
    if right != text:
        note(MARKUP)
    try:
        pairs = parse_qsl(right, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise VendorChanged("is not the form that it says it is", body) from None
    return _gathered(pairs)


def pairs(body: bytes) -> dict[str, Any]:
    """Lines of `name=value`, or one line of them parted by `;`, as fields; dots and brackets in a name lead deeper.

    A value that is JSON goes to its own end, over lines too. Lines without `=` tell nothing.
    """
    text, at, root = _legible(body), 0, dict[str, Any]()
    for _ in range(MOST_FIELDS):
        name = _NAME.match(text, at)
        if name is None:
            line = _ENDS.search(text, at)
            if line is None:
                return {name: _listed(value) for name, value in root.items()}
            at = line.end()
            continue
        end = _end_of_value(text, name.end())
        _put(root, _STEP.findall(name[1]), text[name.end() : end].strip(), body)
        at = end + 1
    raise VendorChanged(f"has more than {MOST_FIELDS} lines", body)


def _end_of_value(text: str, at: int) -> int:
    """Where a value ends: behind its JSON, or before the next name or the end of its line."""
    if begins := _JSON.match(text, at):
        with suppress(ValueError, RecursionError):
            return _DECODER.raw_decode(text, begins.end() - 1)[1]
    end = _END.search(text, at)
    return end.start() if end else len(text)


def _put(root: dict[str, Any], steps: list[str], value: str, body: bytes) -> None:
    at = root
    for step in steps[:-1]:
        inner = at.setdefault(step.strip(), {})
        if not isinstance(inner, dict):
            raise VendorChanged("gives one name a value and names below it", body)
        at = inner
    if steps and isinstance(at.get(steps[-1].strip()), dict):
        raise VendorChanged("gives one name a value and names below it", body)
    if steps:
        at.setdefault(steps[-1].strip(), value)


def _listed(value: Any) -> Any:
    """The same with lists where every name is a number, in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdecimal() and name.isascii() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def _gathered(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields


def _legible(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        note(LETTERS)
        return body.decode("utf-8-sig", "replace")
