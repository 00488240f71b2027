"""Whether a profile can be put in force: the conflicts in it, the numbers that it lacks, and what stands open."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from hub.errors import PolicyConflict, PolicyRefused
from hub.policy.durations import room
from hub.policy.resolution import Chosen, choose, conflict_id
from hub.policy.rules import AGENCY, COPIES, ORIGINS, Rule
from hub.words import named

ANY_OTHER: Final = "any other vendor"
DECISIONS_SHOWN: Final = 'docs/policy.md, "What nobody has decided",'


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
        return not self.conflicts and not self.without_ceiling and not self.without_schedule

    def demand(self) -> None:
        """Raise `PolicyConflict` or `PolicyRefused` for what stands in the way, if anything does.

        A rule that is left to a retention schedule needs what that says, signed, also where the profile has a number
        for it meanwhile.
        """
        self.demand_numbers()
        if self.without_schedule:
            raise PolicyRefused(
                f"the policy leaves {named(self.without_schedule)} to the agency's retention schedule, and nobody has"
                f" signed what that says. {self._remedy()}"
            )

    def demand_numbers(self) -> None:
        """Raise as `demand` does where ends cannot be worked out: enough to see what the profile would do."""
        if self.conflicts:
            conflicts = "; ".join(map(str, self.conflicts))
            raise PolicyConflict(f"{conflicts}. A signed decision is needed: who, why, and counsel's opinion")
        if self.without_ceiling:
            raise PolicyRefused(
                f"nothing says how long {', '.join(self.without_ceiling)} may be kept at most. {self._remedy()}"
            )

    def _remedy(self) -> str:
        """How the number is signed, for one of the questions that the policy itself asks its department."""
        asked = ", ".join(question.id for question in self.open if question.layer == AGENCY)
        rule = self.without_schedule[0] if self.without_schedule else "RULE"
        return (
            f"A decision must give the number (settles: one of {asked}; ceilings: {{{rule}: {{dur: …, clock:"
            " captured_at, ref: …}}), signed, in a file that is given with --decisions FILE or ALPRHUB_DECISIONS:"
            f" {DECISIONS_SHOWN} shows one"
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
