"""The only source of time in the hub."""

from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """The current instant, in UTC."""


@runtime_checkable
class MayBeWrong(Protocol):
    """A clock that is held against what was known before."""

    def machine(self) -> datetime:
        """What the machine itself says, right or wrong."""


def earliest(clock: Clock) -> datetime:
    """The earliest instant that it may be now: what is later than this may be of a clock that was ahead."""
    now = clock.now()
    return min(now, clock.machine()) if isinstance(clock, MayBeWrong) else now


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
