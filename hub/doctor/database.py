"""Whether the database is whole, of this version, and clean of what was purged; and whether the clock is right."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from sqlalchemy import func, select, text

from hub.audit.actions import Act
from hub.audit.record import Audit
from hub.clock import Clock, ClockStanding
from hub.doctor.finding import Finding, look, ok, wrong
from hub.doctor.parts import damaged
from hub.former import lost_log
from hub.progress import Progress
from hub.store import tables
from hub.store.audit_file import wrong_with
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.schema import SchemaStanding
from hub.store.vacuum import owed
from hub.words import count, moment, named, span

OLD: Final = timedelta(days=7)
"""How old the last backup may be."""
SILENT: Final = timedelta(minutes=5)
"""How long a run that is under way may show no life."""
_LOG_BACK: Final = (
    "Stop every alprhub, keep what is there, and put the log's copy from the last backup in its place; the database"
    " beside it stays as it is."
)
_BAD_INDEXES: Final = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace
"""


def of_schema(stands: SchemaStanding) -> Finding:
    """Whether the tables are those of this version."""
    if stands.state == "current":
        return ok("schema", f"The tables are those of this version (revision {stands.wanted}).")
    if stands.state == "older":
        sentence = f"The tables are of an earlier version: {count(len(stands.steps), 'step')} missing."
        before = f"(its alprhub --version says revision {stands.found})"
        bring_up = f"Stop what runs, make a backup with the version that was installed before {before}, bring it up."
        return wrong("schema", sentence, bring_up, "alprhub migrate")
    if stands.state == "none":
        return wrong("schema", "The database is empty.", "Nobody has made a hub there.", "alprhub init")
    sentence = (
        f"The tables are of a newer version (revision {stands.found}, this one knows none after {stands.wanted})."
    )
    return wrong("schema", sentence, "Install the newer alprhub again, or restore the backup from before.")


def of_parts(store: Store) -> Iterator[Finding]:
    """Whether every index and trigger is there as this version made it."""
    with store.read() as connection:
        bad = damaged(connection)
    if bad:
        yield wrong(
            "schema_parts", f"Indexes or triggers of the database are missing or changed: {named(bad)}.",
            "Somebody changed it by hand. Stop every alprhub, keep the database, and restore the last backup into an"
            " empty folder.", "alprhub restore BACKUP",
        )  # fmt: skip


def of_file(store: Store, progress: Progress) -> Iterator[Finding]:
    """Whether the files are whole (SQLite), or the indexes (PostgreSQL)."""
    if store.file is None:
        with store.read() as connection:
            bad = list(connection.scalars(text(_BAD_INDEXES)))
        yield (
            wrong("database", f"Indexes that are not whole: {named(bad)}.", "Make each anew: REINDEX INDEX … in psql.")
            if bad else ok("database", "The database answers, and its indexes are whole.")
        )  # fmt: skip
        return
    for number, path in enumerate(sorted(store.file.parent.glob("alprhub*.sqlite3")), 1):
        progress("databases checked", number - 1, None)
        damage = _quick_check(path)
        if damage is None:
            yield ok("database", f"{path.name} is whole (quick_check).")
        elif path == store.log_file:
            yield wrong("audit_log", f"The audit log {path} is damaged: {damage}.", _LOG_BACK)
        else:
            yield wrong(
                "database", f"{path} is damaged: {damage}.",
                "Stop every alprhub, keep the file, and restore the last backup into an empty folder.",
                "alprhub restore BACKUP",
            )  # fmt: skip


def of_log(store: Store) -> Iterator[Finding]:
    """Whether the audit log is there (SQLite), has its events, and lets nobody change them."""
    if store.log_file is None:
        return
    if lost_log(store):
        sentence = f"The file of the audit log, {store.log_file}, is not there: who asked for what is not known."
        yield wrong("audit_log", sentence, "Bring it back from where it went. " + _LOG_BACK)
    elif store.log_file.exists() and (fault := wrong_with(store.log_file)) is not None:
        yield wrong("audit_log", f"The audit log {store.log_file} {fault}.", _LOG_BACK)


def _quick_check(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as connection:
            (first,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as failed:
        return str(failed)
    return None if first == "ok" else " ".join(str(first).split())


def of_clock(store: Store, machine: Clock, zone: tzinfo) -> Finding:
    """How the machine's clock stands to the newest time that was trusted."""
    with store.read() as connection:
        newest = connection.scalar(select(tables.trusted_time.c.newest))
    stands = ClockStanding(machine.now(), machine.now() if newest is None else from_micros(newest))
    if stands.state == "right":
        return ok("clock", f"The clock is trusted: {moment(stands.machine, zone)}.")
    far = f"{span(stands.machine - stands.trusted)} {'after' if stands.state == 'ahead' else 'before'}"
    follows = {"ahead": "nothing is purged or shortened", "behind": "the hub goes on from that time"}[stands.state]
    return wrong(
        "clock", f"The clock says {moment(stands.machine, zone)}, {far} what the hub last trusted; {follows}.",
        "Set the clock right; where it is right, two people say so.", "alprhub clock trust --reason WHY",
    )  # fmt: skip


def of_traces(store: Store, zone: tzinfo) -> Finding:
    """What becomes of the bytes of what was purged, and what certificates say of it."""
    with store.read() as connection:
        table = tables.certificates
        closed = select(func.count()).select_from(table).where(table.c.closed_at.is_not(None))
        waiting = connection.scalar(closed.where(table.c.traces == "vacuum", table.c.rewritten_at.is_(None))) or 0
        debt = owed(connection) if store.file else None
    if store.traces == "encrypted":
        sentence = (
            "ALPRHUB_DISK_ENCRYPTED says that the disk is encrypted: the file is not written anew after purges, and"
        )
        return ok("traces", f"{sentence} certificates say so. Whether it is encrypted is not known here.")
    if store.traces == "server":
        return ok("traces", "PostgreSQL's files are its administrator's: bytes of what is purged stay until reused.")
    if debt is None:
        return ok("traces", "Nothing that was purged is left in the database's file.")
    needed, free = store.room_to_vacuum()
    sentence = f"Bytes of what was purged since {moment(from_micros(debt.since), zone)} are in the database's file;"
    sentence += f" {count(waiting, 'certificate')} wait{'s' if waiting == 1 else ''} for it to be written anew."
    if free < needed:
        return wrong(
            "traces", sentence, "Its disk has too little room for that: make some.", "alprhub retention vacuum"
        )
    return look("traces", sentence, "The next night does it; at once:", "alprhub retention vacuum")


def of_runs(store: Store, now: datetime, zone: tzinfo) -> Iterator[Finding]:
    """Runs that show no life, and long work that is not over."""
    jobs, recomputes = tables.job_runs, tables.recomputes
    with store.read() as connection:
        silent = jobs.c.ended_at.is_(None) & (jobs.c.alive_at < to_micros(now - SILENT))
        dead = connection.execute(select(jobs.c.job, jobs.c.subject, jobs.c.alive_at).where(silent)).all()
        long = connection.scalar(select(func.count()).select_from(recomputes).where(recomputes.c.ended_at.is_(None)))
    if dead:
        shown = [f"{row.job} {row.subject}".strip() + f" ({moment(from_micros(row.alive_at), zone)})" for row in dead]
        yield look(
            "runs", f"{count(len(dead), 'run')} showed no life for minutes: {named(shown)}.",
            "They were killed; the next run goes on from there. See that the schedules run.", "alprhub runs --bad",
        )  # fmt: skip
    if long:
        sentence = "The ends of reads are not all worked out by the policy in force."
        yield look("recompute", sentence, "The schedules go on with it; by hand:", "alprhub policy recompute")
    if not dead and not long:
        yield ok("runs", "No work was cut short.")


def of_backups(audit: Audit, now: datetime, zone: tzinfo) -> Iterator[Finding]:
    """When the last backup was made, and whether it holds what the hub has destroyed."""
    made, restored = (audit.last_lying(act, "done") for act in (Act.HUB_BACKUP, Act.HUB_RESTORED))
    last = max((event for event in (made, restored) if event), key=lambda event: event["at"], default=None)
    if last is None:
        yield look("backup", "No backup is on record.", "Make one, onto another disk.", "alprhub backup PLACE")
        return
    at, over = last["at"], last["detail"].get("first_over_at")
    where = f" ({last['target']})" if last["target"] else ""
    if last is restored:  # a copy does not have the event of its own end
        at = datetime.fromisoformat(last["detail"]["made_at"])
        sentence = f"The last backup is of {moment(at, zone)}{where}: this hub was restored from it"
        sentence += f" {moment(last['at'], zone)}."
    else:
        sentence = f"The last backup is of {moment(at, zone)}{where}."
    if over and datetime.fromisoformat(over) <= now:
        yield look(
            "backup", f"{sentence} Since {moment(datetime.fromisoformat(over), zone)} it holds reads whose time is up.",
            "Make a new one; destroy it, and those before it, when your policy says.", "alprhub backup PLACE",
        )  # fmt: skip
    elif now - at > OLD:
        yield look("backup", sentence, "Make one each night.", "alprhub backup PLACE")
    else:
        yield ok("backup", sentence)
