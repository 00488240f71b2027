"""How often two cars meet by chance: what a meeting is worth. Pure: no store, no clock.

A place is watched for a while around each time the plate passes it. For every other plate and every such occasion the
chance that it is there anyway is taken as the GREATEST of

1. habit:  the share of other days of the same kind (Monday to Friday, or weekend) on which it passes here within the
           very same time of day;
2. hour:   its passes here on such days within half an hour of that time of day, spread evenly over that span;
3. always: its passes here at any other time, spread evenly over all the time that is known of this place;
4. traffic: its passes here at all, spread like the place's traffic: times the reads of the occasion over all reads.

`habit` and `hour` keep commuters from looking like a convoy, `always` buses, and `traffic` strangers in a rush hour,
whose own past says nothing. Spread evenly, a count c over a time T means 1 - exp(-c · length / T) for an occasion.
The expected number of meetings is the sum over all occasions, and the score -log10 of the Poisson probability of at
least as many meetings as there were.

Limits. A score is a lead, not a finding. Meetings of one trip hang together: two cars on one road meet at every camera
of it, so the probability is too small; scores rank the plates of one answer and mean little between answers. Two cars
that keep the same hours every day look like habit even if they travel together, and where the plate itself keeps them,
so does whoever is there at those hours only: look at the plain counts. A place that is known for a few days only has
no habits yet. The traffic of a place is estimated from samples.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, floor, lgamma, log, log1p
from typing import Final
from zoneinfo import ZoneInfo

from hub.store.instant import from_micros

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
BESIDE: Final = HOUR // 2
"""How far around the time of day `hour` looks, in µs."""
_QUARTER: Final = HOUR // 4
"""Zones change their clocks at whole quarters of an hour only."""
_EPOCH_DAY: Final = 3
"""1 January 1970 was a Thursday."""


def wall(micros: int, zone: ZoneInfo) -> int:
    """An instant as the clock on the wall shows it: µs since its own 1 January 1970."""
    return micros + _offset(micros // _QUARTER, zone)


@lru_cache(maxsize=65_536)
def _offset(quarter: int, zone: ZoneInfo) -> int:
    ahead = from_micros(quarter * _QUARTER).astimezone(zone).utcoffset()
    assert ahead is not None
    return ahead.days * DAY + ahead.seconds * 1_000_000


@dataclass(frozen=True, slots=True)
class PlaceActivity:
    """What is known of a place: the time over which it gave reads (µs on the wall) and about how many it gave."""

    since: int
    until: int
    reads: float


@dataclass(frozen=True, slots=True)
class MeetingSpan:
    """An occasion to meet: µs on the wall, and how many reads of other plates the place gave in it."""

    start: int
    end: int
    reads: int

    @property
    def length(self) -> int:
        """How long it lasts, µs."""
        return self.end - self.start

    def days_off(self, at: int) -> int:
        """How many days later a time lies, by the nearest repetition of the span."""
        return (at - self.start - self.length // 2 + DAY // 2) // DAY

    def same_kind(self, days: int) -> bool:
        """Whether the day so much later is of the same kind: Monday to Friday, or weekend."""
        first = self.start // DAY + _EPOCH_DAY
        return ((first + days) % 7 < 5) == (first % 7 < 5)

    def other_days(self, known: PlaceActivity) -> int:
        """How many other days of the same kind are known of the place at this time of day."""
        first, last = ceil((known.since - self.start) / DAY), floor((known.until - self.end) / DAY)
        return sum(1 for days in range(first, last + 1) if days and self.same_kind(days))


class Habit:
    """When one plate passes one place: times on the wall, µs."""

    def __init__(self, times: Sequence[int]) -> None:
        self._times = sorted(times)
        self._by_hour = sorted((at % DAY, at) for at in times)

    def __len__(self) -> int:
        return len(self._times)

    def inside(self, span: MeetingSpan) -> int:
        """How many passes fall into the span itself."""
        return bisect_right(self._times, span.end) - bisect_left(self._times, span.start)

    def around(self, start: int, length: int) -> list[int]:
        """The passes of any day at a time of day from `start` on, `length` long (less than a day)."""
        first, last = start % DAY, start % DAY + length
        times = self._between(first, min(last, DAY))
        return times + self._between(0, last - DAY) if last > DAY else times

    def _between(self, first: int, last: int) -> list[int]:
        low, high = bisect_left(self._by_hour, (first,)), bisect_right(self._by_hour, (last, DAY**2))
        return [at for _, at in self._by_hour[low:high]]


def chance(span: MeetingSpan, habit: Habit, known: PlaceActivity, other_days: int) -> float:
    """The chance, 0 to 1, that a plate is at a place in a span anyway; `other_days` is `span.other_days(known)`."""
    length = max(1, span.length)
    always = (len(habit) - habit.inside(span)) * length / max(known.until - known.since - length, length)
    traffic = len(habit) * span.reads / max(known.reads, 1.0)
    share = hour = 0.0
    if other_days and length + 2 * BESIDE < DAY:
        near = [at for at in habit.around(span.start - BESIDE, length + 2 * BESIDE) if _other(span, at)]
        hour = len(near) * length / (other_days * (length + 2 * BESIDE))
        within = {day for at in near if 0 <= at - (day := span.days_off(at)) * DAY - span.start <= length}
        share = min(1.0, len(within) / other_days)
    return max(share, 1 - exp(-max(hour, always, traffic)))


def _other(span: MeetingSpan, at: int) -> bool:
    days = span.days_off(at)
    return days != 0 and span.same_kind(days)


def surprise(meetings: int, expected: float) -> float:
    """-log10 of the chance of at least so many meetings where so many are expected (Poisson); 0 or more."""
    if meetings <= 0:
        return 0.0
    if expected <= 0:
        raise ValueError("a meeting that is never expected has no finite score")
    if meetings <= expected:
        below = sum(exp(_log_poisson(count, expected)) for count in range(meetings))
        return max(0.0, -log1p(-min(below, 1 - 1e-16)) / log(10))
    total = term = 1.0
    count = meetings
    while term > total * 1e-16:
        count += 1
        term *= expected / count
        total += term
    return max(0.0, -(_log_poisson(meetings, expected) + log(total)) / log(10))


def _log_poisson(count: int, expected: float) -> float:
    return count * log(expected) - expected - lgamma(count + 1)
