"""Which reads must go when: the next days, rule by rule, and the instants between which ages lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Invalid
from hub.governing.in_force import Governing
from hub.people import Actor
from hub.policy.durations import Duration
from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

LONGEST: Final = 366
"""Days that may be asked for at once."""
_SLACK: Final = timedelta(days=4)
"""By how much months' ends and clock changes may shift a period, generously."""

_COUNTED: Final = """
SELECT rule, count(*), sum(CASE WHEN held THEN 1 ELSE 0 END) FROM reads
WHERE expires_at >= :since AND expires_at < :until GROUP BY rule ORDER BY rule
"""
"""A walk along the index on `expires_at`: as long as the reads of that day, however many others there are."""
_COUNTED_AT_ONCE: Final = """
SELECT width_bucket(expires_at, CAST(:begins AS bigint[])) AS day, rule, count(*), sum(CASE WHEN held THEN 1 ELSE 0 END)
FROM reads WHERE expires_at >= :since AND expires_at < :until GROUP BY 1, 2 ORDER BY 1, 2
"""
"""On PostgreSQL, whose index knows only in which pages such reads may lie: a look at all of those for each day would be
many times a look at every read."""


@dataclass(frozen=True, slots=True)
class EndingDay:
    """The reads whose life ends on one day of the agency's, by one rule; `held` of them stay all the same."""

    day: date
    rule: str
    clause: str | None
    """None: a rule of a policy that is not in force any more."""
    reads: int
    held: int


class Calendar:
    """The ends that are to come."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, governing: Governing) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing

    def next(self, actor: Actor, days: int = 30) -> list[EndingDay]:
        """The ends of today, from now on, and of the days after it; `days` counts today. Raises `Invalid`."""
        if not 0 < days <= LONGEST:
            raise Invalid(f"days: must lie between 1 and {LONGEST}")
        now, profile = self._clock.now(), self._governing.profile()
        clauses = {rule.id: rule.clause for rule in profile.rules}
        with self._store.read() as connection:
            counted = _at_once if dialect(self._store).IN_MONTHS else _each_day
            endings = [
                EndingDay(day, rule, clauses.get(rule), int(reads), int(held))
                for day, rule, reads, held in counted(connection, list(_days(now, days, profile.zone)))
            ]
        self._audit.record(
            actor, Act.RETENTION_CALENDAR, Outcome.DONE, results=sum(ending.reads for ending in endings), days=days
        )
        return endings


_Days = list[tuple[date, datetime, datetime]]


def _each_day(connection: Connection, days: _Days) -> Iterator[tuple[date, str, int, int]]:
    for day, since, until in days:
        for row in connection.execute(text(_COUNTED), {"since": to_micros(since), "until": to_micros(until)}):
            yield day, *row


def _at_once(connection: Connection, days: _Days) -> Iterator[tuple[date, str, int, int]]:
    begins = [to_micros(since) for _, since, _ in days]
    bound = {"begins": begins, "since": begins[0], "until": to_micros(days[-1][2])}
    for number, *row in connection.execute(text(_COUNTED_AT_ONCE), bound):
        yield days[number - 1][0], *row


def _days(now: datetime, count: int, zone: ZoneInfo) -> Iterator[tuple[date, datetime, datetime]]:
    """Each local day with the instants between which it lies; today begins now."""
    today, since = now.astimezone(zone).date(), now
    for number in range(count):
        day = today + timedelta(days=number)
        until = datetime.combine(day + timedelta(days=1), time(), zone)
        yield day, since, until
        since = until


def reached(period: Duration, now: datetime, zone: ZoneInfo) -> datetime:
    """The latest capture time whose period is over now; reads captured later are younger.

    Found by bisection, so that it agrees with the ceilings to the microsecond, whatever the calendar does.
    """
    rough = now - timedelta(days=period.months * 30.4369) - period.elapsed
    over, still = to_micros(rough - _SLACK), to_micros(rough + _SLACK)
    while still - over > 1:
        middle = (over + still) // 2
        if period.ceiling(from_micros(middle), zone) <= now:
            over = middle
        else:
            still = middle
    return from_micros(over)
