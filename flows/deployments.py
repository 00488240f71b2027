"""Schedules: `python -m flows.deployments` serves every flow of this hub to a Prefect server (`PREFECT_API_URL`)."""

from datetime import timedelta
from typing import Any, Final

from prefect import serve
from prefect.schedules import Cron, Schedule

from connectors.contract import abilities
from flows.canary import canary
from flows.door import the_hub
from flows.holds import holds
from flows.months import months
from flows.publish import publish, verify
from flows.purge import purge
from flows.recompute import recompute
from flows.reconcile import reconcile
from flows.sync import read_cameras, sync

NATIVE: Final = "native"
ASKED: Final = {"pulls_reads", "looks_up_plates"}
"""Whoever can do neither sends by itself, and there is nothing to run."""


def deployments() -> list[Any]:
    """One deployment a connection, one a hot list, and those of the whole hub; parameters are names, never plates.

    Nights are those of the zone that the policy in force names.
    """
    with the_hub() as hub:
        accounts = [
            account
            for account in hub.connections.list()
            if account.state == "active" and ASKED & set(abilities(hub.connections.kind(account.connector)))
        ]
        lists, zone = hub.hotlists.names(), hub.profile.zone.key

    def at_night(cron: str) -> Schedule:
        return Cron(cron, timezone=zone)

    made: list[Any] = []
    for account in accounts:
        reads = read_cameras if account.connector == NATIVE else sync
        made.append(
            reads.to_deployment(
                name=account.name,
                parameters={"connection": account.name},
                interval=timedelta(seconds=account.every_seconds),
                concurrency_limit=1,
            )
        )
    for name in lists:
        called, told = _allowed(name), {"hotlist": name}
        made.append(publish.to_deployment(name=f"publish-{called}", parameters=told, cron="5 * * * *"))
        made.append(verify.to_deployment(name=f"verify-{called}", parameters=told, cron="35 * * * *"))
    made.append(purge.to_deployment(name="purge", cron="0 * * * *"))
    made.append(recompute.to_deployment(name="recompute", cron="*/15 * * * *"))
    made.append(holds.to_deployment(name="holds", cron="50 * * * *"))
    made.append(months.to_deployment(name="months", schedule=at_night("20 3 * * *")))
    made.append(reconcile.to_deployment(name="reconcile", schedule=at_night("40 3 * * *")))
    made.append(canary.to_deployment(name="canary", schedule=at_night("50 4 * * 1")))
    return made


def _allowed(name: str) -> str:
    """The name in characters that Prefect allows; two lists never share one."""
    return "".join(char if char.isalnum() or char in " -_." else f"={ord(char):x}" for char in name)


if __name__ == "__main__":
    serve(*deployments())
