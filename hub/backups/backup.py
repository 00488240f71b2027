"""A backup: pushes that wait, database, audit log and pictures as they belong together, while the hub goes on.

Pushes are copied before the database, so that each is in one of them; pictures after it, while nothing is purged, so
that every read has its own. What is not whole is called so by its name, until the last byte is on the disk.
"""

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from shutil import disk_usage
from typing import Final

from pydantic import SecretStr
from sqlalchemy import func, select

from connectors import durable
from connectors.file_words import FULL, refusal
from hub.audit.actions import Act, Outcome
from hub.backups import manifest
from hub.backups.dump import FILE, dump
from hub.backups.manifest import INBOX, OURS, PARTIAL, PICTURES, BackupManifest
from hub.cases.held import PURGING
from hub.errors import AdminMustAct, Conflict, Invalid, NotFound
from hub.people import Actor
from hub.progress import Progress, untold
from hub.settings import PREFIX, HubSettings
from hub.store import tables
from hub.store.images import FolderImages
from hub.store.instant import from_micros
from hub.store.schema import standing
from hub.wiring import Hub
from hub.words import gigabytes

DOING: Final = "a backup is being made"
TOGETHER: Final = 64
"""Pictures that are brought to the disk together."""
DATABASES: Final = "alprhub*.sqlite3"
KEYS: Final = ("secret.key", "secret.key.before")


def back_up(
    hub: Hub, actor: Actor, place: Path, *, with_key: bool = False, progress: Progress = untold
) -> BackupManifest:
    """Make a folder with everything that this hub is; gives its manifest.

    Nothing is purged meanwhile, everything else goes on. The key that opens vendors' secrets is in it only `with_key`.
    Killed or ended by what `progress` raises, it leaves nothing that is taken for a backup. Raises `Invalid` for a
    place that does not do, `Conflict` for one that is taken, `Busy` where a purge or another backup is under way, and
    `AdminMustAct` where the disk is full.
    """
    partial = _partial(hub.settings, place)
    with hub.store.lease("backup", DOING), hub.store.lease("purge", PURGING):
        # What leaves the hub is on record before it does.
        hub.audit.record(actor, Act.HUB_BACKUP, Outcome.ASKED, target=str(place), with_key=with_key)
        try:
            partial.mkdir(mode=0o700)
            written = _fill(hub, partial, with_key, progress)
            manifest.write(partial, written)
            partial.rename(place)
            durable.settle_folder(place.parent)
        except BaseException as failed:
            shutil.rmtree(partial, ignore_errors=True)
            if isinstance(failed, OSError) and failed.errno in FULL:
                raise AdminMustAct(f"{refusal(failed)}. Nothing is left of the backup") from None
            raise
        hub.audit.record(
            actor, Act.HUB_BACKUP, Outcome.DONE, target=str(place), results=written.files, with_key=with_key,
            sums_sha256=written.sums_sha256,
            first_over_at=written.first_over_at.isoformat() if written.first_over_at else None,
        )  # fmt: skip
    return written


def _partial(settings: HubSettings, place: Path) -> Path:
    place = place.resolve()
    partial = place.with_name(place.name + PARTIAL)
    if place.exists() or place.is_symlink():
        raise Conflict(f"{str(place)!r} is there already, and nothing is written over: name a folder that is not")
    if not place.parent.is_dir():
        raise Invalid(f"the folder {str(place.parent)!r} for {place.name!r} is not there: make it, or name another")
    if place.is_relative_to(settings.data.resolve()):
        raise Invalid(f"{str(place)!r} lies in the hub's own data folder, and would be lost with it: name another")
    if partial.exists():
        raise Conflict(
            f"{str(partial)!r} is a backup that is under way or was cut short: if none is under way, remove it, or"
            " name another place"
        )
    return partial


def _fill(hub: Hub, folder: Path, with_key: bool, progress: Progress) -> BackupManifest:
    made_at = hub.clock.now()
    _copy(sorted((hub.settings.data / "inbox").glob("*.b*")), folder / INBOX)
    _database(hub, folder, progress)
    revision, first_over = standing(hub.store).wanted, _first_over(hub)
    pictures, missing, at = _pictures(hub, folder / PICTURES, progress)
    _copy(sorted(hub.settings.data.glob("*.yaml")), folder)
    if with_key:
        _copy([path for name in KEYS if (path := hub.settings.data / name).exists()], folder)
    files, size, digest = manifest.sums(folder, progress)
    return BackupManifest(
        made_at=made_at, agency=hub.agency, policy=hub.governing.profile.name, version=version("alprhub"),
        database=hub.store.url.get_backend_name(), revision=revision, first_over_at=first_over,
        with_key=with_key, pictures=pictures, pictures_at=at, pictures_missing=missing, settings=_shown(hub.settings),
        files=files, bytes=size, sums_sha256=digest,
    )  # fmt: skip


def _database(hub: Hub, folder: Path, progress: Progress) -> None:
    progress("databases copied", 0, None)
    main = hub.store.file
    if main is None:
        dump(hub.store, folder / FILE)
        _settled(folder / FILE)
        return
    needed, free = hub.store.size(), disk_usage(folder).free
    if free < needed:
        raise AdminMustAct(
            f"the disk of {str(folder.parent)!r} has {gigabytes(free)} left, and the database alone takes"
            f" {gigabytes(needed)}: make room there, or name a place on another disk"
        )
    # The audit log is copied after the database: an event is on record before its effect can be seen.
    others = sorted(path for path in main.parent.glob(DATABASES) if path.name != main.name)
    for number, path in enumerate([main, *others], 1):
        # VACUUM INTO takes a snapshot, whatever is written meanwhile, and leaves out pages that purged rows left.
        to = folder / path.name
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            connection.execute("VACUUM INTO ?", (str(to),))
        _settled(to)
        progress("databases copied", number, 1 + len(others))


def _pictures(hub: Hub, folder: Path, progress: Progress) -> tuple[int, int, str | None]:
    """Copy the pictures that reads have; gives how many, how many are missing or damaged, and where others lie."""
    if not isinstance(hub.ingest.images, FolderImages):
        return 0, 0, hub.settings.images
    to, copied, missing, after = FolderImages(folder), 0, 0, 0
    table = tables.images
    while True:
        query = select(table.c.id, table.c.key, table.c.sha256).where(table.c.id > after, table.c.state == "stored")
        with hub.store.read() as connection:
            rows = connection.execute(query.order_by(table.c.id).limit(1000)).all()
        if not rows:
            return copied, missing, None
        after = rows[-1].id
        for start in range(0, len(rows), TOGETHER):
            pictures = list[tuple[str, bytes]]()
            for row in rows[start : start + TOGETHER]:
                try:
                    data = hub.ingest.images.get(row.key)
                except NotFound:
                    missing += 1
                    continue
                if row.sha256 is not None and sha256(data).digest() != bytes(row.sha256):
                    missing += 1
                pictures.append((row.key, data))
            to.put_all(pictures)
            copied += len(pictures)
            progress("pictures copied", copied, None)


def _copy(paths: list[Path], to: Path) -> None:
    """Copy small files, durable on return; those that go meanwhile went into the database."""
    if paths:
        durable.make_folder(to, 0o700)
    for path in paths:
        try:
            durable.place(to / path.name, path.read_bytes(), OURS)
        except FileNotFoundError:
            continue
    if paths:
        durable.settle_folder(to)


def _settled(path: Path) -> None:
    path.chmod(OURS)
    with path.open("rb") as file:
        durable.settle(file)
    durable.settle_folder(path.parent)


def _first_over(hub: Hub) -> datetime | None:
    with hub.store.read() as connection:
        first = connection.scalar(select(func.min(tables.reads.c.expires_at)).where(tables.reads.c.held.is_(False)))
    return None if first is None else from_micros(first)


def _shown(settings: HubSettings) -> dict[str, str]:
    """The settings by their names; of a secret one only that it was set."""
    values = {}
    for name in sorted(settings.model_fields_set):
        value = getattr(settings, name)
        secret = isinstance(value, SecretStr)
        shown = ",".join(value) if isinstance(value, tuple) else str(value)
        values[f"{PREFIX}{name.upper()}"] = "(was set; not in the backup)" if secret else shown
    return values
