"""`RequestPace`: so many requests a second, and so many at a time, for all threads that share a vendor."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from connectors.contract import Frame, Limits
from connectors.errors import TryAgain


class RequestPace:
    """Keeps whoever asks a vendor to its limits."""

    def __init__(self, limits: Limits, frame: Frame) -> None:
        self._between = 1 / limits.per_second
        self._frame = frame
        self._next_at = 0.0
        self._queue = Lock()
        self._places = BoundedSemaphore(max(limits.parallel, 1))

    def wait(self) -> None:
        """Sleep until the next request may leave; those who ask at once queue up one behind the other."""
        with self._queue:
            now = time.monotonic()
            wait = self._next_at - now
            self._next_at = max(now, self._next_at) + self._between
        if wait > 0:
            self._frame.sleep(wait)

    @contextmanager
    def place(self, where: str) -> Iterator[None]:
        """One of the places that the vendor's limit leaves, for as long as a request is under way.

        No place is held during a wait for another try, nor while a token is fetched, which needs a place itself.
        """
        patience = self._frame.patience()
        longest = None if patience == math.inf else patience
        if patience <= 0 or not self._places.acquire(timeout=longest):
            raise TryAgain(f"nothing was sent to {where}, since nobody waits for the answer any more")
        try:
            yield
        finally:
            self._places.release()
