"""`Keeping`: from the spool into the database, a few batches at a time; what cannot be kept waits and hinders nobody.

It may be done again after a crash: what is kept is known by its id.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from connectors.contract import Connector, Document
from connectors.errors import ConnectorError
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.errors import AdminMustAct, HubError, NoConnector, NotFound, Removed
from hub.ingest.documents import records_of
from hub.ingest.intake import Intake
from hub.people import Actor
from hub.ports import Opens
from hub.store.instant import from_micros
from hub.store.page import Saved
from hub.store.spool import Pushed, Spool

log: Final = logging.getLogger("alprhub.inbox")

TOGETHER: Final = 16 << 20
"""Bytes of batches that are kept in one transaction."""


class Owner(NamedTuple):
    """Whose a push is: the connection's name when it was taken, and its row."""

    name: str
    ident: int


class Keeping:
    """Keeps what a spool holds. One caller keeps at a time, the others wait for it."""

    def __init__(
        self,
        spool: Spool,
        audit: Audit,
        intake: Intake,
        accounts: Opens,
        wanting: Callable[[int, Connector[Any]], None],
    ) -> None:
        """`wanting` hears of connections whose reads came without their pictures."""
        self._spool = spool
        self._audit = audit
        self._intake = intake
        self._accounts = accounts
        self._wanting = wanting
        self._keeping = Lock()
        self._put_off: set[Path] = set()
        self._logged: dict[Owner, str] = {}

    @property
    def waits(self) -> bool:
        """Whether there is something that could not be kept the last time."""
        return bool(self._put_off)

    def keep(self, *, again: bool = True, go_on: Callable[[], bool] = lambda: True) -> Saved:
        """Keep what waits in the spool and say what became of it; pictures are fetched apart.

        What cannot be kept waits for the next time and holds up nothing else; the last failure is raised. `again` tries
        also what could not be kept before. `go_on` is asked now and then whether there is time for more.
        """
        total, failures = Saved(), list[Exception]()
        with self._keeping:
            if again:
                self._put_off.clear()
            for together in self._together():
                if not go_on():
                    break
                total += self._keep_batches(together, failures)
        if failures:
            raise failures[-1]
        return total

    def _together(self) -> Iterator[list[Path]]:
        """The batches that wait, oldest first, as many together as one transaction should keep."""
        together, size = list[Path](), 0
        for batch in self._spool.batches():
            if batch in self._put_off:
                continue
            together.append(batch)
            size += self._spool.size(batch)
            if size >= TOGETHER:
                yield together
                together, size = [], 0
        if together:
            yield together

    def _keep_batches(self, batches: Sequence[Path], failures: list[Exception]) -> Saved:
        total, by_owner = Saved(), dict[Owner, dict[Path, list[Pushed]]]()
        whole: dict[Path, list[Pushed]] = {}
        for batch in batches:
            try:
                whole[batch] = self._spool.read(batch)
            except FileNotFoundError:
                continue  # somebody who may destroy it did
            except Exception as failed:  # the others of them must not wait for it
                log.error("a batch of pushes cannot be read: %s", why(failed))
                failures.append(failed)
                self._put_off.add(batch)
                continue
            for pushed in whole[batch]:
                of = by_owner.setdefault(Owner(pushed.connection, pushed.connection_id), {})
                of.setdefault(batch, []).append(pushed)
        left: dict[Path, set[Owner]] = {batch: set() for batch in whole}
        for owner, parts in by_owner.items():
            total += self._keep_parts(owner, parts, left, failures)
        for batch, owners in left.items():
            try:
                self._settle(batch, whole[batch], owners)
            except OSError as failed:  # it is kept twice then, which changes nothing
                log.error("a batch that is kept cannot be taken from the disk: %s", why(failed))
                failures.append(failed)
                self._put_off.add(batch)
        return total

    def _keep_parts(
        self,
        owner: Owner,
        parts: dict[Path, list[Pushed]],
        left: dict[Path, set[Owner]],
        failures: list[Exception],
    ) -> Saved:
        """Keep what a connection pushed: all of it together, else as much of it as can be."""
        try:
            total = self._keep_pushes(owner, [pushed for part in parts.values() for pushed in part])
        except Exception as failed:
            total, failure = Saved(), failed
            for batch, part in parts.items():
                try:
                    if len(parts) == 1:
                        raise failed
                    total += self._keep_pushes(owner, part)
                except Exception as again:
                    failure = again
                    left[batch].add(owner)
                    self._put_off.add(batch)
            if any(owner in owners for owners in left.values()):
                failures.append(failure)
                self._tell(owner, why(failure))
            return total
        if self._logged.pop(owner, None):
            log.warning("what %s pushed is kept again", owner.name)
        return total

    def _settle(self, batch: Path, pushes: Sequence[Pushed], owners: set[Owner]) -> None:
        """Take from the spool what is kept of a batch: all but what these connections pushed."""
        rest = [pushed for pushed in pushes if Owner(pushed.connection, pushed.connection_id) in owners]
        if not rest:
            self._spool.done(batch)
        elif len(rest) < len(pushes):
            self._spool.leave(batch, rest)

    def _keep_pushes(self, owner: Owner, pushes: Sequence[Pushed]) -> Saved:
        try:
            account, connector = self._accounts.open(owner.name)
        except Removed:
            self._audit.record(Actor.service("inbox"), Act.READS_RECEIVE, Outcome.DROPPED, target=owner.name,
                               results=len(pushes), because="the connection was removed")  # fmt: skip
            return Saved()
        except NoConnector:
            raise
        except NotFound:
            account = None
        if account is None or account.id != owner.ident:
            raise AdminMustAct(
                f"this hub's database does not know the connection {owner.name} that they were pushed to: it is not the"
                " database that they were taken for, or an older backup of it"
            )
        received_at = from_micros(pushes[0].received_at)
        records = [
            record for pushed in pushes for record in records_of(connector, Document(pushed.body, pushed.content_type))
        ]
        saved = self._intake.take(connector, owner.ident, records, obtained="push", received_at=received_at)
        if saved.wanted_images:
            self._wanting(owner.ident, connector)
        return saved

    def _tell(self, owner: Owner, reason: str) -> None:
        """Log that what a connection pushed waits, once for each reason."""
        if self._logged.get(owner) != reason:
            self._logged[owner] = reason
            log.error("what %s pushed waits on the disk, since it cannot be kept now: %s", owner.name, reason)


def why(failed: Exception) -> str:
    """Why something could not be kept, for a log: a database's own message quotes the row that it would not take."""
    if isinstance(failed, HubError | ConnectorError):
        return str(failed)
    if isinstance(failed, SQLAlchemyError):
        return "the database gives no answer, or does not take it"
    if isinstance(failed, OSError) and failed.errno is not None:
        return f"the disk does not take it ({os.strerror(failed.errno)})"
    return f"a defect of the hub ({type(failed).__name__})"
