"""Removing what has expired."""

from prefect import flow

from flows.door import the_hub
from hub.audit.record import Actor


@flow(name="purge", persist_result=False)
def purge() -> dict[str, int]:
    """Remove every expired read from every place that holds it; counts by connection."""
    with the_hub() as hub:
        return hub.retention.purge(Actor.of_process())
