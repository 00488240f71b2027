"""A field in force: what the department's policy says, what the overlays make of it, and every clause it rests on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hub.policy.overlay import Operation
from hub.policy.rules import AGENCY

FORCES: Final = ("not_stated", "may", "should", "shall")
"""From the weakest to the strongest."""
REQUIRED: Final = "required"
PROHIBITED: Final = "prohibited"
PERMITTED: Final = "permitted"


class Reference(NamedTuple):
    """A clause that a field rests on: whose, which, and what it does there."""

    layer: str
    rule: str | None
    clause: str
    does: str


@dataclass(frozen=True, slots=True)
class Effective:
    """The value of a field and how binding it is."""

    field: str
    value: Any
    """None where nobody says anything."""
    force: str
    references: tuple[Reference, ...]
    stated: Any
    """What the department's own policy says, before any overlay."""
    within: tuple[tuple[str, ...], ...]
    """Sets of codes, each of which must contain the code in question. Empty where no overlay intersects."""
    counsel: tuple[str, ...]
    """Rules of overlays that want counsel's opinion on this field."""
    note: str | None

    @property
    def required(self) -> bool:
        """Whether the field asks for something unconditionally."""
        return self.value is True or bool(self.value == REQUIRED)

    @property
    def clauses(self) -> str:
        """The clauses that it rests on, as one text."""
        return "; ".join(reference.clause for reference in self.references)

    @property
    def prohibited(self) -> bool:
        """Whether it is forbidden outright."""
        return bool(self.value == PROHIBITED)

    @property
    def binding(self) -> bool:
        """Whether it is a "shall": to be held, not only asked for."""
        return self.force == "shall"


def resolve(field: str, cited: Mapping[str, Any] | None, operations: Iterable[Operation]) -> Effective:
    """The field in force, the same in whatever order the overlays come.

    A prohibition of anybody's prohibits, a requirement of anybody's requires, lists of `union` grow, lists of
    `intersect` all hold at once, and the strongest force is the force. `operations` are those on the field, or on the
    group that it belongs to; an overlay's word is a "shall", except `permit` ("may") and `flag_for_counsel` (none).
    """
    stated = cited["v"] if cited else None
    forces = [cited["force"] if cited else "not_stated"]
    references = [Reference(AGENCY, None, cited["ref"], "says")] if cited and cited["ref"] else []
    ordered = sorted(operations, key=lambda operation: (operation.layer, operation.id))
    value = stated
    for operation in ordered:
        references.append(Reference(operation.layer, operation.id, operation.clause, operation.op))
        forces.append({"permit": "may", "flag_for_counsel": "not_stated"}.get(operation.op, "shall"))
    doing = {
        op: [operation for operation in ordered if operation.op == op] for op in {operation.op for operation in ordered}
    }
    for operation in doing.get("union", []):
        had = list(value) if isinstance(value, list) else []
        value = [*had, *(item for item in operation.values if item not in had)]
    within = tuple(operation.values for operation in doing.get("intersect", []))
    if within:
        within = (*((tuple(value),) if isinstance(value, list) else ()), *within)
        value = list(within[0]) if value is None else value
    if "require" in doing and value in (None, False, "required_if_applicable"):
        value = REQUIRED
    if "permit" in doing and value is None:
        value = PERMITTED
    if "prohibit" in doing:
        value = PROHIBITED
    return Effective(
        field=field,
        value=value,
        force=max(forces, key=FORCES.index),
        references=tuple(references),
        stated=stated,
        within=within,
        counsel=tuple(operation.id for operation in doing.get("flag_for_counsel", [])),
        note=cited.get("note") if cited else None,
    )
