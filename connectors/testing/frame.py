"""A frame that stands still: the clock shows one instant and nobody waits."""

from dataclasses import dataclass
from datetime import datetime

from connectors.contract import Frame


@dataclass(frozen=True, slots=True)
class StoppedClock:
    """A clock that shows one instant."""

    at: datetime

    def now(self) -> datetime:
        """That instant."""
        return self.at


def frame_at(now: datetime, slept: list[float] | None = None) -> Frame:
    """A frame whose clock shows `now`; what a connector's frame would wait goes to `slept`, in seconds.

    Waits before another try are the longest that they may be, so that they are always the same.

    Raises `ValueError` where `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("now: needs a time zone")
    return Frame(StoppedClock(now), (slept if slept is not None else []).append, chance=lambda: 1.0)
