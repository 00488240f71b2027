"""Folders, their rights, the room on their disk, the settings that led there, and what unfinished work left in them."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from shutil import disk_usage

import msgspec
from sqlalchemy import select

from connectors.durable import PARTIAL
from hub.connections.surroundings import LITTLE
from hub.connections.waiting import waiting
from hub.doctor.finding import Finding, look, ok, wrong
from hub.former import UNFINISHED
from hub.settings import HubSettings, strangers
from hub.store import tables
from hub.store.engine import Store
from hub.store.spool import RESERVE
from hub.words import count, gigabytes, moment, named


def of_settings() -> Iterator[Finding]:
    """Names that look like settings and are none."""
    unknown = [name for name, _ in strangers()]
    if unknown:
        yield look(
            "settings", f"No setting of the hub, and without effect: {named(unknown)}.",
            "Correct the name, or unset it where the services get it (alprhub.env).",
        )  # fmt: skip
    else:
        yield ok("settings", "Every ALPRHUB_ variable is a setting.")


def of_rights(settings: HubSettings) -> Iterator[Finding]:
    """Whether others can look into what is the hub's alone, and whether it is this user's."""
    data = settings.data
    private = [data, *data.glob("*.sqlite3*"), *data.glob("secret.key*"), data / "images", data / "inbox"]
    there = [path for path in private if path.exists()]
    if open_to := [path for path in there if path.stat().st_mode & 0o077]:
        yield wrong(
            "rights", f"Others on this machine can look into {named(list(map(str, open_to)))}.",
            "Close it to them; where the key was open, have every secret sealed anew (alprhub connections reseal).",
            f"chmod -R go-rwx {data}",
        )  # fmt: skip
    elif foreign := [path for path in there if path.stat().st_uid != os.geteuid()]:
        yield look(
            "rights", f"{named(list(map(str, foreign)))} belong to another user than the one who runs this.",
            "Run alprhub as the user of the services (sudo alprhub …), or give the folder to that user.",
        )  # fmt: skip
    else:
        yield ok("rights", f"Nobody else can look into {data}.")


def of_disk(settings: HubSettings) -> Iterator[Finding]:
    """Whether there is room."""
    free = disk_usage(settings.data).free
    sentence = f"The disk of {settings.data} has {gigabytes(free)} left"
    if free >= LITTLE:
        yield ok("disk", f"{sentence}.")
        return
    below = f"{sentence}; below {gigabytes(RESERVE)} pushes are refused."
    grade = wrong if free < RESERVE else look
    yield grade("disk", below, "Make room, or give it a larger disk.", f"du -sh {settings.data}/*")


def of_work(settings: HubSettings, zone: tzinfo) -> Iterator[Finding]:
    """What waits, what is under way, and what was left by what was cut short."""
    data = settings.data
    there = waiting(data / "inbox")
    if there.set_aside:
        yield wrong(
            "set_aside", f"{count(there.set_aside, 'batch', 'batches')} of pushes cannot be read (inbox/*.broken).",
            "Ask the senders to send it again. The purge destroys them when their time is up.", f"ls -l {data}/inbox",
        )  # fmt: skip
    if there.counts is None or there.counts:
        many = "very many pushes" if there.counts is None else count(sum(there.counts.values()), "push", "pushes")
        since = f", the oldest since {moment(min(there.oldest.values()), zone)}" if there.oldest else ""
        yield look(
            "pushes_wait", f"Pushed and not kept yet: {many}{since}.",
            "They are safe on the disk; the receiver keeps them: see that it runs.", "alprhub serve",
        )  # fmt: skip
    if held := list(_held(data / "leases")):
        shown = [f"{name} (since {moment(since, zone)})" for name, since in held]
        yield ok("under_way", f"Under way in some process: {named(shown)}.")
    left = [
        path for path in (data / UNFINISHED, *data.glob(f"*{PARTIAL}"), *data.glob(f".*{PARTIAL}")) if path.exists()
    ]
    left += list((data / "inbox").glob(f"*{PARTIAL}"))
    yield from _left(left, "left", "in the data folder")
    if not left and not there.set_aside:
        yield ok("left", "Nothing lies about that was cut short.")


def of_drops(store: Store) -> Iterator[Finding]:
    """What writers that were killed left in the folders that files are dropped in."""
    table = tables.connections
    with store.read() as connection:
        rows = connection.execute(select(table.c.name, table.c.settings).where(table.c.removed_at.is_(None))).all()
    for row in rows:
        place = msgspec.json.decode(row.settings).get("place")
        if isinstance(place, str) and "://" not in place and Path(place).is_dir():
            files = [path for path in Path(place).rglob(f"*{PARTIAL}") if path.is_file()]
            yield from _left(files, "left_in_drop", f"in the drop folder of {row.name}")


def _left(paths: Iterable[Path], code: str, where: str) -> Iterator[Finding]:
    names = [str(path) for path in sorted(paths)]
    if names:
        yield look(
            code, f"Half written, {where}: {named(names)}.",
            "What writes them makes them anew. Where nothing is under way that writes there, remove them.",
        )  # fmt: skip


def _held(leases: Path) -> Iterator[tuple[str, datetime]]:
    """The leases that a process holds, by name, and since when."""
    for path in sorted(leases.glob("lease-*")):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield path.name.removeprefix("lease-"), datetime.fromtimestamp(path.stat().st_mtime, UTC)
