"""Which rules decide about a copy of a read, and when it must be gone or may not go yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hub.policy.rules import AGENCY, Rule

NOTHING_SIGNED: Final[Mapping[str, str]] = MappingProxyType({})


class Bound(NamedTuple):
    """An instant, and the rule and clause that set it."""

    at: datetime
    rule: str
    clause: str
    layer: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """What policy says of one copy of one read."""

    ceiling: Bound | None
    """At this instant it must be gone, whatever else links it (a hold apart). None: no rule sets a number."""
    unlinked: Bound | None
    """At this instant it must be gone unless a case, an event or a hit needs it. None: no rule asks for a link."""
    floor: Bound | None
    """Until this instant nobody may delete it. None: nobody says so."""

    @property
    def conflict(self) -> bool:
        """Whether the floor lies behind the ceiling: both cannot be kept, a person must decide about this read."""
        return self.ceiling is not None and self.floor is not None and self.floor.at > self.ceiling.at

    def end(self, linked: bool = False) -> Bound | None:
        """When the copy must be gone, as it stands."""
        ends = [bound for bound in (self.ceiling, None if linked else self.unlinked) if bound is not None]
        return min(ends, key=_order, default=None)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rules that speak about one kind of copy, each the most specific of its layer."""

    ceilings: tuple[Rule, ...]
    unlinked: tuple[Rule, ...]
    floors: tuple[Rule, ...]
    case: Rule | None
    """The rule for reads that a criminal case needs, where the policy has one of its own."""

    def bounds(
        self, captured_at: datetime, received_at: datetime, zone: ZoneInfo, prevails: Mapping[str, str] = NOTHING_SIGNED
    ) -> Bounds:
        """The earliest of the ceilings and the latest of the floors, in UTC; `zone` is the agency's.

        `prevails` says for signed conflicts (`conflict_id`) whether the floor or the ceiling is kept where both cannot.
        """
        frees = [_bound(rule, rule.frees(captured_at, received_at, zone)) for rule in self.floors]
        latest = max((bound.at for bound in frees), default=None)
        floor = min((bound for bound in frees if bound.at == latest), key=lambda bound: bound.rule, default=None)

        def earliest(rules: Iterable[Rule]) -> Bound | None:
            ends = [_bound(rule, rule.ends(captured_at, received_at, zone)) for rule in rules]
            if floor is not None:
                ends = [
                    end._replace(at=max(end.at, floor.at))
                    if prevails.get(conflict_id(floor.rule, end.rule)) == "floor"
                    else end
                    for end in ends
                ]
            return min(ends, key=_order, default=None)

        ceiling = earliest(self.ceilings)
        if floor and ceiling and prevails.get(conflict_id(floor.rule, ceiling.rule)) == "ceiling":
            floor = floor._replace(at=min(floor.at, ceiling.at))
        return Bounds(ceiling, earliest(self.unlinked), floor)

    def end(self, captured_at: datetime, received_at: datetime, zone: ZoneInfo, linked: bool) -> Bound | None:
        """`bounds(…).end(linked)` where no conflict is signed; without the floors, for every read that comes in."""
        nearest: Bound | None = None
        for rules in (self.ceilings,) if linked else (self.ceilings, self.unlinked):
            for rule in rules:
                at = rule.ends(captured_at, received_at, zone)
                if nearest is None or (at, rule.id) < (nearest.at, nearest.rule):
                    nearest = Bound(at, rule.id, rule.clause, rule.layer)
        return nearest


def conflict_id(floor: str, ceiling: str) -> str:
    """The id under which a conflict of two rules is signed."""
    return f"conflict:{floor}:{ceiling}"


def choose(rules: Iterable[Rule], origin: str, vendor: str, copy: str) -> Chosen:
    """The rules for one kind of copy, out of all layers and in whatever order they come.

    Inside a layer, those that name the vendor go before those that name the origin, and these before those that name
    neither; ceilings and floors are looked for apart, so that a rule which sets one never hides the other. Where the
    agency's own policy says nothing of such a copy, all of its ceilings hold and the strictest decides.
    """
    ordered = sorted(rules, key=lambda rule: (rule.layer, rule.id))
    fitting = [rule for rule in ordered if rule.fits(origin, vendor, copy)]
    always = [rule for rule in fitting if rule.linked is None]
    ceilings = _closest(rule for rule in always if rule.max is not None)
    if not any(rule.layer == AGENCY for rule in always):
        every = (rule for rule in ordered if rule.layer == AGENCY and rule.linked is None and rule.max is not None)
        ceilings = (*ceilings, *every)
    return Chosen(
        ceilings=ceilings,
        unlinked=_closest(rule for rule in fitting if rule.linked is False and rule.max is not None),
        floors=_closest(rule for rule in always if rule.min is not None),
        case=next((rule for rule in fitting if rule.linked and rule.until is not None), None),
    )


def _closest(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Of each layer's rules those that name the most."""
    layers: dict[str, list[Rule]] = {}
    for rule in rules:
        layers.setdefault(rule.layer, []).append(rule)
    return tuple(rule for layer in layers.values() for rule in layer if _names(rule) == max(map(_names, layer)))


def _names(rule: Rule) -> tuple[bool, bool]:
    return rule.vendor is not None, rule.origin is not None


def _bound(rule: Rule, at: datetime) -> Bound:
    return Bound(at, rule.id, rule.clause, rule.layer)


def _order(bound: Bound) -> tuple[datetime, str]:
    return bound.at, bound.rule
