"""`Standstill`: each vendor has its own time for a list, which begins anew with whatever it takes or gives."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any, Final

from connectors.contract import RemoteEntry

STILL: Final = timedelta(minutes=5)
"""How long a vendor may neither take an entry nor give one before it is given up."""


class Standstill:
    """When one vendor is given up; one thread uses it."""

    def __init__(self, still: timedelta) -> None:
        self._still = still.total_seconds()
        self.went_on()

    def went_on(self, _: int = 0) -> None:
        """An entry was taken or given, so the time begins anew."""
        self._until = monotonic() + self._still

    def left(self) -> float:
        """Seconds that are left; none below zero."""
        return max(self._until - monotonic(), 0.0)


def in_time(connector: Any) -> Any:
    """The same account, not opened yet, with a deadline of its own."""
    deadline = Standstill(STILL)
    return type(connector)(connector.settings, replace(connector.frame, patience=deadline.left, sent=deadline.went_on))


def held_there(connector: Any, list_name: str) -> Iterator[RemoteEntry]:
    """The list as a vendor holds it, each entry of which shows that it goes on; raises what its answer does."""
    for entry in connector.list_remote(list_name):
        connector.frame.sent(0)
        yield entry
