"""What is wrong with settings, a document or a record, in words: the field, what would be right, the nearest name.

Nothing that was typed into a field of settings is ever repeated, since a secret may stand in the wrong one.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from types import UnionType
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

_SHORT: Final = frozenset({"str", "int", "float", "bool", "list", "tuple", "set", "dict", "none", "url", "date"})
"""What the validator calls the branches of a union."""
MOST: Final = 20
"""How many faults are told one by one."""

_KINDS: Final[Mapping[str, str]] = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "string": "text",
    "date": "a day such as 2026-06-01",
    "datetime": "a time such as 2026-06-01T12:00:00Z",
    "time": "a time of day such as 22:00",
    "timedelta": "a span of time such as PT2H",
    "timezone": "a time with a zone such as 2026-06-01T12:00:00Z",
    "zoneinfo": "a time zone such as America/Los_Angeles",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozenset": "a list",
    "dict": "an object of names and values",
    "mapping": "an object of names and values",
    "model": "an object of names and values",
    "url": "an address such as https://host.example",
    "path": "a path",
    "bytes": "text",
    "none": "nothing",
}
"""What a field wants, by the first word of the validator's own code for what it met."""
_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("must be more than {}", "gt"),
    "greater_than_equal": ("must be {} or more", "ge"),
    "less_than": ("must be less than {}", "lt"),
    "less_than_equal": ("must be {} or less", "le"),
    "multiple_of": ("must be a multiple of {}", "multiple_of"),
}
_LENGTHS: Final[Mapping[str, tuple[str, str]]] = {
    "string_too_short": ("must have at least {} {}", "min_length"),
    "string_too_long": ("must have at most {} {}", "max_length"),
    "too_short": ("must have at least {} {}", "min_length"),
    "too_long": ("must have at most {} {}", "max_length"),
}


class Fault(NamedTuple):
    """One thing that is wrong: the path of the field, and what is wrong there as a clause without a subject."""

    where: str
    says: str
    sentence: str
    """The whole of it for people."""

    def __str__(self) -> str:
        return self.sentence


def faults(wrong: ValidationError, model: type[BaseModel], owner: str = "", *, noun: str = "setting") -> list[Fault]:
    """Every fault that a validation found, in the order of the fields, each once.

    `owner` ("rekor") is named in front of the list of known names; `noun` is what such a name is called.
    """
    by_sentence: dict[tuple[str, str], Fault] = {}
    listed: set[str] = set()
    for error in wrong.errors(include_url=False, include_input=False):
        place = _place(model, error["loc"])
        if error["type"] == "extra_forbidden":
            known = () if place.parent in listed else place.siblings
            listed.add(place.parent)
            fault = _unknown(place, known, owner, noun)
        else:
            fault = _fault(error, place)
        by_sentence.setdefault((fault.where, fault.says), fault)
    return list(by_sentence.values())


def first(wrong: ValidationError, model: type[BaseModel], whole: str) -> Fault:
    """The first fault; one that belongs to no field is named `whole`."""
    fault = faults(wrong, model)[0]
    return fault if fault.where else fault._replace(where=whole)


def unknown(
    name: str,
    known: Sequence[str],
    has: str = "there are",
    noun: str = "setting",
    inside: str = "",
    *,
    whole: bool = True,
) -> str:
    """The sentence for an unknown name: with the nearest known name and, where `whole`, with all of them."""
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else ""
    every = f"{hint or '.'} {has}: {', '.join(known)}" if whole and known else hint
    return f"no {noun} is called {name!r}{f' in {inside}' if inside else ''}{every}"


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The name that somebody who typed another may have meant."""
    parts = {part: whole for whole in reversed(known) for part in whole.split("_")}
    for among, cutoff in ((dict(zip(known, known, strict=True)), 0.6), (parts, 0.75)):
        if close := get_close_matches(name.casefold(), among, 1, cutoff):
            return among[close[0]]
    return None


def told(sentences: Sequence[str], most: int = MOST) -> str:
    """Sentences in one, the first `most` of them, and how many more there are."""
    more = f"; and {len(sentences) - most:,} more" if len(sentences) > most else ""
    return "; ".join(sentences[:most]) + more


class _Place(NamedTuple):
    """Where in a model an error is: its path as a person writes it, its field, and the names beside it."""

    path: str
    field: FieldInfo | None
    siblings: tuple[str, ...]
    parent: str
    last: str


def _place(model: type[BaseModel], loc: Sequence[Any]) -> _Place:
    """Follow an error's location through the model, past the steps that name a validator's branch and no field."""
    here: list[Any] = [model]
    steps: list[str] = []
    field: FieldInfo | None = None
    siblings = tuple(model.model_fields)
    parent, last = "", ""
    for number, step in enumerate(loc):
        models = [kind for kind in here if isinstance(kind, type) and issubclass(kind, BaseModel)]
        fields = {name: info for kind in models for name, info in kind.model_fields.items()}
        inside = [kind for holder in here for kind in _inside(holder)]
        if step in fields:
            parent, siblings, field = ".".join(steps), tuple(fields), fields[step]
            here = list(_branches(field.annotation))
        elif isinstance(step, int) or (inside and not _is_branch(step, here)):
            parent, siblings, field, here = (
                ".".join(steps),
                (),
                None,
                [branch for kind in inside for branch in _branches(kind)],
            )
        elif fields and number == len(loc) - 1 and not _is_branch(step, here):
            parent, siblings, field = ".".join(steps), tuple(fields), None
        else:
            continue
        last = str(step)
        steps.append(last)
    return _Place(".".join(steps), field, siblings, parent, last)


def _is_branch(step: Any, here: Sequence[Any]) -> bool:
    """Whether a step of a location names the branch of a union, or a validator, and nothing that a person wrote."""
    text = str(step)
    return "[" in text or (
        len(here) > 1 and text in {*(getattr(kind, "__name__", str(kind)) for kind in here), *_SHORT}
    )


def _branches(annotation: Any) -> Iterator[Any]:
    """The types that a field may have: a union's members; an `Annotated` type without its metadata."""
    if hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _branches(member)
    else:
        yield annotation


def _inside(annotation: Any) -> Iterator[Any]:
    """The types of what a list or an object holds."""
    if isinstance(get_origin(annotation), type):
        yield from (argument for argument in get_args(annotation)[-1:] if argument is not Ellipsis)
        if Ellipsis in get_args(annotation):
            yield get_args(annotation)[0]


def _unknown(place: _Place, known: Sequence[str], owner: str, noun: str) -> Fault:
    has = f"{place.parent or owner} has" if place.parent or owner else "there are"
    sentence = unknown(place.last, place.siblings, has, noun, place.parent, whole=bool(known))
    return Fault(place.path, "is not known", sentence)


def _fault(error: Any, place: _Place) -> Fault:
    kind, where = error["type"], place.path
    if kind == "missing":
        about = _about(place.field)
        return Fault(where, "is missing", f"{where} is missing" + (f": {about}" if about else ""))
    says = _says(kind, error.get("ctx") or {}, error["msg"], place.field)
    return Fault(where, says, f"{where}: {says}" if where else says)


def _about(field: FieldInfo | None) -> str:
    text = (field.description or field.title or "") if field else ""
    return text.rstrip(".")


def _says(kind: str, context: Mapping[str, Any], message: str, field: FieldInfo | None) -> str:
    """The clause for one code of the validator's."""
    about = f": {_about(field)}" if _about(field) else ""
    if kind in ("value_error", "assertion_error"):
        sentence = str(context.get("error") or message.partition(", ")[2])
    elif kind in _BOUNDS:
        text, bound = _BOUNDS[kind]
        sentence = text.format(_number(context[bound]))
    elif kind in _LENGTHS:
        sentence = _length(kind, context)
    elif kind in ("literal_error", "enum"):
        sentence = f"must be one of {_choices(field) or context.get('expected', '')}".replace("'", "")
    elif kind == "string_pattern_mismatch":
        sentence = f"is not written as it should be{about}"
    else:
        wanted = _KINDS.get(_wanted(kind, field))
        sentence = f"must be {wanted}" if wanted else f"cannot be used{about}"
    return sentence


def _length(kind: str, context: Mapping[str, Any]) -> str:
    text, bound = _LENGTHS[kind]
    size = context[bound]
    if bound == "min_length" and size == 1:
        return "must not be empty"
    return text.format(f"{size:,}", ("character" if kind.startswith("string") else "item") + "s" * (size != 1))


def _wanted(kind: str, field: FieldInfo | None) -> str:
    """What a field wants, as `_KINDS` calls it."""
    if kind == "is_instance_of" and field is not None and ZoneInfo in _branches(field.annotation):
        return "zoneinfo"
    if kind.startswith("date_"):
        return "date"
    return kind.partition("_")[0]


def _number(value: Any) -> str:
    return f"{value:,g}" if isinstance(value, float) and value == int(value) else str(value)


def _choices(field: FieldInfo | None) -> str:
    """The values that a field may have, where they can be listed."""
    if field is None:
        return ""
    values = []
    for branch in _branches(field.annotation):
        if isinstance(branch, type) and issubclass(branch, Enum):
            values += [str(member.value) for member in branch]
        elif get_origin(branch) is Literal:
            values += [str(value) for value in get_args(branch)]
    return " or ".join([", ".join(values[:-1]), *values[-1:]] if len(values) > 1 else values)
