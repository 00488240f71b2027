"""What the hub does for itself and has not done: jobs of it that fail, and what is over and still on the disk."""

from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from sqlalchemy import Connection, and_, func, select

from hub.connections.card import FAILING, Card
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.words import moment, span

HOURLY: Final = 2
OFTEN: Final = 4
"""Runs in a row that must have failed; of what runs once a night or a week, one is enough."""
JOBS: Final = {
    "purge": (HOURLY, "What is over is out of sight, and stays on the disk until a purge ends well.", "alprhub purge"),
    "holds": (HOURLY, "What cases need no longer stays held.", "alprhub runs --job holds --bad"),
    "checkpoint": (HOURLY, "Nothing new is signed of the audit log.", "alprhub audit checkpoint"),
    "audit": (1, "Nobody holds the audit log against its hashes.", "alprhub audit verify"),
    "recompute": (OFTEN, "Reads keep the ends of an older policy.", "alprhub policy recompute"),
    "notices": (OFTEN, "People are not told of what needs them.", "alprhub notices test"),
    "months": (1, "PostgreSQL may have no room for the reads of the coming months.", "alprhub runs --job months --bad"),
    "reconcile": (1, "Nobody adds up what came and what became of it.", "alprhub retention reconcile"),
    "canary": (1, "Vendors are not asked for what they must have purged.", "alprhub retention canary probe"),
}
"""Of a job: how many failed runs are news, what they lead to, and the command that does the job or says more."""
FOUND: Final = {
    "audit": (
        "audit_changed", "The audit log was changed",
        "Take nothing away and change nothing; tell whoever investigates misuse, and see with the command below what it"
        " was. What a witness keeps says more: alprhub audit verify --kept FILE.",
        "alprhub audit verify",
    ),
    "checkpoint": (
        "log_unwitnessed", "What proves the audit log does not get out",
        "Mend that; every hour it is tried again, and the command below tries at once.",
        "alprhub audit deliver",
    ),
}  # fmt: skip
"""Of a job whose newest run found something: the card's code, its title, what to do, and the command."""
OVERDUE: Final = timedelta(hours=3)
"""How long after the last purge that ended well a person should look; one is due every hour."""
ALIVE: Final = timedelta(minutes=1)
"""How long ago a run that goes on has shown at most that it lives."""
_BY_HAND: Final = "by hand ("
_RUNS: Final = tables.job_runs


def upkeep(store: Store, now: datetime, zone: tzinfo) -> list[Card]:
    """Of each job that fails one card, and one where nothing is purged at all."""
    with store.read() as connection:
        failing = {job: card for job in JOBS if (card := _failing(connection, job, now, zone)) is not None}
        idle = None if "purge" in failing else _idle(connection, now, zone)
        found = [card for job in FOUND if (card := _found(connection, job, now, zone)) is not None]
    return [*found, *failing.values(), *([idle] if idle else [])]


def _found(connection: Connection, job: str, now: datetime, zone: tzinfo) -> Card | None:
    code, title, do, command = FOUND[job]
    ended = and_(_of(job), _RUNS.c.outcome.in_(("done", "unproved")))
    run = connection.execute(select(_RUNS).where(ended).order_by(_RUNS.c.started_at.desc()).limit(1)).first()
    if run is None or run.outcome == "done":
        return None
    plain = f"{title}, as was found {_at(run.started_at, now, zone)}"
    since = from_micros(run.started_at)
    return Card(FAILING, title, f"{plain}: {run.error}.", do, command, code, plain=f"{plain}.", about=job, since=since)


def _failing(connection: Connection, job: str, now: datetime, zone: tzinfo) -> Card | None:
    enough, meaning, command = JOBS[job]
    good = _good(connection, job)
    bad = and_(_of(job), _RUNS.c.outcome.in_(("failed", "killed")), _RUNS.c.started_at > (good or 0))
    number, first = connection.execute(select(func.count(), func.min(_RUNS.c.started_at)).where(bad)).one()
    if number < enough:
        return None
    error = connection.scalar(select(_RUNS.c.error).where(bad).order_by(_RUNS.c.started_at.desc()).limit(1))
    since = from_micros(first)
    which = f"{number:,} runs in a row" if number > 1 else "The last run"
    plain = f"{which} of {job} failed since {moment(since, zone)} ({span(now - since)} ago)"
    why = (error or "nothing says why").rstrip(".")
    return Card(
        FAILING, f"The job {job} fails", f"{plain}: {why}. {meaning}",
        "Do it with the command below and see what it says; all runs of it that failed: alprhub runs --job"
        f" {job} --bad." if not command.startswith("alprhub runs") else "See what its runs say, and mend that.",
        command, "job_fails", plain=f"{plain}. {meaning}", about=job, since=since,
    )  # fmt: skip


def _idle(connection: Connection, now: datetime, zone: tzinfo) -> Card | None:
    """The card of a purge that does not run; none where nothing is over and no schedule has ever purged."""
    good = _good(connection, "purge")
    if good is not None and good > to_micros(now - OVERDUE):
        return None
    under_way = and_(_of("purge"), _RUNS.c.ended_at.is_(None), _RUNS.c.alive_at >= to_micros(now - ALIVE))
    if connection.scalar(select(_RUNS.c.id).where(under_way).limit(1)) is not None:
        return None
    oldest = _oldest(connection, now)
    if oldest is None and (good is None or not _scheduled(connection)):
        return None
    last = f"No purge has ended well since {_at(good, now, zone)}" if good else "No purge has ever ended well here"
    over = f"; the oldest of what is over should have gone {_at(oldest, now, zone)}." if oldest else "."
    since = from_micros(good or oldest or 0)
    return Card(
        FAILING, f"What is over has not been destroyed since {moment(since, zone)}", last + over,
        "Destroy it with the command below; then see that whatever runs the schedules is up (`alprhub run`, or Prefect"
        " and its worker): a purge is due every hour.",
        "alprhub purge", "not_purged", plain=last + over,
    )  # fmt: skip


def _of(job: str) -> Any:
    return and_(_RUNS.c.job == job, _RUNS.c.subject == "")


def _good(connection: Connection, job: str) -> int | None:
    """When the newest run that did its work began, whatever it found."""
    ended = and_(_of(job), _RUNS.c.outcome.in_(("done", "unproved")))
    newest = select(_RUNS.c.started_at).where(ended).order_by(_RUNS.c.started_at.desc()).limit(1)
    return connection.scalar(newest)


def _scheduled(connection: Connection) -> bool:
    by_schedule = and_(_of("purge"), ~_RUNS.c.runner.startswith(_BY_HAND, autoescape=True))
    return connection.scalar(select(_RUNS.c.id).where(by_schedule).limit(1)) is not None


def _oldest(connection: Connection, now: datetime) -> int | None:
    """When the oldest read that nothing holds should have gone, if that was long ago: a step into an index."""
    ends = tables.reads.c.expires_at
    over = and_(ends <= to_micros(now - OVERDUE), tables.reads.c.held.is_(False))
    return connection.scalar(select(ends).where(over).order_by(ends).limit(1))


def _at(instant: int, now: datetime, zone: tzinfo) -> str:
    at = from_micros(instant)
    return f"{moment(at, zone)} ({span(now - at)} ago)"
