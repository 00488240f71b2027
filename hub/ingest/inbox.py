"""`Inbox`: what vendors push, on the disk before they are told so, and kept as reads soon after.

Taking a push and keeping it are two things. Taking looks at who sent it and puts the bytes into the spool. Keeping
parses, gates and saves, a batch at a time, and may be done again after a crash: what is kept is known by its id.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final, NamedTuple

from sqlalchemy.exc import DBAPIError

from connectors.contract import Connector, Document, Inbound, ReceivesReads, Reply, Request
from connectors.errors import AdminMustFix
from hub.account import Account
from hub.audit.record import Actor, Audit
from hub.clock import Clock
from hub.errors import HubError, NotFound, Stopped
from hub.ingest.documents import records_of
from hub.ingest.intake import Intake
from hub.ingest.pictures import Pictures
from hub.store.instant import from_micros, to_micros
from hub.store.reads import Saved
from hub.store.spool import Pushed, Spool

log: Final = logging.getLogger("alprhub.inbox")

REMEMBERED: Final = 2.0
"""Seconds for which an opened connection serves pushes before it is opened anew: a pause takes effect within them."""
AGAIN: Final = 5.0
"""Seconds after which a batch that could not be kept is tried again."""
TOGETHER: Final = 16 << 20
"""Bytes of batches that are kept in one transaction."""
_NOBODY: Final = "no connection of this name takes pushes"


class Refused(HubError):
    """The sender did not prove itself, or there is nobody here for what it sends."""


class Paused(HubError):
    """The connection takes nothing now; the sender must keep what it has and come again."""


class _Opened(NamedTuple):
    account: Account
    connector: Connector[Any]
    at: float


class Inbox:
    """Takes pushes and keeps them. `take` may be called by many threads."""

    def __init__(
        self,
        spool: Spool,
        audit: Audit,
        clock: Clock,
        intake: Intake,
        pictures: Pictures,
        opened: Callable[[str], tuple[Account, Connector[Any]]],
    ) -> None:
        self._spool = spool
        self._audit = audit
        self._clock = clock
        self._intake = intake
        self._pictures = pictures
        self._open = opened
        self._known: dict[str, _Opened] = {}
        self._closed: dict[str, str] = {}
        self._arrived = Event()
        self._over = Event()
        self._keeping = Lock()
        self._lacking: dict[int, Connector[Any]] = {}
        self._threads: list[Thread] = []

    def inbound(self, name: str) -> Inbound:
        """What a connection may be sent; raises `Refused` where there is none that takes pushes, `Paused`.

        Waits for the database once in `REMEMBERED` seconds.
        """
        return self._receiver(name).connector.inbound

    def take(self, name: str, request: Request) -> Reply:
        """Put a push of a sender that proved itself on the disk, and give what the sender wants to hear.

        Raises `Refused` where it did not prove itself, `Paused`, `Full` where there is no room, and `OSError` where the
        disk does not take it. Nothing is kept then.
        """
        receiver = self._receiver(name)
        try:
            receiver.connector.verify(request)  # type: ignore[attr-defined]
        except AdminMustFix as unproved:
            log.warning("a push for %s was refused: %s", receiver.account.name, unproved)
            raise Refused(_NOBODY) from None
        received_at = to_micros(self._clock.now())
        document = request.document
        self._spool.put(Pushed(name, receiver.account.id, received_at, document.content_type, document.body))
        self._arrived.set()
        return receiver.connector.reply(request)

    def takes(self) -> bool:
        """Whether a push could be put on the disk now."""
        return self._spool.has_room()

    def keep(self) -> Saved:
        """Keep everything that waits in the spool and say what became of it; pictures are fetched apart.

        A batch that cannot be kept waits for the next try and holds up no other; the last failure is raised. One
        caller keeps at a time, the others wait for it.
        """
        total, failure = Saved(), None
        with self._keeping:
            for together in self._together():
                try:
                    total += self._keep_batches(together)
                except Exception as failed:
                    failure = failed
                    for batch in together if len(together) > 1 else ():
                        with suppress(Exception):  # the next try will say so again
                            total += self._keep_batches([batch])
        if failure is not None:
            raise failure
        return total

    def start(self) -> None:
        """Keep what waits from before and what arrives, in threads of this process, until `stop`."""
        self._arrived.set()
        for work, name in ((self._keep_for_ever, "inbox"), (self._fetch_for_ever, "inbox pictures")):
            thread = Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End the threads once they are done with what they hold; the rest waits in the spool."""
        self._over.set()
        self._arrived.set()
        for thread in self._threads:
            thread.join()

    def _receiver(self, name: str) -> _Opened:
        known = self._known.get(name)
        if known is None or time.monotonic() - known.at > REMEMBERED:
            try:
                account, connector = self._open(name)
            except NotFound:
                raise Refused(_NOBODY) from None
            except DBAPIError:
                raise Paused("the connection cannot be looked up now") from None
            except HubError as failed:
                self._note_closed(name, str(failed))
                raise Paused("the connection cannot be opened") from None
            self._closed.pop(name, None)
            if not isinstance(connector, ReceivesReads):
                raise Refused(_NOBODY)
            known = self._known[name] = _Opened(account, connector, time.monotonic())
        if known.account.state != "active":
            raise Paused(f"{name} is {known.account.state}")
        return known

    def _note_closed(self, name: str, why: str) -> None:
        """Log a connection that takes no pushes because it cannot be opened, once for each reason."""
        if self._closed.get(name) != why:
            self._closed[name] = why
            log.error("pushes for %s are put off until it can be opened: %s", name, why)

    def _keep_for_ever(self) -> None:
        while not self._over.is_set():
            self._arrived.wait()
            self._arrived.clear()
            try:
                self.keep()
            except Exception as failed:
                # By its class alone: a database's message quotes the row that it would not take.
                log.error("pushes wait, since they cannot be kept now: %s", type(failed).__name__)
                self._over.wait(AGAIN)
                self._arrived.set()

    def _fetch_for_ever(self) -> None:
        while not self._over.wait(1.0):
            while self._lacking:
                ident, connector = self._lacking.popitem()
                with suppress(Stopped):
                    self._pictures.fetch(connector, ident, told=self._go_on)

    def _go_on(self, _: object) -> None:
        if self._over.is_set():
            raise Stopped("the receiver ends")

    def _together(self) -> Iterator[list[Path]]:
        """The batches that wait, oldest first, as many together as one transaction should keep."""
        together, size = list[Path](), 0
        for batch in self._spool.batches():
            together.append(batch)
            size += batch.stat().st_size
            if size >= TOGETHER:
                yield together
                together, size = [], 0
        if together:
            yield together

    def _keep_batches(self, batches: Sequence[Path]) -> Saved:
        by_connection: dict[tuple[str, int], list[Pushed]] = {}
        for batch in batches:
            for pushed in self._spool.read(batch):
                by_connection.setdefault((pushed.connection, pushed.connection_id), []).append(pushed)
        total = Saved()
        for (name, ident), pushes in by_connection.items():
            total += self._keep_pushes(name, ident, pushes)
        for batch in batches:
            self._spool.done(batch)
        return total

    def _keep_pushes(self, name: str, ident: int, pushes: Sequence[Pushed]) -> Saved:
        try:
            account, connector = self._open(name)
        except NotFound:
            account = None
        if account is None or account.id != ident:
            self._audit.record(Actor("inbox"), "reads.receive", "dropped", target=name, results=len(pushes),
                               because="the connection was removed")  # fmt: skip
            return Saved()
        received_at = from_micros(pushes[0].received_at)
        records = [
            record for pushed in pushes for record in records_of(connector, Document(pushed.body, pushed.content_type))
        ]
        saved = self._intake.take(connector, ident, records, obtained="push", received_at=received_at)
        if saved.wanted_images:
            self._lacking[ident] = connector
        return saved
