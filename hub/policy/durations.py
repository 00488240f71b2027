"""Calendar arithmetic for retention: when a period that began at an instant is over."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_ISO: Final = re.compile(
    r"P(?!$)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)


class Duration(NamedTuple):
    """An ISO 8601 period: months are calendar months in the agency's zone, the rest is elapsed time."""

    months: int
    elapsed: timedelta

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """The duration of `P30D`, `P1Y`, `P24M`, `PT72H` …; raises `ValueError` for anything else."""
        found = _ISO.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is not an ISO 8601 duration")
        years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        elapsed = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        return cls(12 * years + months, elapsed)

    def ceiling(self, start: datetime, zone: ZoneInfo) -> datetime:
        """The first UTC instant at which nothing may be kept any more.

        Days are 24 hours each, whatever the clocks do. Months keep the local wall clock; a day that the target month
        lacks becomes its last day (29 February + P1Y is 28 February), and a wall-clock time that the target day lacks
        is read with the offset before the change, so it never reaches further than the gap itself.
        """
        if not self.months:
            return start + self.elapsed
        local = start.astimezone(zone)
        month = local.month - 1 + self.months
        year, month = local.year + month // 12, month % 12 + 1
        day = min(local.day, calendar.monthrange(year, month)[1])
        return local.replace(year=year, month=month, day=day).astimezone(UTC) + self.elapsed
