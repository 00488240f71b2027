"""What a former hub left beside a database that is missing: that is no new hub, which would answer "no reads"."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from hub.belonging import noted
from hub.errors import AdminMustAct, Busy
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.images import FolderImages
from hub.store.unfinished import restored_in
from hub.words import named

UNFINISHED: Final = "restoring"
"""The folder, in the data folder, in which a restore puts things together; it goes when the restore is done."""

NOTE_S: Final = 1.0
"""So long whoever opens a hub waits to note that its audit log has begun."""
_BEGUN: Final = "audit_log_begun"
"""The counter by which a database says that it has an audit log beside it."""


def left_over(settings: HubSettings) -> list[str]:
    """What lies there that only a hub with a database leaves, each as people name it.

    Ask before looking for the database: whoever makes a hub makes all this after it.
    """
    return list(_left_over(settings))


def refuse_half(settings: HubSettings) -> None:
    """Return where no restore was cut short in the data folder; raises `AdminMustAct`."""
    if (settings.data / UNFINISHED).is_dir():
        raise AdminMustAct(
            f"the folder {str(settings.data)!r} holds a restore that is under way or was cut short"
            f" ({UNFINISHED}): nothing is opened before it is whole. If none is under way, empty the folder and"
            " repeat alprhub restore"
        )


def refuse_half_database(store: Store, data: Path) -> None:
    """Return where no restore into this database was cut short, but one in this very folder; raises `AdminMustAct`."""
    by = restored_in(store)
    if by is not None and by != str(data):
        raise AdminMustAct(
            f"the database {store.url.database!r} is being restored, or a restore into it was cut short (in the folder"
            f" {by!r}, maybe of another machine): nothing is opened before what is over is purged. If none is under"
            " way, drop the database, make it again, empty the data folder, and repeat alprhub restore"
        )


def has_file(settings: HubSettings) -> bool:
    """Whether SQLite's file is there, as far as that can be seen; PostgreSQL is asked later."""
    url = make_url(settings.url())
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()


def refused(settings: HubSettings, left: list[str]) -> AdminMustAct:
    """What is raised where these are there, and no database."""
    first = ""
    if settings.database_url is None:
        if not (settings.data / "alprhub-audit.sqlite3").exists() and noted(settings.data) is None:
            first = (
                "if this hub is on PostgreSQL, ALPRHUB_DATABASE_URL is not set here: set it, and remove nothing. Else "
            )
        where = f"the database {str(settings.data / 'alprhub.sqlite3')!r}"
        mend = f"mount the volume that it lies on, or restore it (alprhub restore, into an empty {settings.data})"
    else:
        url = make_url(settings.database_url.get_secret_value())
        where = f"the database {url.database!r}{f' at {url.host}' if url.host else ''}"
        mend = "correct ALPRHUB_DATABASE_URL, or restore the database"
    return AdminMustAct(
        f"{first}{where} is missing or empty, and a former hub left {named(left)} in {str(settings.data)!r}: no new hub is"
        f" begun beside them. Either {mend}; or, if that hub is over, remove what it left, and begin with alprhub init"
    )


def settle_log(store: Store) -> None:
    """Begin the audit log of a hub that never had one; raises `AdminMustAct` where it is lost."""
    refuse_without_log(store)
    store.begin_log()
    if store.log_file is not None:
        _note_log(store)


def lost_log(store: Store) -> bool:
    """Whether a hub has had an audit log whose file is not there.

    The database says so since the log was begun. In one of a version that did not note it, events that wait are removed
    once they are in the log: if the first of all is not waiting, there was a log. A database of before the log had a
    file of its own has none to lose.
    """
    if store.log_file is None:
        return False
    with store.read() as connection:
        if not inspect(connection).has_table("audit_waiting"):
            return False
        last = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'audit_waiting'"))
        first = connection.scalar(text("SELECT min(id) FROM audit_waiting"))
        had = _has_begun(connection) or (bool(last) and first != 1)
    # The file is looked for last: it is made before the database notes it, and before any waiting event is removed.
    return had and not store.log_file.exists()


def refuse_without_log(store: Store) -> None:
    """Return where the audit log of a hub is there, or was never begun; raises `AdminMustAct` where it is lost."""
    if lost_log(store):
        raise AdminMustAct(
            f"the audit log {str(store.log_file)!r} is missing beside its database: who asked for what is not known any"
            " more, and no other log is begun unasked. Bring the file back, or restore the last backup into an empty"
            f" folder; if it is lost for good, say so by an empty file in its place: touch {store.log_file}"
        )


def _has_begun(connection: Connection) -> bool:
    return connection.scalar(text("SELECT value FROM counters WHERE name = :name"), {"name": _BEGUN}) is not None


def _note_log(store: Store) -> None:
    """Have the database say that it has a log, now that this is on the disk.

    Nobody waits for it: where others write for long, or the disk takes nothing now, the next opening notes it.
    """
    with store.read() as connection:
        if not inspect(connection).has_table("counters") or _has_begun(connection):
            return
    with suppress(Busy, DBAPIError), store.write(patience=NOTE_S) as connection:
        note = "INSERT INTO counters (name, value) VALUES (:name, 1) ON CONFLICT (name) DO NOTHING"
        connection.execute(text(note), {"name": _BEGUN})


def _left_over(settings: HubSettings) -> Iterator[str]:
    data = settings.data
    if (data / "alprhub-audit.sqlite3").exists():
        yield "its audit log (alprhub-audit.sqlite3)"
    if (data / "secret.key").exists() and settings.secret_key is None:
        yield "its key (secret.key)"
    if settings.images is None or "://" not in settings.images:
        folder = Path(settings.images or data / "images")
        if next(FolderImages(folder).stored(), None) is not None:
            yield f"pictures ({folder})" if settings.images else "pictures (images)"
    if next((data / "inbox").glob("*.batch"), None) or next((data / "inbox").glob("*.broken"), None):
        yield "pushes that wait (inbox)"
    if next((data / "leases").glob("lease-*"), None):
        yield "what was under way (leases)"
