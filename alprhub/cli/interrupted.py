"""Ctrl-C while the program still starts: it ends at once and without a word."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

INTERRUPTED: Final = 130
"""How a shell says that Ctrl-C ended a program."""


@contextmanager
def at_once() -> Iterator[None]:
    """End the process at Ctrl-C, as long as nothing is open yet.

    An import that Ctrl-C interrupts may turn it into an error of its own, with a traceback.
    """
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell may have it ignored
    if ours:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
