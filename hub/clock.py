"""The only source of time in the hub, and what may be done by a time that is in doubt."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol, runtime_checkable

REST: Final = timedelta(days=2)
"""A hub that has rested longer asks a person whether the machine's clock is right."""
STEP: Final = timedelta(minutes=10)
"""How far the machine's clock may be set back without anybody being told."""


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """The current instant, in UTC."""


@dataclass(frozen=True, slots=True)
class ClockStanding:
    """How the machine's clock stands to `trusted`, the newest instant that the hub has ever trusted."""

    machine: datetime
    trusted: datetime

    @property
    def state(self) -> Literal["right", "ahead", "behind"]:
        """`ahead`: more than a rest explains. `behind`: a time that was, once again."""
        if self.machine > self.trusted + REST:
            return "ahead"
        return "behind" if self.machine < self.trusted - STEP else "right"


@runtime_checkable
class MayBeWrong(Protocol):
    """A clock that is held against the newest instant that was trusted."""

    def standing(self) -> ClockStanding:
        """How it stands now."""

    def sure(self) -> datetime:
        """The time; raises `AdminMustAct` where it is too far ahead to destroy anything by it."""

    def certain(self) -> datetime:
        """The newest instant that is certainly past: the trusted one, where the machine's clock is ahead of it."""

    def earliest(self) -> datetime:
        """The earliest instant that it may be now: the machine's, where its clock is behind."""


def sure(clock: Clock) -> datetime:
    """The time for whoever destroys or shortens; raises `AdminMustAct` while the machine's clock is far ahead."""
    return clock.sure() if isinstance(clock, MayBeWrong) else clock.now()


def certain(clock: Clock) -> datetime:
    """The time by which reads are left out that are over on arrival; by a clock in doubt they are kept, unseen."""
    return clock.certain() if isinstance(clock, MayBeWrong) else clock.now()


def earliest(clock: Clock) -> datetime:
    """The earliest instant that it may be now: what was noted later than this may be of a clock that was ahead."""
    return clock.earliest() if isinstance(clock, MayBeWrong) else clock.now()


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        return datetime.now(UTC)


class SetClock:
    """A clock that somebody sets: for tests, and for demonstrations that cannot wait thirty days."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The instant it was last set to."""
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move the clock."""
        self._at += by
