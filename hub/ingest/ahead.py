"""The next piece is made while the last one is used: a generator in a thread of its own, one piece ahead.

When it is begun is for whoever uses the last one to say, once nothing but waiting is left of that: two threads that
both want the interpreter take longer than one after the other.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Final, Generic, TypeVar

T = TypeVar("T")
_END: Final = object()


@contextmanager
def ahead(make: Callable[[], Iterator[T]], name: str) -> Iterator["_Making[T]"]:
    """The pieces of a generator, in their order; from `go_on` the next one is made, and none behind that.

    The generator is made, asked and closed in a thread of its own, so that what it holds is touched by no other. What
    it raises is raised where the piece would have come, after all before it. Behind the block the thread is over: it
    ends with the piece that it is at. Only an interrupt of the process itself does not wait for it.
    """
    making = _Making(make, name)
    try:
        yield making
    except (KeyboardInterrupt, SystemExit):  # the thread ends with its piece, or with the process
        making.leave()
        raise
    except BaseException:
        making.end()
        raise
    making.end()


class _Making(Generic[T]):
    """The thread, and what goes between it and whoever uses the pieces."""

    def __init__(self, make: Callable[[], Iterator[T]], name: str) -> None:
        self._make = make
        self._wanted = Semaphore(0)
        self._begun = False
        self._over = Event()
        self._ready = SimpleQueue[tuple[object, BaseException | None]]()
        # What logs and traces know of the run belongs to its pieces too.
        self._thread = Thread(target=copy_context().run, args=(self._work,), name=name, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        """The pieces; to ask for one is to have it made, where `go_on` has not."""
        while True:
            self.go_on()
            piece, failed = self._ready.get()
            self._begun = False
            if failed is not None:
                raise failed
            if piece is _END:
                return
            yield piece  # type: ignore[misc]

    def go_on(self) -> None:
        """Have the next piece made from now on; safe to repeat."""
        if not self._begun:
            self._begun = True
            self._wanted.release()

    def leave(self) -> None:
        """Let the thread end with the piece that it is at."""
        self._over.set()
        self._wanted.release()

    def end(self) -> None:
        """Let it end, and wait for that."""
        self.leave()
        self._thread.join()

    def _work(self) -> None:
        try:
            pieces = self._make()
            try:
                while self._next():
                    self._ready.put((next(pieces, _END), None))
            finally:
                if close := getattr(pieces, "close", None):
                    close()
        except BaseException as failed:  # any exception: whoever asks for the next piece gets it
            self._ready.put((None, failed))

    def _next(self) -> bool:
        self._wanted.acquire()
        return not self._over.is_set()
