"""`by_hand`: what a person runs is on the same record as what the schedules run, and ends as it would without one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from connectors.errors import ConnectorError, sentence
from hub.errors import HubError, Stopped
from hub.jobs.proved import Done
from hub.jobs.record import AWAY, JobRuns, Outcome
from hub.wiring import Hub

RUNNER: Final = "by hand"
_CUT: Final = "somebody stopped it before it was done"
_DEFECT: Final = "a defect of the hub, which the command told"


@contextmanager
def by_hand(hub: Hub, job: str, subject: str = "", connection: str | None = None) -> Iterator[Callable[[Done], None]]:
    """Put the work of the block on record; it says what it came to, and what it raises goes on its way.

    Work on a `connection` that nobody has, and work that is under way elsewhere, is on no record: what refuses it says
    so.
    """
    runs, came = JobRuns(hub.store, hub.clock), list[Done]()
    known = connection is None or any(account.name == connection for account in hub.connections.accounts.list())
    entry = runs.begin(job, subject, RUNNER) if known else None
    if entry is None:
        yield came.append
        return
    try:
        yield came.append
    except BaseException as failed:
        with suppress(*AWAY):  # what was raised is what the person must hear
            entry.end(*_failure(failed))
        raise
    done = came[-1] if came else Done({})
    entry.end("unproved" if done.unproved else "done", done.counts, done.unproved)


def _failure(failed: BaseException) -> tuple[Outcome, dict[str, int], str]:
    if isinstance(failed, Stopped | KeyboardInterrupt):
        return "stopped", {}, _CUT
    return "failed", {}, sentence(failed) if isinstance(failed, ConnectorError | HubError) else _DEFECT
