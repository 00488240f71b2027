"""Keeping Prefect's record true: runs whose process is gone do not stay "Running", and none queue behind each other.

Prefect's own way, signs of life as events and an automation over them, marks runs of a second as crashed too, and gives
an embedded server several writes a run to do; the hub knows anyway what lives.
"""

import logging
from collections.abc import Collection
from datetime import UTC, timedelta
from typing import Final

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.runtime import deployment, flow_run
from prefect.states import Cancelled, Crashed
from prefect.types import DateTime

log: Final = logging.getLogger("alprhub.runner")

TAG: Final = "alprhub"
"""What every deployment of ours is tagged with."""
GONE: Final = timedelta(minutes=1)
"""A run that is Running for so long, and has no living job in the hub, has lost its process."""
STUCK: Final = timedelta(minutes=2)
"""A runner that has taken a run and not begun it by then never will."""
MOST: Final = 200


def tidy_up(alive: Collection[str]) -> None:
    """`sweep` the server that this flow run came from; what the server refuses, the next run tries again."""
    if deployment.id is None:
        return
    try:
        with get_client(sync_client=True) as client:
            sweep(client, alive, str(flow_run.id))
    except (PrefectException, HTTPError) as failed:
        log.warning("Prefect's record could not be tidied: %s", failed)


def sweep(client: SyncPrefectClient, alive: Collection[str], own: str = "") -> None:
    """Mark as crashed what runs without a process or was taken and never begun; cancel what a newer late run replaces.

    `alive` are the runners of whatever goes on in the hub, by whose names the flow runs are known; `own` is the run
    that sweeps. A run asks what is due when it begins, so of several that are late the newest does the work of all.
    """
    now = DateTime.now(UTC)
    for run in _runs(client, StateType.RUNNING):
        begun = run.state.timestamp if run.state else now
        known = str(run.id) == own or any(str(run.id) in runner for runner in alive)
        if begun < now - GONE and not known:
            client.set_flow_run_state(
                run.id, Crashed(message="its process is gone; the hub begins it again"), force=True
            )
    for run in _runs(client, StateType.PENDING):
        if run.state and run.state.timestamp < now - STUCK:
            client.set_flow_run_state(run.id, Crashed(message="whoever took it ended before it began"), force=True)
    newest: set[object] = set()
    for run in reversed(_runs(client, StateType.SCHEDULED, now)):
        if run.deployment_id in newest:
            client.set_flow_run_state(run.id, Cancelled(message="a newer run does its work"), force=True)
        newest.add(run.deployment_id)


def _runs(client: SyncPrefectClient, state: StateType, before: DateTime | None = None) -> list[FlowRun]:
    """The runs of ours in a state, in the order of their times; `before` leaves out what is still to come."""
    ours = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[TAG]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[state])),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=before) if before else None,
    )
    return client.read_flow_runs(flow_run_filter=ours, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=MOST)
