"""What the hub does by itself: each job's name, what it is for, how often, and the work of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from connectors.contract import abilities
from hub.absent import absent
from hub.connections.accounts import Account
from hub.errors import NotFound
from hub.jobs.proved import NO_WAY_TO_LOOK, Done, added_up, probed, published_as, verified, witnessed
from hub.jobs.purging import purged
from hub.jobs.record import JobRun, JobRuns
from hub.jobs.timetable import Every, Nightly, spread
from hub.people import Actor
from hub.store.prepared import prepare
from hub.wiring import Hub

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
AGAIN: Final = timedelta(minutes=5)
"""How long after a list that is not proved at a vendor it is published there again."""
ASKED: Final = {"pulls_reads", "looks_up_plates"}
"""Whoever can do neither sends by itself, and there is nothing to run."""
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
FILLING: Final = "backfill"
"""What pulling a time that somebody named is called on record; it is never due."""
CUT_SHORT: Final = ("killed", "stopped")


Work = Callable[[Actor], Done]


@dataclass(frozen=True, slots=True)
class DueTask:
    """One thing that is due: a job on a subject; `after` is the newest run of it that was seen.

    Of those that share a job and a `lane` one is done at a time.
    """

    job: str
    subject: str
    work: Work
    after: datetime | None = None
    lane: str = ""

    @property
    def of_hub(self) -> bool:
        """Whether it is a job of the whole hub, which waits for no vendor's connection."""
        return not self.subject


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the hub: `asks` is how often somebody should look whether it is due."""

    name: str
    about: str
    asks: timedelta
    due: Callable[[], Iterator[DueTask]]


class Catalogue:
    """The jobs of one hub."""

    def __init__(self, hub: Hub, runs: JobRuns, go_on: Callable[[], None]) -> None:
        self._hub = hub
        self._runs = runs
        self._go_on = go_on
        zone = hub.governing.in_force.zone_now
        whole: list[tuple[str, str, Every | Nightly, Work]] = [
            (
                "holds",
                "Lets go what cases need no longer, or nobody approved.",
                Every(HOUR, -timedelta(minutes=10)),
                self._holds,
            ),
            (
                "purge",
                "Destroys what has expired everywhere, and delivers its certificates.",
                Every(HOUR),
                self._purge,
            ),
            (
                "checkpoint",
                "Signs the audit log, and brings what proves it to its witness.",
                Every(HOUR, timedelta(minutes=20)),
                self._checkpoint,
            ),
            ("recompute", "Gives reads the ends of a new policy.", Every(15 * MINUTE), self._recompute),
            ("pictures", "Fetches the pictures that pulls have left.", Every(5 * MINUTE), self._pictures),
            ("notices", "Tells people of what needs them, once.", Every(MINUTE), self._notices),
            (
                "tidy",
                "Forgets old records of runs, and sweeps up after killed imports.",
                Nightly(2, 50, zone),
                self._tidy,
            ),
            ("vacuum", "Has the database write its file anew after purges.", Nightly(3, 5, zone), self._vacuum),
            ("months", "Makes room for the reads of coming months.", Nightly(3, 20, zone), self._months),
            ("reconcile", "Adds up what came and what became of it.", Nightly(3, 40, zone), self._reconcile),
            ("audit", "Holds the audit log against its hashes and what was signed.", Nightly(4, 20, zone), self._audit),
            ("canary", "Asks vendors for what they must have purged.", Nightly(4, 50, zone, 0), self._canary),
        ]
        listed = [
            Job("sync", "Pulls the reads of every connection whose turn it is.", MINUTE, self._syncs),
            Job("publish", "Sends changed hot lists out and reads them back.", MINUTE, self._publications),
            Job("verify", "Reads hot lists back from every vendor and compares.", AGAIN, self._verifications),
        ]
        self._works = {name: work for name, _, _, work in whole}
        hourly = [Job(name, about, _asks(pace), partial(self._whole, name, pace)) for name, about, pace, _ in whole]
        self.jobs: dict[str, Job] = {job.name: job for job in (*listed, *hourly)}

    def job(self, name: str) -> Job:
        """The job of a name; raises `NotFound`, naming those there are."""
        try:
            return self.jobs[name]
        except KeyError:
            raise NotFound(absent("job", name, list(self.jobs))) from None

    def sync(self, connection: str, since: datetime | None = None, until: datetime | None = None) -> DueTask:
        """Pulling one connection now, whether it is due or not; a pull of a named time does not count as its turn."""

        def work(actor: Actor) -> Done:
            return Done(asdict(self._hub.ingest.sync.run(actor, connection, since, until, lambda _: self._go_on())))

        return DueTask(pulling(since, until), connection, work)

    def publish(self, hotlist: str, connection: str) -> DueTask:
        """Sending one list to one connection now."""
        publish = partial(
            self._hub.hotlists.publishing.publish,
            list_name=hotlist,
            connection_name=connection,
            progress=self._progress,
        )
        return DueTask("publish", at(hotlist, connection), lambda actor: published_as(publish(actor)), lane=connection)

    def verify(self, hotlist: str, connection: str) -> DueTask:
        """Reading one connection's copy of a list back now."""
        verify = partial(self._hub.hotlists.publishing.verify, list_name=hotlist, connection_name=connection)
        return DueTask("verify", at(hotlist, connection), lambda actor: published_as(verify(actor)), lane=connection)

    def whole(self, name: str) -> DueTask:
        """A job of the whole hub now; raises `NotFound`."""
        work = self._works.get(name)
        if work is None:
            raise NotFound(absent("job of the whole hub", name, list(self._works)))
        return DueTask(name, "", work)

    def take(self, hotlists: Iterable[str]) -> list[tuple[str, str]]:
        """These lists, each with the name of every connection that takes it, or from which it is to be taken away."""
        takers = [account.name for account in self._active({"pushes_hotlists"})]
        closed = self._hub.hotlists.publishing.closed(hotlists)
        return [(name, taker) for name in closed for taker in takers if taker not in closed[name]]

    def _syncs(self) -> Iterator[DueTask]:
        accounts = {account.name: account for account in self._active(ASKED)}
        runs, fillings = self._runs.last("sync", list(accounts)), self._runs.last(FILLING, list(accounts))
        for name, account in accounts.items():
            if _under_way(fillings[name]):  # it would only be refused
                continue
            pace = spread(name, timedelta(seconds=account.every_seconds))
            if (due := self._turn(self.sync(name), pace, runs[name])) is not None:
                yield due

    def _publications(self) -> Iterator[DueTask]:
        now, changes = self._hub.clock.now(), self._hub.hotlists.lists.changes()
        tasks = [(name, self.publish(name, taker)) for name, taker in self.take(changes)]
        runs = self._runs.last("publish", [task.subject for _, task in tasks])
        for name, task in tasks:
            changed, newest = changes[name], next(iter(runs[task.subject]), None)
            news = newest is not None and changed is not None and newest.started_at <= changed
            lacking = newest is not None and not newest.good and newest.error != NO_WAY_TO_LOOK
            unproved = newest is not None and lacking and now - newest.started_at >= AGAIN
            if _under_way(runs[task.subject]):
                continue
            if news or unproved:
                yield _seen(task, newest)
            elif (due := self._turn(task, spread(task.subject, HOUR), runs[task.subject])) is not None:
                yield due

    def _verifications(self) -> Iterator[DueTask]:
        tasks = [self.verify(name, taker) for name, taker in self.take(self._hub.hotlists.lists.names())]
        subjects = [task.subject for task in tasks]
        published, runs = self._runs.last("publish", subjects), self._runs.last("verify", subjects)
        for task in tasks:
            half = spread(task.subject, HOUR)
            pace = Every(HOUR, half.offset + HOUR / 2)
            if not published[task.subject] or _under_way(published[task.subject]):
                continue
            if (due := self._turn(task, pace, runs[task.subject])) is not None:
                yield due

    def _whole(self, name: str, pace: Every | Nightly) -> Iterator[DueTask]:
        if (due := self._turn(self.whole(name), pace, self._runs.last(name)[""])) is not None:
            yield due

    def _turn(self, task: DueTask, pace: Every | Nightly, runs: Sequence[JobRun]) -> DueTask | None:
        """The task where it is due: by its time, or since it was cut short; killed twice, it waits for its time.

        `runs` are the newest two runs of it, newest first.
        """
        newest = runs[0] if runs else None
        if _under_way(runs):
            return None
        cut = newest is not None and newest.outcome in CUT_SHORT and not (len(runs) > 1 and runs[1].outcome == "killed")
        due = cut or pace.due(newest.started_at if newest else None, self._hub.clock.now())
        return _seen(task, newest) if due else None

    def _active(self, able: set[str]) -> Iterator[Account]:
        for account in self._hub.connections.accounts.list():
            if account.state != "active":
                continue
            try:
                kind = self._hub.connections.accounts.kind(account.connector)
            except NotFound:  # health says so
                continue
            if able & set(abilities(kind)):
                yield account

    def _progress(self, *_: object) -> None:
        """Between two pieces of a work: whoever was told to end ends here."""
        self._go_on()

    def _purge(self, actor: Actor) -> Done:
        return purged(self._hub, actor, self._progress)

    def _checkpoint(self, _: Actor) -> Done:
        return witnessed(self._hub.proofs.witness.run())

    def _audit(self, actor: Actor) -> Done:
        return verified(self._hub.proofs.checkpoints.verify(actor))

    def _recompute(self, actor: Actor) -> Done:
        return Done(self._hub.retention.recompute.run(actor, self._progress))

    def _vacuum(self, actor: Actor) -> Done:
        return Done(self._hub.retention.vacuum.run(actor, self._progress))

    def _pictures(self, _: Actor) -> Done:
        return Done(self._hub.ingest.pictures_due.run(told=self._progress))

    def _notices(self, actor: Actor) -> Done:
        return Done(self._hub.notices.telling.run(actor))

    def _holds(self, actor: Actor) -> Done:
        approvals = self._hub.access.approvals
        lapsed, done = approvals.lapse(actor), approvals.carry_out_due(actor)
        ended, waiting = self._hub.cases.reviews.expire(actor), len(approvals.list())
        told = {"approvals_lapsed": lapsed, "approvals_carried_out": done, "approvals_waiting": waiting}
        return Done({**asdict(ended), **told})

    def _tidy(self, _: Actor) -> Done:
        self._hub.hotlists.lists.tidy()
        return Done({"forgotten": self._runs.forget()})

    def _months(self, _: Actor) -> Done:
        return Done({"changed": len(prepare(self._hub.store, self._hub.clock.now()))})

    def _reconcile(self, actor: Actor) -> Done:
        return added_up(self._hub.proofs.reconciliation.run(actor), self._hub.proofs.handover.overdue())

    def _canary(self, actor: Actor) -> Done:
        return probed(self._hub.proofs.canaries.probe(actor))


def pulling(since: datetime | None, until: datetime | None) -> str:
    """The name on record of a pull: only one that goes on from where the last one stopped is the connection's turn."""
    return "sync" if since is None and until is None else FILLING


def _asks(pace: Every | Nightly) -> timedelta:
    quarter = timedelta(minutes=15)
    return min(pace.length, quarter) if isinstance(pace, Every) else quarter


def at(hotlist: str, connection: str) -> str:
    """The subject of what is done with a list at a connection."""
    return f"{hotlist} at {connection}"


def _under_way(runs: Sequence[JobRun]) -> bool:
    """Whether the newest of them goes on."""
    return bool(runs) and runs[0].outcome == "running"


def _seen(task: DueTask, newest: JobRun | None) -> DueTask:
    return replace(task, after=newest.started_at if newest else NEVER)
