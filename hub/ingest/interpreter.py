"""Python as pages need it: few collections of garbage, and short turns between the threads that fetch and keep."""

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

TURN_S: Final = 0.0005
"""How long one thread goes on while another waits for the interpreter. A statement lets go of it for some tenths of a
millisecond; with Python's own five milliseconds a page would wait many times as long to go on as it had let go."""
_USUAL: Final = gc.get_threshold()
_pulling = 0
_turn = 0.0
_lock: Final = threading.Lock()


@contextmanager
def tuned_for_pages() -> Iterator[None]:
    """Raise the garbage collector's thresholds while pages go through, and freeze what was there before.

    Records make no cycles, yet their number alone makes Python search for some, a fifth of ingest's time. Several pulls
    of one process share this: the first one sets it, the last one undoes it.
    """
    global _pulling, _turn  # noqa: PLW0603 - the interpreter is one for the whole process
    with _lock:
        if _pulling == 0:
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            _turn = sys.getswitchinterval()
            sys.setswitchinterval(TURN_S)
        _pulling += 1
    try:
        yield
    finally:
        with _lock:
            _pulling -= 1
            if _pulling == 0:
                sys.setswitchinterval(_turn)
                gc.set_threshold(*_USUAL)
                gc.unfreeze()
