"""Accounting for every record that came."""

from prefect import flow

from flows.door import the_hub
from hub.audit.record import Actor


@flow(name="reconcile", persist_result=False)
def reconcile() -> dict[str, int]:
    """Add up what came and what became of it: counts of days, of those that differ, of certificates nobody confirms."""
    with the_hub() as hub:
        account = hub.reconciliation.run(Actor.of_process())
        told = {"days": len(account.days), "differences": len(account.differences)}
        return told | {"unconfirmed": hub.handover.overdue()}
