"""`Loop`: the schedules without a scheduler: one process that looks what is due and runs it, until told to end."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from hub.jobs.catalogue import DueTask
from hub.jobs.jobs import Jobs, Told
from hub.jobs.record import AWAY
from hub.people import Actor
from hub.store.refused import away_because

log: Final = logging.getLogger("alprhub.jobs")

TICK: Final = timedelta(seconds=5)
"""How long the loop waits before it looks again."""
MOST: Final = 64
"""Pieces on connections that are begun or wait for their turn at the same time; the next look takes up what is left."""
GRACE: Final = timedelta(seconds=20)
"""How long what is under way may go on once the loop was told to end; it goes on where it stopped next time."""


class Loop:
    """Runs what is due, each piece in a thread of its own: one that hangs holds up no other."""

    def __init__(
        self, jobs: Jobs, actor: Actor, report: Told, begun: Callable[[DueTask], None] = lambda _: None
    ) -> None:
        self._jobs = jobs
        self._actor = actor
        self._report = report
        self._begun = begun
        self._under_way: dict[tuple[str, str], threading.Thread] = {}

    def run(self, stop: threading.Event, tick: timedelta = TICK, grace: timedelta = GRACE) -> int:
        """Go on until `stop` is set; gives how many pieces of work were cut short, which the record calls stopped."""
        away = False
        while not stop.is_set():
            try:
                self._look()
                if away:
                    log.warning("the database answers again")
                away = False
            except AWAY as failed:
                if not away:
                    log.warning(
                        "%s; nothing is lost, and the schedules go on once that is over",
                        away_because(failed, self._jobs.settings)
                        or "the database refuses what the hub asks of it: a defect of the hub itself",
                    )
                away = True
            stop.wait(tick.total_seconds())
        return self._jobs.end(self._under_way.values(), grace)

    def _look(self) -> None:
        self._under_way = {key: thread for key, thread in self._under_way.items() if thread.is_alive()}
        for name in self._jobs.catalogue.jobs:
            for task in self._jobs.due(name):
                key = (task.job, task.subject)
                if key not in self._under_way and (task.of_hub or self._on_connections() < MOST):
                    self._begun(task)
                    self._under_way[key] = self._jobs.start(self._actor, task, self._report)

    def _on_connections(self) -> int:
        return sum(1 for _, subject in self._under_way if subject)
