"""PostgreSQL's months stand ready before their reads come, and keep out of its samples what may not be in them.

That changes tables, so a job does it each night (`prepare`), and bringing a database to a new version does. Opening a
hub does it only where nobody has for so long that the running month is missing (`ready_to_open`): reads of a month that
is not made are kept and found all the same (`reads_rest`), but cannot go with it in one piece. Nothing of it on SQLite.
"""

from datetime import datetime

from sqlalchemy.exc import OperationalError

from hub.errors import Busy
from hub.store.engine import Store
from hub.store.partitions import has_month, make_months
from hub.store.statistics import withhold

NO_LOCK = "55P03"


def prepare(store: Store, now: datetime) -> list[str]:
    """Make the months that are missing, and drop old ones that are empty; gives what was changed.

    Raises `Busy` where somebody reads for too long: nobody waits behind that.
    """
    try:
        changed = make_months(store, now)
        withhold(store)
    except OperationalError as failed:
        if getattr(failed.orig, "sqlstate", None) != NO_LOCK:
            raise
        raise Busy(
            "the months of reads were not made ready, since somebody has been reading for too long: an export, a dump"
            " or a backup; the next look tries again, and until then reads are kept where those without a month are"
        ) from failed
    return changed


def ready_to_open(store: Store, now: datetime) -> None:
    """Let a store that is opened know of its months, and make them where the running one is missing."""
    if store.is_sqlite:
        return
    store.in_months = True
    if not has_month(store, now):
        try:
            prepare(store, now)
        except Busy:
            return  # what comes is kept without a month, and moves into it when it is made
