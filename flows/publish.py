"""Sending hot lists out, and reading them back."""

from dataclasses import asdict
from typing import Any

from prefect import flow

from flows.door import the_hub
from hub.audit.record import Actor
from hub.hotlists.publishing import Published


@flow(name="publish", persist_result=False, flow_run_name="publish-{hotlist}")
def publish(hotlist: str, connections: list[str] | None = None) -> list[dict[str, Any]]:
    """Make every active connection's copy of a list agree with ours, then read each back and compare."""
    with the_hub() as hub:
        names = connections or [account.name for account in hub.connections.list() if account.state == "active"]
        return [_counts(hub.publishing.publish(Actor.of_process(), hotlist, name)) for name in names]


@flow(name="verify", persist_result=False, flow_run_name="verify-{hotlist}")
def verify(hotlist: str, connections: list[str] | None = None) -> list[dict[str, Any]]:
    """Read every active connection's copy of a list and compare it with ours, sending nothing."""
    with the_hub() as hub:
        names = connections or [account.name for account in hub.connections.list() if account.state == "active"]
        return [_counts(hub.publishing.verify(Actor.of_process(), hotlist, name)) for name in names]


def _counts(published: Published) -> dict[str, Any]:
    """What Prefect may know: names, counts, and whether something failed, but not in whose words."""
    return {**asdict(published), "error": published.error is not None}
