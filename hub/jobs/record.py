"""`JobRuns`: the record of what ran: by whom it was started, how long it took, what it counted, how it ended.

A run says every `BEAT` that it is alive; one that has not for `DEAD` was killed, and whoever looks next notes that.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Row, delete, func, insert, or_, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from hub.clock import Clock, sure
from hub.jobs.timetable import SLACK
from hub.store import tables
from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

log: Final = logging.getLogger("alprhub.jobs")

AWAY: Final = (SQLAlchemyError, OSError)
"""The errors that mean a database is away: its own, and those of the files beside it, such as locks."""
BEAT: Final = timedelta(seconds=15)
DEAD: Final = timedelta(seconds=45)
KEPT: Final = timedelta(days=90)
"""How long the record of a run is kept."""
PATIENCE: Final = timedelta(minutes=5)
AGAIN: Final = timedelta(seconds=2)
"""How long a database that is away is told how a run ended, and how often."""
Outcome = Literal["running", "done", "unproved", "failed", "stopped", "killed"]


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job; `counts` are numbers by what they count, `error` is the hub's own sentence."""

    job: str
    subject: str
    runner: str
    started_at: datetime
    ended_at: datetime | None
    outcome: Outcome
    counts: dict[str, int] = field(default_factory=dict)
    error: str | None = None

    @property
    def good(self) -> bool:
        """Whether nobody needs to look at it."""
        return self.outcome == "done"


_ONE: Final = (
    "SELECT id FROM job_runs WHERE job = :job AND subject = {} AND started_at <= :until "
    "ORDER BY started_at DESC, id DESC LIMIT 1"
)
"""The newest run of a job on a subject: one step into an index, where a window over all runs would read them all."""


class JobRuns:
    """Begins, ends and lists runs."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._changed = threading.Condition()
        self._alive: set[int] = set()
        self._beating: threading.Thread | None = None

    def begin(self, job: str, subject: str, runner: str, after: datetime | None = None) -> "OpenRun | None":
        """Put a run on record; None where another is under way, or has begun since `after`, the newest that was seen.

        One transaction of the one writer: of two processes that find the same job due, one runs it. A run that lies in
        the future of now is none.
        """
        now = self._clock.now()
        table = tables.job_runs
        same = (table.c.job == job) & (table.c.subject == subject)
        with self._store.write(durable=False) as connection:
            newest = connection.execute(
                select(table.c.started_at, table.c.ended_at, table.c.alive_at)
                .where(same, table.c.started_at <= to_micros(now + SLACK))
                .order_by(table.c.started_at.desc(), table.c.id.desc()).limit(1)
            ).one_or_none()  # fmt: skip
            if newest is not None:
                if newest.ended_at is None and to_micros(now - DEAD) <= newest.alive_at <= to_micros(now + DEAD):
                    return None
                if after is not None and newest.started_at > to_micros(after):
                    return None
            new = insert(table).values(
                job=job, subject=subject, runner=f"{runner} ({socket.gethostname()}:{os.getpid()})",
                started_at=to_micros(now), alive_at=to_micros(now), outcome="running",
            )  # fmt: skip
            ident = int(connection.execute(new.returning(table.c.id)).scalar_one())
        self._beat(ident)
        return OpenRun(self, ident)

    def settle(self) -> int:
        """Note as killed what has shown no life for `DEAD`, or last in a time that is still to come; gives how many."""
        now = self._clock.now()
        table = tables.job_runs
        alive = table.c.alive_at.between(to_micros(now - DEAD), to_micros(now + DEAD))
        dead = table.c.ended_at.is_(None) & ~alive
        with self._store.read() as connection:
            if connection.scalar(select(func.count()).select_from(table).where(dead)) == 0:
                return 0
        reason = "its process ended before the run did"
        with self._store.write() as connection:
            killed = {"ended_at": table.c.alive_at, "outcome": "killed", "error": reason}
            ended = connection.execute(update(table).where(dead).values(**killed))
        return ended.rowcount

    def alive(self) -> list[str]:
        """The runners of what goes on now, and says so."""
        table = tables.job_runs
        since = to_micros(self._clock.now() - DEAD)
        with self._store.read() as connection:
            query = select(table.c.runner).where(table.c.ended_at.is_(None), table.c.alive_at >= since)
            return list(connection.scalars(query))

    def last(self, job: str, subjects: Sequence[str] = ("",)) -> dict[str, list[JobRun]]:
        """The newest two runs of a job on each of these subjects, newest first; one query, however many they are.

        A run that lies in the future of now is none.
        """
        subject = dialect(self._store).each_text("subjects")
        newest_id = _ONE.format("subjects.subject")
        query = text(
            f"WITH subjects (subject) AS (SELECT {subject}), "
            f"newest (first, second) AS (SELECT ({newest_id}), ({newest_id} OFFSET 1) FROM subjects) "
            "SELECT * FROM job_runs WHERE id IN (SELECT first FROM newest UNION ALL SELECT second FROM newest) "
            "ORDER BY started_at DESC, id DESC"
        )
        until = to_micros(self._clock.now() + SLACK)
        runs: dict[str, list[JobRun]] = {subject: [] for subject in subjects}
        with self._store.read() as connection:
            bound = {"job": job, "until": until, "subjects": self._store.as_list(subjects)}
            for row in connection.execute(query, bound):
                runs[row.subject].append(_run(row))
        return runs

    def newest(
        self,
        limit: int,
        *,
        job: str | None = None,
        subject: str | None = None,
        concerning: str | None = None,
        bad: bool = False,
        without: Collection[str] = (),
    ) -> list[JobRun]:
        """The newest runs, newest first: of one job or subject, `concerning` a connection, or those that went badly.

        `without` leaves out runs of these jobs that went well and counted nothing.
        """
        table = tables.job_runs
        query = select(table).order_by(table.c.started_at.desc(), table.c.id.desc()).limit(limit)
        if job is not None:
            query = query.where(table.c.job == job)
        if subject is not None:
            query = query.where(table.c.subject == subject)
        if concerning is not None:
            query = query.where(
                or_(table.c.subject == concerning, table.c.subject.endswith(f" at {concerning}", autoescape=True))
            )
        if bad:
            query = query.where(table.c.outcome.not_in(("done", "running")))
        if without:
            eventful = table.c.counts.regexp_match("[1-9]")
            query = query.where(or_(table.c.job.not_in(without), table.c.outcome != "done", eventful))
        with self._store.read() as connection:
            return [_run(row) for row in connection.execute(query)]

    def forget(self) -> int:
        """Remove what is older than `KEPT`, a thousand rows at a time; gives how many rows went."""
        table = tables.job_runs
        old = table.c.started_at < to_micros(sure(self._clock) - KEPT)
        gone = 0
        while True:
            with self._store.write() as connection:
                idents = list(connection.scalars(select(table.c.id).where(old).limit(1000)))
                if not idents:
                    return gone
                gone += connection.execute(delete(table).where(table.c.id.in_(idents))).rowcount

    def end(self, ident: int, outcome: Outcome, counts: Mapping[str, int], error: str | None) -> None:
        """Note how a run ended; a database that is away is waited for, and the run lives until then."""
        until = time.monotonic() + PATIENCE.total_seconds()
        try:
            while True:
                try:
                    self._note(ident, outcome, counts, error)
                    return
                except AWAY:
                    if self._store.closed or time.monotonic() > until:
                        raise
                    log.warning("the database does not take how a run ended; it is told again")
                    time.sleep(AGAIN.total_seconds())
        finally:  # a run that is over lives no longer, whether or not that could be noted
            with self._changed:
                self._alive.discard(ident)
                self._changed.notify()

    def abandon(self) -> int:
        """End as stopped what still goes on in this process, which is about to end; gives how many runs that were.

        A database that is away finds them killed later, which comes to the same: they are due again at once.
        """
        with self._changed:
            left = list(self._alive)
        try:
            for ident in left:
                self._note(ident, "stopped", {}, "it was told to stop before it was done")
        except AWAY:
            log.warning("the database is away: %d runs that were cut short begin again all the same", len(left))
        return len(left)

    def _note(self, ident: int, outcome: Outcome, counts: Mapping[str, int], error: str | None) -> None:
        table = tables.job_runs
        values = {
            "ended_at": to_micros(self._clock.now()),
            "outcome": outcome,
            "counts": msgspec.json.encode(dict(counts)).decode(),
            "error": error,
        }
        with self._store.write(durable=False) as connection:
            connection.execute(update(table).where(table.c.id == ident).values(**values))

    def _beat(self, ident: int) -> None:
        with self._changed:
            if self._beating is None or not self._beating.is_alive():
                self._beating = threading.Thread(target=self._say_alive, name="job-runs", daemon=True)
                self._beating.start()
            self._alive.add(ident)

    def _say_alive(self) -> None:
        """Until no run is left, or the store is closed: say of all that go on here that they live."""
        table = tables.job_runs
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._alive, BEAT.total_seconds())
                if not self._alive or self._store.closed:
                    self._beating = None
                    return
                alive = list(self._alive)
            try:
                with self._store.write(durable=False) as connection:
                    now = to_micros(self._clock.now())
                    connection.execute(update(table).where(table.c.id.in_(alive)).values(alive_at=now))
            except AWAY:
                log.warning("the database took no sign of life of %d runs; the next is due soon", len(alive))


class OpenRun:
    """One run on the record, until it is ended."""

    def __init__(self, runs: JobRuns, ident: int) -> None:
        self._runs = runs
        self._ident = ident

    def end(self, outcome: Outcome, counts: Mapping[str, int] | None = None, error: str | None = None) -> None:
        """Note how it ended, also where it was noted as killed meanwhile: the run itself knows better."""
        self._runs.end(self._ident, outcome, counts or {}, error)


def _run(row: Row[Any]) -> JobRun:
    return JobRun(
        job=row.job,
        subject=row.subject,
        runner=row.runner,
        started_at=from_micros(row.started_at),
        ended_at=from_micros(row.ended_at) if row.ended_at is not None else None,
        outcome=row.outcome,
        counts=msgspec.json.decode(row.counts),
        error=row.error,
    )
