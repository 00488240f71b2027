"""`Listeners`: every connection that is listened to has a thread that does, for as long as it is there and active.

A line that breaks is opened anew, after waits that double and are never quite the same. Who is listened to is looked up
again and again, so that what a person adds, changes, pauses or removes holds within moments, and a database that is
away changes nothing.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from connectors.contract import Connector, Document, Frame, Listens, abilities
from connectors.errors import AdminMustFix, ConnectorError, TryAgain
from hub.errors import HubError, NotFound
from hub.ingest.inbox import Inbox
from hub.ingest.keeping import why
from hub.people import Actor
from hub.ports import Accounts, ConfiguredAccount
from hub.store.heard import HeardLine, say
from hub.store.instant import to_micros
from hub.store.spool import Full

log: Final = logging.getLogger("alprhub.inbox")

LOOK: Final = 2.0
"""Seconds between two looks at who is to be listened to."""
SAY: Final = 30.0
"""Seconds after which it is said anew how the lines are, when nothing has changed."""
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 300.0
GRACE: Final = 5.0
"""Seconds that the end waits for those who listen."""
SERVICE: Final = Actor.service("inbox")


class _Listening:
    """One try to listen to a connection, in a thread of its own: what a connector hands over to, and how it ended."""

    def __init__(self, account: ConfiguredAccount, connector: Connector[Any], inbox: Inbox, changed: Event) -> None:
        self.account = account
        self.connector = connector
        self.failed: Exception | None = None
        self.is_up = False
        self._inbox = inbox
        self._changed = changed
        self._over = Event()
        self._thread = Thread(target=self._listen, name=f"listens to {account.name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Let it end soon."""
        self._over.set()

    def join(self, seconds: float) -> None:
        """Wait for that."""
        self._thread.join(max(0.0, seconds))

    def up(self) -> None:
        """Documents can come from now on."""
        self.is_up = True
        self._changed.set()

    def hand(self, documents: Sequence[Document]) -> None:
        """Put documents on the disk; raises `TryAgain` where it does not take them."""
        try:
            self._inbox.hand(self.account, documents)
        except (Full, OSError) as refused:
            raise TryAgain(f"what comes cannot be put on the disk: {why(refused)}") from None

    def dropped(self, why: str) -> None:
        """Count what is not taken."""
        self._inbox.turn_away(self.account.name, why)

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it is to end."""
        return self._over.wait(seconds) if seconds else self._over.is_set()

    def _listen(self) -> None:
        try:
            with self.connector as connector:
                assert isinstance(connector, Listens)
                connector.listen(self)
        except Exception as failed:
            self.failed = failed
        finally:
            self.is_up = False
            self._changed.set()


class Listeners:
    """Listens to every connection that is to be listened to, from `start` until `stop`."""

    def __init__(self, accounts: Accounts, inbox: Inbox, frame: Frame, data: Path) -> None:
        self._accounts = accounts
        self._inbox = inbox
        self._frame = frame
        self._data = data
        self._running: dict[int, _Listening] = {}
        self._tries: dict[int, int] = {}
        self._due: dict[int, float] = {}
        self._lines: dict[int, HeardLine] = {}
        self._said_at = float("-inf")
        self._said: dict[int, HeardLine] | None = None
        self._stirred, self._over = Event(), Event()
        self._thread = Thread(target=self._look_for_ever, name="listeners", daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def stop(self, within: float = GRACE) -> None:
        """End every line; what was not acknowledged comes again."""
        until = time.monotonic() + within
        self._over.set()
        self._stirred.set()
        self._thread.join(within)
        for listening in self._running.values():
            listening.end()
        for listening in self._running.values():
            listening.join(until - time.monotonic())
        with suppress(OSError):
            say(self._data, to_micros(self._frame.clock.now()), {})

    def _look_for_ever(self) -> None:
        while not self._over.is_set():
            self._stirred.clear()
            try:
                self._look()
            except (SQLAlchemyError, OSError, HubError):
                pass  # it gives no answer: what is known goes on
            except Exception as defect:
                log.error("who is to be listened to cannot be looked up: %s", why(defect))
            with suppress(OSError):
                self._say()
            self._stirred.wait(LOOK)

    def _look(self) -> None:
        """Reap what ended, end what is to be no more, and begin what is due."""
        for ident, listening in list(self._running.items()):
            if not listening.alive:
                del self._running[ident]
                self._settle(ident, listening)
            elif listening.is_up:
                self._tries.pop(ident, None)
                self._note(ident, listening.account.name, None, up=True)
        wanted = {account.id: account for account in self._accounts.list() if self._is_for_us(account)}
        for ident, listening in self._running.items():
            if ident not in wanted:
                listening.end()
        for ident in self._lines.keys() - wanted.keys():
            for known in (self._lines, self._tries, self._due):
                known.pop(ident, None)
        for ident, account in wanted.items():
            self._see_to(ident, account)

    def _is_for_us(self, account: ConfiguredAccount) -> bool:
        try:
            return account.state == "active" and "listens" in abilities(self._accounts.kind(account.connector))
        except NotFound:
            return False

    def _see_to(self, ident: int, account: ConfiguredAccount) -> None:
        """Begin to listen where nobody does and it is time; end what listens by settings that are no longer so."""
        listening = self._running.get(ident)
        if listening is None and time.monotonic() < self._due.get(ident, 0.0):
            return
        try:
            opened, connector = self._accounts.open(account.name)
        except HubError as failed:
            if listening is None:
                self._put_off(ident, account.name, str(failed))
            return
        if listening is not None:
            if connector.settings != listening.connector.settings:
                listening.end()
                self._due.pop(ident, None)
            connector.close()
            return
        if opened.state != "active":
            connector.close()
            return
        self._running[ident] = _Listening(opened, connector, self._inbox, self._stirred)

    def _settle(self, ident: int, listening: _Listening) -> None:
        """Note how a try ended, and when the next one is due."""
        failed, name = listening.failed, listening.account.name
        if failed is None or listening.ended():
            return
        if isinstance(failed, AdminMustFix):
            with suppress(HubError):
                self._accounts.stop(SERVICE, name, str(failed))
            log.error("%s is paused, and not listened to: %s", name, failed)
            return
        known = isinstance(failed, ConnectorError)
        self._put_off(ident, name, str(failed) if known else f"a defect of the hub ({type(failed).__name__})")

    def _put_off(self, ident: int, name: str, reason: str) -> None:
        tries = self._tries[ident] = self._tries.get(ident, 0) + 1
        ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 12))
        self._due[ident] = time.monotonic() + ceiling * (0.5 + self._frame.chance() / 2)
        self._note(ident, name, reason, up=False)

    def _note(self, ident: int, name: str, error: str | None, *, up: bool) -> None:
        """Remember how a line is; log its outage once, and once when it ends."""
        before = self._lines.get(ident)
        if before is not None and before.up == up:
            self._lines[ident] = HeardLine(up, before.since, error)
            return
        self._lines[ident] = HeardLine(up, to_micros(self._frame.clock.now()), error)
        if not up:
            log.error("%s is not heard, and is tried again: %s", name, error)
        elif before is not None:
            log.warning("%s is heard again", name)

    def _say(self) -> None:
        now = time.monotonic()
        if self._lines == self._said and now - self._said_at < SAY:
            return
        say(self._data, to_micros(self._frame.clock.now()), self._lines)
        self._said, self._said_at = dict(self._lines), now
