"""`Floors`: until when reads may not be deleted, by the policy under which each of them was kept.

A read carries its floor from the page that brought it on: whatever is in force later, and whatever its connection
becomes, nobody deletes it sooner. Only a court's order does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple

from hub.policy.profile import Profile
from hub.policy.provenance import Provenance
from hub.store.instant import from_micros, to_micros

NONE: Final = 0
"""What stands for a floor (µs) where nobody says that a read must be kept for a time."""


class Kept(NamedTuple):
    """What a floor hangs on: whose read it is, its times (µs), and the floor that it carries."""

    connection_id: int
    captured_at: int
    received_at: int
    ingested_at: int
    floor_at: int | None


class Floors:
    """The floors of reads that are kept; of those that carry none the policies that were in force tell."""

    def __init__(self, policies: Sequence[tuple[int, Profile]], kinds: Mapping[int, Provenance]) -> None:
        """`policies` in their order, each with the time (µs) at which it was put in force."""
        self._policies = policies
        self._kinds = kinds

    @cached_property
    def any(self) -> bool:
        """Whether any policy of those ever set a floor for any of the connections."""
        kinds = set(self._kinds.values())
        return any(profile.chosen(*kind, "hub").floors for _, profile in self._policies for kind in kinds)

    def of(self, read: Kept) -> int:
        """The instant (µs) before which nobody may delete a read; `NONE` where nobody says so."""
        if read.floor_at is not None:
            return read.floor_at
        kind = self._kinds.get(read.connection_id)
        if kind is None or not self.any:
            return NONE
        since = [profile for at, profile in self._policies if at <= read.ingested_at]
        return floor_of(since[-1] if since else self._policies[0][1], kind, read.captured_at, read.received_at)

    def end(self, read: Kept, until: int, before: int) -> int:
        """The end (µs) that a read gets which shall end at `until`: never sooner than its floor, but for one that it
        had already (`before`)."""
        return until if until >= before else max(until, min(self.of(read), before))


def floor_of(profile: Profile, kind: Provenance, captured_at: int, received_at: int) -> int:
    """The floor (µs) that a profile sets for a read of this kind; `NONE` where it sets none."""
    if not profile.chosen(*kind, "hub").floors:
        return NONE
    floor = profile.floor(*kind, from_micros(captured_at), from_micros(received_at))
    return NONE if floor is None else to_micros(floor.at)


class FloorsOfPage:
    """The floors of reads that arrive together under one policy."""

    def __init__(self, profile: Profile, kind: Provenance, received_at: datetime) -> None:
        self._profile = profile
        self._kind = kind
        self._received = received_at
        floors = profile.chosen(*kind, "hub").floors
        signed = any(decision.prevails is not None for decision in profile.decisions)
        by_arrival = all(rule.min is not None and rule.min.clock == "received_at" for rule in floors)
        # Where they run from the arrival it is one instant for all reads of the page, found once.
        self._each = bool(floors) and (signed or not by_arrival)
        self._one = self._floor(received_at) if floors and not self._each else None

    def of(self, captured_at: datetime) -> datetime | None:
        """The floor of a read that was captured then; None where there is none."""
        return self._floor(captured_at) if self._each else self._one

    def _floor(self, captured_at: datetime) -> datetime | None:
        floor = self._profile.floor(*self._kind, captured_at, self._received)
        return None if floor is None else floor.at
