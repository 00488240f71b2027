"""Databases at the current schema, made once by the migrations themselves and copied from then on."""

import shutil
from datetime import datetime
from pathlib import Path

from hub.store.engine import Store
from hub.store.prepared import prepare
from hub.store.schema import upgrade

NAME = "alprhub.sqlite3"
"""What a data folder calls its database."""


def migrate(url: str, now: datetime) -> None:
    """Bring a database to where a hub that opens on it at that time brings it; nothing stays connected to it."""
    store = Store(url)
    try:
        upgrade(store)
        prepare(store, now)
    finally:
        store.close()


def seed(data: Path, made: Path) -> None:
    """Put a copy of a migrated SQLite file where a hub looks for its database, as private as it would make it."""
    data.mkdir(parents=True, mode=0o700)
    shutil.copyfile(made, data / NAME)
    (data / NAME).chmod(0o600)
