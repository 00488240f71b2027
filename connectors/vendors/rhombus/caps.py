"""How many events an answer may hold, learnt from the answers."""

from typing import Final, NamedTuple

FEWEST: Final = 100
"""An answer of fewer events is taken for whole without proof; no cap is published (assumed: none is so low)."""


class Events(NamedTuple):
    events: list[bytes]
    whole: bool


class Cap:
    """The most events that an answer may hold, learnt from the answers: it is the same for all of them (assumed).

    So one that is shorter than another was not cut off by it.
    """

    def __init__(self) -> None:
        self._largest = FEWEST - 1

    def may_hold(self, answer: Events) -> bool:
        """Whether an answer is as long as the longest, so that some of its events may be missing."""
        count = len(answer.events)
        full = count > self._largest or (count == self._largest and count >= FEWEST)
        self._largest = max(self._largest, count)
        return full
