"""`Spool`: what was pushed, on the disk before its sender is told so, whole or not at all.

Pushes that arrive together are written together: while one writer waits for the disk, the next ones gather, so that
the disk is asked once for all of them. Each such batch is a file of its own that gets its name once it is whole, and
goes once its pushes are kept elsewhere. One process owns a spool at a time.
"""

import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import disk_usage
from threading import Lock
from typing import Final

import msgspec

from connectors.durable import PARTIAL, replace
from hub.errors import Busy, HubError, IntegrityBroken

RESERVE: Final = 2 << 30
"""Bytes that stay free on the disk: the database must be able to keep what waits."""
PAUSE_S: Final = 0.1
"""How long to wait before looking again whether the folder is free."""
PATIENCE: Final = 100
"""How often a receiver looks that starts: a purge owns the folder for a moment, another receiver for good."""
_BATCH: Final = ".batch"
_BROKEN: Final = ".broken"


class Full(HubError):
    """There is no room for another push now; the sender must keep it and come again."""

    code = "inbox_full"


class Pushed(msgspec.Struct, frozen=True, array_like=True):
    """One push as it arrived: whose connection it is for, when (µs), and the body with its content type."""

    connection: str
    connection_id: int
    received_at: int
    content_type: str
    body: bytes


class PushedHead(msgspec.Struct, frozen=True, array_like=True):
    """The same without its body, which is skipped and not copied."""

    connection: str
    connection_id: int
    received_at: int
    content_type: str
    body: msgspec.Raw


_PUSHES: Final = msgspec.msgpack.Decoder(list[Pushed])
_HEADS: Final = msgspec.msgpack.Decoder(list[PushedHead])


def batches_in(folder: Path) -> Sequence[Path]:
    """The batches that wait in a folder, oldest first; none where it is not there."""
    return sorted(folder.glob(f"*{_BATCH}"))


def broken_in(folder: Path) -> Sequence[Path]:
    """The batches in a folder that could not be read, oldest first."""
    return sorted(folder.glob(f"*{_BROKEN}"))


def heads_of(batch: Path) -> list[PushedHead]:
    """For whom the pushes of a batch are; raises `DecodeError` (msgspec) or `UnicodeDecodeError` where it is none."""
    return _HEADS.decode(batch.read_bytes())


class _Ticket:
    """Pushes on their way to the disk together, and how that ended."""

    __slots__ = ("error", "pushed", "settled")

    def __init__(self, pushed: Sequence[Pushed]) -> None:
        self.pushed = pushed
        self.settled = False
        self.error: BaseException | None = None


class Spool:
    """A folder of batches. `put` may be called by many threads, the rest by one."""

    def __init__(
        self, folder: Path, reserve: int = RESERVE, patience: int = 0, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Own the folder; raises `Busy` where another process does, and still does after `patience` looks more."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._reserve = reserve
        self._descriptor = os.open(folder, os.O_RDONLY)
        while not self._is_taken() and patience > 0:
            patience -= 1
            sleep(PAUSE_S)
        if not self._owned:
            os.close(self._descriptor)
            raise Busy(
                f"another process takes pushes into the folder {str(folder)!r} already: end it first, or give this one"
                " a data folder of its own (ALPRHUB_DATA)"
            )
        for unfinished in folder.glob(f"*{PARTIAL}"):
            unfinished.unlink()  # nobody was told that it was kept
        self._number = max(map(_number, (*self.batches(), *self.set_aside())), default=-1) + 1
        self._tickets: list[_Ticket] = []
        self._gathering, self._writing = Lock(), Lock()

    def _is_taken(self) -> bool:
        """Whether the folder is this process's from now on."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._owned = False
        else:
            self._owned = True
        return self._owned

    def put(self, *pushed: Pushed) -> None:
        """Keep pushes, durable on return; raises `Full`, or `OSError` where the disk does not take them.

        After an error they may lie on the disk all the same: the disk took them and could not promise to keep them.
        """
        if disk_usage(self._folder).free < self._reserve + sum(len(each.body) for each in pushed):
            raise Full(
                f"the disk of {self._folder} has less than {self._reserve / (1 << 30):.0f} GiB left, which the database"
                " needs to keep what waits; make room there"
            )
        ticket = _Ticket(pushed)
        with self._gathering:
            self._tickets.append(ticket)
        with self._writing:
            if not ticket.settled:  # else whoever wrote before us wrote ours too
                self._write_gathered()
        if isinstance(ticket.error, OSError):
            raise OSError(*ticket.error.args) from ticket.error
        if ticket.error is not None:
            raise OSError("the batch of this push could not be written") from ticket.error

    def has_room(self) -> bool:
        """Whether the folder can be written to and its disk has room for more."""
        try:
            return os.access(self._folder, os.W_OK | os.X_OK) and disk_usage(self._folder).free >= self._reserve
        except OSError:
            return False

    def batches(self) -> Sequence[Path]:
        """The batches that wait, oldest first."""
        return batches_in(self._folder)

    def set_aside(self) -> Sequence[Path]:
        """The batches that could not be read, oldest first."""
        return broken_in(self._folder)

    def read(self, batch: Path) -> list[Pushed]:
        """The pushes of a batch in their order.

        Raises `IntegrityBroken` where the file is not what was written; it then stays under another name.
        """
        try:
            return _PUSHES.decode(batch.read_bytes())
        except (msgspec.DecodeError, UnicodeDecodeError):
            batch.rename(batch.with_suffix(_BROKEN))
            raise IntegrityBroken(f"{batch}: is not the batch of pushes that was written") from None

    def size(self, batch: Path) -> int:
        """The bytes of a batch; 0 where it is gone."""
        try:
            return batch.stat().st_size
        except FileNotFoundError:
            return 0

    def leave(self, batch: Path, pushes: Sequence[Pushed]) -> None:
        """Forget some pushes of a batch: leave these in it, whole or not at all."""
        replace(batch, msgspec.msgpack.encode(pushes), 0o600)

    def done(self, batch: Path) -> None:
        """Forget a batch whose pushes are kept elsewhere, or that must be gone."""
        batch.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another process own the folder."""
        os.close(self._descriptor)

    def _write_gathered(self) -> None:
        """Write what has gathered, and tell each of its tickets how that ended, however it did."""
        failed: BaseException | None = RuntimeError("writing a batch did not end")
        with self._gathering:
            together, self._tickets = self._tickets, []
        try:
            self._write([pushed for ticket in together for pushed in ticket.pushed])
            failed = None
        except BaseException as refused:
            failed = refused
            if not isinstance(refused, Exception):
                raise
        finally:
            for ticket in together:
                ticket.error = failed
                ticket.settled = True

    def _write(self, pushes: Sequence[Pushed]) -> None:
        number = self._number
        self._number += 1  # used once, whatever comes: a keeper deletes what it has read by its name
        replace(self._folder / f"{number:016d}{_BATCH}", msgspec.msgpack.encode(pushes), 0o600)


def _number(batch: Path) -> int:
    """The number of a batch; a file that somebody else put there has none."""
    return int(batch.stem) if batch.stem.isdecimal() else -1
