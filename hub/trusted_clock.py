"""`TrustedClock`: the machine's clock, held against the newest instant that the hub has ever trusted.

That instant is kept in the database and follows the machine's clock while that goes as clocks go. Where the clock is
far ahead of it, nothing is destroyed until a person says that it is right; where it is behind, the hub's time goes on
from it, so that nothing that was over is shown again (decision 0020).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import STEP, Clock, ClockStanding
from hub.errors import AdminMustAct, HubError
from hub.people import Actor
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.words import moment

log: Final = logging.getLogger("alprhub.clock")

BEAT: Final = timedelta(minutes=1)
"""How often an open hub notes how far time has come."""
HARDLY_S: Final = 0.1
"""So many seconds noting the time waits for whoever writes."""
AT_MOST: Final = timedelta(hours=1)
"""A command that is shorter than a beat writes the note only if the last one is older than this."""


class TrustedClock:
    """The hub's clock: the machine's, where it is not behind what was trusted."""

    def __init__(self, store: Store, machine: Clock, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._machine = machine
        self._elapsed = elapsed
        self._known = (self._kept() or self._first(), elapsed())

    def now(self) -> datetime:
        """The machine's time; never one before the newest that was trusted.

        Where the machine's clock was set back a little, time stands still until it has caught up; where it was set back
        far, time goes on from what was trusted.
        """
        trusted, since = self._known
        machine = self._machine.now()
        if machine >= trusted:
            return machine
        if machine >= trusted - STEP:
            return trusted
        return trusted + timedelta(seconds=self._elapsed() - since)

    def standing(self) -> ClockStanding:
        """How the machine's clock stands to what was trusted, by whichever process."""
        return ClockStanding(self._machine.now(), self._remember(self._kept() or self._first()))

    def sure(self) -> datetime:
        """The time; raises `AdminMustAct` where it is too far ahead to destroy anything by it."""
        standing = self.standing()
        if standing.state == "ahead":
            zone = self._store.zone()
            raise AdminMustAct(
                f"the clock of this machine says {moment(standing.machine, zone)}, and the hub last knew"
                f" {moment(standing.trusted, zone)}: nothing is destroyed or shortened until two people say that the"
                " clock is right (alprhub clock trust --reason WHY) or it was set right"
            )
        return self.now()

    def certain(self) -> datetime:
        """The newest instant that is certainly past: the trusted one, where the machine's clock is ahead of it."""
        now, (trusted, _) = self.now(), self._known
        return trusted if ClockStanding(now, trusted).state == "ahead" else now

    def earliest(self) -> datetime:
        """The earliest instant that it may be now: the machine's, where its clock is behind."""
        return min(self._machine.now(), self.now())

    def beat(self, after: timedelta = BEAT) -> None:
        """Note how far time has come, if the last note is at least so old and the clock is not in doubt."""
        trusted = self._remember(self._kept() or self._first())
        now = self.now()
        if now - trusted < after or ClockStanding(now, trusted).state == "ahead":
            return
        table = tables.trusted_time
        with self._store.write(patience=HARDLY_S) as connection:
            connection.execute(
                update(table).where(table.c.newest < to_micros(now)).values(newest=to_micros(now))
            )  # never back: another process may have come further
        self._remember(now)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Note how far time has come, now and once a minute, for as long as the hub is open."""
        over, noted = threading.Event(), self._noted(AT_MOST)
        thread = threading.Thread(target=self._beat_until, args=(over, noted), name="clock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def trust(
        self, actor: Actor, audit: Audit, reason: str, within: Connection | None = None, **more: Any
    ) -> ClockStanding:
        """Believe the machine's clock as it is, whichever way it was in doubt; the audit says who said so, and why.

        Gives how it stood before. Two people decide that (`hub.governing.clock_trust`), but for a hub that is restored.
        """
        before = self.standing()
        with self._store.write() if within is None else nullcontext(within) as connection:
            connection.execute(update(tables.trusted_time).values(newest=to_micros(before.machine)))
            audit.record(
                actor, Act.CLOCK_TRUST, Outcome.DONE, within=connection, because=reason.strip(), was=before.state,
                machine=before.machine.isoformat(), trusted=before.trusted.isoformat(), **more,
            )  # fmt: skip
        self._remember(before.machine)
        return before

    def _beat_until(self, over: threading.Event, noted: bool) -> None:
        while not over.wait(BEAT.total_seconds()):
            noted = self._noted(BEAT, quiet=not noted)

    def _noted(self, after: timedelta, quiet: bool = False) -> bool:
        """Whether time was noted; where the database does not take it now nothing is lost, and nobody waits for it."""
        try:
            self.beat(after)
        except (SQLAlchemyError, HubError, OSError) as failed:
            if not quiet:
                log.warning("how far time has come could not be noted, and is noted later: %s", failed)
            return False
        return True

    def _remember(self, trusted: datetime) -> datetime:
        if trusted != self._known[0]:
            self._known = (trusted, self._elapsed())
        return trusted

    def _kept(self) -> datetime | None:
        with self._store.read() as connection:
            newest = connection.scalar(select(tables.trusted_time.c.newest))
        return None if newest is None else from_micros(newest)

    def _first(self) -> datetime:
        """The machine's time, which the first start of a hub has nothing to hold against."""
        table, now = tables.trusted_time, self._machine.now()
        with self._store.write() as connection:
            if (newest := connection.scalar(select(table.c.newest))) is None:
                connection.execute(insert(table).values(id=1, newest=to_micros(now)))
        return now if newest is None else from_micros(newest)
