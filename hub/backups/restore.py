"""A restore: a whole backup becomes a hub again, and what is over by now is gone before anybody can ask for it.

It is put together in a folder of its own inside the data folder, purged there, and only then moved to its place, the
database last: no process opens a hub that is half restored (`hub.former`).
"""

import shutil
from contextlib import suppress
from datetime import datetime, tzinfo
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import text

from connectors import durable
from connectors.file_words import FULL, refusal
from hub.audit.actions import Act, Outcome
from hub.backups import manifest
from hub.backups.backup import DATABASES, KEYS
from hub.backups.dump import FILE, undump
from hub.backups.manifest import OURS, BackupManifest
from hub.clock import STEP, Clock, SystemClock
from hub.connections.secrets import owners
from hub.errors import AdminMustAct, Conflict, Invalid, NotFound
from hub.former import UNFINISHED
from hub.migrating import Migrating
from hub.people import Actor
from hub.progress import Progress, untold
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.images import FolderImages
from hub.store.schema import demand_known, standing
from hub.trusted_clock import TrustedClock
from hub.wiring import open_hub
from hub.words import moment, named

TOGETHER: Final = 64
"""Pictures that are brought to the disk together."""
_NOT_OURS: Final = frozenset({"lost+found"})


class Restored(NamedTuple):
    """What was restored: how many reads of each connection were over and are gone, and what is missing."""

    manifest: BackupManifest
    purged: dict[str, int]
    certificates: int
    key_missing: tuple[str, ...]
    """Connections whose secrets nothing opens until the key is back."""
    zone: tzinfo


def restore(
    place: Path,
    settings: HubSettings,
    actor: Actor,
    *,
    key: Path | None = None,
    clock: Clock | None = None,
    progress: Progress = untold,
) -> Restored:
    """Make a hub of a backup where the settings say, which must be empty; `key` is a key file that was kept apart.

    Every file is held against its digest first. Raises `IntegrityBroken` naming what was changed, `NotFound` for what
    is no whole backup, `Conflict` where something is there already, and `AdminMustAct` where the clock is behind the
    backup or the backup is of a newer version. A failure leaves nothing behind but what PostgreSQL took, and says so.
    """
    made = manifest.verify(place, progress)
    _demand_same_kind(made, settings)
    demand_known(made.revision)
    _demand_empty(settings)
    _demand_later(made, (clock or SystemClock()).now())
    keys = _keys(place, key)
    workshop = settings.data / UNFINISHED
    inner = settings.model_copy(update={"data": workshop})
    durable.make_folder(workshop, 0o700)
    try:
        _bring_files(place, workshop, keys)
        _bring_database(place, inner, actor, clock or SystemClock())
        _bring_pictures(place / "images", inner, progress)
        restored = _settle(made, inner, actor, clock, bool(keys or settings.secret_key), progress)
        _move(workshop, settings.data)
    except BaseException as failed:
        shutil.rmtree(workshop, ignore_errors=True)
        if isinstance(failed, OSError) and failed.errno in FULL:
            raise AdminMustAct(f"{refusal(failed)}. Nothing was restored") from None
        raise
    return restored


def _demand_same_kind(made: BackupManifest, settings: HubSettings) -> None:
    url = settings.url()
    if settings.database_url is not None and url.startswith("sqlite"):
        raise Invalid("ALPRHUB_DATABASE_URL: a restore puts SQLite's files into the data folder: unset it, then repeat")
    here = "sqlite" if url.startswith("sqlite") else "postgresql"
    if here != made.database:
        says = (
            "ALPRHUB_DATABASE_URL names none: set it" if here == "sqlite" else "ALPRHUB_DATABASE_URL is set: unset it"
        )
        raise Invalid(f"the backup is of a hub on {'PostgreSQL' if here == 'sqlite' else 'SQLite'}, and {says}")


def _demand_empty(settings: HubSettings) -> None:
    folders = [settings.data, *([Path(settings.images)] if settings.images and "://" not in settings.images else [])]
    for folder in folders:
        there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        if left := [name for name in there if name not in _NOT_OURS]:
            raise Conflict(
                f"the folder {str(folder)!r} is not empty ({named(left)}), and a restore writes over nothing: move what"
                " is in it away, or set ALPRHUB_DATA to another"
            )
    if settings.url().startswith("sqlite"):
        return
    store = Store(settings.url())
    try:
        if standing(store).state != "none":
            raise Conflict(
                "the database that ALPRHUB_DATABASE_URL names has a hub already, or what a restore that failed"
                " left: name an empty one, or drop it and make it again"
            )
    finally:
        store.close()


def _demand_later(made: BackupManifest, now: datetime) -> None:
    if now < made.made_at - STEP:
        zone = made.made_at.tzinfo
        assert zone is not None
        raise AdminMustAct(
            f"the clock of this machine says {moment(now, zone)}, which is before the backup was made"
            f" ({moment(made.made_at, zone)}): nothing was restored. Set the clock right"
        )


def _keys(place: Path, key: Path | None) -> list[Path]:
    """The key files to restore: those kept apart, with the one before them where there is one, else the backup's."""
    if key is None:
        return sorted(place.glob(KEYS))
    if not key.is_file():
        raise NotFound(f"--key: there is no file {str(key)!r}")
    before = key.with_name(f"{key.name}.before")
    return [key, *([before] if before.is_file() else [])]


def _bring_files(place: Path, to: Path, keys: list[Path]) -> None:
    for path in [*place.glob("*.yaml"), *place.glob(DATABASES)]:
        _copy(path, to / path.name)
    for path in keys:
        _copy(path, to / ("secret.key.before" if path.name.endswith(".before") else "secret.key"))
    if (place / "inbox").is_dir():
        durable.make_folder(to / "inbox", 0o700)
        for path in (place / "inbox").iterdir():
            _copy(path, to / "inbox" / path.name)
        durable.settle_folder(to / "inbox")
    durable.settle_folder(to)


def _copy(path: Path, to: Path) -> None:
    shutil.copyfile(path, to)
    to.chmod(OURS)
    with to.open("rb") as file:
        durable.settle(file)


def _bring_pictures(place: Path, inner: HubSettings, progress: Progress) -> None:
    """The pictures that the database knows: a backup has those too that came while it was made."""
    kept = FolderImages(place)
    images = FolderImages(Path(inner.images or inner.data / "images"))
    store, done = Store(inner.url()), 0
    try:
        stored = kept.stored()
        asked = text(f"SELECT key FROM images WHERE state = 'stored' AND {store.one_of('key', 'keys')}")
        while keys := list(islice(stored, TOGETHER)) if place.is_dir() else []:
            with store.read() as connection:
                known = connection.scalars(asked, {"keys": store.as_list(keys)}).all()
            images.put_all([(key, kept.get(key)) for key in known])
            done += len(known)
            progress("pictures restored", done, None)
    finally:
        store.close()


def _bring_database(place: Path, inner: HubSettings, actor: Actor, clock: Clock) -> None:
    """The database, with the tables of this version."""
    store = Store(inner.url())
    try:
        if store.file is None:
            undump(store, place / FILE)
        Migrating(store, clock).migrate(actor)
    finally:
        store.close()


def _settle(
    made: BackupManifest, inner: HubSettings, actor: Actor, clock: Clock | None, has_key: bool, progress: Progress
) -> Restored:
    """Purge what is over by now, check the certificates, and put on record what was done."""
    with open_hub(inner, clock) as hub:
        if isinstance(hub.clock, TrustedClock) and hub.clock.standing().state == "ahead":
            # It was off since the backup; should the clock be wrong, the backup itself has lost nothing.
            hub.clock.trust(actor, hub.audit, f"restored from the backup of {made.made_at.isoformat()}")
        purged = hub.retention.expired.purge(actor, progress)
        certificates = hub.retention.certificates.verify()
        missing = () if has_key else tuple(owners(hub.store))
        hub.audit.record(
            actor, Act.HUB_RESTORED, Outcome.DONE, results=sum(purged.values()), made_at=made.made_at.isoformat(),
            sums_sha256=made.sums_sha256, certificates=certificates, key_missing=list(missing),
        )  # fmt: skip
        return Restored(made, purged, certificates, missing, hub.governing.profile.zone)


def _move(workshop: Path, data: Path) -> None:
    """Move everything up, the database last; what processes left that had it open is not needed."""
    shutil.rmtree(workshop / "leases", ignore_errors=True)
    for path in sorted(workshop.iterdir(), key=lambda path: path.name == "alprhub.sqlite3"):
        path.rename(data / path.name)
    durable.settle_folder(data)
    with suppress(FileNotFoundError):
        workshop.rmdir()
    durable.settle_folder(data)
