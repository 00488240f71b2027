"""What a database refused, told as what a person can do about it."""

import os
from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from connectors.file_words import FULL
from connectors.file_words import refusal as file_refusal
from hub.settings import HubSettings
from hub.store.audit_file import marked

TRY_AGAIN: Final = 75
BROKEN: Final = 70
ADMIN: Final = 78

LEFT: Final = 1 << 20
"""Below so many free bytes SQLite cannot open a database, and its errors about that differ."""
_FULL: Final = "finds no room: the disk is full. Nothing was kept half; free some room and repeat it"
_MAY_BE_ROOM: Final = ("i/o error", "unable to open", "disk is full")

_SQLITE: Final = (
    (
        "is locked",
        TRY_AGAIN,
        "is held by another program (a backup, a viewer, a long import); try again when it is done",
    ),
    ("disk is full", ADMIN, _FULL),
    ("unable to open", ADMIN, "cannot be opened: see who owns the file and its folder, and whether its disk is there"),
    ("readonly", ADMIN, "may only be read by the user who runs this: see who owns the file and its folder"),
    ("not a database", BROKEN, "is no database: move the file away and put the last backup in its place"),
    ("malformed", BROKEN, "is damaged: stop every alprhub, keep the file, and put the last backup in its place"),
    ("i/o error", ADMIN, "cannot be read or written: the disk gives errors"),
)
_LOG: Final = (
    "is damaged, and the database beside it is not: leave that as it is. Stop every alprhub, move the log away with its"
    " -wal and -shm and keep it, and put its copy from the last backup in its place"
)
_NO_DATABASE: Final = (
    "has no database of that name: make it with createdb -O USER DATABASE, or mend ALPRHUB_DATABASE_URL"
)
_POSTGRESQL: Final = (
    ("password authentication", ADMIN, "refuses the user or the password in ALPRHUB_DATABASE_URL"),
    ("no pg_hba", ADMIN, "lets nobody in from this machine: its pg_hba.conf has no line for it"),
    ("resolve", ADMIN, "has a host name that nobody knows: mend ALPRHUB_DATABASE_URL"),
    ("translate host", ADMIN, "has a host name that nobody knows: mend ALPRHUB_DATABASE_URL"),
    ("role", ADMIN, "does not know the user in ALPRHUB_DATABASE_URL"),
    (
        "does not exist",
        ADMIN,
        _NO_DATABASE,
    ),
    ("ssl", ADMIN, "and this machine do not agree on TLS: see sslmode in ALPRHUB_DATABASE_URL"),
    (
        "refused",
        TRY_AGAIN,
        "does not answer: nothing listens there. Start it, or mend ALPRHUB_DATABASE_URL, and try again",
    ),
    ("timeout", TRY_AGAIN, "does not answer in time: see whether it is on and no firewall is between; then try again"),
    (
        "timed out",
        TRY_AGAIN,
        "does not answer in time: see whether it is on and no firewall is between; then try again",
    ),
)
_LOST: Final = "broke off: it was stopped, or the network was. What was not finished is undone; try again"
_STATES: Final = {
    "28P01": (ADMIN, "refuses the user or the password in ALPRHUB_DATABASE_URL"),
    "28000": (ADMIN, "refuses the user in ALPRHUB_DATABASE_URL"),
    "3D000": (
        ADMIN,
        _NO_DATABASE,
    ),
    "42501": (ADMIN, "does not give its user the right to do this: the user must own the database"),
    "53100": (ADMIN, "finds no room: its disk is full. Nothing was kept half; free some room and repeat it"),
    "53300": (TRY_AGAIN, "takes no more connections now; try again, or raise its max_connections"),
    "57P03": (TRY_AGAIN, "is starting or stopping; try again"),
    "57014": (TRY_AGAIN, "gave this up: it took longer than the server allows; try again"),
    "55P03": (TRY_AGAIN, "is busy with another change; try again"),
    "40001": (TRY_AGAIN, "is busy with another change; try again"),
    "40P01": (TRY_AGAIN, "is busy with another change; try again"),
    "25006": (ADMIN, "may only be read: it is a standby, or was set so"),
    "XX001": (BROKEN, "is damaged: stop every alprhub and restore the last backup"),
}


def refusal(failed: DBAPIError | NoConnectionLeft, settings: HubSettings | None = None) -> tuple[str, int] | None:
    """One sentence on a database's refusal, and the exit code; None where our own statement is at fault.

    Without `settings` it is the environment's database.
    """
    settings = settings or HubSettings()
    if isinstance(failed, NoConnectionLeft):
        return f"{_named(settings)} has no connection left for this; try again", TRY_AGAIN
    text = str(failed.orig).lower()
    if settings.url().startswith("sqlite"):
        return _of_sqlite(text, settings, marked(failed.orig))
    state = getattr(failed.orig, "sqlstate", None)
    if state in _STATES:
        return _answer(settings, *_STATES[state])
    if failed.connection_invalidated or str(state).startswith(("57P", "08")):
        return _answer(settings, TRY_AGAIN, _LOST)
    if state is None and failed.statement is None:
        answer = next((_answer(settings, code, sentence) for mark, code, sentence in _POSTGRESQL if mark in text), None)
        return answer or _answer(settings, TRY_AGAIN, "cannot be reached; see whether it is on, and try again")
    return None


def away_because(failed: Exception, settings: HubSettings) -> str | None:
    """Why the hub cannot work now, where the database or a disk is in the way; None where the fault is the hub's own.

    In the hub's own words: a driver's may quote the row that a database would not take.
    """
    if isinstance(failed, OSError):
        return file_refusal(failed) if failed.errno is not None else str(failed)
    if isinstance(failed, DBAPIError | NoConnectionLeft) and (known := refusal(failed, settings)) is not None:
        return known[0]
    return None


def passes(failed: Exception, settings: HubSettings) -> str | None:
    """Why a hub cannot be opened now, where it can be once there is room or the database is back; else None."""
    if isinstance(failed, OSError):
        return file_refusal(failed) if failed.errno in FULL else None
    if isinstance(failed, DBAPIError | NoConnectionLeft) and (known := refusal(failed, settings)) is not None:
        return known[0] if known[1] == TRY_AGAIN or known[0].endswith(_FULL) else None
    return None


def _of_sqlite(text: str, settings: HubSettings, log: Path | None) -> tuple[str, int] | None:
    """`log` is the audit log's file, where the error is about that and not about the database."""
    name = _named(settings) if log is None else f"the audit log {str(log)!r}"
    if any(mark in text for mark in _MAY_BE_ROOM) and _full(settings):
        return f"{name} {_FULL}", ADMIN
    code, sentence = next(((code, sentence) for mark, code, sentence in _SQLITE if mark in text), (0, ""))
    if not code:
        return None
    return f"{name} {_LOG if log is not None and code == BROKEN else sentence}", code


def _full(settings: HubSettings) -> bool:
    """Whether the disk of the database's file has no room, as the operating system has it."""
    folder = Path(make_url(settings.url()).database or "").parent
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < LEFT or (disk.f_files > 0 and disk.f_favail == 0)


def _answer(settings: HubSettings, code: int, sentence: str) -> tuple[str, int]:
    return f"{_named(settings)} {sentence}", code


def _named(settings: HubSettings) -> str:
    """The database by its name: a file, or a server's host and port without user and password."""
    if settings.database_url is None:
        return f"the database {str(settings.data / 'alprhub.sqlite3')!r}"
    url = make_url(settings.url())
    if url.get_backend_name() == "sqlite":
        return f"the database {url.database!r}"
    return f"the database server {url.host or 'localhost'}:{url.port or 5432} ({url.database or 'no name'})"
