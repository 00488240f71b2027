"""What is counted of a connection: hours, cameras, runs, records, gaps. Every question is answered by an index."""

from datetime import datetime, timedelta
from itertools import takewhile
from statistics import median
from typing import Final, NamedTuple

from sqlalchemy import Connection, and_, func, select, text

from hub.store import tables
from hub.store.days import MICROS
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.runs import DONE, FILLING, NO_END, RUNNING, STOPPED, TimeSpan, holes, last_done
from hub.store.runs import spans as covered_by_runs
from hub.store.silences import ENDS
from hub.store.visible import visible_sql

WEEKS: Final = 4
RUNS: Final = 20
"""Runs that tell how it goes lately."""
SOME_REFUSED: Final = 1000
"""Quarantined records that tell why most are refused."""
DRIFT: Final = 0.05
"""Records that could not become reads, as a share of those that came, from which a connection fails …"""
SEVERAL: Final = 5
"""… once they are so many: a few may be anybody's bad day, and more good records beside them are no worse news."""
HALF: Final = 0.5
"""The share from which it fails however few they are."""
_WEEK: Final = timedelta(days=7)
_HOUR: Final = timedelta(hours=1)


class Hour(NamedTuple):
    """Reads captured in the last hour, and in the same hour of weeks before, newest first; None where nothing is known.

    Where no week is known yet, `yesterday` stands in for them.
    """

    now: int
    weeks: list[int | None]
    yesterday: int | None

    def usual(self) -> float | None:
        """What an hour like this brings; None where nothing is known."""
        known = self.known()
        return median(known) if known else None

    def known(self) -> list[int]:
        """The hours to compare with."""
        known = [one for one in self.weeks if one is not None]
        return known or ([] if self.yesterday is None else [self.yesterday])


class Runs(NamedTuple):
    """The last runs: how many failed in a row, since when and how; what they pulled, and since when they tell.

    `stopped` are those in a row, the newest among them, that were stopped before a page of theirs was kept.
    """

    last_success: datetime | None
    failed: int
    failing_since: datetime | None
    outcome: str | None
    error: str | None
    pulled: int
    quarantined: int
    oldest: datetime | None = None
    stopped: int = 0
    stopped_since: datetime | None = None


class OldestAndNewest(NamedTuple):
    """The oldest and the newest read of a connection (µs); None where there is none."""

    oldest: int | None
    newest: int | None


def ends(connection: Connection, cameras: list[int]) -> OldestAndNewest:
    """When the first and the last read of these cameras were captured."""
    seen = [row for camera in cameras if (row := connection.execute(ENDS, {"camera": camera}).one()).newest]
    if not seen:
        return OldestAndNewest(None, None)
    return OldestAndNewest(min(row.oldest for row in seen), max(row.newest for row in seen))


def hour(store: Store, connection: Connection, cameras: list[int], oldest: int | None, now: datetime) -> Hour:
    """The last hour beside the same hour of the past four weeks."""

    def count(end: datetime) -> int:
        bound = {
            "cameras": store.as_list(cameras), "since": to_micros(end - _HOUR), "until": to_micros(end),
            "now": to_micros(now),
        }  # fmt: skip
        return connection.scalar(text(sql), bound) or 0

    sql = (
        f"SELECT count(*) FROM reads WHERE {store.one_of('camera_id', 'cameras')}"
        f" AND captured_at > :since AND captured_at <= :until AND {visible_sql()}"
    )

    def before(back: timedelta) -> int | None:
        known = oldest is not None and oldest <= to_micros(now - back - _HOUR)
        return count(now - back) if known else None

    return Hour(count(now), [before(_WEEK * week) for week in range(1, WEEKS + 1)], before(timedelta(days=1)))


def runs(connection: Connection, connection_id: int) -> Runs:
    """How the last runs went."""
    table = tables.runs
    of_it = and_(table.c.connection_id == connection_id, table.c.outcome.not_in(NO_END))
    last = connection.execute(
        select(table).where(of_it).order_by(table.c.started_at.desc(), table.c.id.desc()).limit(RUNS)
    ).all()
    success = last_done(connection, connection_id).get(connection_id)
    cut = _stopped(connection, connection_id)
    failed = 0
    while failed < len(last) and last[failed].outcome != DONE:
        failed += 1
    return Runs(
        last_success=from_micros(success) if success else None,
        failed=failed,
        failing_since=from_micros(last[failed - 1].started_at) if failed else None,
        outcome=last[0].outcome if failed else None,
        error=last[0].error if failed else None,
        pulled=sum(row.pulled for row in last),
        quarantined=sum(row.quarantined for row in last),
        oldest=from_micros(last[-1].started_at) if last else None,
        stopped=len(cut),
        stopped_since=from_micros(cut[-1]) if cut else None,
    )


def _stopped(connection: Connection, connection_id: int) -> list[int]:
    """When the runs began, newest first, that were stopped since one ended otherwise or brought a part at least."""
    table = tables.runs
    ended = and_(table.c.connection_id == connection_id, table.c.outcome.not_in((RUNNING, FILLING)))
    newest = select(table.c.started_at, table.c.outcome).where(ended)
    rows = connection.execute(newest.order_by(table.c.started_at.desc(), table.c.id.desc()).limit(RUNS))
    return [row.started_at for row in takewhile(lambda row: row.outcome == STOPPED, rows)]


class Records(NamedTuple):
    """Records that came, and how many of them could not become reads."""

    came: int
    refused: int

    @property
    def share(self) -> float:
        """The share that was refused."""
        return self.refused / self.came if self.came else 0.0

    @property
    def too_many(self) -> bool:
        """Whether a person must look; good records that come beside the refused ones never make it so."""
        return self.refused > 0 and (self.share >= HALF or (self.refused >= SEVERAL and self.share >= DRIFT))


def records(connection: Connection, connection_id: int, lately: Runs) -> Records:
    """The records of the last runs, or those of the newest day that brought any, whichever are worse.

    What a replay has kept since is not counted as refused: the days know of it, runs do not. What is pushed belongs to
    no run, so of that the days alone tell.
    """
    table = tables.days
    of_it = table.c.connection_id == connection_id
    newest = connection.execute(
        select(table.c.pulled, table.c.quarantined)
        .where(of_it, table.c.pulled > 0)
        .order_by(table.c.day.desc())
        .limit(1)
    ).one_or_none()
    found = [Records(newest.pulled, newest.quarantined)] if newest else []
    if lately.pulled and lately.oldest is not None:
        still = select(func.sum(table.c.quarantined)).where(of_it, table.c.day >= to_micros(lately.oldest) // MICROS)
        found.append(Records(lately.pulled, min(lately.quarantined, int(connection.scalar(still) or 0))))
    return max(found, key=lambda one: (one.too_many, one.share), default=Records(0, 0))


def why_refused(connection: Connection, connection_id: int) -> tuple[str, str] | None:
    """The field and the reason for which most of a connection's quarantined records were refused."""
    table = tables.quarantine
    some = (
        select(table.c.field, table.c.reason).where(table.c.connection_id == connection_id).limit(SOME_REFUSED)
    ).subquery()
    most = connection.execute(
        select(some.c.field, some.c.reason)
        .group_by(some.c.field, some.c.reason)
        .order_by(func.count().desc(), some.c.field, some.c.reason)
        .limit(1)
    ).one_or_none()
    return (most.field, most.reason) if most else None


def missed(connection: Connection, connection_id: int, oldest: datetime, now: datetime) -> list[TimeSpan]:
    """The times between runs that no run has covered, oldest first; what came before `oldest` would be over by now."""
    told = covered_by_runs(connection, connection_id, to_micros(oldest), now=to_micros(now))
    covered = told.get(connection_id, [])
    if not covered:
        return []
    return list(holes(covered, max(covered[0].since, to_micros(oldest)), covered[-1].until))
