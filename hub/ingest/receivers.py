"""`Receivers`: which connections take pushes, known without asking the database for each push, or while it is away.

A thread asks the database; whoever takes a push never does. A connection that is known goes on being taken while the
database gives no answer, and what a person changes (a pause, a secret) holds within `REMEMBERED`.
"""

import logging
import time
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Final, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from connectors.contract import Connector, ReceivesReads
from hub.errors import HubError, NoConnector, NotFound
from hub.ports import ConfiguredAccount, Opens

log: Final = logging.getLogger("alprhub.inbox")

REMEMBERED: Final = 2.0
"""Seconds for which an opened connection serves pushes before it is opened anew: a pause takes effect within them."""
PATIENCE: Final = 1.0
"""Seconds that a push of a known connection waits for the database to say whether that is as it was."""
UNKNOWN_PATIENCE: Final = 10.0
"""Seconds that any other push waits for the database to say whose it is."""
IN_USE: Final = 60.0
"""Seconds after its last push for which a connection is opened anew before anybody has to wait for that."""
MOST_ASKED: Final = 256
"""Names that wait to be looked up; strangers who ask for more are told to come again."""
MOST_UNKNOWN: Final = 4096
"""Names that are remembered as nobody's."""
_NOBODY: Final = "no connection of this name takes pushes"


class Refused(HubError):
    """The sender did not prove itself, or there is nobody here for what it sends."""

    code = "push_refused"

    def __init__(self) -> None:
        super().__init__(_NOBODY)


class Paused(HubError):
    """The connection takes nothing now; the sender must keep what it has and come again."""

    code = "receiving_paused"


class Receiver(NamedTuple):
    """A connection as it was opened, and when."""

    account: ConfiguredAccount
    connector: Connector[Any]
    at: float


class LookUp(NamedTuple):
    """A question to the database: what is done once it has answered, and for how many seconds to wait for that."""

    answered: Future[None]
    patience: float


class Receivers:
    """Knows who takes pushes; safe for many threads. Before `start` and after `stop` each thread asks the database."""

    def __init__(self, accounts: Opens) -> None:
        self._accounts = accounts
        self._known: dict[str, Receiver] = {}
        self._unknown: dict[str, float] = {}
        self._closed: dict[str, str] = {}
        self._used: dict[str, float] = {}
        self._questions: dict[str, Future[None]] = {}
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._lock = Lock()
        self._asking_since: float | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Ask the database in a thread of its own from now on, until `stop`."""
        self._thread = Thread(target=self._answer_for_ever, name="receivers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread once it has answered what it was asked; nobody waits for that."""
        with self._lock:
            if self._thread is not None:
                self._thread = None
                self._queue.put(None)

    def ask(self, name: str) -> LookUp | None:
        """What to wait for until it is known whether a name takes pushes; None where waiting brings nothing.

        Waiting brings nothing where that is known well enough, or where the database has been silent for a while.
        """
        now = time.monotonic()
        with self._lock:
            patience = PATIENCE if name in self._known else UNKNOWN_PATIENCE
            if name in self._known:
                self._used[name] = now
            if self._is_fresh(name, now) or (name not in self._questions and len(self._questions) >= MOST_ASKED):
                return None
            asked = self._questions.get(name)
            if asked is None:
                asked = self._questions[name] = Future()
                asked.set_running_or_notify_cancel()  # one of those who wait cannot end it for all
                if beside := self._thread is not None:
                    self._queue.put(name)
            else:
                beside = True
        if not beside:
            self._look_up(name)
        since = self._asking_since
        return None if since is not None and now - since > patience else LookUp(asked, patience)

    def get(self, name: str) -> Receiver:
        """The connection that takes the pushes of a name, as far as it is known now; waits for nothing.

        Raises `Refused` where there is none that takes pushes, and `Paused` where nobody can say, or not now.
        """
        with self._lock:
            known, unknown, closed = self._known.get(name), name in self._unknown, name in self._closed
        if known is not None:
            if known.account.state != "active":
                raise Paused(f"{name} is {known.account.state}")
            return known
        if unknown:
            raise Refused
        raise Paused("the connection cannot be opened" if closed else "the connection cannot be looked up now")

    def _is_fresh(self, name: str, now: float) -> bool:
        at = self._known[name].at if name in self._known else self._unknown.get(name)
        return at is not None and now - at <= REMEMBERED

    def _answer_for_ever(self) -> None:
        while True:
            try:
                name = self._queue.get(timeout=REMEMBERED / 2)
            except Empty:
                name = ""
            if name is None:
                return
            if name:
                self._look_up(name)
            for known in self._due():
                self._look_up(known)

    def _due(self) -> list[str]:
        """The connections in use that somebody would have to wait for soon."""
        now = time.monotonic()
        with self._lock:
            self._used = {name: at for name, at in self._used.items() if now - at < IN_USE}
            return [name for name in self._used if name in self._known and now - self._known[name].at > REMEMBERED / 2]

    def _look_up(self, name: str) -> None:
        """Ask the database, and let everybody know who waits for that."""
        self._asking_since = time.monotonic()
        try:
            self._note(name)
        finally:
            self._asking_since = None
            with self._lock:
                asked = self._questions.pop(name, None)
            if asked is not None:
                asked.set_result(None)

    def _note(self, name: str) -> None:
        try:
            account, connector = self._accounts.open(name)
        except NoConnector as absent:
            self._note_closed(name, str(absent))
        except NotFound:
            self._note_unknown(name)
        except HubError as failed:
            self._note_closed(name, str(failed))
        except (SQLAlchemyError, OSError):
            return  # it gives no answer: what was known holds
        except Exception as defect:
            self._note_closed(name, f"a defect of the hub ({type(defect).__name__})")
        else:
            if not isinstance(connector, ReceivesReads):
                self._note_unknown(name)
                return
            with self._lock:
                self._unknown.pop(name, None)
                self._closed.pop(name, None)
                self._known[name] = Receiver(account, connector, time.monotonic())

    def _note_unknown(self, name: str) -> None:
        with self._lock:
            self._known.pop(name, None)
            self._closed.pop(name, None)
            self._unknown.pop(name, None)
            while len(self._unknown) >= MOST_UNKNOWN:
                del self._unknown[next(iter(self._unknown))]
            self._unknown[name] = time.monotonic()

    def _note_closed(self, name: str, why: str) -> None:
        """Log a connection that takes no pushes because it cannot be opened, once for each reason."""
        with self._lock:
            self._known.pop(name, None)
            self._unknown.pop(name, None)
            known = self._closed.get(name) == why
            self._closed[name] = why
        if not known:
            log.error("pushes for %s are put off until it can be opened: %s", name, why)
