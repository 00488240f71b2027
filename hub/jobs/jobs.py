"""`Jobs`: runs what is due, each piece in a thread of its own, and puts on record how it went."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Final

from connectors.errors import ConnectorError, sentence
from hub.errors import HubError, Stopped
from hub.jobs.beside import AT_ONCE
from hub.jobs.catalogue import Catalogue, DueTask
from hub.jobs.record import AWAY, JobRun, JobRuns, OpenRun, Outcome
from hub.people import Actor
from hub.retention.recompute import Overtaken
from hub.store.refused import away_because
from hub.wiring import Hub

log: Final = logging.getLogger("alprhub.jobs")

GRACE: Final = timedelta(seconds=10)
"""How long what is under way may go on where its process is told to end."""
CUT: Final = "it was told to stop before it was done; it goes on from there"
JOBS: Final = Actor.service("jobs")
"""Who acts where the schedules do."""
Told = Callable[[JobRun], None]


class Jobs:
    """The jobs of a hub and their runs; `runner` is what starts them, as the record says."""

    def __init__(self, hub: Hub, runner: str) -> None:
        self.runs = JobRuns(hub.store, hub.clock)
        self.stopping = threading.Event()
        """Set, it ends whatever goes on here between two pieces of its work."""
        self.catalogue = Catalogue(hub, self.runs, self._go_on)
        self.settings = hub.settings
        self._clock = hub.clock
        self._places = threading.BoundedSemaphore(AT_ONCE)  # the jobs of the whole hub wait for none of them
        self._lanes = dict[tuple[str, str], threading.Lock]()
        self._making = threading.Lock()
        self._runner = runner

    def due(self, name: str) -> list[DueTask]:
        """What of a job is due now; what was killed is noted first. Raises `NotFound`."""
        self.runs.settle()
        return list(self.catalogue.job(name).due())

    def run_due(self, actor: Actor, name: str, report: Told | None = None) -> list[JobRun]:
        """Run whatever of a job is due, side by side, as `run_all` does; gives how each run ended once all have."""
        return self._side_by_side(actor, self.due(name), report or _nobody)[0]

    def end(self, threads: Collection[threading.Thread], grace: timedelta) -> int:
        """End what goes on here between two pieces of its work; what does not end in time is put on record as stopped.

        Gives how many runs that were; each is due again at once.
        """
        self.stopping.set()
        until = time.monotonic() + grace.total_seconds()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))
        return self.runs.abandon()

    def start(
        self, actor: Actor, task: DueTask, report: Told, lost: Callable[[Exception], None] | None = None
    ) -> threading.Thread:
        """Run a task in a thread of its own; `report` hears how it ended, unless another process was first.

        `lost` hears why it did not begin, or could not be put on record, where the database is away.
        """

        def work() -> None:
            try:
                with self._lane(task), nullcontext() if task.of_hub else self._places:
                    run = self.run(actor, task)
            except AWAY as failed:
                why = away_because(failed, self.settings) or "the database is away"
                log.warning("%s: %s; the next look begins it", thread.name, why)
                if lost:
                    lost(failed)
                return
            if run is not None:
                report(run)

        thread = threading.Thread(target=work, name=f"{task.job} {task.subject}".strip(), daemon=True)
        thread.start()
        return thread

    def run(self, actor: Actor, task: DueTask) -> JobRun | None:
        """Run a task here and now, and give how it ended; None where it is under way, or was run since it was seen."""
        started = self._clock.now()
        entry = self.runs.begin(task.job, task.subject, self._runner, task.after)
        if entry is None:
            return None
        outcome, counts, error = self._outcome(actor, task, entry)
        entry.end(outcome, counts, error)
        return JobRun(task.job, task.subject, self._runner, started, self._clock.now(), outcome, counts, error)

    def run_all(self, actor: Actor, tasks: Iterable[DueTask]) -> list[JobRun]:
        """Run tasks side by side, and give how each ended, in their order; what another process runs is left out.

        Raises what the database raises where it is away, once the others have ended.
        """
        ended, lost = self._side_by_side(actor, tasks, _nobody)
        if lost:
            raise lost[0]
        return ended

    def _side_by_side(
        self, actor: Actor, tasks: Iterable[DueTask], report: Told
    ) -> tuple[list[JobRun], list[Exception]]:
        """How each task ended, in their order, and why the others did not begin.

        Whoever is told to end meanwhile ends them too: they go on from there when they are begun again.
        """
        ended, lost = dict[int, JobRun](), list[Exception]()

        def keeping(number: int) -> Told:
            def keep(run: JobRun) -> None:
                ended[number] = run
                report(run)

            return keep

        threads = list[threading.Thread]()
        try:
            threads.extend(self.start(actor, task, keeping(number), lost.append) for number, task in enumerate(tasks))
            for thread in threads:
                thread.join()
        except BaseException:
            self.end(threads, GRACE)
            raise
        return [ended[number] for number in sorted(ended)], lost

    def _lane(self, task: DueTask) -> AbstractContextManager[object]:
        """What pieces of a job share that go to one vendor: one after the other, and only one of them has a place here.

        So what waits for a vendor that is down takes nobody else's place.
        """
        if not task.lane:
            return nullcontext()
        with self._making:
            return self._lanes.setdefault((task.job, task.lane), threading.Lock())

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise Stopped(CUT)

    def _outcome(self, actor: Actor, task: DueTask, entry: OpenRun) -> tuple[Outcome, dict[str, int], str | None]:
        try:
            done = task.work(actor)
        except Overtaken as failed:
            return "stopped", {}, sentence(failed)
        except Stopped:
            return "stopped", {}, CUT
        except (ConnectorError, HubError) as failed:
            return "failed", {}, sentence(failed)
        except Exception as failed:
            if (away := away_because(failed, self.settings)) is not None:
                return "failed", {}, away
            where = _where(failed)
            log.error("%s %s: a defect of the hub at %s", task.job, task.subject, where)
            return "failed", {}, f"a defect of the hub itself at {where}; whoever maintains it needs this line"
        except BaseException:
            entry.end("stopped", error=CUT)
            raise
        return ("unproved" if done.unproved else "done"), done.counts, done.unproved


def _nobody(_: JobRun) -> None:
    """Hears of a run, and tells nobody."""


def _where(failed: Exception) -> str:
    """Where an error that nobody foresaw arose, without its text, which may quote a row."""
    frames = traceback.extract_tb(failed.__traceback__)
    at = next((frame for frame in reversed(frames) if "site-packages" not in frame.filename), frames[-1])
    return f"line {at.lineno} of {Path(at.filename).name}"
