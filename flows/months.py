"""Making room ahead of time."""

from prefect import flow

from flows.door import the_hub
from hub.store.partitions import make_months


@flow(name="months", persist_result=False)
def months() -> list[str]:
    """Make the months that PostgreSQL will keep reads in before the first read of them comes; what was changed."""
    with the_hub() as hub:
        return make_months(hub.store, hub.clock.now())
