"""Whose a data folder is: the kind of database that its hub has, and the number by which folder and database agree."""

import json
from contextlib import suppress
from pathlib import Path
from secrets import randbits
from typing import Final, NamedTuple

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from connectors.durable import replace
from hub.errors import AdminMustAct, Busy
from hub.settings import HubSettings
from hub.store.engine import Store

NOTE: Final = "hub.json"
"""The file of the data folder that says whose it is."""
NOTE_S: Final = 1.0
"""So long whoever opens a hub waits to give it its number: the next opening does it as well."""
_COUNTER: Final = "hub"
"""The counter by which a database says which hub it is of."""


class Note(NamedTuple):
    """What a data folder says of its hub."""

    database: str
    hub: int


def noted(data: Path) -> Note | None:
    """What the folder says; None where it says nothing, or nothing that can be read."""
    try:
        said = json.loads((data / NOTE).read_bytes())
        return Note(str(said["database"]), int(said["hub"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def refuse_unset(settings: HubSettings) -> None:
    """Return but where the folder's hub is on PostgreSQL and no address of it is set; raises `AdminMustAct`."""
    note = noted(settings.data)
    if note is None or note.database != "postgresql" or settings.database_url is not None:
        return
    raise AdminMustAct(
        f"the hub of the folder {str(settings.data)!r} is on PostgreSQL (its {NOTE} says so), and ALPRHUB_DATABASE_URL"
        " is not set here: set it to what the services have (alprhub.env), and repeat this"
    )


def refuse_strange(store: Store, data: Path) -> None:
    """Return but where folder and database both say whose they are, and differ; raises `AdminMustAct`."""
    note = noted(data)
    if note is None:
        return
    with store.read() as connection:
        hub = _hub(connection) if inspect(connection).has_table("counters") else None
    if hub is None or hub == note.hub:
        return
    raise AdminMustAct(
        f"the database {store.url.database!r} is of another hub than the folder {str(data)!r}: nothing was opened."
        " Correct ALPRHUB_DATABASE_URL or ALPRHUB_DATA, so that both lead to one hub; where they are of one hub all the"
        f" same, move {data / NOTE} away, and repeat this"
    )


def settle(store: Store, data: Path) -> None:
    """Have database and folder say whose they are, where they do not yet; nobody waits for it, nor fails by it."""
    note = noted(data)
    with store.read() as connection:
        hub = _hub(connection)
    if hub is None:
        new = note.hub if note else randbits(62)
        with suppress(Busy, DBAPIError), store.write(patience=NOTE_S) as connection:
            number = "INSERT INTO counters (name, value) VALUES (:name, :hub) ON CONFLICT (name) DO NOTHING"
            connection.execute(text(number), {"name": _COUNTER, "hub": new})
        with store.read() as connection:
            hub = _hub(connection)
    ours = None if hub is None else Note(store.url.get_backend_name(), hub)
    if ours is not None and ours != note:
        with suppress(OSError):
            replace(data / NOTE, json.dumps(ours._asdict()).encode() + b"\n", 0o600)


def _hub(connection: Connection) -> int | None:
    said: int | None = connection.scalar(text("SELECT value FROM counters WHERE name = :name"), {"name": _COUNTER})
    return said
