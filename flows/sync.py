"""Pulling reads."""

from datetime import datetime

from prefect import flow
from prefect.client.schemas.objects import State

from flows.door import the_jobs
from flows.report import state_of
from flows.sweep import tidy_up
from hub.jobs.jobs import JOBS


@flow(name="sync", persist_result=False)
def sync(
    connections: list[str] | None = None, since: datetime | None = None, until: datetime | None = None
) -> State[dict[str, int]]:
    """Pull every connection whose turn it is; or those that are named, now, in a window if times are given."""
    with the_jobs() as jobs:
        if connections is None:
            tidy_up(jobs.runs.alive())
            return state_of(jobs.run_due(JOBS, "sync"))
        tasks = [jobs.catalogue.sync(name, since, until) for name in connections]
        return state_of(jobs.run_all(JOBS, tasks))
