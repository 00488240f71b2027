"""`Sync`: one connection, one window, kept page by page; and what earlier runs have missed, pulled again."""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import select

from connectors.contract import Connector, Info, LooksUpPlates, Lookup, Page, PullsReads, Window
from connectors.errors import AdminMustFix, ConnectorError, Gone, TryAgain, VendorChanged, sentence
from hub.account import Account
from hub.audit.record import Actor, Audit, Why
from hub.clock import Clock
from hub.errors import HubError, Invalid, Unsettled
from hub.ingest.drift import Drift
from hub.ingest.intake import Intake
from hub.ingest.pictures import Pictures
from hub.ingest.windows import Kept, Leg, after, going_on, missed, named, span_of, until_of, windows
from hub.store import runs, tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.reads import Saved
from hub.store.runs import Span
from normalize.fault import Unusable

log: Final = logging.getLogger("alprhub.sync")

MOST_WINDOWS: Final = 7
"""Windows of what was missed that one ordinary run pulls; the next runs go on."""
REFUSED_FOR: Final = timedelta(days=1)
"""How long ordinary runs leave a window alone that the vendor would not serve (it may not reach back so far)."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A plate that an active case watches, for sources that answer one plate at a time."""

    plate: str
    state: str | None
    reason: str
    case_number: str


class Sync:
    """Pulls."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        intake: Intake,
        pictures: Pictures,
        opened: Callable[[str], tuple[Account, Connector[Any]]],
        pause: Callable[[Actor, str, str], None],
        watches: Callable[[], list[Watch]],
        life: Callable[[Info], timedelta],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._intake = intake
        self._pictures = pictures
        self._open = opened
        self._pause = pause
        self._watches = watches
        self._life = life

    def run(
        self,
        actor: Actor,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Callable[[Saved], None] | None = None,
    ) -> Saved:
        """Pull one window of a connection and keep it; without times, from where the last run stopped until now.

        A run without times then pulls what earlier ones have missed, oldest first, at most `MOST_WINDOWS` days of it;
        what cannot be had even now stays a gap and fails nothing. Raises `Unsettled` where the connection is paused,
        `Busy` where another run holds it; `AdminMustFix` after pausing the connection; `VendorChanged` where more than
        5 % of the records are refused; any other `ConnectorError` with everything kept that came before it.
        """
        with self._held(name) as (account, connector):
            total = Saved()
            for leg in self._legs(account, connector, since, until):
                total += self._pull(actor, account, connector, leg, progress)
            if since is None and until is None:
                total += self._catch_up(actor, account, connector, progress)
        return total

    def backfill(
        self,
        actor: Actor,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Callable[[Saved], None] | None = None,
    ) -> Saved:
        """Pull again, oldest first and a day at a time, and keep what is new; the checkpoint stays where it is.

        Without times everything that no run has covered, from the first run on; with them, all of that time, covered or
        not, for reads that came later than any look-back reaches. Raises as `run` does, with the days before it kept.
        """
        with self._held(name) as (account, connector):
            kept = self._kept(account.id)
            total = Saved()
            if kept.takes_everything:  # any run of it takes what is missing, whatever its window
                for leg in self._legs(account, connector, since, until):
                    total += self._pull(actor, account, connector, leg, progress)
                return total
            spans = missed(kept, since, until, self._clock.now())
            for window in windows(spans, connector.info.look_back, self._oldest(connector)):
                total += self._pull(actor, account, connector, Leg(window, again=True), progress)
        return total

    def _catch_up(
        self,
        actor: Actor,
        account: Account,
        connector: Connector[Any],
        progress: Callable[[Saved], None] | None,
    ) -> Saved:
        """A share of what earlier runs have missed; what cannot be had now stays a gap, and this run a good one."""
        kept, total = self._kept(account.id), Saved()
        if not kept.spans or kept.takes_everything:
            return total
        refused = self._refused(account.id)
        spans = missed(kept, None, None, from_micros(kept.spans[-1].until))
        asked = windows(spans, connector.info.look_back, self._oldest(connector))
        for window in islice((one for one in asked if span_of(one) not in refused), MOST_WINDOWS):
            try:
                total += self._pull(actor, account, connector, Leg(window, again=True), progress)
            except (TryAgain, VendorChanged, Gone) as failed:
                told = (account.id, window.since, window.until, type(failed).__name__)
                log.warning("connection %s: what was missed from %s to %s cannot be had now: %s", *told)
                if isinstance(failed, TryAgain):
                    break
        return total

    def window(
        self, account: Account, connector: Connector[Any], since: datetime | None = None, until: datetime | None = None
    ) -> Window | None:
        """What `run` would pull first with the same times; None where no time has passed since the last run."""
        leg = next(self._legs(account, connector, since, until), None)
        return None if leg is None else leg.window

    @contextmanager
    def _held(self, name: str) -> Iterator[tuple[Account, Connector[Any]]]:
        account, connector = self._open(name)
        if account.state != "active":
            if account.state == "removing":
                raise Unsettled(f"{name} is being removed: end that with alprhub connections remove {name}")
            raise Unsettled(
                f"{name} is {account.state}: {account.state_reason or 'no reason was given'}. Once that is settled:"
                f" alprhub connections resume {name}"
            )
        with self._store.lease(f"sync-{account.id}", f"{name} is being synced"):
            self._settle(account.id)
            yield account, connector

    def _pull(
        self,
        actor: Actor,
        account: Account,
        connector: Connector[Any],
        leg: Leg,
        progress: Callable[[Saved], None] | None,
    ) -> Saved:
        """Pull one window and keep it page by page; a run of its own."""
        total = Saved()
        with few_collections(), self._counted(account.id, leg) as run:
            try:
                for saved in self._pages(actor, connector, account, run):
                    total += saved
                    if progress:
                        progress(saved)
                    if run.drift.clear:
                        break
                if run.drift.changed:
                    raise run.drift.error()
            except AdminMustFix as broken:
                self._pause(actor, account.name, str(broken))
                raise
            self._pictures.fetch(connector, account.id)
        return total

    def _pages(self, actor: Actor, connector: Connector[Any], account: Account, run: "_Run") -> Iterator[Saved]:
        if isinstance(connector, PullsReads):
            for page in connector.pull(run.leg.window):
                yield self._keep(connector, account, run, page, "pull")
        elif isinstance(connector, LooksUpPlates):
            refused: Exception | None = None
            for watch in self._watches():
                try:
                    yield from self._look_up(actor, connector, account, watch, run)
                except (VendorChanged, Unusable) as failed:
                    refused = failed  # one plate that the vendor will not take must not blind us to the others
            if refused is not None:
                raise VendorChanged(f"not every watched plate could be asked for: {refused}")
            yield self._keep(connector, account, run, Page((), {"until": run.leg.window.until.isoformat()}), "lookup")
        else:
            raise Invalid(f"{account.name}: {connector.info.name} can neither be pulled nor asked")

    def _look_up(self, actor: Actor, connector: Any, account: Account, watch: Watch, run: "_Run") -> Iterator[Saved]:
        window = run.leg.window
        query = Lookup(watch.plate, window.since, window.until, watch.reason, watch.state, watch.case_number)
        why = Why("standing lookup of a hot-list entry", watch.reason, watch.case_number)
        # The question itself discloses whom the agency looks for, so it is on record before it is asked.
        self._audit.record(actor, "reads.lookup", "asked", target=account.name, why=why, plate=watch.plate)
        for page in connector.lookup(query):
            yield self._keep(connector, account, run, Page(page.records), "lookup")

    def _keep(self, connector: Connector[Any], account: Account, run: "_Run", page: Page, obtained: str) -> Saved:
        saved = self._intake.take(
            connector,
            account.id,
            page.records,
            obtained=obtained,
            checkpoint=run.checkpoint(page),
            run_id=run.id,
            drift=run.drift,
        )
        run.kept(page)
        return saved

    def _legs(
        self, account: Account, connector: Connector[Any], since: datetime | None, until: datetime | None
    ) -> Iterator[Leg]:
        """The window that somebody named; or those from where the last run stopped until now, each a day at most."""
        kept, end = self._kept(account.id), until or self._clock.now()
        if since is not None:
            yield named(kept, since, end)
            return
        look_back, oldest = connector.info.look_back, self._oldest(connector)
        leg = going_on(kept, end, look_back, oldest)
        while leg is not None:
            yield leg
            leg = after(leg, self._kept(account.id), end, look_back)

    def _oldest(self, connector: Connector[Any]) -> datetime:
        """What was captured before it would be over on arrival."""
        return self._clock.now() - self._life(connector.info)

    def _refused(self, connection_id: int) -> set[Span]:
        """The windows that the vendor would not serve of late."""
        table = tables.runs
        asked = select(table.c.since, table.c.until).where(
            table.c.connection_id == connection_id,
            table.c.started_at > to_micros(self._clock.now() - REFUSED_FOR),
            table.c.outcome.in_((VendorChanged.__name__, Gone.__name__)),
        )
        with self._store.read() as connection:
            return {Span(*row) for row in connection.execute(asked)}

    def _kept(self, connection_id: int) -> Kept:
        table = tables.connections
        with self._store.read() as connection:
            text = connection.scalar(select(table.c.checkpoint).where(table.c.id == connection_id))
            spans = runs.spans(connection, connection_id).get(connection_id, [])
        checkpoint: dict[str, Any] = msgspec.json.decode(text) if text else {}
        return Kept(checkpoint, until_of(checkpoint), spans)

    def _settle(self, connection_id: int) -> None:
        """End what runs of this connection were killed, as far as they had come."""
        table = tables.connections
        with self._store.write() as connection:
            kept = connection.execute(
                select(table.c.checkpoint, table.c.checkpoint_at).where(table.c.id == connection_id)
            ).one()
            until = until_of(msgspec.json.decode(kept.checkpoint)) if kept.checkpoint else None
            kept_until = to_micros(until) if until else None
            runs.settle(connection, connection_id, kept_until, kept.checkpoint_at, to_micros(self._clock.now()))

    @contextmanager
    def _counted(self, connection_id: int, leg: Leg) -> Iterator["_Run"]:
        now = self._clock.now()
        span = span_of(leg.window, now)  # nobody can vouch for what has not happened yet
        with self._store.write() as connection:
            ident = runs.begin(connection, connection_id, span, to_micros(now), filling=not leg.goes_on)
        run = _Run(ident, leg)
        try:
            yield run
        except Exception as failed:
            # Only what is raised on purpose has a text that is known to hold nobody's plate.
            told = sentence(failed) if isinstance(failed, (ConnectorError, HubError)) else None
            self._end(run, type(failed).__name__, told)
            raise
        self._end(run, runs.DONE, None)

    def _end(self, run: "_Run", outcome: str, error: str | None) -> None:
        now = to_micros(self._clock.now())
        with self._store.write() as connection:
            if outcome != runs.DONE and run.until is not None:
                runs.covered_before_the_end(connection, run.id, to_micros(run.until), now)
            runs.end(connection, run.id, now, outcome, error)


class _Run:
    """One run while it runs: which leg it pulls, how far its pages vouch, and what was refused."""

    def __init__(self, ident: int, leg: Leg) -> None:
        self.id = ident
        self.leg = leg
        self.drift = Drift()
        self.until: datetime | None = None
        """Until when everything of the window is kept, as far as pages have said so."""

    def checkpoint(self, page: Page) -> Mapping[str, Any] | None:
        """The connection's checkpoint once a page is kept.

        Its `until` never moves back, nor past a time that lies between it and the window.
        """
        if page.checkpoint is None or self.leg.again:
            return None
        until, stands = until_of(page.checkpoint), self.leg.stands_at
        if until is None or stands is None or self.leg.window.since <= stands <= until:
            return page.checkpoint
        return {**page.checkpoint, "until": stands.isoformat()}

    def kept(self, page: Page) -> None:
        """A page was kept, with what it vouches for unless the vendor has changed."""
        if not self.drift.changed and page.checkpoint is not None:
            self.until = until_of(page.checkpoint) or self.until


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the garbage collector look seldom while pages go through, and not at all at what was there before.

    Records make no cycles, yet their number alone makes Python search for some, a fifth of ingest's time.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
