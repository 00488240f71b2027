"""How far each source could answer: an answer with a silent hole is worse than none."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from hub.store import tables
from hub.store.instant import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class Gap:
    """A time that no run of a connection has covered."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """One connection's part in an answer.

    `status` is `included`, `not_asked` (left out by the query), `paused`, or `never_synced`. `gaps` are the times
    within the asked window that no finished run has covered, from the first run on where the query names no beginning.
    """

    connection: str
    status: str
    last_success: datetime | None
    gaps: list[Gap]


def coverage(
    connection: Connection,
    only: Collection[str],
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> list[Coverage]:
    """The coverage of every connection, by name, for a window (open ends: from the first run, until now)."""
    accounts, runs = tables.connections, tables.runs
    last = select(runs.c.connection_id, func.max(runs.c.ended_at)).where(runs.c.outcome == "done")
    ended: dict[int, int] = {row[0]: row[1] for row in connection.execute(last.group_by(runs.c.connection_id))}
    found = []
    for row in connection.execute(select(accounts.c.id, accounts.c.name, accounts.c.state).order_by(accounts.c.name)):
        if only and row.name not in only:
            status = "not_asked"
        elif row.state != "active":
            status = row.state
        else:
            status = "included" if row.id in ended else "never_synced"
        covered = [
            (window.since, window.until)
            for window in connection.execute(
                select(runs.c.since, runs.c.until)
                .where(runs.c.connection_id == row.id, runs.c.outcome == "done")
                .order_by(runs.c.since)
            )
        ]
        begin = to_micros(since) if since else covered[0][0] if covered else to_micros(now)
        end = min(to_micros(until) if until else to_micros(now), to_micros(now))
        gaps = [Gap(from_micros(start), from_micros(stop)) for start, stop in _holes(covered, begin, end)]
        success = from_micros(ended[row.id]) if row.id in ended else None
        found.append(Coverage(row.name, status, success, gaps))
    return found


def _holes(covered: list[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """What is left of `begin`–`end` without the covered spans, which come in order of their beginnings."""
    holes = []
    at = begin
    for start, stop in covered:
        if start >= end:
            break
        if start > at:
            holes.append((at, start))
        at = max(at, stop)
    if at < end:
        holes.append((at, end))
    return holes
