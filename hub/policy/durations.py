"""Calendar arithmetic for retention: when a period that began at an instant is over."""

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_ISO: Final = re.compile(
    r"P(?!$)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)
_LONGEST: Final = 100
"""Years: nothing that is kept longer has an end that anybody here will see."""


class Duration(NamedTuple):
    """An ISO 8601 period: months are calendar months in the agency's zone, the rest is elapsed time."""

    months: int
    elapsed: timedelta

    def words(self) -> str:
        """The period as people say it: `30 days`, `1 year`, `13 months`, `72 hours`."""
        parts = []
        years, months = divmod(self.months, 12)
        if months:
            years, months = 0, self.months
        days, rest = self.elapsed.days, self.elapsed.seconds / 3600
        for number, noun in ((years, "year"), (months, "month"), (days, "day"), (rest, "hour")):
            if number:
                parts.append(f"{number:g} {noun}{'' if number == 1 else 's'}")
        return " and ".join(parts) or "no time"

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """The duration of `P30D`, `P1Y`, `P24M`, `PT72H` …; raises `ValueError` for anything else, and over a century.

        A day is 24 hours and a week seven of them, whatever the clocks do.
        """
        match = _ISO.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is not an ISO 8601 duration such as P30D, P1Y or PT72H")
        if any(len(part or "") > 10 for part in match.groups()):
            raise ValueError(f"{text[:20]!r} is longer than {_LONGEST} years")
        years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        try:
            elapsed = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        except OverflowError:
            elapsed = timedelta.max
        if (12 * years + months) / 12 + elapsed.days / 365 > _LONGEST:
            raise ValueError(f"{text!r} is longer than {_LONGEST} years")
        return cls(12 * years + months, elapsed)

    def ceiling(self, start: datetime, zone: tzinfo) -> datetime:
        """The first UTC instant at which nothing may be kept any more; where the calendar leaves a choice, the earlier.

        Months keep the local wall clock. A day that the target month lacks becomes its last day (29 February + P1Y is
        28 February). Of two readings of a repeated hour it is the first; a wall-clock time that the target day lacks
        is read with the offset before the change, so it never reaches further than the gap itself.
        """
        if not self.months:
            return start.astimezone(UTC) + self.elapsed
        local = start.astimezone(zone)
        year, month, last = self._month(local)
        wall = local.replace(year=year, month=month, day=min(local.day, last), fold=0)
        return wall.astimezone(UTC) + self.elapsed

    def floor(self, start: datetime, zone: ZoneInfo) -> datetime:
        """The first UTC instant at which something may be deleted; where the calendar leaves a choice, the later.

        A day that the target month lacks becomes the first of the next (29 February + P1Y is 1 March), and of two
        readings of a repeated hour it is the second.
        """
        if not self.months:
            return start.astimezone(UTC) + self.elapsed
        local = start.astimezone(zone)
        year, month, last = self._month(local)
        if local.day > last:
            wall = local.replace(year=year + month // 12, month=month % 12 + 1, day=1)
        else:
            wall = local.replace(year=year, month=month)
        return max(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)) + self.elapsed

    def _month(self, local: datetime) -> tuple[int, int, int]:
        """The year and month in which the months end, and that month's last day."""
        count = local.month - 1 + self.months
        year, month = local.year + count // 12, count % 12 + 1
        return year, month, calendar.monthrange(year, month)[1]


@cache
def room(ceiling: Duration, floor: Duration) -> timedelta:
    """The least time that a ceiling leaves after a floor that begins at the same instant; negative where it is shorter.

    Never overstated: months of every length are tried, across a leap day and across a February that has none though its
    year is divisible by four, and two hours are taken off for what clock changes may do.
    """
    if not ceiling.months and not floor.months:
        return ceiling.elapsed - floor.elapsed
    utc = ZoneInfo("UTC")
    least = min(ceiling.ceiling(start, utc) - floor.floor(start, utc) for start in _starts())
    return least - timedelta(hours=2)


@cache
def outlasts(one: Duration, other: Duration) -> bool:
    """Whether a period may be over later than another that begins with it; months of every length are tried."""
    if one.months == other.months:
        return one.elapsed > other.elapsed
    utc = ZoneInfo("UTC")
    return any(one.ceiling(start, utc) > other.ceiling(start, utc) for start in _starts())


def _starts() -> Iterator[datetime]:
    """Days from which months of every length run, across a leap day and a century that has none."""
    return (
        datetime(year, month, day, tzinfo=UTC)
        for year in range(2088, 2108)
        for month in range(1, 13)
        for day in {1, 28, *range(29, calendar.monthrange(year, month)[1] + 1)}
    )
