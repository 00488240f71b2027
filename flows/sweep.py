"""Keeping Prefect's record true: runs whose process is gone do not stay "Running", and none queue behind each other."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from httpx import HTTPError
from prefect.automations import Automation
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import PrefectException
from prefect.states import Cancelled, Crashed

log: Final = logging.getLogger("alprhub.runner")

TAG: Final = "alprhub"
"""What every deployment of ours is tagged with."""
NAME: Final = "alprhub: runs whose process is gone"
SILENT: Final = timedelta(seconds=60)
"""A run that leaves out two of its signs of life (each 30 s, the shortest that Prefect allows) is gone."""
STUCK: Final = timedelta(minutes=3)
"""Whoever took a run and has not begun it by then will not."""
GONE: Final = "its process is gone; the hub starts it again"
HEARTBEAT: Final = "prefect.flow-run.heartbeat"
MOST: Final = 200


async def watch_for_the_dead() -> None:
    """Have the server itself mark runs of ours as crashed that show no life any more; made once, then kept as here."""
    ended = {f"prefect.flow-run.{name}" for name in ("Completed", "Failed", "Crashed", "Cancelled", "Scheduled")}
    wanted = Automation(
        name=NAME,
        description="A run that was killed does not stay Running; the hub starts it again by itself.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification({"prefect.resource.id": f"prefect.tag.{TAG}"}),
            after={HEARTBEAT},
            expect={HEARTBEAT, *ended},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENT,
        ),
        actions=[ChangeFlowRunState(name="Crashed", state=StateType.CRASHED, message=GONE, force=False)],
    )
    try:
        there = await Automation.aread(name=NAME)
    except ValueError:
        await wanted.acreate()
        return
    wanted.id = there.id
    await wanted.aupdate()


def tidy_up() -> None:
    """`sweep` the server that this flow run came from; what the server refuses, the next run tries again."""
    if (context := FlowRunContext.get()) is None or context.flow_run is None or context.flow_run.deployment_id is None:
        return
    try:
        with get_client(sync_client=True) as client:
            sweep(client, TAG)
    except (PrefectException, HTTPError) as failed:
        log.warning("Prefect's record could not be tidied: %s", failed)


def sweep(client: SyncPrefectClient, tag: str) -> tuple[int, int]:
    """Mark runs that were taken and never begun as crashed, and late ones that a newer one replaces as cancelled.

    A run asks what is due when it begins, so of several that are late the newest does the work of all.
    """
    now = datetime.now(UTC)
    taken = _runs(client, tag, FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING])))
    stuck = [run for run in taken if run.state and run.state.timestamp < now - STUCK]
    for run in stuck:
        client.set_flow_run_state(run.id, Crashed(message="whoever took it ended before it began"), force=True)
    waiting = _runs(client, tag, FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])))
    late = [run for run in waiting if run.expected_start_time and run.expected_start_time < now]
    newest: dict[object, FlowRun] = {}
    replaced = 0
    for run in sorted(late, key=lambda run: run.expected_start_time or now, reverse=True):
        if run.deployment_id in newest:
            client.set_flow_run_state(run.id, Cancelled(message="a newer run does its work"), force=True)
            replaced += 1
        newest.setdefault(run.deployment_id, run)
    return len(stuck), replaced


def _runs(client: SyncPrefectClient, tag: str, state: FlowRunFilterState) -> list[FlowRun]:
    ours = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]), state=state)
    return client.read_flow_runs(flow_run_filter=ours, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=MOST)
