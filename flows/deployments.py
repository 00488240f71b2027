"""The deployments: one a job. Each asks the hub what is due, so what is added, changed or paused needs no restart."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType

from flows.door import the_hub
from flows.publish import publish, verify
from flows.sweep import TAG
from flows.sync import sync
from flows.upkeep import (
    audit,
    canary,
    checkpoint,
    holds,
    months,
    notices,
    pictures,
    purge,
    recompute,
    reconcile,
    tidy,
    vacuum,
)

POOL: Final = "alprhub"
MINUTE: Final = timedelta(minutes=1)
MIDNIGHT: Final = datetime(2020, 1, 1, tzinfo=UTC)


def deployments(
    pool: str | None = None, minute: timedelta = MINUTE, hour: timedelta = 60 * MINUTE
) -> list[RunnerDeployment]:
    """One deployment a job of the hub, for a runner, or for the workers of a pool; parameters are never needed.

    Nights are in the time zone of the policy in force. `minute` is the pause between two checks of what is due.
    """
    with the_hub() as hub:
        zone = hub.governing.profile.zone.key
    plan: list[tuple[Any, Schedule]] = [
        (sync, Interval(minute)),
        (publish, Interval(minute)),
        (verify, Interval(5 * minute)),
        (notices, Interval(minute)),
        (pictures, Interval(5 * minute)),
        (holds, Interval(hour, anchor_date=MIDNIGHT - hour / 6)),
        (purge, Interval(hour, anchor_date=MIDNIGHT)),
        (checkpoint, Interval(hour, anchor_date=MIDNIGHT + hour / 3)),
        (recompute, Interval(hour / 4, anchor_date=MIDNIGHT)),
        (tidy, Cron("50 2 * * *", timezone=zone)),
        (vacuum, Cron("5 3 * * *", timezone=zone)),
        (months, Cron("20 3 * * *", timezone=zone)),
        (reconcile, Cron("40 3 * * *", timezone=zone)),
        (audit, Cron("20 4 * * *", timezone=zone)),
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
