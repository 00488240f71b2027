"""When a job is due: pure arithmetic over instants. A run that lies in the future of now is no run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zlib import crc32
from zoneinfo import ZoneInfo

SLACK: Final = timedelta(minutes=1)
"""How far a start may lie ahead of now, by two machines' clocks, and still count."""


@dataclass(frozen=True, slots=True)
class Every:
    """Once in each interval; the intervals are counted from 1970 and moved by `offset`, so that nothing drifts."""

    length: timedelta
    offset: timedelta = timedelta()

    def due(self, last: datetime | None, now: datetime) -> bool:
        """Whether the span of now has had no start yet."""
        return last is None or last > now + SLACK or self._span(now) > self._span(last)

    def following(self, now: datetime) -> datetime:
        """When the next span begins."""
        begins = (self._span(now) + 1) * self.length.total_seconds() + self.offset.total_seconds()
        return datetime.fromtimestamp(begins, now.tzinfo)

    def _span(self, at: datetime) -> int:
        return int((at.timestamp() - self.offset.total_seconds()) // self.length.total_seconds())


@dataclass(frozen=True, slots=True)
class Nightly:
    """Once a night at an hour of the agency's zone, or on one day of the week (0 is Monday); later where it was missed.

    `zone` gives that of the policy in force whenever it is asked: a process that runs for months follows another one.
    An hour that a clock change skips is the one after it; one that comes twice counts once.
    """

    hour: int
    minute: int
    zone: Callable[[], ZoneInfo]
    weekday: int | None = None

    def due(self, last: datetime | None, now: datetime) -> bool:
        """Whether no run has started since the newest of its moments."""
        return last is None or last > now + SLACK or last < self._newest(now)

    def following(self, now: datetime) -> datetime:
        """Its next moment."""
        step = timedelta(days=7 if self.weekday is not None else 1)
        newest = self._newest(now).astimezone(self.zone())
        return self._at(newest.date() + step).astimezone(now.tzinfo)

    def _newest(self, now: datetime) -> datetime:
        day = now.astimezone(self.zone()).date()
        if self.weekday is not None:
            day -= timedelta(days=(day.weekday() - self.weekday) % 7)
        at = self._at(day)
        return at if at <= now else self._at(day - timedelta(days=7 if self.weekday is not None else 1))

    def _at(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=self.zone())


def spread(name: str, length: timedelta) -> Every:
    """`length`, with an offset of its own for each name: not every connection asks in the same second."""
    return Every(length, timedelta(seconds=crc32(name.encode()) % max(int(length.total_seconds()), 1)))
