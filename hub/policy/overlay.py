"""An overlay: what a statute adds to a department's policy, field by field."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from hub.errors import Invalid
from hub.policy.document import FOLDER, carried, read
from hub.policy.rules import Rule, of_list

PREFIX: Final = "overlay-"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an overlay does to one field."""

    layer: str
    id: str
    field: str
    op: str
    values: tuple[str, ...]
    clause: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Overlay:
    """A layer over a profile."""

    id: str
    applies_to: str
    operations: tuple[Operation, ...]
    rules: tuple[Rule, ...]
    """Its own retention rules, where it has any."""


def of_document(body: bytes, name: str) -> Overlay:
    """The overlay of a YAML document; raises `Invalid` with the path of the field."""
    return _overlay(read(body, name, "overlay"), name)


def _overlay(data: dict[str, Any], name: str) -> Overlay:
    layer = data["overlay_id"]
    seen: set[str] = set()
    for place, rule in enumerate(data["rules"]):
        if rule["id"] in seen:
            raise Invalid(f"{name}: rules.{place}.id: {rule['id']} comes twice")
        seen.add(rule["id"])
    operations = tuple(
        Operation(layer, rule["id"], rule["field"], rule["op"], tuple(rule.get("v", ())), rule["ref"], rule.get("note"))
        for rule in data["rules"]
    )
    return Overlay(layer, data["applies_to"], operations, of_list(data.get("retention", []), layer, "retention"))


@cache
def built_in() -> tuple[str, ...]:
    """The ids of the overlays that the hub carries."""
    names = (item.name for item in FOLDER.iterdir())
    return tuple(
        sorted(
            name.removeprefix(PREFIX).removesuffix(".yaml")
            for name in names
            if name.startswith(PREFIX) and name.endswith(".yaml")
        )
    )


@cache
def load_overlay(name: str) -> Overlay:
    """The built-in overlay of an id (`us-ca`); raises `Invalid`, naming those there are."""
    if name not in built_in():
        raise Invalid(f"no overlay is called {name!r}; there are: {', '.join(built_in())}")
    file = f"{PREFIX}{name}.yaml"
    return _overlay(carried(file), file)
