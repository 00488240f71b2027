"""`Sync`: one connection, one window, kept page by page; and what earlier runs have missed, pulled again."""

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import select, update

from connectors.contract import Connector, LooksUpPlates, Lookup, Page, PullsReads, Window
from connectors.errors import AdminMustFix, BadFiles, ConnectorError, Gone, TryAgain, VendorChanged, kind_of, sentence
from connectors.struck import Struck, secrets_of
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, earliest
from hub.errors import HubError, Invalid, Stopped, Unsettled
from hub.governing.in_force import Governing
from hub.ingest.ahead import ahead
from hub.ingest.documents import answer_of
from hub.ingest.intake import Intake, Parsed
from hub.ingest.interpreter import tuned_for_pages
from hub.ingest.job import PullJob, PullProgress, RunTime, in_time
from hub.ingest.pictures import Pictures
from hub.ingest.rounds import Round, Rounds
from hub.ingest.sync_run import SyncRun
from hub.ingest.windows import (
    KnownProgress,
    WindowToPull,
    after,
    going_on,
    missed,
    named,
    span_of,
    until_of,
    windows,
    without_time,
)
from hub.people import Actor, Why
from hub.ports import ConfiguredAccount, OpensAndPauses, Watches
from hub.store import runs, tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.page import Saved
from hub.store.runs import TimeSpan
from hub.store.taken import TakenFiles
from hub.words import count, span
from normalize.fault import Unusable

log: Final = logging.getLogger("alprhub.sync")

MOST_WINDOWS: Final = 7
"""Windows of what was missed that one ordinary run pulls; the next runs go on."""
REFUSED_FOR: Final = timedelta(days=1)
"""How long ordinary runs leave a window alone that the vendor would not serve (it may not reach back so far)."""

LOOKING: Final = timedelta(minutes=10)
"""The longest time that one run asks for single plates; it ends sooner where the next run is due."""
LONGEST: Final = timedelta(hours=4)
"""The longest time that one run takes, and one day of a backfill: a vendor may drip, and others wait for its turn."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A plate that an active case watches, for sources that answer one plate at a time; `id` is its entry's."""

    id: int
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
        accounts: OpensAndPauses,
        hotlists: Watches,
        governing: Governing,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._intake = intake
        self._pictures = pictures
        self._rounds = Rounds(store)
        self._accounts = accounts
        self._hotlists = hotlists
        self._governing = governing

    def run(
        self,
        actor: Actor,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: PullProgress | None = None,
    ) -> Saved:
        """Pull one window of a connection and keep it; without times, from where the last run stopped until now.

        A run without times then pulls what earlier ones have missed, oldest first, at most `MOST_WINDOWS` days of it;
        what cannot be had even now stays a gap and fails nothing. Pictures are fetched beside, and a little longer than
        the rows take: by then those are kept and another run may begin. A round of standing look-ups that takes longer
        than a run may is gone on with by the next, as are the days that are left after `LONGEST`. Raises `Invalid`
        where the source only sends, and `Unsettled` where the connection is paused, with no run on record; `Busy` where
        another run holds it; `TryAgain` after `LONGEST` within a day; `AdminMustFix` after pausing the connection;
        `VendorChanged` where more than 5 % of the records are refused; any other `ConnectorError`, and what `progress`
        raises, with everything kept that came before it.
        """
        with self._job(actor, name, progress) as job:
            for leg in self._legs(job.account, job.connector, since, until):
                self._pull(job, leg)
                if job.unfinished or not job.time.left():
                    break
            else:
                if since is None and until is None:
                    self._catch_up(job)
        return job.done()

    def backfill(
        self,
        actor: Actor,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: PullProgress | None = None,
    ) -> Saved:
        """Pull again, oldest first and a day at a time, and keep what is new; the checkpoint stays where it is.

        Without times everything that no run has covered, from the first run on; with them, all of that time, covered or
        not, for reads that came later than any look-back reaches. Raises as `run` does, with the days before it kept.
        """
        with self._job(actor, name, progress) as job:
            kept = self._kept(job.account.id)
            if kept.takes_everything:  # any run of it takes what is missing, whatever its window
                legs = self._legs(job.account, job.connector, since, until)
            else:
                spans = missed(kept, since, until, self._clock.now())
                pieces = windows(spans, job.connector.info.look_back, self._oldest(job.account))
                legs = (WindowToPull(window, again=True) for window in pieces)
            for leg in legs:
                job.time.begin()
                self._pull(job, leg)
                if job.unfinished:
                    break
        return job.done()

    @contextmanager
    def _job(self, actor: Actor, name: str, progress: PullProgress | None) -> Iterator[PullJob]:
        """Hold a connection while its rows are pulled; its pictures may take longer."""
        running = RunTime(LONGEST)
        with (
            self._pictures.beside() as beside,
            self._held(name) as (account, opened),
            opened,
            in_time(opened, running) as connector,
        ):
            looking = min(LOOKING.total_seconds(), account.every_seconds)
            job = PullJob(actor, account, connector, beside, progress, running, time.monotonic() + looking)
            beside.begin(opened, account.id, job.tell)
            yield job
        if job.bad_files is not None:
            raise job.bad_files

    def _catch_up(self, job: PullJob) -> None:
        """Pull a share of what earlier runs missed; what cannot be had now stays a gap and does not fail the run."""
        account, connector = job.account, job.connector
        kept = self._kept(account.id)
        if not kept.spans or kept.takes_everything:
            return
        refused = self._refused(account.id)
        spans = missed(kept, None, None, from_micros(kept.spans[-1].until))
        pieces = windows(spans, connector.info.look_back, self._oldest(account))
        for window in islice((piece for piece in pieces if span_of(piece) not in refused), MOST_WINDOWS):
            try:
                self._pull(job, WindowToPull(window, again=True))
            except (TryAgain, VendorChanged, Gone) as failed:
                gap = (account.name, window.since.isoformat(), window.until.isoformat(), sentence(failed))
                log.warning("%s: what was missed from %s to %s cannot be had now: %s", *gap)
                if isinstance(failed, TryAgain):
                    break
            if job.unfinished:
                break

    def window(
        self,
        account: ConfiguredAccount,
        connector: Connector[Any],
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Window | None:
        """What `run` would pull first with the same times; None where no time has passed since the last run."""
        leg = next(self._legs(account, connector, since, until), None)
        return None if leg is None else replace(leg.window, fresh=TakenFiles(self._store, account.id).fresh)

    @contextmanager
    def _held(self, name: str) -> Iterator[tuple[ConfiguredAccount, Connector[Any]]]:
        account, connector = self._accounts.open(name)
        if not isinstance(connector, PullsReads | LooksUpPlates):  # before any run that could fail
            raise Invalid(
                f"{name} cannot be pulled: {connector.info.name} sends its reads by itself; alprhub serve takes them"
            )
        if account.state != "active":
            if account.state == "removing":
                raise Unsettled(f"{name} is being removed: end that with alprhub connections remove {name}")
            raise Unsettled(
                f"{name} is {account.state}: {account.state_reason or 'no reason was given'}. Once that is settled:"
                f" alprhub connections resume {name}"
            )
        with self._store.lease(f"sync-{account.id}", f"{name} is being synced"):
            self._settle(account.id, name)
            yield self._accounts.open(
                name
            )  # by the settings of now: they may have been changed before the lease was ours

    def _pull(self, job: PullJob, leg: WindowToPull) -> None:
        """Pull one window and keep it page by page; a run of its own."""
        job.window = leg.window
        struck = Struck(secrets_of(job.connector.settings))
        with tuned_for_pages(), self._counted(job.account.id, leg, struck) as run:
            try:
                job.tell()
                with closing(self._pages(job, run)) as pages:
                    for saved in pages:
                        job.kept(saved)
                        if run.drift.clear:
                            break
                if run.drift.changed:
                    raise run.drift.error()
            except VendorChanged as changed:
                self._set_aside(job, run, changed)
                raise
            except AdminMustFix as broken:
                self._accounts.stop(job.actor, job.account.name, struck.without_secrets(str(broken)))
                raise
            except TryAgain as failed:
                if job.time.left():
                    raise
                raise TryAgain(
                    f"{job.account.name} answered so slowly that the run was ended after {span(LONGEST)}: what came is"
                    " kept, and the next run asks for the rest"
                ) from failed

    def _set_aside(self, job: PullJob, run: SyncRun, changed: VendorChanged) -> None:
        """Keep what came in place of an answer, once, for whoever must see what the vendor has changed."""
        if (answer := answer_of(changed)) is not None:
            job.kept(self._keep(job.account, run, Page(()), self._intake.parsed(job.connector, (answer,)), "pull"))

    def _pages(self, job: PullJob, run: SyncRun) -> Generator[Saved]:
        account, connector = job.account, job.connector
        if isinstance(connector, PullsReads):
            files = TakenFiles(self._store, account.id)
            window = replace(run.leg.window, fresh=files.fresh)
            bad: BadFiles | None = None
            try:
                with ahead(lambda: self._pulled(connector, window, job.time), f"pull-{account.name}") as pages:
                    for page, parsed in pages:
                        yield self._keep(account, run, page, parsed, "pull", pages.go_on)
            except BadFiles as failed:
                bad = failed
            # A file that cannot be taken is news once: the run is as good as any other, and health shows it.
            if files.cannot(bad.files if bad else {}):
                job.bad_files = bad
            files.settle()
            if bad is not None and bad.passing is not None:
                raise bad.passing
        else:
            yield from self._go_round(job, run)

    def _pulled(self, connector: Any, window: Window, running: RunTime) -> Iterator[tuple[Page, Parsed]]:
        for page in connector.pull(window):
            yield page, self._intake.parsed(connector, page.records)
            if page.checkpoint is None and not running.left():
                raise TryAgain("the time of the run is over")

    def _go_round(self, job: PullJob, run: SyncRun) -> Iterator[Saved]:
        """Ask for every watched plate that this round has not asked for yet, as long as there is time."""
        account, connector, refused = job.account, job.connector, ""
        oldest = to_micros(self._oldest(account))
        now = self._rounds.begin(account.id, span_of(run.leg.window), run.leg.goes_on, oldest)
        watches = (
            Watch(ident, entry.plate, entry.state, entry.reason, entry.case_number)
            for ident, entry in self._hotlists.watched()
        )
        waiting = [watch for watch in watches if watch.id > now.after_id]
        for number, watch in enumerate(waiting):
            job.plates = (now.asked, now.asked + len(waiting) - number)
            if number and time.monotonic() >= job.ends_at:
                job.unfinished = True
                run.unfinished = f"{now.asked:,} of {job.plates[1]:,} plates asked for; the next run goes on"
                return
            taken = True
            try:
                yield from self._look_up(job, watch, run)
            except (VendorChanged, Unusable) as failed:
                # One plate that the vendor will not take must not blind us to the others.
                taken, refused = False, sentence(failed)
            now = Round(now.span, watch.id, now.asked + 1, now.refused + (not taken))
            self._rounds.asked(account.id, now)
            job.plates = (now.asked, now.asked + len(waiting) - number - 1)
            yield Saved(plates_asked=1)
        if now.refused:
            self._rounds.over(account.id, now.span)
            refusals = refused or f"{now.refused:,} in earlier runs of this round"
            raise VendorChanged(f"not every watched plate could be asked for: {refusals}")
        until = run.leg.window.until.isoformat()
        yield self._keep(account, run, Page((), {"until": until}), self._intake.parsed(connector, ()), "lookup")
        self._rounds.over(account.id, now.span)

    def _look_up(self, job: PullJob, watch: Watch, run: SyncRun) -> Iterator[Saved]:
        window, account = run.leg.window, job.account
        query = Lookup(watch.plate, window.since, window.until, watch.reason, watch.state, watch.case_number)
        why = Why("standing lookup of a hot-list entry", watch.reason, watch.case_number)
        # The question itself discloses whom the agency looks for, so it is on record before it is asked.
        self._audit.record(job.actor, Act.READS_LOOKUP, Outcome.ASKED, target=account.name, why=why, plate=watch.plate)
        for page in job.connector.lookup(query):  # type: ignore[attr-defined]
            yield self._keep(account, run, Page(()), self._intake.parsed(job.connector, page.records), "lookup")

    def _keep(
        self,
        account: ConfiguredAccount,
        run: SyncRun,
        page: Page,
        parsed: Parsed,
        obtained: str,
        meanwhile: Callable[[], None] | None = None,
    ) -> Saved:
        saved = self._intake.keep(
            account.id,
            parsed,
            obtained=obtained,
            checkpoint=run.checkpoint(page),
            taken=page.taken,
            run_id=run.id,
            drift=run.drift,
            meanwhile=meanwhile,
        )
        run.kept(page)
        return saved

    def _legs(
        self, account: ConfiguredAccount, connector: Connector[Any], since: datetime | None, until: datetime | None
    ) -> Iterator[WindowToPull]:
        """The window that somebody named; or those from where the last run stopped until now, each a day at most."""
        kept, end = self._kept(account.id), until or self._clock.now()
        begun = None
        if until is None:
            begun = self._rounds.begun(account.id, None if since is None else to_micros(since))
            if begun and begun.until > runs.latest(to_micros(end)):
                begun = None  # the clock was ahead when it was
        if since is not None:
            yield named(kept, since, from_micros(begun.until) if begun else end)
            return
        look_back, oldest = connector.info.look_back, self._oldest(account)
        if begun:
            window = Window(from_micros(begun.since), from_micros(begun.until), kept.checkpoint)
            leg: WindowToPull | None = WindowToPull(window, True, kept.until)
        else:
            leg = going_on(kept, end, look_back, oldest)
        while leg is not None:
            yield leg
            leg = after(leg, self._kept(account.id), end, look_back)

    def _oldest(self, account: ConfiguredAccount) -> datetime:
        """What was captured before it would be over on arrival."""
        now = self._clock.now()
        return now - self._governing.life(account.provenance, now)

    def _refused(self, connection_id: int) -> set[TimeSpan]:
        """The windows that the vendor would not serve of late."""
        table, now = tables.runs, self._clock.now()
        query = select(table.c.since, table.c.until).where(
            table.c.connection_id == connection_id,
            table.c.started_at.between(to_micros(now - REFUSED_FOR), to_micros(now)),
            table.c.outcome.in_((VendorChanged.__name__, Gone.__name__)),
        )
        with self._store.read() as connection:
            return {TimeSpan(*row) for row in connection.execute(query)}

    def _kept(self, connection_id: int) -> KnownProgress:
        table, now = tables.connections, earliest(self._clock)
        with self._store.read() as connection:
            text = connection.scalar(select(table.c.checkpoint).where(table.c.id == connection_id))
            spans = runs.spans(connection, connection_id, now=to_micros(now)).get(connection_id, [])
        checkpoint: dict[str, Any] = msgspec.json.decode(text) if text else {}
        return KnownProgress(checkpoint, until_of(checkpoint), spans).at(now)

    def _settle(self, connection_id: int, name: str) -> None:
        """End killed runs of this connection where they had come to; void those made while the clock was ahead."""
        table, now = tables.connections, to_micros(self._clock.now())
        with self._store.write(durable=False) as connection:
            kept = connection.execute(
                select(table.c.checkpoint, table.c.checkpoint_at).where(table.c.id == connection_id)
            ).one()
            checkpoint = msgspec.json.decode(kept.checkpoint) if kept.checkpoint else {}
            until = until_of(checkpoint)
            kept_until = to_micros(until) if until else None
            voided = runs.void(connection, connection_id, now)
            if kept_until is not None and kept_until > runs.latest(now):
                kept_until, text = None, msgspec.json.encode(without_time(checkpoint)).decode()
                connection.execute(update(table).where(table.c.id == connection_id).values(checkpoint=text))
            runs.settle(connection, connection_id, kept_until, kept.checkpoint_at, now)
        if voided:
            log.warning("%s: the clock was ahead in %s: what it skipped is asked for again", name, count(voided, "run"))

    @contextmanager
    def _counted(self, connection_id: int, leg: WindowToPull, struck: Struck) -> Iterator[SyncRun]:
        now = self._clock.now()
        span = span_of(leg.window, now)  # nobody can vouch for what has not happened yet
        with self._store.write(durable=False) as connection:
            ident = runs.begin(connection, connection_id, span, to_micros(now), filling=not leg.goes_on)
        run = SyncRun(ident, leg)
        try:
            yield run
        except (Stopped, KeyboardInterrupt):
            self._end(run, runs.STOPPED, "somebody stopped it")
            raise
        except Exception as failed:
            # Only what is raised on purpose has a text that is known to hold nobody's plate.
            error = sentence(failed) if isinstance(failed, (ConnectorError, HubError)) else None
            self._end(run, kind_of(failed), error and struck.without_secrets(error))
            raise
        self._end(run, runs.UNFINISHED if run.unfinished else runs.DONE, run.unfinished)

    def _end(self, run: SyncRun, outcome: str, error: str | None) -> None:
        now = to_micros(self._clock.now())
        with self._store.write(durable=False) as connection:
            if outcome != runs.DONE and run.until is not None:
                runs.covered_before_the_end(connection, run.id, to_micros(run.until), now)
            runs.end(connection, run.id, now, outcome, error)
