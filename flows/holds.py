"""Holds that end by themselves, and those that somebody must look at."""

from dataclasses import asdict

from prefect import flow

from flows.door import the_hub
from hub.audit.record import Actor


@flow(name="holds", persist_result=False)
def holds() -> dict[str, int]:
    """Let go what cases need no longer, just before the purge; counts, with that of the tasks that are overdue."""
    with the_hub() as hub:
        return asdict(hub.reviews.expire(Actor.of_process()))
