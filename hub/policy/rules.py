"""A retention rule: whose reads, which copy, how long, and the clause that says so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from hub.errors import Invalid, PolicyRefused
from hub.policy.durations import Duration

Origin = Literal["own", "commercial", "native_reader"]
CopyHolder = Literal["hub", "vendor"]
LifeStart = Literal["captured_at", "received_at"]
ORIGINS: Final[tuple[Origin, ...]] = ("own", "commercial", "native_reader")
COPIES: Final[tuple[CopyHolder, ...]] = ("hub", "vendor")
AGENCY: Final = "agency"
"""The layer of the department's own policy; others are an overlay's id, or `contract`."""


class Limit(NamedTuple):
    """A period and the clock that it runs by."""

    dur: Duration
    clock: LifeStart
    text: str
    """The period as the policy writes it."""

    @classmethod
    def of(cls, data: dict[str, Any] | None, field: str) -> "Limit | None":
        """The limit of `{dur, clock}`; raises `Invalid` naming the field."""
        if data is None:
            return None
        try:
            return cls(Duration.parse(data["dur"]), data["clock"], data["dur"])
        except ValueError as wrong:
            raise Invalid(f"{field}.dur: {wrong}") from None

    def start(self, captured_at: datetime, received_at: datetime) -> datetime:
        """The instant at which the period begins."""
        return captured_at if self.clock == "captured_at" else received_at


@dataclass(frozen=True, slots=True)
class Rule:
    """One retention rule. None matches anything; `linked` False is for reads that nothing needs, True for a case's."""

    id: str
    layer: str
    origin: str | None
    vendor: str | None
    linked: bool | None
    copy: str | None
    max: Limit | None
    min: Limit | None
    until: str | None
    action: str
    force: str
    clause: str
    needs_schedule: bool = False
    note: str | None = None

    @property
    def keep(self) -> Duration:
        """How long reads may be kept at most; raises `PolicyRefused` where the rule sets no ceiling."""
        if self.max is None:
            raise PolicyRefused(f"rule {self.id} ({self.clause}) does not say how long reads may be kept at most")
        return self.max.dur

    def fits(self, origin: str, vendor: str, copy: str) -> bool:
        """Whether the rule speaks about this copy of reads of this origin and vendor."""
        return self.origin in (None, origin) and self.vendor in (None, vendor) and self.copy in (None, copy)

    def ends(self, captured_at: datetime, received_at: datetime, zone: ZoneInfo) -> datetime:
        """The first instant at which the ceiling allows nothing any more."""
        limit = self.max
        if limit is None:
            raise PolicyRefused(f"rule {self.id} ({self.clause}) does not say how long reads may be kept at most")
        return limit.dur.ceiling(limit.start(captured_at, received_at), zone)

    def frees(self, captured_at: datetime, received_at: datetime, zone: ZoneInfo) -> datetime:
        """The first instant at which the floor allows a deletion."""
        limit = self.min
        if limit is None:
            raise PolicyRefused(f"rule {self.id} ({self.clause}) does not say how long reads must be kept")
        return limit.dur.floor(limit.start(captured_at, received_at), zone)


def of_data(data: dict[str, Any], layer: str, field: str) -> Rule:
    """The rule of one entry of a document's rules; raises `Invalid` where it says nothing."""
    match = data["match"]
    rule = Rule(
        id=data["id"],
        layer=layer,
        origin=None if match.get("origin", "any") == "any" else match["origin"],
        vendor=match.get("vendor"),
        linked=match.get("linked_case"),
        copy=None if data["copy_at"] == "any" else data["copy_at"],
        max=Limit.of(data["max"], f"{field}.max"),
        min=Limit.of(data["min"], f"{field}.min"),
        until=data.get("until"),
        action=data["on_expiry"]["action"],
        force=data["on_expiry"]["force"],
        clause=data["ref"],
        needs_schedule=data.get("schedule_ref_required", False),
        note=data.get("note"),
    )
    if rule.max is None and rule.min is None and rule.until is None:
        raise Invalid(f"{field}: sets neither max, min nor until")
    if rule.until is not None and not rule.linked:
        raise Invalid(f"{field}.until: needs match.linked_case: true; only a case has such an end")
    return rule


def of_list(rules: list[dict[str, Any]], layer: str, field: str) -> tuple[Rule, ...]:
    """The rules of a document's list, each id once; raises `Invalid` naming the field."""
    parsed = tuple(of_data(entry, layer, f"{field}.{place}") for place, entry in enumerate(rules))
    seen: set[str] = set()
    for place, rule in enumerate(parsed):
        if rule.id in seen:
            raise Invalid(f"{field}.{place}.id: {rule.id} comes twice")
        seen.add(rule.id)
    return parsed
