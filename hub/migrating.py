"""A database is brought to the schema of the code by whoever is told to, alone, and one step a transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from sqlalchemy.exc import DBAPIError

from hub import belonging, former
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, SystemClock
from hub.errors import Busy
from hub.people import Actor
from hub.settings import HubSettings, from_environment
from hub.store.engine import Store
from hub.store.prepared import NO_LOCK, prepare
from hub.store.schema import newer, said, standing, step

DOING: Final = "the database is being brought to this version"
_WAITED: Final = {
    NO_LOCK: "somebody reads or changes a table that it needs: end what runs (alprhub run, serve, workers, a dump)",
    "57014": "a statement took longer than it may: end what else runs on that server",
}
"""What stopped a step, by PostgreSQL's code."""


class Step(NamedTuple):
    """A step to a revision, and what it does."""

    revision: str
    what: str


class Migrating:
    """The steps between a database and the code."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def missing(self) -> list[Step]:
        """The steps to this version, oldest first; raises `AdminMustAct` on the database of a newer one."""
        stands = standing(self._store)
        if stands.state == "unknown":
            raise newer(stands)
        return [Step(revision, said(revision)) for revision in stands.steps]

    def migrate(self, actor: Actor, report: Callable[[Step], None] = lambda _: None) -> list[Step]:
        """Take every step that is missing and give them; `told` hears of each once it is on the disk.

        A transaction each: one that fails or is killed leaves the steps before it, and the next call goes on from
        there. The last one carries the audit event. Raises `Busy` where another process does it, or a table is in use,
        `AdminMustAct` where the audit log is lost, and what `missing` raises.
        """
        with self._store.lease("migrate", DOING):
            steps = self.missing()
            if steps:
                former.settle_log(self._store)  # before the first step: the last one has an event
            for upcoming in steps:
                self._take(actor, upcoming, steps)
                report(upcoming)
            if steps:
                prepare(self._store, self._clock.now())
        return steps

    def _take(self, actor: Actor, taken: Step, steps: list[Step]) -> None:
        try:
            with self._store.write(doing=DOING) as connection:
                step(connection, taken.revision)
                if taken is steps[-1]:  # the audit of an older schema has other columns
                    Audit(self._store, self._clock).record(
                        actor, Act.HUB_MIGRATE, Outcome.DONE, results=len(steps), within=connection,
                        revisions=[every.revision for every in steps],
                    )  # fmt: skip
        except DBAPIError as failed:
            if (why := _WAITED.get(getattr(failed.orig, "sqlstate", None) or "")) is None:
                raise
            raise Busy(
                f"the step to revision {taken.revision} was not taken, and nothing of it is left: {why}; then repeat"
                " alprhub migrate, which goes on from here"
            ) from failed


@contextmanager
def opened(settings: HubSettings | None = None, clock: Clock | None = None) -> Iterator[Migrating | None]:
    """The steps of the settings' database; None where there is no database with tables yet.

    Without settings, the environment's. Raises `AdminMustAct` for one that is missing beside what a former hub left.
    """
    given = settings or from_environment()
    belonging.refuse_unset(given)
    left = former.left_over(given)
    if not former.has_file(given):
        if left:
            raise former.refused(given, left)
        yield None
        return
    store = Store(given.url())
    try:
        former.refuse_half_database(store, given.data)
        belonging.refuse_strange(store, given.data)
        if (none := standing(store).state == "none") and left:
            raise former.refused(given, left)
        yield None if none else Migrating(store, clock or SystemClock())
    finally:
        store.close()
