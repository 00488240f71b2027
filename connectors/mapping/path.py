"""`Path`: where in a document a value lies. A way to point, not a language: nothing in it can compute."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from pydantic import AfterValidator, StringConstraints

from connectors.jsontext import AS_WRITTEN

LONGEST: Final = 500
EVERY: Final = None
"""The step `[]` or `*`: every element of a list."""
_PART, _NOTHING = "part:", object()


class Path(NamedTuple):
    """A path as it was written, taken apart. `name` is what was written behind the sign for where it begins."""

    text: str
    base: Literal["record", "root", "constant", "part"]
    up: int
    name: str
    steps: tuple[str | None, ...]


class Scope(NamedTuple):
    """Where paths are looked up: the document, what lies around the record, the record last.

    `parts` are what came beside the document in a multipart body; `fold` says that names have no case (columns).
    """

    chain: tuple[Any, ...]
    parts: Mapping[str, bytes] = MappingProxyType({})
    fold: bool = False


@lru_cache(maxsize=4096)
def compiled(text: str) -> Path:
    """The path that a text means; raises `ValueError` saying what is wrong with it."""
    if text.startswith("="):
        return Path(text, "constant", 0, text[1:], ())
    if text.startswith(_PART):
        name = text.removeprefix(_PART).strip()
        if not name:
            raise ValueError("names no part")
        return Path(text, "part", 0, name, ())
    if text.startswith("/"):
        return Path(text, "root", 0, text[1:], _steps(text[1:]))
    name = text.lstrip("^")
    up = len(text) - len(name)
    if up:
        name = name.removeprefix(".")
    return Path(text, "record", up, name, _steps(name))


def _checked(text: str) -> str:
    compiled(text)
    return text


Where = Annotated[str, StringConstraints(max_length=LONGEST, strip_whitespace=True), AfterValidator(_checked)]
"""A path in a setting: text whose syntax was checked."""


def _steps(text: str) -> tuple[str | None, ...]:
    steps: list[str | None] = []
    if text in ("", "."):
        return ()
    at = 0
    while True:
        step, at = _step(text, at)
        steps.append(step)
        if at >= len(text):
            return tuple(steps)
        if text[at] == ".":
            at += 1
        elif text[at] != "[":
            raise ValueError("needs a dot or a [ behind a name in quotes and behind a ]")


def _step(text: str, at: int) -> tuple[str | None, int]:
    """The step that begins at a place, and where it ends."""
    if text.startswith("[", at):
        end = text.find("]", at)
        inside = text[at + 1 : end].strip()
        if end < 0:
            raise ValueError("has a [ that is not closed")
        if inside in ("", "*"):
            return EVERY, end + 1
        if not inside.removeprefix("-").isdecimal():
            raise ValueError("has something else than a number or nothing between [ and ]")
        return inside, end + 1
    if text.startswith('"', at):
        end = text.find('"', at + 1)
        if end <= at + 1:
            raise ValueError("has a name in quotes that is empty or not closed")
        return text[at + 1 : end], end + 1
    end = next((index for index in range(at, len(text)) if text[index] in ".["), len(text))
    if end == len(text) - 1 and text[end] == ".":  # "Plate No.": nothing could follow, so the dot is the name's
        end += 1
    name = text[at:end].strip()
    if not name or "]" in name or name == ".":
        raise ValueError("has an empty name or a stray ]; names with dots or brackets go in quotes")
    return (EVERY if name == "*" else name), end


def find(path: Path, scope: Scope) -> list[Any]:
    """The values at a path, in their order; none where nothing is there. A value that is null is told as None."""
    if path.base == "constant":
        return [path.name]
    if path.base == "part":
        return [scope.parts[path.name]] if path.name in scope.parts else []
    at = 0 if path.base == "root" else len(scope.chain) - 1 - path.up
    if at < 0:
        return []
    start = scope.chain[at]
    # A name that is there just as it was written needs no quotes around its dots.
    whole = _member(start, path.name, scope.fold) if isinstance(start, dict) else _NOTHING
    return [whole] if whole is not _NOTHING else list(_walk(start, path.steps, scope.fold))


class Null(LookupError):
    """There is null where a list should be: some write so that there is none, others that they could not answer."""


def members(root: Any, path: Path, *, null_is_empty: bool) -> list[tuple[Any, ...]]:
    """The records at a path as chains from the document down to each; an object where a list could be counts as one.

    Raises `LookupError` where nothing, not even an empty list, is at the path's first list, or at all of those inside;
    `Null` where one of the lists is null, unless that is how there are none.
    """
    if not path.steps and not isinstance(root, list):
        return [(root,)]
    lists = _Lists(null_is_empty)
    inner = path.steps.index(EVERY) if EVERY in path.steps else len(path.steps)
    chains = [
        chain
        for node in _walk(root, path.steps[:inner], False)
        for chain in lists.chains((root,), node, path.steps[inner + 1 :])
    ]
    if not chains and not lists.empty:
        raise LookupError(path.text)
    return chains


class _Lists:
    """The lists on the way to records; `empty` says that one of them was there and had nothing in it."""

    def __init__(self, null_is_empty: bool) -> None:
        self._null_is_empty = null_is_empty
        self.empty = False

    def chains(self, chain: tuple[Any, ...], node: Any, steps: Sequence[str | None]) -> Iterator[tuple[Any, ...]]:
        """The chains below what stands where a list may be."""
        node = opened(node)
        if node is None and not self._null_is_empty:
            raise Null
        items = node if isinstance(node, list) else [] if node is None else [node]
        self.empty |= not items
        for item in items:
            below = (*chain, item)
            if not steps:
                yield below
                continue
            inner = steps.index(EVERY) if EVERY in steps else len(steps)
            for value in _walk(item, steps[:inner], False):
                yield from self.chains(below, value, steps[inner + 1 :])


def _walk(value: Any, steps: Sequence[str | None], fold: bool) -> Iterator[Any]:
    for index, step in enumerate(steps):
        value = opened(value)
        if step is EVERY:
            for item in value if isinstance(value, list) else [] if value is None else [value]:
                yield from _walk(item, steps[index + 1 :], fold)
            return
        value = _member(value, step, fold)
        if value is _NOTHING:
            return
    yield value


def _member(value: Any, name: str, fold: bool) -> Any:
    """The member of that name or index; a value that is no list is its own element 0, as in XML's lists of one."""
    if isinstance(value, dict):
        member = value.get(name.casefold() if fold else name, _NOTHING)
        return value if member is _NOTHING and name == "0" else member
    if isinstance(value, list):
        try:
            return value[int(name)] if name.removeprefix("-").isdecimal() else _NOTHING
        except (IndexError, ValueError):
            return _NOTHING
    return value if name == "0" and value is not None else _NOTHING


def opened(value: Any) -> Any:
    """The value of JSON inside a text, as forms and message services send it; any other value as it is."""
    if type(value) is not str or value[:1] not in ("{", "["):
        return value
    try:
        return AS_WRITTEN.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return value
