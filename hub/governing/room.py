"""The room of what is in force: which policy, whose reads each source's are, and how another policy comes."""

from typing import Protocol
from zoneinfo import ZoneInfo

from hub.governing.activate import Activate, Foresees
from hub.governing.alarms import Alarms
from hub.governing.clock_trust import ClockTrust
from hub.governing.in_force import Governing
from hub.governing.loosening import Loosening
from hub.governing.sources import Sources
from hub.once import made_once
from hub.parts import Parts
from hub.policy.profile import Profile
from hub.proposals import Proposing


class _Retention(Protocol):
    @property
    def recompute(self) -> Foresees: ...


class _Access(Protocol):
    @property
    def proposing(self) -> Proposing: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def retention(self) -> _Retention:
        """What would a policy do?"""

    @property
    def access(self) -> _Access:
        """Where is a policy proposed?"""


class GoverningRoom:
    """What is in force."""

    def __init__(self, parts: Parts, house: Neighbours) -> None:
        self._parts = parts
        self._house = house

    @property
    def profile(self) -> Profile:
        """The policy in force now, whichever process has put it in force."""
        return self.in_force.profile()

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which it counts days, months and nights."""
        return self.in_force.zone

    @made_once
    def in_force(self) -> Governing:
        """The policy in force, and those before it."""
        return Governing(self._parts.store)

    @made_once
    def sources(self) -> Sources:
        """Where every connection's reads come from."""
        return Sources(self._parts.store)

    @made_once
    def alarms(self) -> Alarms:
        """Refuses what one person tries that takes two."""
        return Alarms(self._parts.store, self._parts.audit, self._parts.clock)

    @made_once
    def loosening(self) -> Loosening:
        """What must be signed before a promise is loosened."""
        return Loosening(self._parts.store, self._parts.clock, self.alarms)

    @made_once
    def clock(self) -> ClockTrust:
        """Lets the hub go by a clock that it doubts."""
        parts = self._parts
        return ClockTrust(parts.store, parts.audit, parts.clock, self._house.access.proposing)

    @made_once
    def activate(self) -> Activate:
        """Puts another policy in force."""
        parts, house = self._parts, self._house
        return Activate(
            parts.store, parts.audit, parts.clock, house.retention.recompute, house.access.proposing, self.loosening,
            self.sources,
        )  # fmt: skip
