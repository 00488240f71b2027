"""How every source stands while one question is asked of all of them: what workers write and the asker waits for."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Condition


class Status(StrEnum):
    """What a source has made of a question."""

    WAITING = "waiting"
    """Its turn has not come; never in an answer."""
    ASKING = "asking"
    """It is being asked; never in an answer."""
    ANSWERED = "answered"
    """It told everything it has."""
    LATE = "late"
    """It had not finished at the deadline; what came before is counted and kept."""
    FAILED = "failed"
    """It could not answer; what came before is counted and kept."""
    PAUSED = "paused"
    """Its connection is paused, so it was not asked."""
    NOT_ASKED = "not-asked"
    """It cannot be asked about one plate; its part is what the store holds of it."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One connection's part in an answer: `reads` came, and are `stored`, or why they are not; `error` holds no plate.

    `reads` = `stored` + `duplicates` (kept already) + `quarantined` + `born_expired`. `failure` is the kind of
    error, for programs.
    """

    connection: str
    status: Status
    seconds: float = 0.0
    reads: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    born_expired: int = 0
    error: str | None = None
    failure: str | None = None


class TooLate(Exception):
    """The answer leaves without the rest of a source."""


class Deadline:
    """When an answer leaves, and what connectors that are asked for it are lent to wait with."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; 0 or less once it has passed."""
        return self._at - time.monotonic()

    def late(self, part: SourceStatus) -> SourceStatus:
        """A source that had not ended by then."""
        if part.status is Status.WAITING:
            error = f"was not asked: its turn did not come in {self.seconds:g} s"
            return replace(part, status=Status.LATE, error=error)
        seconds = max(part.seconds, self.seconds)
        return replace(part, status=Status.LATE, seconds=seconds, error=f"had not finished after {self.seconds:g} s")

    def sleep(self, seconds: float) -> None:
        """Wait; raises `TooLate` where nobody would be there afterwards."""
        if seconds >= self.left():
            raise TooLate
        time.sleep(seconds)


class Board:
    """How every source stands. Workers write; the asker reads until all have ended or the deadline has passed."""

    def __init__(self, parts: Iterable[SourceStatus]) -> None:
        self._parts = {part.connection: part for part in parts}
        self._changed = Condition()
        self._closed = False

    def put(self, part: SourceStatus) -> bool:
        """Say how a source stands; False where the answer has left without it."""
        with self._changed:
            if not self._closed:
                self._parts[part.connection] = part
                self._changed.notify_all()
            return not self._closed

    def follow(self, deadline: Deadline, progress: Callable[[SourceStatus], None]) -> list[SourceStatus]:
        """Wait for the end, passing every change on; then nothing is written any more."""
        seen: dict[str, SourceStatus] = {}
        while not self._closed:
            with self._changed:
                if seen and self._parts == seen:
                    self._changed.wait(max(deadline.left(), 0))
                going = [part for part in self._parts.values() if part.status in (Status.WAITING, Status.ASKING)]
                over = deadline.left() <= 0
                if over:
                    self._parts.update((part.connection, deadline.late(part)) for part in going)
                self._closed = over or not going
                news = [part for name, part in self._parts.items() if seen.get(name) != part]
                seen = dict(self._parts)
            for part in news:
                progress(part)
        return list(seen.values())


class Occupied:
    """How many workers do something here, rather than wait for a vendor."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._workers = 0

    def __enter__(self) -> None:
        self._count(+1)

    def __exit__(self, *_: object) -> None:
        self._count(-1)

    @contextmanager
    def away(self) -> Iterator[None]:
        """While a worker waits for a vendor."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(+1)

    def over(self, seconds: float) -> bool:
        """Wait until there is none, at most so long; whether there is none."""
        with self._changed:
            return self._changed.wait_for(lambda: self._workers == 0, seconds)

    def _count(self, by: int) -> None:
        with self._changed:
            self._workers += by
            self._changed.notify_all()
