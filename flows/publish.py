"""Sending hot lists out, and reading them back."""

from collections.abc import Callable

from prefect import flow
from prefect.client.schemas.objects import State

from flows.door import the_jobs
from flows.report import state_of
from hub.jobs.catalogue import DueTask
from hub.jobs.jobs import JOBS, Jobs
from hub.jobs.record import JobRun


@flow(name="publish", persist_result=False)
def publish(hotlists: list[str] | None = None, connections: list[str] | None = None) -> State[dict[str, int]]:
    """Send every list that is due to its vendors and read it back; or those lists that are named, now."""
    with the_jobs() as jobs:
        return state_of(_ran(jobs, "publish", jobs.catalogue.publish, hotlists, connections))


@flow(name="verify", persist_result=False)
def verify(hotlists: list[str] | None = None, connections: list[str] | None = None) -> State[dict[str, int]]:
    """Read every copy that is due back and compare it with ours, sending nothing; or those of the named lists, now."""
    with the_jobs() as jobs:
        return state_of(_ran(jobs, "verify", jobs.catalogue.verify, hotlists, connections))


def _ran(
    jobs: Jobs,
    name: str,
    task: Callable[[str, str], DueTask],
    hotlists: list[str] | None,
    connections: list[str] | None,
) -> list[JobRun]:
    if hotlists is None:
        return jobs.run_due(JOBS, name)
    named = [] if connections is None else [(hotlist, at) for hotlist in hotlists for at in connections]
    return jobs.run_all(JOBS, [task(*one) for one in (jobs.catalogue.take(hotlists) if connections is None else named)])
