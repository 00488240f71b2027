"""The hub's door: `open_hub(settings)` puts every service together, once."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import disk_usage

from sqlalchemy import Connection

from connectors.contract import Frame
from connectors.file_words import why
from hub import agency as agencies
from hub import former
from hub.access.approvals import Approvals
from hub.access.asking import Asking
from hub.analysis.service import Analysis
from hub.audit.record import Audit
from hub.cases.approved import ApprovedHolds
from hub.cases.holds import Holds
from hub.cases.links import Links
from hub.cases.orders import Orders
from hub.cases.reviews import Reviews
from hub.clock import Clock, SystemClock
from hub.connections.accounts import Connections
from hub.connections.cameras import Cameras
from hub.connections.changes import Changes
from hub.connections.diagnostics import Diagnostics
from hub.connections.health import Health
from hub.connections.pausing import Pausing
from hub.connections.removal import Removals
from hub.connections.removedcards import removed_unproved
from hub.connections.secrets import Sealing, owners
from hub.connections.showing import Showing
from hub.connections.surroundings import Surroundings
from hub.connections.trial import Trials
from hub.connections.waiting import waiting
from hub.errors import AdminMustAct, NotFound
from hub.governing.activate import Activate
from hub.governing.in_force import Governing
from hub.governing.lives import Promises
from hub.governing.sources import Sources
from hub.hotlists.lists import Hotlists
from hub.hotlists.publishing import Publishing
from hub.ingest.gaps import Gaps
from hub.ingest.inbox import Inbox
from hub.ingest.intake import Intake
from hub.ingest.pictures import Pictures
from hub.ingest.pictures_due import PicturesDue
from hub.ingest.quarantine import Quarantine
from hub.ingest.reparse import Reparse
from hub.ingest.standing import WatchCosts
from hub.ingest.sync import Sync, Watch
from hub.notices.service import Notices
from hub.notices.ways import ways
from hub.policy.profile import Profile, load
from hub.proofs.ages import Ages
from hub.proofs.calendar import Calendar
from hub.proofs.canary import Canaries
from hub.proofs.handover import Handover
from hub.proofs.reconcile import Reconciliation
from hub.proposals import Action
from hub.retention.certificates import Certificates
from hub.retention.endings import Endings
from hub.retention.purge import Retention
from hub.retention.recompute import Recompute
from hub.retention.unkept import Lying, Unkept
from hub.retention.vacuum import Vacuum
from hub.search.export import Export
from hub.search.lookup import Lookups
from hub.search.one import OneRead
from hub.search.query import Cursor, Query
from hub.search.reads import Search
from hub.search.rows import Found, rows_of
from hub.settings import HubSettings, from_environment
from hub.store.engine import Store
from hub.store.images import ImageStore, open_images
from hub.store.instant import to_micros
from hub.store.prepared import ready_to_open
from hub.store.schema import ready, standing
from hub.store.spool import PATIENCE, Spool
from hub.store.vault import Vault
from hub.trusted_clock import TrustedClock


@dataclass(frozen=True, slots=True)
class Hub:
    """Every service of the hub over one store."""

    settings: HubSettings
    agency: str
    clock: Clock
    store: Store
    images: ImageStore
    governing: Governing
    sources: Sources
    audit: Audit
    asking: Asking
    approvals: Approvals
    connections: Connections
    changes: Changes
    showing: Showing
    trials: Trials
    sealing: Sealing
    pausing: Pausing
    health: Health
    diagnostics: Diagnostics
    removals: Removals
    cameras: Cameras
    intake: Intake
    sync: Sync
    gaps: Gaps
    quarantine: Quarantine
    reparse: Reparse
    hotlists: Hotlists
    publishing: Publishing
    search: Search
    lookups: Lookups
    export: Export
    one: OneRead
    analysis: Analysis
    retention: Retention
    unkept: Unkept
    ages: Ages
    calendar: Calendar
    reconciliation: Reconciliation
    canaries: Canaries
    certificates: Certificates
    handover: Handover
    activate: Activate
    recompute: Recompute
    vacuum: Vacuum
    holds: Holds
    reviews: Reviews
    links: Links
    orders: Orders
    pictures: Pictures
    notices: Notices
    pictures_due: PicturesDue
    standing: WatchCosts

    @property
    def profile(self) -> Profile:
        """The policy in force now, whichever process has put it in force."""
        return self.governing.profile()


@contextmanager
def open_hub(
    settings: HubSettings | None = None, clock: Clock | None = None, sleep: Callable[[float], None] | None = None
) -> Iterator[Hub]:
    """A hub on the settings' database, which gets its tables where it has none; everything is closed at the end.

    Raises `AdminMustAct` for a database of another version (`alprhub migrate` brings it up), and for one that is
    missing or empty beside what a former hub left.

    Settings in a caller's hands work alone: what they leave out has a default, the agency and its policy too. Without
    them the environment's hub is meant, and that must have been told whose it is (`alprhub init`): raises `NoAgency`.
    `clock` is one that its caller answers for; the machine's own may be wrong, and is held against what was trusted.
    `sleep` is how requests to vendors wait: for whoever sets the clock.
    """
    given = settings or from_environment()
    if settings is None and _nothing_in(given):
        raise agencies.none_in(given)
    _made(given.data)
    load(given.profile)  # refused before anything is made
    former.refuse_half(given)
    left = former.left_over(given)
    if left and not former.has_file(given):
        raise former.refused(given, left)
    store = Store(given.url())
    store.disk_encrypted = given.disk_encrypted
    try:
        if left and standing(store).state == "none":
            raise former.refused(given, left)
        ready(store)
        former.refuse_without_log(store)
        vault = _vault(given, store)
        ticking = clock or TrustedClock(store, SystemClock())
        ready_to_open(store, ticking.now())
        audit = Audit(store, ticking)
        audit.carry()
        agency = agencies.settle(store, audit, ticking, given, asked_for=settings is None)
        with ticking.beating() if isinstance(ticking, TrustedClock) else nullcontext():
            yield _assembled(given, agency, ticking, sleep or time.sleep, vault, store)
    finally:
        store.close()


def _nothing_in(settings: HubSettings) -> bool:
    """Whether there is no hub where the environment says, nor is one to begin there: it may be a slip of the hand."""
    begins = {"agency", "profile"} <= settings.model_fields_set
    if begins or settings.database_url is not None or (settings.data.exists() and not settings.data.is_dir()):
        return False
    return not (settings.data / "alprhub.sqlite3").exists()


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


def _vault(settings: HubSettings, store: Store) -> Vault:
    file = settings.data / "secret.key"
    if settings.secret_key is None:
        return Vault.of_file(file, () if file.exists() else owners(store))
    former = settings.former_secret_key
    return Vault.of_text(settings.secret_key.get_secret_value(), former.get_secret_value() if former else None, file)


def _assembled(
    settings: HubSettings, agency: str, clock: Clock, sleep: Callable[[float], None], vault: Vault, store: Store
) -> Hub:
    governing = Governing(store)
    store.zone = lambda: governing.zone
    images = open_images(settings.images or str(settings.data / "images"), settings.images_endpoint)
    audit = Audit(store, clock)
    sources = Sources(store)
    asking = Asking(audit, governing)
    approvals = Approvals(store, audit, clock)
    frame = Frame(clock=clock, sleep=sleep)
    connections = Connections(store, audit, clock, vault, frame, agency, settings.allow_connectors)
    sources.learn(lambda key: _vendor(connections, key))
    intake = Intake(store, images, governing, sources, clock)
    endings = Endings(store, clock, governing)
    hotlists = Hotlists(store, audit, clock)

    def watches() -> list[Watch]:
        return [
            Watch(ident, entry.plate, entry.state, entry.reason, entry.case_number)
            for ident, entry in hotlists.watched()
        ]

    def lying() -> Lying:
        there = waiting(settings.data / "inbox")
        return Lying(None if there.counts is None else sum(there.counts.values()), there.set_aside)

    search = Search(store, asking, clock, governing, connections.kind)
    pictures = Pictures(store, images, clock)
    sync = Sync(store, audit, clock, intake, pictures, connections.open, connections.stop, watches, governing)
    publishing = Publishing(store, audit, clock, hotlists, connections.open)
    recompute = Recompute(store, audit, clock, sources, governing)
    unkept = Unkept(store, audit, clock, governing, sources, settings.data / "inbox")
    retention = Retention(store, images, audit, clock, governing, sources, unkept.purge)
    holds = Holds(
        store, audit, asking, clock, lambda *asked: _meant(search, *asked), lambda *keys: _held(store, *keys),
        approvals, settings.auditors,
    )  # fmt: skip
    reviews = Reviews(store, audit, clock, governing, sources, approvals)
    orders = Orders(
        store, audit, asking, clock, lambda *asked: _meant(search, *asked), retention.purge, approvals
    )  # fmt: skip
    activate = Activate(store, audit, clock, recompute.effect, approvals)
    stands = ApprovedHolds(store, audit, clock)
    approvals.register(Action.HOLD, stands, stands)
    approvals.register(Action.CLASSIFY, reviews)
    approvals.register(Action.DESTROY, orders)
    approvals.register(Action.POLICY, activate)
    certificates = Certificates(store, audit, clock)
    ways_out = ways(settings, frame, agency)
    surroundings = Surroundings(
        store, settings.data, lambda: disk_usage(settings.data).free, [way.name for way in ways_out], clock
    )
    health = Health(store, clock, connections, lambda: waiting(settings.data / "inbox"), surroundings, governing)
    return Hub(
        settings=settings,
        agency=agency,
        clock=clock,
        store=store,
        images=images,
        governing=governing,
        sources=sources,
        audit=audit,
        asking=asking,
        approvals=approvals,
        connections=connections,
        changes=Changes(store, audit, clock, vault, frame, governing, endings, agency, connections),
        showing=Showing(store, vault, connections, governing),
        trials=Trials(store, audit, connections, sync.window, intake.look),
        sealing=Sealing(store, audit, clock, vault),
        pausing=Pausing(store, clock, connections),
        health=health,
        diagnostics=Diagnostics(store, audit, clock, vault, connections, health),
        removals=Removals(
            store,
            audit,
            clock,
            endings,
            connections,
            publishing.withdraw,
            retention.purge,
            lambda: waiting(settings.data / "inbox"),
        ),
        cameras=Cameras(store, audit),
        intake=intake,
        sync=sync,
        gaps=Gaps(store, audit, clock, connections.kind, governing),
        quarantine=Quarantine(store, audit, clock, intake, connections.open),
        reparse=Reparse(store, audit, clock, connections.open, lambda: Promises(governing.history(), sources.all())),
        hotlists=hotlists,
        publishing=publishing,
        search=search,
        lookups=Lookups(
            asking, audit, clock, search.find, connections.list, connections.open, intake.take, connections.stop
        ),
        export=Export(asking, audit, clock, search.every, search.covered, images),
        one=OneRead(store, images, asking, clock, governing.clauses),
        analysis=Analysis(store, asking, clock, governing),
        retention=retention,
        unkept=unkept,
        ages=Ages(store, audit, clock, governing, sources, holds.bookings, lying),
        calendar=Calendar(store, audit, clock, governing),
        reconciliation=Reconciliation(store, audit, clock, lying),
        canaries=Canaries(store, audit, clock, governing, connections.open, connections.stop),
        certificates=certificates,
        handover=Handover(store, audit, clock, governing, certificates),
        activate=activate,
        recompute=recompute,
        vacuum=Vacuum(store, audit, clock, sleep),
        holds=holds,
        reviews=reviews,
        orders=orders,
        links=Links(store, audit, clock, governing, sources),
        pictures=pictures,
        notices=Notices(
            store,
            audit,
            clock,
            health.all,
            health.around,
            ways_out,
            lambda: governing.zone,
            agency,
            lambda: removed_unproved(store, governing.zone),
        ),
        pictures_due=PicturesDue(store, clock, connections.list, connections.open, pictures.fetch),
        standing=WatchCosts(connections.list, connections.open, lambda: len(hotlists.watched())),
    )


def _vendor(connections: Connections, key: str) -> str | None:
    """The vendor whose retention holds for a connector's reads; None where this process does not have it."""
    try:
        return connections.kind(key).info.retention_vendor
    except NotFound:
        return None


def _meant(search: Search, query: Query, after: str | None) -> Iterator[tuple[int, str]]:
    """The ids of the visible reads that a query means, newest first, each with the place behind it."""
    for row in search.every(replace(query, after=Cursor.parse(after) if after else None)):
        yield row.id, Cursor(to_micros(row.captured_at), row.id).text()


def _held(store: Store, connection: Connection, keys: Sequence[tuple[int, int]]) -> list[Found]:
    """Held reads as rows of an answer."""
    return rows_of(store, connection, [Cursor(*key) for key in keys], lambda *_: "held")


@contextmanager
def open_inbox(hub: Hub) -> Iterator[Inbox]:
    """The inbox of a hub, keeping what arrives; raises `Busy` where another process receives into this folder.

    A purge has it for moments only, and is waited for.
    """
    spool = Spool(hub.settings.data / "inbox", patience=PATIENCE)
    inbox = Inbox(spool, hub.audit, hub.clock, hub.intake, hub.pictures, hub.connections.open, hub.unkept.destroy)
    inbox.start()
    try:
        yield inbox
    finally:
        inbox.stop()
        spool.close()
