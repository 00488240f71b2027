"""`examine`: every check, one after the other; one that cannot be made is a finding and ends no other."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo

from sqlalchemy.exc import SQLAlchemyError

from hub import belonging, former
from hub.audit.record import Audit
from hub.clock import Clock, SystemClock
from hub.doctor import database, kept, places
from hub.doctor.finding import Finding, wrong
from hub.errors import AdminMustAct, HubError
from hub.governing.in_force import Governing
from hub.progress import Progress, untold
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.images import open_images
from hub.store.refused import away_because
from hub.store.schema import standing


def examine(
    settings: HubSettings, *, clock: Clock | None = None, every: bool = False, progress: Progress = untold
) -> Iterator[Finding]:
    """Look everything over and give what was found, as it is found; `every` picture, or a sample.

    Works on a hub that is of another version, damaged or half there, opens no hub and changes nothing.
    """
    yield from _safely("settings", settings, places.of_settings)
    if not settings.data.is_dir():
        sentence = f"The data folder {settings.data} is not there."
        yield wrong("data", sentence, "Mount it, or set ALPRHUB_DATA; a new hub begins with:", "alprhub init")
        return
    yield from _safely("rights", settings, lambda: places.of_rights(settings))
    yield from _safely("disk", settings, lambda: places.of_disk(settings))
    try:
        belonging.refuse_unset(settings)
    except AdminMustAct as unset:
        sentence = str(unset)
        yield wrong("schema", f"{sentence[:1].upper()}{sentence[1:]}.", "Have this shell get it.", "alprhub doctor")
        return
    left = former.left_over(settings)
    if not former.has_file(settings):
        if left:
            sentence = str(former.refused(settings, left))
            remedy = "Bring the database back, or restore the last backup.", "alprhub restore BACKUP"
        else:
            sentence, remedy = f"there is no hub in {settings.data} yet", ("Make one.", "alprhub init")
        yield wrong("schema", f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.", *remedy)
        yield from _safely("left", settings, lambda: places.of_work(settings, UTC))
        return
    store = Store(settings.url())
    store.disk_encrypted = settings.disk_encrypted
    try:
        yield from _of_store(store, settings, left, clock or SystemClock(), every, progress)
    finally:
        store.close()


def _of_store(
    store: Store, settings: HubSettings, left: list[str], clock: Clock, every: bool, progress: Progress
) -> Iterator[Finding]:
    looked = list(_safely("database", settings, lambda: database.of_file(store, progress)))
    yield from looked
    try:
        stands = standing(store)
        former.refuse_half_database(store, settings.data)
        belonging.refuse_strange(store, settings.data)
    except (SQLAlchemyError, OSError, AdminMustAct) as failed:
        if isinstance(failed, AdminMustAct):  # a restore into it was cut short, or it is another hub's
            sentence = str(failed)
            yield wrong("schema", f"{sentence[:1].upper()}{sentence[1:]}.", "Mend that, then repeat.")
        elif (unseen := _cannot("schema", settings, failed)).said not in {found.said for found in looked}:
            yield unseen
        yield from _safely("left", settings, lambda: places.of_work(settings, UTC))
        return
    if stands.state == "none" and left:
        sentence = str(former.refused(settings, left))
        yield wrong(
            "schema", f"{sentence[:1].upper()}{sentence[1:]}.", "Mount or restore it; else remove what is left."
        )
    else:
        yield database.of_schema(stands)
    log = list(_safely("audit_log", settings, lambda: database.of_log(store)))
    yield from log
    zone = _zone(store) if stands.state == "current" else UTC
    yield from _safely("left", settings, lambda: places.of_work(settings, zone))
    if stands.state != "current":
        return
    images = open_images(settings.images or str(settings.data / "images"), settings.images_endpoint)
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("schema_parts", lambda: database.of_parts(store)),
        ("clock", lambda: [database.of_clock(store, clock, zone)]),
        ("key", lambda: [kept.of_key(store, settings)]),
        ("pictures", lambda: kept.of_pictures(store, images, every, progress)),
        ("traces", lambda: [database.of_traces(store, zone)]),
        ("runs", lambda: database.of_runs(store, clock.now(), zone)),
        ("left_in_drop", lambda: places.of_drops(store)),
    ]
    if not log:  # it knows when the last backup was made, and what is wrong with it is not touched
        checks.append(("backup", lambda: database.of_backups(Audit(store, clock), clock.now(), zone)))
    for code, check in checks:
        yield from _safely(code, settings, check)


def _safely(code: str, settings: HubSettings, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except (SQLAlchemyError, HubError, OSError) as failed:
        yield _cannot(code, settings, failed)


def _cannot(code: str, settings: HubSettings, failed: Exception) -> Finding:
    why = str(failed) if isinstance(failed, HubError) else away_because(failed, settings)
    return wrong(code, f"This could not be looked at: {why or 'the database refuses it'}.", "Mend that, then repeat.",
                 "alprhub doctor")  # fmt: skip


def _zone(store: Store) -> tzinfo:
    try:
        return Governing(store).zone
    except (HubError, SQLAlchemyError):
        return UTC
