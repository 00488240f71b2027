"""Whether a profile can be put in force: the conflicts in it, the numbers that it lacks, and what stands open."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from hub.errors import PolicyConflict, PolicyRefused
from hub.policy.durations import room
from hub.policy.resolution import Chosen, choose, conflict_id
from hub.policy.rules import AGENCY, COPIES, ORIGINS, Rule

ANY_OTHER: Final = "any other vendor"


class Open(NamedTuple):
    """A choice that nobody has signed yet, and what holds meanwhile."""

    id: str
    layer: str
    question: str
    safe_default: str


class Contradiction(NamedTuple):
    """A floor and a ceiling that cannot both be kept for one kind of copy."""

    id: str
    origin: str
    vendor: str
    copy: str
    floor: str
    ceiling: str

    def __str__(self) -> str:
        return (
            f"{self.id}: {self.floor} keeps {self.origin} reads of {self.vendor} ({self.copy} copy) as long as"
            f" {self.ceiling} allows, or longer"
        )


class Activation(NamedTuple):
    """What stands in the way of a profile, and what stands open beside it."""

    conflicts: tuple[Contradiction, ...]
    """Not signed."""
    without_ceiling: tuple[str, ...]
    """Kinds of hub copies for which no rule and no decision sets a number."""
    open: tuple[Open, ...]
    """Their safe defaults hold; they do not stand in the way."""
    without_schedule: tuple[str, ...] = ()
    """Rules that are left to a retention schedule, and that nothing signed gives a number of it."""

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.conflicts and not self.without_ceiling

    def demand(self) -> None:
        """Raise `PolicyConflict` or `PolicyRefused` for what stands in the way, if anything does."""
        if self.conflicts:
            conflicts = "; ".join(map(str, self.conflicts))
            raise PolicyConflict(f"{conflicts}. A signed decision is needed: who, why, and counsel's opinion")
        if self.without_ceiling:
            raise PolicyRefused(
                f"nothing says how long {', '.join(self.without_ceiling)} may be kept at most."
                f" A signed decision with a number is needed (--decisions FILE), for one of: {self._asked()}"
            )

    def _asked(self) -> str:
        """What the policy itself asks its department to decide."""
        return ", ".join(question.id for question in self.open if question.layer == AGENCY)

    def demand_schedule(self) -> None:
        """Raise `PolicyRefused` where a rule is left to a retention schedule and nothing signed says what that says.

        At a first start the number that stands in a profile for such a rule holds until then; no later policy comes in
        force by it.
        """
        if self.without_schedule:
            raise PolicyRefused(
                f"the retention schedule is missing, to which {', '.join(self.without_schedule)} is left. A signed"
                " decision must give its number (ceilings: RULE: {dur, clock, ref}), one of:"
                f" {self._asked()}"
            )


def conflicts(rules: Iterable[Rule]) -> Iterator[Contradiction]:
    """Every floor and ceiling of one kind of copy that cannot both be kept, once each.

    A floor that runs from the receipt and a ceiling that runs from the capture cannot both be kept by a read that
    arrives late, so a ceiling must leave room after such a floor; how late a read may then be is that room.
    """
    every = tuple(rules)
    seen: set[str] = set()
    for origin, vendor, copy, chosen in kinds(every):
        for floor in chosen.floors:
            for ceiling in (*chosen.ceilings, *chosen.unlinked):
                ident = conflict_id(floor.id, ceiling.id)
                if ident not in seen and _clash(floor, ceiling):
                    seen.add(ident)
                    yield Contradiction(ident, origin, vendor, copy, floor.id, ceiling.id)


def without_ceiling(rules: Iterable[Rule]) -> tuple[str, ...]:
    """The kinds of hub copies that no number ends."""
    return tuple(
        f"{origin} reads of {vendor}"
        for origin, vendor, copy, chosen in kinds(tuple(rules))
        if copy == "hub" and not chosen.ceilings
    )


def _clash(floor: Rule, ceiling: Rule) -> bool:
    if floor.min is None or ceiling.max is None:
        return False
    left = room(ceiling.max.dur, floor.min.dur)
    late = floor.min.clock == "received_at" and ceiling.max.clock == "captured_at"
    return left <= timedelta() if late else left < timedelta()


def kinds(rules: tuple[Rule, ...]) -> Iterator[tuple[str, str, str, Chosen]]:
    """Every kind of copy that the rules could tell apart."""
    named = sorted({rule.vendor for rule in rules if rule.vendor is not None})
    vendors = [*named, ANY_OTHER if named else "every vendor"]
    for origin in ORIGINS:
        for vendor in vendors:
            for copy in COPIES:
                yield origin, vendor, copy, choose(rules, origin, vendor, copy)
