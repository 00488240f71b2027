"""`Inbox`: what vendors push, on the disk before they are told so, and kept as reads soon after.

Taking a push and keeping it are two things. Taking looks at who sent it and puts the bytes into the spool, and needs no
database for senders that are known (`Receivers`). Keeping parses, gates and saves, a few batches at a time (`Keeping`).
"""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from contextlib import suppress
from fnmatch import fnmatchcase
from threading import Event, Lock, Thread
from typing import Any, Final, Protocol

from connectors.contract import Connector, Document, Inbound, Reply, Request
from connectors.errors import AdminMustFix
from hub import words
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Stopped
from hub.ingest.intake import Intake
from hub.ingest.keeping import Keeping, why
from hub.ingest.pictures import Pictures
from hub.ingest.receivers import LookUp, Receiver, Receivers, Refused
from hub.people import Actor
from hub.ports import ConfiguredAccount, Opens
from hub.store.instant import to_micros
from hub.store.page import Saved
from hub.store.spool import Full, Pushed, Spool

log: Final = logging.getLogger("alprhub.inbox")

AGAIN: Final = 5.0
"""Seconds after which what could not be kept is tried again."""
LOOK: Final = 60.0
"""Seconds between two looks for what must be gone from the spool."""
GRACE: Final = 15.0
"""Seconds that the end waits until pushes that were taken are kept; the rest stays in the spool."""
SELDOM: Final = 60.0
"""Seconds between two log lines about refused pushes for one connection."""


class _BodyWanted(Exception):
    """A connector looked at a body that has not been read."""


class _Head:
    """What comes before the body of a push, as its connector's `verify` sees it."""

    def __init__(self, headers: Mapping[str, str], key: str) -> None:
        self.headers = headers
        self.key = key
        self.body_wanted = False

    @property
    def document(self) -> Document:
        """Not there yet."""
        self.body_wanted = True
        raise _BodyWanted


class Destroys(Protocol):
    """Takes from a spool what must be gone although it could never be kept."""

    def destroy(self, actor: Actor, spool: Spool) -> int:
        """Destroy what is over of a spool that the caller owns; gives how much."""


class Inbox:
    """Takes pushes and keeps them. `take` may be called by many threads."""

    def __init__(
        self,
        spool: Spool,
        audit: Audit,
        clock: Clock,
        intake: Intake,
        pictures: Pictures,
        accounts: Opens,
        unkept: Destroys | None = None,
    ) -> None:
        self._unkept = unkept
        self._spool = spool
        self._clock = clock
        self._pictures = pictures
        self._receivers = Receivers(accounts)
        self._lacking: dict[int, Connector[Any]] = {}
        self._keeping = Keeping(spool, audit, intake, accounts, self._lacking.__setitem__)
        self._arrived = Event()
        self._over = Event()
        self._ends_at = 0.0
        self._refusing: str | None = None
        self._over_stays = False
        self._refused_at: dict[str, float] = {}
        self._audit = audit
        self._counting = Lock()
        self._turned_away: dict[str, int] = {}
        self._told_at: dict[str, float] = {}
        self._odd_kinds: set[str] = set()
        self._threads: list[Thread] = []

    def ask(self, name: str) -> LookUp | None:
        """What to wait for until `inbound` knows a connection; None where waiting brings nothing."""
        return self._receivers.ask(name)

    def inbound(self, name: str) -> Inbound:
        """What a connection may be sent, as far as it is known now; waits for nothing.

        Raises `Refused` where there is none that takes pushes, `Paused` where it takes none now or nobody can say.
        """
        return self._receivers.get(name).connector.inbound

    def admit(self, name: str, headers: Mapping[str, str], key: str) -> None:
        """Return if the head of a push proves its sender, or if its connector needs the body to decide.

        Raises `Refused` where no body can make it good, and what `inbound` raises; waits for nothing.
        """
        receiver, head = self._receivers.get(name), _Head(headers, key)
        with suppress(_BodyWanted):
            self._prove(receiver, head)

    def take(self, name: str, request: Request, also: Request | None = None) -> Reply:
        """Put a push of a sender that proved itself on the disk, and give what the sender wants to hear.

        The proof may lie in `also`, the same push as it came on the wire.

        Raises `Refused` where it did not prove itself, `Paused`, `Full` where there is no room, and `OSError` where the
        disk does not take it. The sender must send it again then.
        """
        if (asked := self.ask(name)) is not None:
            wait([asked.answered], asked.patience)
        receiver = self._receivers.get(name)
        self._prove(receiver, request, also)
        received_at = to_micros(self._clock.now())
        document = request.document
        self._note_kind(receiver, document.content_type)
        self._put(Pushed(name, receiver.account.id, received_at, document.content_type, document.body))
        self._arrived.set()
        return receiver.connector.reply(request)

    def hand(self, account: ConfiguredAccount, documents: Sequence[Document]) -> None:
        """Put what came over a line of a connection's own on the disk; raises `Full`, and `OSError`, as `take` does."""
        received_at = to_micros(self._clock.now())
        self._put(*(Pushed(account.name, account.id, received_at, each.content_type, each.body) for each in documents))
        self._arrived.set()

    def takes(self) -> bool:
        """Whether a push could be put on the disk now."""
        return self._spool.has_room()

    def keep(self) -> Saved:
        """Keep everything that waits in the spool and say what became of it, as `Keeping.keep` does."""
        return self._keeping.keep()

    def start(self) -> None:
        """Keep what waits from before and what arrives, in threads of this process, until `stop`."""
        self._receivers.start()
        for work, name in ((self._keep_for_ever, "inbox"), (self._fetch_for_ever, "inbox pictures")):
            thread = Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, within: float = GRACE) -> None:
        """Keep what was taken, for as many seconds at most, and end the threads; the rest waits in the spool."""
        self._ends_at = time.monotonic() + within
        self._over.set()
        self._arrived.set()
        self._receivers.stop()
        with self._counting:
            untold, self._turned_away = self._turned_away, {}
        for name, number in untold.items():
            self._tell_turned_away(name, number, "is as those before it")
        for thread in self._threads:
            thread.join(max(0.0, self._ends_at - time.monotonic()))

    def turn_away(self, name: str, why: str) -> None:
        """Count a push that will never be taken: its sender does not come again. Logged and on record once a minute."""
        with self._counting:
            self._turned_away[name] = self._turned_away.get(name, 0) + 1
            now = time.monotonic()
            if now - self._told_at.get(name, float("-inf")) < SELDOM:
                return
            self._told_at[name] = now
            number = self._turned_away.pop(name)
        self._tell_turned_away(name, number, why)

    def _tell_turned_away(self, name: str, number: int, why: str) -> None:
        log.warning(
            "%s for %s turned away and not kept: the last one %s", words.count(number, "push", "pushes"), name, why
        )
        service = Actor.service("inbox")
        self._audit.record(service, Act.READS_RECEIVE, Outcome.DROPPED, target=name, results=number, because=why)

    def _note_kind(self, receiver: Receiver, content_type: str) -> None:
        """Log once for each connection that its sender calls what it sends something else than its vendor does."""
        kind, name = content_type.partition(";")[0].strip().lower(), receiver.account.name
        known = receiver.connector.inbound.content_types
        if name in self._odd_kinds or any(fnmatchcase(kind, each) for each in known):
            return
        self._odd_kinds.add(name)
        called = repr(kind[:100]) if kind else "nothing"
        log.info("what is pushed for %s is called %s and not %s; it is taken by its bytes", name, called, known[0])

    def _prove(self, receiver: Receiver, request: "Request | _Head", also: Request | None = None) -> None:
        try:
            receiver.connector.verify(request)  # type: ignore[attr-defined]
        except AdminMustFix as unproved:
            if also is not None:
                self._prove(receiver, also)
                return
            if isinstance(request, _Head) and request.body_wanted:
                raise _BodyWanted from None
            name, now = receiver.account.name, time.monotonic()
            if now - self._refused_at.get(name, float("-inf")) >= SELDOM:
                self._refused_at[name] = now
                log.warning("a push for %s was refused: %s", name, unproved)
            raise Refused from None

    def _put(self, *pushed: Pushed) -> None:
        try:
            self._spool.put(*pushed)
        except (Full, OSError) as refused:
            reason = why(refused)
            if self._refusing != reason:
                self._refusing = reason
                log.error("no push is taken now, and senders are told to come again: %s", reason)
            raise
        if self._refusing is not None:
            self._refusing = None
            log.warning("pushes are taken again")

    def _keep_for_ever(self) -> None:
        tried_at = looked_at = float("-inf")
        while True:
            ends = self._over.is_set()
            self._arrived.clear()
            if again := time.monotonic() - tried_at >= AGAIN:
                tried_at = time.monotonic()
            with suppress(Exception):  # it was logged, and waits
                self._keeping.keep(again=again, go_on=self._has_time)
            if time.monotonic() - looked_at >= LOOK:
                looked_at = time.monotonic()
                self._destroy_what_is_over()
            if ends:
                return
            self._arrived.wait(AGAIN if self._keeping.waits else LOOK)

    def _destroy_what_is_over(self) -> None:
        try:
            if self._unkept is not None:
                self._unkept.destroy(Actor.service("inbox"), self._spool)
        except Exception as failed:
            if not self._over_stays:
                log.error("what is over of the pushes that wait is not destroyed yet: %s", why(failed))
            self._over_stays = True
        else:
            self._over_stays = False

    def _has_time(self) -> bool:
        return not self._over.is_set() or time.monotonic() < self._ends_at

    def _fetch_for_ever(self) -> None:
        while not self._over.wait(1.0):
            while self._lacking:
                ident, connector = self._lacking.popitem()
                with suppress(Stopped):
                    self._pictures.fetch(connector, ident, told=self._go_on)

    def _go_on(self, _: object) -> None:
        if self._over.is_set():
            raise Stopped("the receiver ends")
