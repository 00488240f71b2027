"""What the hub does for itself: ending holds, destroying for good, recomputing, making room, adding up, asking."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.door import the_jobs
from flows.report import state_of
from hub.jobs.jobs import JOBS


def _due(name: str) -> State[dict[str, int]]:
    """Run a job of the whole hub where it is due: whatever else runs the schedules may have done it already."""
    with the_jobs() as jobs:
        return state_of(jobs.run_due(JOBS, name))


@flow(name="holds", persist_result=False)
def holds() -> State[dict[str, int]]:
    """Let go what cases need no longer, just before the purge; with the count of reviews that are overdue."""
    return _due("holds")


@flow(name="purge", persist_result=False)
def purge() -> State[dict[str, int]]:
    """Remove every expired read from every place that holds it; counts by connection."""
    return _due("purge")


@flow(name="recompute", persist_result=False)
def recompute() -> State[dict[str, int]]:
    """Go on with what the newest policy asks for; nothing where that is done."""
    return _due("recompute")


@flow(name="pictures", persist_result=False)
def pictures() -> State[dict[str, int]]:
    """Fetch the pictures that pulls have left, the address that ends first before all others."""
    return _due("pictures")


@flow(name="notices", persist_result=False)
def notices() -> State[dict[str, int]]:
    """Tell people once of what needs them, and once when it is over."""
    return _due("notices")


@flow(name="tidy", persist_result=False)
def tidy() -> State[dict[str, int]]:
    """Forget old records of runs."""
    return _due("tidy")


@flow(name="vacuum", persist_result=False)
def vacuum() -> State[dict[str, int]]:
    """Have SQLite write its file anew where something was purged, so that nothing of it is left there."""
    return _due("vacuum")


@flow(name="months", persist_result=False)
def months() -> State[dict[str, int]]:
    """Make the months that PostgreSQL will keep reads in before the first read of them comes."""
    return _due("months")


@flow(name="reconcile", persist_result=False)
def reconcile() -> State[dict[str, int]]:
    """Add up what came and what became of it: days, days that differ, certificates that nobody confirms."""
    return _due("reconcile")


@flow(name="checkpoint", persist_result=False)
def checkpoint() -> State[dict[str, int]]:
    """Sign the audit log, and bring what proves it to its witness by every way that is set."""
    return _due("checkpoint")


@flow(name="audit", persist_result=False)
def audit() -> State[dict[str, int]]:
    """Hold every event of the audit log against its hash, and the log against what was signed; counts of faults."""
    return _due("audit")


@flow(name="canary", persist_result=False)
def canary() -> State[dict[str, int]]:
    """Ask every vendor for what it must have purged; counts by outcome, of which `found` is a breach."""
    return _due("canary")
