"""`Jobs`: runs what is due, each piece in a thread of its own, and puts on record how it went."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Final

from connectors.errors import ConnectorError, sentence
from hub.errors import HubError, Stopped
from hub.jobs.catalogue import Catalogue, DueTask
from hub.jobs.record import AWAY, JobRun, JobRuns, OpenRun, Outcome
from hub.people import Actor
from hub.retention.recompute import Overtaken
from hub.store.refused import away_because
from hub.wiring import Hub

log: Final = logging.getLogger("alprhub.jobs")

AT_ONCE: Final = 16
"""Pieces of work on connections that one process does at the same time, each with connections of the database; the jobs
of the whole hub, each at most once at a time, wait for none of them."""
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
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._runner = runner

    def due(self, name: str) -> list[DueTask]:
        """What of a job is due now; what was killed is noted first. Raises `NotFound`."""
        self.runs.settle()
        return list(self.catalogue.job(name).due())

    def run_due(self, actor: Actor, name: str, report: Told | None = None) -> list[JobRun]:
        """Run whatever of a job is due, side by side, and give how each run ended once all have.

        Whoever is told to end meanwhile ends them too: they go on from there when they are begun again.
        """
        ended: list[JobRun] = []

        def keep(run: JobRun) -> None:
            ended.append(run)
            if report:
                report(run)

        threads = list[threading.Thread]()
        try:
            threads.extend(self.start(actor, task, keep) for task in self.due(name))
            for thread in threads:
                thread.join()
        except BaseException:
            self.end(threads, GRACE)
            raise
        return ended

    def end(self, threads: Collection[threading.Thread], grace: timedelta) -> int:
        """End what goes on here between two pieces of its work; what does not end in time is put on record as stopped.

        Gives how many runs that were; each is due again at once.
        """
        self.stopping.set()
        until = time.monotonic() + grace.total_seconds()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))
        return self.runs.abandon()

    def start(self, actor: Actor, task: DueTask, report: Told) -> threading.Thread:
        """Run a task in a thread of its own; `told` hears how it ended, unless another process was first."""

        def work() -> None:
            try:
                with nullcontext() if task.of_hub else self._places:
                    run = self.run(actor, task)
            except AWAY as failed:
                why = away_because(failed, self.settings) or "the database is away"
                log.warning("%s: %s; the next look begins it", thread.name, why)
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
        """Run tasks one after the other; those that another process runs are left out."""
        return [run for run in (self.run(actor, task) for task in tasks) if run is not None]

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


def _where(failed: Exception) -> str:
    """Where an error that nobody foresaw arose, without its text, which may quote a row."""
    frames = traceback.extract_tb(failed.__traceback__)
    at = next((frame for frame in reversed(frames) if "site-packages" not in frame.filename), frames[-1])
    return f"line {at.lineno} of {Path(at.filename).name}"
