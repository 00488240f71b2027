"""Runs: what each pull did, and which time of each connection's the pulls have covered.

A run that ends badly leaves two rows: its own, for what was asked and how it failed, and one called `partly` for the
part that its pages vouched for before. What neither a `done` nor a `partly` row covers is a gap.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, or_, select, text, update

from hub.store import tables

RUNNING: Final = "running"
"""A pull from where the last one stopped, whose pages move the checkpoint."""
FILLING: Final = "filling"
"""A pull of a time that somebody named or that was missed: the checkpoint vouches for nothing of it."""
DONE: Final = "done"
PARTLY: Final = "partly"
STOPPED: Final = "stopped"
"""Somebody asked for an end: a person, or whoever supervises the process."""
UNFINISHED: Final = "unfinished"
"""A round of standing look-ups that the next run goes on with."""
AHEAD: Final = "ahead"
"""A run that was made while the clock was ahead: it has covered nothing that is known."""
NO_END: Final = (RUNNING, FILLING, PARTLY, STOPPED, UNFINISHED, AHEAD)
"""Outcomes of rows that do not tell whether a run ended well or badly."""
STEP: Final = timedelta(minutes=1)
"""A clock that is set back by less than this makes no run one that was ahead: the look-back makes up for it."""

_BEGINNINGS: Final = """
SELECT connection_id, since, reached FROM (
  SELECT connection_id, since, max(until) OVER (
    PARTITION BY connection_id ORDER BY since, until ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ) AS reached
  FROM runs WHERE outcome IN ('done', 'partly') {which}
) AS steps
WHERE reached IS NULL OR since > reached ORDER BY connection_id, since
"""
"""Where a covered time begins, and until when the one before it lasted."""
_ENDS: Final = """
SELECT connection_id, max(until) FROM runs WHERE outcome IN ('done', 'partly') {which} GROUP BY connection_id
"""

_PAST: Final = "started_at <= :latest AND until <= :latest"


class TimeSpan(NamedTuple):
    """A time in microseconds; the end is not part of it."""

    since: int
    until: int


def begin(connection: Connection, connection_id: int, span: TimeSpan, at: int, *, filling: bool = False) -> int:
    """Note that a run begins, and give its id."""
    values = {"connection_id": connection_id, "since": span.since, "until": span.until, "started_at": at}
    outcome = FILLING if filling else RUNNING
    new = insert(tables.runs).values(**values, outcome=outcome).returning(tables.runs.c.id)
    return int(connection.execute(new).scalar_one())


def end(connection: Connection, run_id: int, at: int, outcome: str = DONE, error: str | None = None) -> None:
    """Note how a run ended."""
    which = tables.runs.c.id == run_id
    connection.execute(update(tables.runs).where(which).values(ended_at=at, outcome=outcome, error=error))


def covered_before_the_end(connection: Connection, run_id: int, until: int, at: int) -> None:
    """Note that a run which did not end well had covered its time up to `until`; does nothing if it covered none."""
    table = tables.runs
    run = connection.execute(select(table).where(table.c.id == run_id)).one()
    if min(until, run.until) > run.since:
        part = {"since": run.since, "until": min(until, run.until), "started_at": run.started_at, "ended_at": at}
        connection.execute(insert(table).values(connection_id=run.connection_id, outcome=PARTLY, **part))


def settle(connection: Connection, connection_id: int, kept_until: int | None, kept_at: int | None, at: int) -> None:
    """End the runs of a connection that died, for whoever holds its lease.

    `kept_until` is what the connection's checkpoint vouches for and `kept_at` when it was kept: where that was in the
    run, the run had come so far.
    """
    table = tables.runs
    dead = select(table).where(table.c.connection_id == connection_id, table.c.outcome.in_((RUNNING, FILLING)))
    for run in connection.execute(dead).all():
        if run.outcome == RUNNING and kept_until is not None and kept_at is not None and kept_at >= run.started_at:
            covered_before_the_end(connection, run.id, kept_until, at)
        end(connection, run.id, at, "Killed", "the process ended before the run did")


def void(connection: Connection, connection_id: int, now: int) -> int:
    """Note that the runs of a connection that lie in the future of `now` (µs) have covered nothing; gives how many.

    The clock was ahead when they were made. What they asked for is not known, since that clock told them.
    """
    table = tables.runs
    in_future = or_(table.c.started_at > latest(now), table.c.until > latest(now))
    values = {"outcome": AHEAD, "error": "the clock was ahead when it ran, so what it asked for is asked for again"}
    which = table.c.connection_id == connection_id, table.c.outcome != AHEAD, in_future
    return connection.execute(update(table).where(*which).values(**values)).rowcount


def ahead(connection: Connection, connection_id: int, now: int) -> int:
    """How many runs of a connection lie in the future of `now` (µs) and are not known to have been ahead yet."""
    table = tables.runs
    in_future = table.c.connection_id == connection_id, table.c.started_at > latest(now), table.c.outcome != AHEAD
    return int(connection.scalar(select(func.count()).where(*in_future)) or 0)


def latest(now: int) -> int:
    """The last instant (µs) that is no future where it is `now`."""
    return now + STEP // timedelta(microseconds=1)


def spans(
    connection: Connection, connection_id: int | None = None, after: int | None = None, *, now: int
) -> dict[int, list[TimeSpan]]:
    """The times that runs have covered, by connection, in their order and apart from each other.

    With `after`, in µs, only runs that reach beyond it count, which spares looking at all of them. A run that lies in
    the future of `now` (µs) is none: the clock was ahead.
    """
    clauses = {"connection_id = :connection_id": connection_id, "until > :after": after, _PAST: latest(now)}
    which = "".join(f" AND {clause}" for clause, value in clauses.items() if value is not None)
    bound = {clause.rpartition(":")[2]: value for clause, value in clauses.items() if value is not None}
    begun: dict[int, list[tuple[int, int | None]]] = {}
    for ident, since, reached in connection.execute(text(_BEGINNINGS.format(which=which)), bound):
        begun.setdefault(ident, []).append((since, reached))
    last: dict[int, int] = dict(connection.execute(text(_ENDS.format(which=which)), bound).tuples().all())
    spans = {}
    for ident, steps in begun.items():
        ends = [*(reached or 0 for _, reached in steps[1:]), last[ident]]
        spans[ident] = [TimeSpan(since, until) for (since, _), until in zip(steps, ends, strict=True)]
    return spans


def covered_before(connection: Connection, connection_id: int, at: int) -> bool:
    """Whether a run of a connection has covered a time that was over by `at` (µs)."""
    table = tables.runs
    query = select(table.c.id).where(table.c.connection_id == connection_id, table.c.until <= at)
    return connection.scalar(query.where(table.c.outcome.in_((DONE, PARTLY))).limit(1)) is not None


def last_done(connection: Connection, connection_id: int | None = None) -> dict[int, int]:
    """When the last run of each connection that ended well ended (µs), or of one alone; none where none did."""
    table = tables.runs
    newest = select(table.c.connection_id, func.max(table.c.ended_at)).where(table.c.outcome == DONE)
    if connection_id is not None:
        newest = newest.where(table.c.connection_id == connection_id)
    return {row[0]: row[1] for row in connection.execute(newest.group_by(table.c.connection_id))}


def holes(covered: Sequence[TimeSpan], begin: int, end: int) -> Iterator[TimeSpan]:
    """What is left of `begin`–`end` without the covered spans, which come in their order."""
    at = begin
    for since, until in covered:
        if since >= end:
            break
        if since > at:
            yield TimeSpan(at, since)
        at = max(at, until)
    if at < end:
        yield TimeSpan(at, end)


def common(covered: Sequence[TimeSpan], begin: int, end: int) -> Iterator[TimeSpan]:
    """What the covered spans have of `begin`–`end`."""
    for since, until in covered:
        if max(since, begin) < min(until, end):
            yield TimeSpan(max(since, begin), min(until, end))
