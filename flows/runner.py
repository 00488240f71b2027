"""Running what Prefect's server schedules, and staying: a server that is away for a night ends no runner.

`serve` runs the flows from this process; `work` is a worker of the pool `alprhub`, of which there may be several.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
from prefect import aserve
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists, TerminationSignal
from prefect.settings import get_current_settings
from prefect.workers.process import ProcessWorker

from flows.deployments import POOL, deployments
from flows.quiet import quiet

log: Final = logging.getLogger("alprhub.runner")

AT_ONCE: Final = 6
"""The most flow runs of one runner at the same time; each asks what is due, so more would find nothing to do."""
SHORTEST, LONGEST = timedelta(seconds=2), timedelta(seconds=30)
"""How long to wait before a runner that ended is started again: twice as long each time."""
Plan = Callable[[str | None], list[RunnerDeployment]]
"""Gives the deployments: for a runner (None), or for the workers of the pool of that name."""
LOOK: Final = timedelta(seconds=10)
"""The pause between two checks, beside whatever runs, of whether the server answers."""
STAYED: Final = timedelta(minutes=1)


def api() -> str:
    """The address of the server's API, as Prefect's own settings have it (`PREFECT_API_URL`); empty where none is."""
    return get_current_settings().api.url or ""


def pages() -> str:
    """The address of the server's pages."""
    settings = get_current_settings()
    return (settings.ui_url or api().removesuffix("/api")).rstrip("/")


def serve(plan: Plan = deployments) -> None:
    """Run the flows from this process until it is told to end; raises nothing for a server that goes away."""

    def served() -> None:
        deployments = plan(None)
        asyncio.run(aserve(*deployments, pause_on_shutdown=False, print_starting_message=False, limit=AT_ONCE))

    _stay(served)


def work(plan: Plan = deployments) -> None:
    """Be a worker of the pool until told to end: the pool, the deployments and what they need are made first."""

    def worked() -> None:
        deployments = plan(POOL)
        asyncio.run(_worked(deployments))

    _stay(worked)


async def _worked(deployments: list[RunnerDeployment]) -> None:
    async with get_client() as client:
        with contextlib.suppress(ObjectAlreadyExists):
            await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    for deployment in deployments:
        await deployment.aapply()
    await ProcessWorker(work_pool_name=POOL, limit=AT_ONCE).start()


def answers(address: str) -> bool:
    """Whether a Prefect server is at an address."""
    try:
        return httpx.get(f"{address}/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def _stay(runner: Callable[[], None]) -> None:
    quiet()
    absence, over = Absence(), threading.Event()
    threading.Thread(target=absence.watch, args=(over,), name="server", daemon=True).start()
    try:
        _again_and_again(runner, absence)
    finally:
        over.set()


def _again_and_again(runner: Callable[[], None], absence: "Absence") -> None:
    pause = SHORTEST
    while True:
        absence.wait()
        began = time.monotonic()
        try:
            # What Prefect prints when its server goes away are pages of tracebacks; its log is on stderr.
            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
                runner()
        except (KeyboardInterrupt, TerminationSignal):
            return
        except Exception as failed:  # whatever it is, tomorrow's runs must not wait for somebody to notice
            log.warning("the runner ended and is started again: %s", _reason(failed))
        else:
            return
        pause = SHORTEST if time.monotonic() - began > STAYED.total_seconds() else min(pause * 2, LONGEST)
        time.sleep(pause.total_seconds())


def _reason(failed: BaseException) -> str:
    """The innermost of what went wrong together: a group's own text says only how many there were."""
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return str(failed) or type(failed).__name__


class Absence:
    """Says once that the server is away and once that it answers again, whoever notices it first."""

    def __init__(self) -> None:
        self._away = False
        self._turn = threading.Lock()

    def there(self) -> bool:
        """Whether the server answers now."""
        there = answers(api())
        with self._turn:
            if not there and not self._away:
                log.warning(
                    "Prefect's server at %s gives no answer; waiting for it (start: alprhub prefect server)", api()
                )
            if there and self._away:
                log.warning("Prefect's server at %s answers again", api())
            self._away = not there
        return there

    def wait(self) -> None:
        """Return once the server answers."""
        while not self.there():
            time.sleep(SHORTEST.total_seconds())

    def watch(self, over: threading.Event) -> None:
        """Check the server every `LOOK` until `over` is set."""
        while not over.wait(LOOK.total_seconds()):
            self.there()
