"""`Seldom`: a log that strangers cannot fill."""

import logging
from typing import Final

EVERY: Final = 60.0
"""Seconds in which a line of one kind is logged once, without the place in the program where it came from."""


class Seldom(logging.Filter):
    """Lets a line of each kind through once in a while."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is logged. What differs between lines of one kind are their arguments."""
        last = self._last.get(record.msg)
        if last is not None and 0 <= record.created - last < EVERY:
            return False
        self._last[record.msg] = record.created
        return True
