"""Pulling a connection's reads."""

from dataclasses import asdict
from datetime import datetime

from prefect import flow

from flows.door import the_hub
from hub.audit.record import Actor


@flow(name="sync", persist_result=False, flow_run_name="sync-{connection}")
def sync(connection: str, since: datetime | None = None, until: datetime | None = None) -> dict[str, int]:
    """Pull one window of one connection; without times, from where the last run stopped until now."""
    with the_hub() as hub:
        return asdict(hub.sync.run(Actor.of_process(), connection, since, until))


@flow(name="read_cameras", persist_result=False)
def read_cameras(connection: str = "native") -> dict[str, int]:
    """Read the agency's own cameras and folders; one connection of the native reader."""
    with the_hub() as hub:
        return asdict(hub.sync.run(Actor.of_process(), connection))
