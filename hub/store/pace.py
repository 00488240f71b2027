"""`TurnPace`: long work in turns that are short whatever the machine, the disk and the size of the database."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

TURN_S: Final = 0.05
"""How long a turn shall take: one that is twice as slow still takes no more than 0.1 s."""


class TurnPace:
    """How many rows a turn does; it grows and shrinks by what the last ones took, at most to the double or the half."""

    def __init__(self, first: int, least: int, most: int, elapsed: Callable[[], float] = time.monotonic) -> None:
        """A turn does at least `least` rows, even if that takes longer: beginning and ending it cost time too."""
        self.rows = first
        self._least = min(least, most)
        self._most = most
        self._elapsed = elapsed

    @contextmanager
    def turn(self, rows: int) -> Iterator[Callable[[], None]]:
        """One turn of so many rows. It gives a function to call when the wait for the writer is over."""
        began: list[float] = []
        yield lambda: began.append(self._elapsed())
        if began:
            took = self._elapsed() - began[0]
            fits = rows * TURN_S / max(took, 0.000_1)
            self.rows = round(min(max(fits, self.rows / 2, self._least), self.rows * 2, self._most))
