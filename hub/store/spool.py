"""`Spool`: what was pushed, on the disk before its sender is told so, whole or not at all.

Pushes that arrive together are written together: while one writer waits for the disk, the next ones gather, so that
the disk is asked once for all of them. Each such batch is a file of its own that gets its name once it is whole, and
goes once its pushes are kept elsewhere. One process owns a spool at a time.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from shutil import disk_usage
from threading import Lock
from typing import Final

import msgspec

from hub.errors import Busy, HubError, IntegrityBroken

RESERVE: Final = 2 << 30
"""Bytes that stay free on the disk: the database must be able to keep what waits."""
_BATCH: Final = ".batch"
_PART: Final = ".part"


class Full(HubError):
    """There is no room for another push now; the sender must keep it and come again."""


class Pushed(msgspec.Struct, frozen=True, array_like=True):
    """One push as it arrived: whose connection it is for, when (µs), and the body with its content type."""

    connection: str
    connection_id: int
    received_at: int
    content_type: str
    body: bytes


class _Ticket:
    """A push on its way to the disk, and how that ended."""

    __slots__ = ("error", "pushed", "written")

    def __init__(self, pushed: Pushed) -> None:
        self.pushed = pushed
        self.written = False
        self.error: OSError | None = None


class Spool:
    """A folder of batches. `put` may be called by many threads, the rest by one."""

    def __init__(self, folder: Path, reserve: int = RESERVE) -> None:
        """Own the folder; raises `Busy` where another process does."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._reserve = reserve
        self._descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise Busy(
                f"another process takes pushes into the folder {str(folder)!r} already: end it first, or give this one"
                " a data folder of its own (ALPRHUB_DATA)"
            ) from None
        for unfinished in folder.glob(f"*{_PART}"):
            unfinished.unlink()  # nobody was told that it was kept
        waiting = self.batches()
        self._number = int(waiting[-1].stem) + 1 if waiting else 0
        self._tickets: list[_Ticket] = []
        self._gathering, self._writing = Lock(), Lock()

    def put(self, pushed: Pushed) -> None:
        """Keep a push, durable on return; raises `Full`, or `OSError` where the disk does not take it."""
        if disk_usage(self._folder).free < self._reserve + len(pushed.body):
            raise Full("more is waiting to be kept than the disk has room for")
        ticket = _Ticket(pushed)
        with self._gathering:
            self._tickets.append(ticket)
        with self._writing:
            if not ticket.written:  # else whoever wrote before us wrote ours too
                with self._gathering:
                    together, self._tickets = self._tickets, []
                self._write(together)
        if ticket.error is not None:
            raise ticket.error

    def has_room(self) -> bool:
        """Whether the folder can be written to and its disk has room for more."""
        try:
            return os.access(self._folder, os.W_OK | os.X_OK) and disk_usage(self._folder).free >= self._reserve
        except OSError:
            return False

    def batches(self) -> Sequence[Path]:
        """The batches that wait, oldest first."""
        return sorted(self._folder.glob(f"*{_BATCH}"))

    def read(self, batch: Path) -> list[Pushed]:
        """The pushes of a batch in their order.

        Raises `IntegrityBroken` where the file is not what was written; it then stays under another name.
        """
        try:
            return msgspec.msgpack.decode(batch.read_bytes(), type=list[Pushed])
        except msgspec.DecodeError:
            batch.rename(batch.with_suffix(".broken"))
            raise IntegrityBroken(f"{batch}: is not the batch of pushes that was written") from None

    def done(self, batch: Path) -> None:
        """Forget a batch whose pushes are kept elsewhere."""
        batch.unlink()

    def close(self) -> None:
        """Let another process own the folder."""
        os.close(self._descriptor)

    def _write(self, tickets: list[_Ticket]) -> None:
        body = msgspec.msgpack.encode([ticket.pushed for ticket in tickets])
        path = self._folder / f"{self._number:016d}{_BATCH}"
        partial = path.with_suffix(_PART)
        failed: OSError | None = None
        try:
            with open(partial, "wb", opener=_private) as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
            os.fsync(self._descriptor)
            self._number += 1
        except OSError as refused:
            failed = refused
            partial.unlink(missing_ok=True)
        for ticket in tickets:
            ticket.error = failed
            ticket.written = True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
