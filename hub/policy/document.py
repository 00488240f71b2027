"""A policy document: YAML that is held to its schema, with the path of everything that is wrong in it."""

import json
from copy import deepcopy
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from connectors.faults import faults
from hub.errors import Faults, Invalid

LARGEST: Final = 1 << 20
"""Bytes of a policy document; real ones have seven thousand."""
FOLDER: Final[Traversable] = files("hub.policy").joinpath("profiles")
_KINDS: Final = {
    "string": "text (put it in quotes)",
    "object": "lines of `name: value`",
    "array": "a list (lines that begin with a hyphen)",
    "boolean": "true or false",
    "null": "nothing",
}
M = TypeVar("M", bound=BaseModel)
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Not every PyYAML was built with libyaml, which takes a tenth of the time."""
_REMEMBERED: Final = 64
_FAULTLESS: Final[dict[tuple[str, bytes], dict[str, Any]]] = {}
"""What documents say that were found to be without a fault: one activation reads the same one several times."""
_PERIOD: Final = "duration such as P30D, P1Y or PT72H"


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of policy profiles (draft 2020-12); overlays are its `$defs/overlay`."""
    loaded: dict[str, Any] = json.loads(FOLDER.joinpath("policy-profile.schema.json").read_text("utf-8"))
    return loaded


def read(body: bytes, name: str, kind: Literal["profile", "overlay"] = "profile") -> dict[str, Any]:
    """What a document says, held to the schema of its kind.

    Raises `Invalid`, which names the document and, for each fault, the path to the field and what is wrong
    there (`retention.rules.2.max.dur: …`): YAML that cannot be read, a key that comes twice or is unknown, a
    wrong type or unit, a rule without its reference.
    """
    data = _FAULTLESS.get((kind, body))
    if data is None:
        data = plain(body, name)
        if wrong := _faults(data, kind):
            raise Faults(name, wrong)
        if len(_FAULTLESS) >= _REMEMBERED:
            _FAULTLESS.clear()
        _FAULTLESS[kind, body] = data
    return deepcopy(data)


def carried(file: str) -> dict[str, Any]:
    """What a document of the hub itself says, by the name of its file.

    A test holds it to its schema: each start would wait longer for that than for all else that it reads.
    """
    data: dict[str, Any] = yaml.load(FOLDER.joinpath(file).read_bytes(), Loader=_Loader)  # noqa: S506 - a safe loader
    return data


def plain(body: bytes, name: str) -> Any:
    """The mappings, lists and values of a YAML document; raises `Invalid` with the line, or the path of the field."""
    if len(body) > LARGEST:
        raise Invalid(f"{name}: is larger than {LARGEST} bytes; no policy document is")
    try:
        loader = yaml.SafeLoader(body)
        node = loader.get_single_node()
        if node is None:
            raise Invalid(f"{name}: is empty")
        _walk(node, "", name, set())
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Invalid(f"{name}: {where}{wrong.problem or wrong.context}") from None
    except (yaml.YAMLError, ValueError) as wrong:
        raise Invalid(f"{name}: cannot be read as YAML: {' '.join(str(wrong).split())[:200]}") from None
    except RecursionError:
        raise Invalid(f"{name}: is nested too deeply") from None


def checked(model: type[M], data: Any, name: str) -> M:
    """The model of a document's data; raises `Invalid` with the document and the path of every field that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as wrong:
        problems = faults(wrong, model, noun="field")
        raise Faults(name, [str(fault) if fault.where else f"the document: {fault}" for fault in problems]) from None


def _walk(node: yaml.Node, path: str, name: str, seen: set[int]) -> None:
    """Refuse what YAML would take silently: keys that come twice, keys that are no text, and references inside."""
    if id(node) in seen:
        raise Invalid(f"{name}: {path}: refers to another place (an alias); write it out")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            inner = _joined(path, str(key.value))
            if key.tag != "tag:yaml.org,2002:str":
                raise Invalid(f"{name}: {inner}: the key is not text (line {key.start_mark.line + 1})")
            if key.value in keys:
                raise Invalid(f"{name}: {inner}: comes twice (line {key.start_mark.line + 1})")
            keys.add(key.value)
            _walk(value, inner, name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            _walk(item, _joined(path, str(place)), name, seen)


def _faults(data: Any, kind: Literal["profile", "overlay"]) -> list[str]:
    from jsonschema import Draft202012Validator  # a tenth of a second, which commands without a policy need not wait

    whole = schema()
    against = whole if kind == "profile" else {"$ref": "#/$defs/overlay", "$defs": whole["$defs"]}
    sentences: dict[str, None] = {}
    for error in sorted(
        Draft202012Validator(against).iter_errors(data), key=lambda fault_at: [str(p) for p in fault_at.path]
    ):
        for fault in _sentences(error):
            sentences.setdefault(fault)
    return [*sentences, *(_misspelt(data) if kind == "profile" and not sentences else [])]


def _sentences(error: Any) -> list[str]:
    path = ".".join(map(str, error.absolute_path))
    value, wanted = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = list(error.schema.get("properties", {}))
            return [f"{_joined(path, key)}: is unknown; {_near(key, known)}" for key in value if key not in known]
        case "required":
            return [f"{_joined(path, key)}: is missing" for key in wanted if key not in value]
        case "pattern" if "P(" in wanted:
            text = f"{value!r} is no {_PERIOD}"
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            got = "missing" if value is None else f"{_short(value)}"
            if not path and isinstance(value, str):
                got = "plain text"  # another file altogether, and nobody knows what stands in it
            text = f"must be {' or '.join(_KINDS.get(kind_wanted, kind_wanted) for kind_wanted in kinds)}, is {got}"
            if path.endswith("dur"):
                text = f"{_short(value)} is no {_PERIOD}"
        case "enum":
            text = f"{_short(value)} is none of {', '.join('nothing' if it is None else str(it) for it in wanted)}"
        case "const":
            text = f"must be {wanted!r}, is {_short(value)}"
        case "not":
            text = "says nothing, though its force says something; use not_stated where the policy is silent"
        case "minLength" | "minItems":
            text = "is empty" if not value else f"{_short(value)} is too short"
        case _:
            text = error.message[:200]
    return [f"{path or 'the document'}: {text}"]


def _misspelt(data: dict[str, Any]) -> list[str]:
    """Unknown fields that look like a known one: a misspelt promise would not be kept."""
    sentences = []
    for group, rules in schema()["properties"].items():
        known = list(rules.get("properties", {}))
        if isinstance(rules.get("additionalProperties"), dict):
            unknown = [key for key in data[group] if key not in known]
            near = [key for key in unknown if get_close_matches(key, known, 1, 0.85)]
            sentences += [f"{group}.{key}: is unknown; {_near(key, known)}" for key in near]
    return sentences


def _near(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return "lines of `name: value`" if isinstance(value, dict) else "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
