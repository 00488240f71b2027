"""Hours of the day as people say them: `22:00-02:00 on Fri, Sat`, by the clock on the wall of the agency."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hub.errors import Invalid
from hub.store.instant import to_micros

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 24 * 60
_SAID: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)(?:@([a-z,]+))?")
_MINUTE: Final = 60_000_000
_EPOCH_DAY: Final = 3
"""1 January 1970 was a Thursday."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From a minute of the day to another, `until` not included, on some weekdays (0 is Monday).

    Where `until` is not after `since` the span ends on the next day; it belongs to the day on which it begins.
    """

    since: int
    until: int
    days: frozenset[int] = frozenset(range(7))

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """The hours of `22:00-02:00` or `22:00-02:00@fri,sat`; raises `Invalid`."""
        match = _SAID.fullmatch(text.strip().lower().replace(" ", ""))
        if not match:
            raise Invalid(f"hours: {text[:40]!r} is not written as 22:00-02:00 or 22:00-02:00@fri,sat")
        first, last = (int(match[n]) * 60 + int(match[n + 1]) for n in (1, 3))
        if max(first, last) > _DAY or first == _DAY or int(match[2]) > 59 or int(match[4]) > 59:
            raise Invalid(f"hours: {text[:40]!r} names no time of day; write 00:00 to 24:00, as in 22:00-02:00")
        named = match[5].split(",") if match[5] else DAYS
        if unknown := set(named) - set(DAYS):
            raise Invalid(f"hours: {sorted(unknown)[0]!r} is no day; they are {', '.join(DAYS)}")
        return cls(first, last % _DAY, frozenset(DAYS.index(day) for day in named))

    def holds(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether an instant lies in them."""
        local = at.astimezone(zone)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.since < self.until:
            return self.since <= minute < self.until and day in self.days
        return (minute >= self.since and day in self.days) or (minute < self.until and (day - 1) % 7 in self.days)

    def condition(self, column: str, offset: int) -> str:
        """`holds` as SQL over a column of µs, where the zone is `offset` µs ahead of UTC."""
        minute = f"(({column} + {offset}) / {_MINUTE}) % {_DAY}"
        today = f"(({column} + {offset}) / {_MINUTE * _DAY} + {_EPOCH_DAY}) % 7 IN ({_listed(self.days)})"
        if self.since < self.until:
            return f"({minute} >= {self.since} AND {minute} < {self.until} AND {today})"
        days_after = frozenset((day + 1) % 7 for day in self.days)
        morning = f"(({column} + {offset}) / {_MINUTE * _DAY} + {_EPOCH_DAY}) % 7 IN ({_listed(days_after)})"
        return f"({minute} >= {self.since} AND {today} OR {minute} < {self.until} AND {morning})"


def within(hours: tuple[Hours, ...], column: str, zone: ZoneInfo, since: datetime, until: datetime) -> str:
    """Any of the hours as SQL over a column of µs, with every change of the clock between two instants."""
    spans = []
    for begin, end, offset in _offsets(zone, since, until):
        any_of = " OR ".join(span.condition(column, offset) for span in hours)
        spans.append(f"({column} >= {begin} AND {column} < {end} AND ({any_of}))")
    return f"({' OR '.join(spans)})"


def _listed(days: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(days)))


def _offsets(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[tuple[int, int, int]]:
    """The spans of one offset each, as µs: begin, end, how far the zone is ahead of UTC."""
    begin, offset = since, _offset(zone, since)
    day = since
    while day < until:
        following = min(day + timedelta(days=1), until)
        if (then := _offset(zone, following)) != offset:
            change = _change(zone, day, following, offset)
            yield to_micros(begin), to_micros(change), offset
            begin, offset = change, then
        day = following
    yield to_micros(begin), to_micros(until), offset


def _change(zone: ZoneInfo, before: datetime, after: datetime, offset: int) -> datetime:
    """The first whole minute that has another offset."""
    low, high = (int(at.timestamp()) // 60 for at in (before, after))
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle * 60, UTC)) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high * 60, UTC)


def _offset(zone: ZoneInfo, at: datetime) -> int:
    ahead = at.astimezone(zone).utcoffset()
    assert ahead is not None
    return int(ahead / timedelta(microseconds=1))
