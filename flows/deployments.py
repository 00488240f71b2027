"""The deployments: one a job. Each asks the hub what is due, so what is added, changed or paused needs no restart."""

from datetime import timedelta
from typing import Any, Final

from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType

from flows.door import the_hub
from flows.publish import publish, verify
from flows.sweep import TAG
from flows.sync import sync
from flows.upkeep import canary, holds, months, purge, recompute, reconcile, tidy

POOL: Final = "alprhub"
MINUTE: Final = timedelta(minutes=1)


def deployments(pool: str | None = None, minute: timedelta = MINUTE) -> list[RunnerDeployment]:
    """One deployment a job of the hub, for a runner, or for the workers of a pool; parameters are never needed.

    Nights are those of the zone that the policy in force names. `minute` is how often it is asked what is due.
    """
    with the_hub() as hub:
        zone = hub.profile.zone.key
    plan: list[tuple[Any, Schedule]] = [
        (sync, Interval(minute)),
        (publish, Interval(minute)),
        (verify, Interval(5 * minute)),
        (holds, Cron("50 * * * *")),
        (purge, Cron("0 * * * *")),
        (recompute, Cron("*/15 * * * *")),
        (tidy, Cron("50 2 * * *", timezone=zone)),
        (months, Cron("20 3 * * *", timezone=zone)),
        (reconcile, Cron("40 3 * * *", timezone=zone)),
        (canary, Cron("50 4 * * 1", timezone=zone)),
    ]
    return [
        flow.to_deployment(
            name="alprhub",
            schedule=schedule,
            description=flow.fn.__doc__,
            tags=[TAG],
            work_pool_name=pool,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for flow, schedule in plan
    ]
