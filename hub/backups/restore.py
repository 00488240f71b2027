"""A restore: a whole backup becomes a hub again, and what is over by now is gone before anybody can ask for it.

It is put together in a folder of its own inside the data folder (and inside that of pictures, where they lie apart),
purged there, and only then moved to its place, the database last; PostgreSQL's is marked until then. No process opens a
hub that is half restored (`hub.former`).
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, tzinfo
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import select, text

from connectors import durable
from connectors.file_words import FULL, refusal
from hub.audit.actions import Act, Outcome
from hub.backups import manifest
from hub.backups.backup import DATABASES, KEYS
from hub.backups.dump import FILE, sealed_in, undump
from hub.backups.manifest import INBOX, OURS, PICTURES, BackupManifest
from hub.clock import STEP, Clock, SystemClock
from hub.connections.secrets import closed, owners
from hub.errors import AdminMustAct, Conflict, Invalid, NotFound
from hub.former import UNFINISHED
from hub.migrating import Migrating
from hub.people import Actor
from hub.progress import Progress, untold
from hub.settings import HubSettings
from hub.store import tables, unfinished
from hub.store.engine import Store
from hub.store.images import open_images
from hub.store.instant import from_micros
from hub.store.schema import demand_known, standing
from hub.store.vault import Vault, wrong_with
from hub.trusted_clock import TrustedClock
from hub.wiring import open_hub
from hub.words import moment, named

TOGETHER: Final = 64
"""Pictures that are brought to the disk together."""
MEGABYTE: Final = 1 << 20
_ANEW: Final = (
    "or give none, and enter the secrets of each connection anew when the hub is restored (alprhub connections rotate)"
)
_NOT_OURS: Final = frozenset({"lost+found"})


class Restored(NamedTuple):
    """What was restored: how many reads of each connection were over and are gone, and what is missing."""

    manifest: BackupManifest
    purged: dict[str, int]
    certificates: int
    key_missing: tuple[str, ...]
    """Connections whose secrets nothing opens until the key is back."""
    zone: tzinfo
    policy: str
    """What is in force by the backup; what was put in force after it is not in it."""
    policy_since: datetime


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
    is no whole backup, `Invalid` for a key that does not open what is in it, `Conflict` where something is there
    already, and `AdminMustAct` where the clock is behind the backup or the backup is of a newer version. A failure
    leaves nothing behind, but what a bucket and PostgreSQL's database took: that stays marked as unfinished, so that
    nothing opens it, and is refused next time.
    """
    if key is not None:
        _demand_key(key)
    copy, names = manifest.verify(place, progress)
    _demand_same_kind(copy, settings)
    demand_known(copy.revision)
    _demand_empty(settings)
    _demand_later(copy, (clock or SystemClock()).now())
    keys = _keys(place, names, key)
    with _workshops(settings) as inner:
        _bring_files(place, names, inner.data, keys)
        given = key is not None or settings.secret_key is not None
        if given and not settings.url().startswith("sqlite"):  # before anything is written that stays
            _demand_opens(inner, key, _sealed_in(place, inner))
        _bring_database(place, inner, actor, clock or SystemClock())
        if given and settings.url().startswith("sqlite"):
            _demand_opens(inner, key, _sealed_here(inner))
        _bring_pictures(place, names, inner, progress)
        return _settle(place, copy, inner, actor, clock, bool(keys or settings.secret_key), progress)


@contextmanager
def _workshops(settings: HubSettings) -> Iterator[HubSettings]:
    """Settings of a hub inside of the empty folders, which becomes the hub at the end, or goes without a trace.

    Whoever makes the folders has them alone: of two restores at once the second is refused, and leaves the first be.
    """
    workshop, images = settings.data / UNFINISHED, _images_apart(settings)
    shops = [workshop, *([images / UNFINISHED] if images else [])]
    folders = [folder for folder in (images, *images.parents) if not folder.exists()] if images else []
    ours = list[Path]()
    try:
        for shop in shops:
            durable.make_folder(shop.parent, 0o700)
            _take(shop)
            ours.append(shop)
        _demand_empty(settings, ours=True)  # another restore may have ended in between
        yield settings.model_copy(update={"data": workshop, **({"images": str(shops[1])} if images else {})})
        for shop in reversed(shops):
            _move(shop, ours)
        if not settings.url().startswith("sqlite"):
            with closing(Store(settings.url())) as store:
                unfinished.end(store)
        for shop in reversed(shops):
            shop.rmdir()
            durable.settle_folder(shop.parent)
    except BaseException as failed:
        for path in reversed(ours):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        for folder in folders:
            with suppress(OSError):
                folder.rmdir()
        if isinstance(failed, OSError) and failed.errno in FULL:
            raise AdminMustAct(f"{refusal(failed)}. Nothing was restored") from None
        raise


def _take(shop: Path) -> None:
    try:
        shop.mkdir(mode=0o700)
    except FileExistsError:
        raise Conflict(
            f"another restore is under way in {str(shop.parent)!r}, or was cut short ({UNFINISHED}): wait until it is"
            " done. If none is under way, empty the folder, then repeat"
        ) from None
    durable.settle_folder(shop.parent)


def _cut_short(settings: HubSettings, folder: Path) -> str:
    database = left_unfinished(settings)
    return (
        f"the folder {str(folder)!r} holds a restore that is under way or was cut short ({UNFINISHED}): it is no hub"
        " yet, and nothing opens it. If none is under way, empty the folder, then repeat alprhub restore"
        + (f"; and {database}" if database else "")
    )


def _images_apart(settings: HubSettings) -> Path | None:
    """The folder of pictures where it is one of its own."""
    return Path(settings.images) if settings.images and "://" not in settings.images else None


def _demand_same_kind(copy: BackupManifest, settings: HubSettings) -> None:
    url = settings.url()
    if settings.database_url is not None and url.startswith("sqlite"):
        raise Invalid("ALPRHUB_DATABASE_URL: a restore puts SQLite's files into the data folder: unset it, then repeat")
    here = "sqlite" if url.startswith("sqlite") else "postgresql"
    if here != copy.database:
        says = (
            "ALPRHUB_DATABASE_URL names none: set it" if here == "sqlite" else "ALPRHUB_DATABASE_URL is set: unset it"
        )
        raise Invalid(f"the backup is of a hub on {'PostgreSQL' if here == 'sqlite' else 'SQLite'}, and {says}")


def _demand_empty(settings: HubSettings, ours: bool = False) -> None:
    """Return where nothing is but, with `ours`, what this restore made; raises `Conflict`."""
    images = _images_apart(settings)
    passed = _NOT_OURS
    if ours:
        passed |= {UNFINISHED}
        if images and images.resolve().is_relative_to(settings.data.resolve()):
            passed |= set(images.resolve().relative_to(settings.data.resolve()).parts[:1])
    for folder in (settings.data, *([images] if images else [])):
        there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        if UNFINISHED in there and UNFINISHED not in passed:
            raise Conflict(_cut_short(settings, folder))
        if left := [name for name in there if name not in passed]:
            raise Conflict(
                f"the folder {str(folder)!r} is not empty ({named(left)}), and a restore writes over nothing: move what"
                " is in it away, or set ALPRHUB_DATA to another"
            )
    if settings.url().startswith("sqlite"):
        return
    if unfinished_there := left_unfinished(settings):
        raise Conflict(unfinished_there)
    with closing(Store(settings.url())) as store:
        if standing(store).state != "none":
            raise Conflict(
                f"the database {store.url.database!r} (ALPRHUB_DATABASE_URL) has a hub already, and a restore writes"
                " over nothing: name an empty one"
            )


def left_unfinished(settings: HubSettings) -> str:
    """What a restore that did not come to its end has left in PostgreSQL's database, and what to do; else nothing."""
    if settings.url().startswith("sqlite"):
        return ""
    with closing(Store(settings.url())) as store:
        by, name = unfinished.restored_in(store), store.url.database
        owned = f"-O {store.url.username} " if store.url.username else ""
    if by is None:
        return ""
    return (
        f"the database {name!r} holds a restore that is under way or was cut short (in the folder {by!r}): it is no hub"
        " yet, and nothing opens it. If none is under way, remove that folder, drop the database and make it again"
        f" (dropdb {name}, createdb {owned}{name}), then repeat alprhub restore"
    )


def _demand_later(copy: BackupManifest, now: datetime) -> None:
    if now < copy.made_at - STEP:
        zone = copy.made_at.tzinfo
        assert zone is not None
        raise AdminMustAct(
            f"the clock of this machine says {moment(now, zone)}, which is before the backup was made"
            f" ({moment(copy.made_at, zone)}): nothing was restored. Set the clock right"
        )


def _demand_key(key: Path) -> None:
    """Return for a key file, with a whole one of former keys beside it or none."""
    if not key.is_file():
        raise NotFound(f"--key: there is no file {str(key)!r}: name the secret.key that was kept apart")
    before = key.with_name(f"{key.name}.before")
    for path in (key, before):
        if path.exists() and (fault := wrong_with(path, former=path == before)) is not None:
            raise Invalid(
                f"--key: {str(path)!r} {fault}: it is no key file of alprhub, or damaged. Nothing was restored. Name"
                f" the secret.key that was kept apart; {_ANEW}"
            )


def _sealed_in(place: Path, inner: HubSettings) -> list[Any]:
    """What the connections of a dump have sealed; nothing of it is brought yet."""
    with closing(Store(inner.url())) as store, manifest.opened(place / FILE) as file:
        return list(sealed_in(store, file))


def _sealed_here(inner: HubSettings) -> list[Any]:
    with closing(Store(inner.url())) as store, store.read() as connection:
        return list(connection.execute(select(tables.connections).order_by(tables.connections.c.name)).all())


def _demand_opens(inner: HubSettings, key: Path | None, rows: list[Any]) -> None:
    """Return where the key that was given opens a secret that was brought, or there is none.

    One that it does not open may have been shut in the hub that was copied too; `doctor` names it.
    """
    vault = Vault.of_settings(inner)
    sealed = [row for row in rows if len(row.sealed) > Vault.length(b"{}")]
    shut = [row for row in rows if closed(vault, row)]
    if shut and len(shut) == len(sealed):
        given = "ALPRHUB_SECRET_KEY" if inner.secret_key is not None else f"--key: {str(key)!r}"
        under = f" ({shut[0].sealed_key})" if shut[0].sealed_key else ""
        raise Invalid(
            f"{given} holds the key {vault.key_id}, and the secrets of {named([row.name for row in shut])} are sealed"
            f" under another{under}: the hub of this backup had another key. Nothing was restored. Give that one;"
            f" {_ANEW}"
        )


def _keys(place: Path, names: list[str], key: Path | None) -> dict[str, Path]:
    """The key files to restore: one kept apart, with the one before it where there is one, else the backup's."""
    if key is None:
        return {name: place / name for name in names if name in KEYS}
    apart = (key, key.with_name(f"{key.name}.before"))
    return {name: path.resolve() for name, path in zip(KEYS, apart, strict=True) if path.is_file()}


def _bring_files(place: Path, names: list[str], to: Path, keys: dict[str, Path]) -> None:
    """Policies, SQLite's files, keys and pushes that wait, none but those whose digests were looked at."""
    for name in names:
        folder, _, file = name.rpartition("/")
        if not folder and any(fnmatchcase(name, form) for form in ("*.yaml", DATABASES)):
            _copy(place / name, to / name)
        elif folder == INBOX:
            durable.make_folder(to / INBOX, 0o700)
            _copy(place / name, to / INBOX / file)
    for name, path in keys.items():
        _copy(path, to / name)
    if (to / INBOX).is_dir():
        durable.settle_folder(to / INBOX)
    durable.settle_folder(to)


def _copy(path: Path, to: Path) -> None:
    with manifest.opened(path) as source, to.open("xb") as file:
        to.chmod(OURS)
        shutil.copyfileobj(source, file, MEGABYTE)
        durable.settle(file)


def _bring_pictures(place: Path, names: list[str], inner: HubSettings, progress: Progress) -> None:
    """The pictures that the database knows: a backup has those too that came while it was made."""
    images = open_images(inner.images or str(inner.data / "images"), inner.images_endpoint)
    store, done = Store(inner.url()), 0
    stored = (name.removeprefix(f"{PICTURES}/") for name in names if name.startswith(f"{PICTURES}/"))
    try:
        query = text(f"SELECT key FROM images WHERE state = 'stored' AND {store.one_of('key', 'keys')}")
        while keys := list(islice(stored, TOGETHER)):
            with store.read() as connection:
                known = connection.scalars(query, {"keys": store.as_list(keys)}).all()
            images.put_all([(key, _bytes(place / PICTURES / key)) for key in known])
            done += len(known)
            progress("pictures restored", done, None)
    finally:
        store.close()


def _bytes(path: Path) -> bytes:
    with manifest.opened(path) as file:
        return file.read()


def _bring_database(place: Path, inner: HubSettings, actor: Actor, clock: Clock) -> None:
    """The database, with the tables of this version."""
    store = Store(inner.url())
    try:
        if store.file is None:
            unfinished.begin(store, str(inner.data))
            try:
                with manifest.opened(place / FILE) as file:
                    undump(store, file)
            except BaseException:
                if standing(store).state == "none":
                    unfinished.end(store)
                raise
        Migrating(store, clock).migrate(actor)
    finally:
        store.close()


def _settle(
    place: Path,
    copy: BackupManifest,
    inner: HubSettings,
    actor: Actor,
    clock: Clock | None,
    has_key: bool,
    progress: Progress,
) -> Restored:
    """Purge what is over by now, check the certificates, and put on record what was done."""
    with open_hub(inner, clock) as hub:
        if isinstance(hub.clock, TrustedClock) and hub.clock.standing().state == "ahead":
            # The hub did not run since the backup. If the clock is wrong, the backup itself has lost nothing.
            hub.clock.trust(actor, hub.audit, f"restored from the backup of {copy.made_at.isoformat()}")
        purged = hub.retention.expired.purge(actor, progress)
        certificates = hub.retention.certificates.verify()
        missing = () if has_key else tuple(owners(hub.store))
        hub.audit.record(
            actor, Act.HUB_RESTORED, Outcome.DONE, target=str(place), results=sum(purged.values()),
            made_at=copy.made_at.isoformat(), sums_sha256=copy.sums_sha256, certificates=certificates,
            policy=hub.governing.profile.name,
            first_over_at=copy.first_over_at.isoformat() if copy.first_over_at else None, key_missing=list(missing),
        )  # fmt: skip
        policy = hub.governing.profile
        since = from_micros(hub.governing.in_force.history()[-1][0])
        return Restored(copy, purged, certificates, missing, policy.zone, policy.name, since)


def _move(shop: Path, ours: list[Path]) -> None:
    """Move everything up, the database last, durable on return; what processes left that had it open is not needed."""
    shutil.rmtree(shop / "leases", ignore_errors=True)
    for path in sorted(shop.iterdir(), key=lambda path: path.name == "alprhub.sqlite3"):
        ours.append(path.rename(shop.parent / path.name))
    durable.settle_folder(shop.parent)
