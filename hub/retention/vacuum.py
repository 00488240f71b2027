"""`Vacuum`: after a purge SQLite writes the database's file anew, so that no byte of what was purged is left in it."""

import sqlite3
from collections.abc import Callable
from typing import Final

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import AdminMustAct, Busy
from hub.people import Actor
from hub.progress import Progress, untold
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.vacuum import Debt, owed
from hub.words import gigabytes

ATTEMPTS: Final = 60
"""How often the log is emptied where readers of an old moment are in the way; each attempt waits a second for them."""
PAUSE_S: Final = 4.0
DOING: Final = "the database's file is being written anew"
_MB: Final = 1 << 20


class Vacuum:
    """Writes the file anew where that is due. PostgreSQL's files are its server's."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, sleep: Callable[[float], None]) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._sleep = sleep

    def run(self, actor: Actor, progress: Progress = untold) -> dict[str, int]:
        """Write the file anew and empty its log where something was purged since that was done; gives the `megabytes`.

        It does nothing where nothing was purged, or where somebody said that the disk is encrypted. Writers wait until
        it is written; readers do not. Safe to kill at any moment, and to end by what `progress` raises: the next run
        does it. Raises `AdminMustAct` where the disk has too little room, and `Busy` where somebody reads or writes for
        too long.
        """
        if self._store.traces != "vacuum" or self._debt() is None:
            return {"megabytes": 0}
        with self._store.lease("vacuum", DOING):
            debt = self._debt()
            if debt is None:  # another process was first
                return {"megabytes": 0}
            self._store.squeeze()  # what lies in the log needs no room beside the new one
            size = self._store.size()
            if debt.written_at is None:
                self._write_anew(size // _MB, progress)
            self._empty_log(progress)
            self._audit.record(actor, Act.RETENTION_VACUUM, Outcome.DONE, bytes=self._store.size(), before=size)
        return {"megabytes": max(size // _MB, 1)}

    def _write_anew(self, megabytes: int, progress: Progress) -> None:
        needed, free = self._store.room_to_vacuum()
        if free < needed:
            raise AdminMustAct(
                f"the database's file {self._store.file} was not written anew: its disk has {gigabytes(free)} left,"
                f" and {gigabytes(needed)} are needed meanwhile. Make room; the next night tries again, and alprhub"
                " retention vacuum does it at once"
            )
        try:
            now = to_micros(self._clock.now())
            self._store.vacuum(now, lambda: progress("megabytes being written anew", megabytes, None))
        except sqlite3.OperationalError as failed:
            if failed.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                raise AdminMustAct(
                    f"the database's file {self._store.file} was not written anew: its disk became full meanwhile, and"
                    " nothing is changed. Make room; alprhub retention vacuum tries it again"
                ) from failed
            if failed.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise Busy(
                    f"the database's file {self._store.file} was not written anew: another program than the hub writes"
                    " to it all the time. End that program; alprhub retention vacuum tries it again"
                ) from failed
            raise

    def _empty_log(self, progress: Progress) -> None:
        for attempt in range(ATTEMPTS):
            if self._store.squeeze():
                return
            progress("attempts to empty the database's log", attempt + 1, ATTEMPTS)
            self._sleep(PAUSE_S)
        raise Busy(
            f"the database's file {self._store.file} is written anew, and its log still has what was there before:"
            " somebody has been reading for minutes, an export perhaps. The next purge empties it once nobody does"
        )

    def _debt(self) -> Debt | None:
        with self._store.read() as connection:
            return owed(connection)
