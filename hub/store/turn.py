"""`Turns`: one process at a time, each in its turn, none waits without end, and whoever gives up hears who has it."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

from hub.errors import Busy
from hub.words import moment, span

PATIENCE_S: Final = 120.0
"""How long anybody waits for the turn to write. Writing SQLite's file anew takes a minute for ten million reads."""
_LOOKS_S: Final = 0.001
_QUEUES_S: Final = 0.004
_NOTE: Final = 512
"""Bytes of the note of a holder, which is always written whole."""


class Holder(NamedTuple):
    """Who has a turn: which process, since when (seconds since 1970), and what it does, where it has said so."""

    pid: int | None
    since: float
    doing: str

    def busy(self, zone: tzinfo, patience: float) -> Busy:
        """The error of somebody who has waited long enough."""
        whose = "another process" + (f" ({self.pid})" if self.pid else "")
        if self.pid == os.getpid():
            whose = "another task of this process"
        doing = f" ({self.doing})" if self.doing else ""
        since = moment(datetime.fromtimestamp(self.since, UTC), zone)
        waited = f", and was waited for {span(patience)}" if patience >= 1 else ""
        return Busy(f"{whose} has been writing to the database since {since}{doing}{waited}; try again when it is done")


class Turns:
    """Turns that the operating system's locks of files give, and take back from a process that dies."""

    def __init__(self, folder: Path, patience: float, zone: Callable[[], tzinfo]) -> None:
        self._folder = folder
        self._patience = patience
        self._zone = zone

    @contextmanager
    def take(self, name: str, doing: str = "", patience: float | None = None) -> Iterator[None]:
        """Have the turn called `name`; raises `Busy` where that takes longer than `patience` seconds.

        Who asks waits at a first lock, and the first of those who wait has it until the turn is his: so a holder that
        comes back at once, as a purge of very many batches does, stands behind whoever waited meanwhile.
        """
        patience = self._patience if patience is None else patience
        until = time.monotonic() + patience
        with self.file(f"{name}-next") as first, self.file(name) as turn:
            if not (_locked(first, until, _QUEUES_S) and _locked(turn, until, _LOOKS_S)):
                raise self._holder(turn).busy(self._zone(), patience)
            fcntl.flock(first, fcntl.LOCK_UN)
            note = f"{os.getpid()} {doing}".encode()
            os.pwrite(turn, note[:_NOTE].ljust(_NOTE), 0)  # when it was written is since when
            yield

    @contextmanager
    def file(self, name: str) -> Iterator[int]:
        """A file of this name to be locked, open."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _holder(self, turn: int) -> Holder:
        pid, _, doing = os.pread(turn, _NOTE, 0).decode(errors="ignore").strip().partition(" ")
        return Holder(int(pid) if pid else None, os.fstat(turn).st_mtime, doing)


def _locked(descriptor: int, until: float, pause: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(pause)
        else:
            return True
