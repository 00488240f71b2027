"""The hub's door: `open_hub(settings)` gives a `Hub`, whose rooms are made when they are first used."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from connectors.file_words import why
from connectors.registry import Installed
from hub import agency as agencies
from hub import belonging, former
from hub.audit.record import Audit
from hub.clock import Clock, SystemClock
from hub.connections.secrets import owners
from hub.errors import AdminMustAct
from hub.parts import Parts
from hub.policy.profile import load
from hub.ports import Registry
from hub.rooms import Hub
from hub.settings import HubSettings, from_environment
from hub.store.engine import Store
from hub.store.prepared import ready_to_open
from hub.store.schema import ready, standing
from hub.store.vault import Vault
from hub.trusted_clock import TrustedClock

__all__ = ["Hub", "open_hub"]


@contextmanager
def open_hub(
    settings: HubSettings | None = None,
    clock: Clock | None = None,
    sleep: Callable[[float], None] | None = None,
    registry: Registry | None = None,
    waits: Callable[[str, float], None] | None = None,
) -> Iterator[Hub]:
    """A hub on the settings' database, which gets its tables where it has none; everything is closed at the end.

    Raises `AdminMustAct` for a database of another version (`alprhub migrate` brings it up), and for one that is
    missing or empty beside what a former hub left, not set where its folder knows of one, or of another hub.

    Settings in a caller's hands work alone: what they leave out has a default, the agency and its policy too (whose
    schedule is signed in `decisions`). Without them the environment's hub is meant, and that must have been told whose
    it is (`alprhub init`): raises `NoAgency`.
    `clock` is one that its caller answers for; the machine's own may be wrong, and is held against what was trusted.
    `sleep` is how requests to vendors wait: for whoever sets the clock. `registry` has the connectors; without one,
    what is installed here and allowed by the settings. `waits` is for a person who waits at a terminal: it hears what a
    vendor's service refused in passing and in how many seconds it is tried again, and it is tried for less long.
    """
    given = settings or from_environment()
    belonging.refuse_unset(given)
    if settings is None and _nothing_in(given):
        raise agencies.none_in(given)
    _made(given.data)
    load(given.profile)  # refused before anything is made
    if not former.has_file(given) and not former.left_over(given):
        load(given.profile, agencies.signed(given)).activation().demand()
    former.refuse_half(given)
    left = former.left_over(given)
    if left and not former.has_file(given):
        raise former.refused(given, left)
    store = Store(given.url())
    store.disk_encrypted = given.disk_encrypted
    try:
        former.refuse_half_database(store, given.data)
        belonging.refuse_strange(store, given.data)
        if left and standing(store).state == "none":
            raise former.refused(given, left)
        ready(store)
        former.settle_log(store)
        belonging.settle(store, given.data)
        file = given.data / "secret.key"
        vault = Vault.of_settings(given, () if file.exists() else owners(store))
        ticking = clock or TrustedClock(store, SystemClock())
        ready_to_open(store, ticking.now())
        audit = Audit(store, ticking)
        audit.carry()
        agency = agencies.settle(store, audit, ticking, given, asked_for=settings is None)
        there = registry or Installed(given.allow_connectors)
        hub = Hub(Parts(given, agency, ticking, sleep or time.sleep, vault, store, audit, there, waits))
        store.zone = hub.governing.in_force.zone_now
        hub.governing.sources.learn(hub.connections.accounts)
        with ticking.beating() if isinstance(ticking, TrustedClock) else nullcontext():
            yield hub
    finally:
        store.close()


def _nothing_in(settings: HubSettings) -> bool:
    """Whether there is no hub where the environment says, nor is one to begin there: it may be a slip of the hand."""
    begins = {"agency", "profile"} <= settings.model_fields_set
    if begins or settings.database_url is not None or (settings.data.exists() and not settings.data.is_dir()):
        return False
    if (settings.data / "alprhub.sqlite3").exists():
        return False
    return not (settings.data.is_dir() and former.left_over(settings))


def _made(folder: Path) -> None:
    """The data folder, which is made where it is not there; raises `AdminMustAct` where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except FileExistsError:
        raise AdminMustAct(f"ALPRHUB_DATA: {str(folder)!r} is a file, and a folder is needed") from None
    except OSError as failed:
        raise AdminMustAct(
            f"ALPRHUB_DATA: the folder {str(folder)!r} cannot be made or opened: {failed.filename!r} {why(failed)}"
        ) from None
