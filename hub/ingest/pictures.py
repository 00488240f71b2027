"""`Pictures`: fetching what a read only has the address of, before the address ends, and never in the way of rows."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from connectors.contract import Connector, ServesImages
from hub.clock import Clock
from hub.ingest.fetching import Fetched, Fetching
from hub.store.engine import Store
from hub.store.images import ImageStore

BUDGET: Final = timedelta(seconds=60)
"""How long a run goes on with pictures once its rows are kept; the next run or `PicturesDue` goes on with the rest."""
LOOK_UP: Final = 0.2
"""Seconds between two looks at how far it is."""


class Pictures:
    """Fetches wanted pictures, the address that ends first before all others; one that fails never stops a run."""

    def __init__(self, store: Store, images: ImageStore, clock: Clock) -> None:
        self._store = store
        self._images = images
        self._clock = clock

    def fetch(
        self,
        connector: Connector[Any],
        connection_id: int,
        budget: timedelta = BUDGET,
        told: Callable[[Fetched], None] = lambda _: None,
    ) -> Fetched:
        """Fetch the wanted pictures of a connection for as long as `budget` says, and give what became of them.

        A place where nobody answers is left alone after a few failures until the next time. `told` is called now and
        then with how far it is; what it raises ends the fetching, with what came kept.
        """
        with self.beside(budget) as beside:
            beside.begin(connector, connection_id, told)
        return beside.counts

    @contextmanager
    def beside(self, budget: timedelta = BUDGET) -> Iterator["Beside"]:
        """Fetch pictures while rows are kept inside the block, and go on behind it for as long as `budget` says."""
        beside = Beside(lambda *of: Fetching(self._store, self._images, self._clock, *of))
        try:
            yield beside
            beside.finish(budget)
        finally:
            beside.end()


class Beside:
    """The fetching of a run, where its source serves pictures."""

    def __init__(self, start: Callable[[Connector[Any], int], Fetching]) -> None:
        self._start = start
        self._fetching: Fetching | None = None
        self._report: Callable[[Fetched], None] | None = None
        self.counts = Fetched()

    def begin(self, connector: Connector[Any], connection_id: int, told: Callable[[Fetched], None]) -> None:
        """Fetch what is wanted already, and what comes; `told` hears how far it is once the rows are over."""
        self._report = told
        if isinstance(connector, ServesImages):
            self._fetching = self._start(connector, connection_id)
            self.counts = self._fetching.counts

    def more(self) -> None:
        """A page was kept that has pictures to fetch."""
        if self._fetching:
            self._fetching.more()

    def finish(self, budget: timedelta) -> None:
        """Go on with what is left, no longer than the budget."""
        if not self._fetching or not self._report:
            return
        self._fetching.rows_are_over()
        until = time.monotonic() + budget.total_seconds()
        while not self._fetching.over(LOOK_UP) and time.monotonic() < until:
            self._report(self.counts)
        self._report(self.counts)

    def end(self) -> None:
        """End it; what is not there yet is left for the next time."""
        if self._fetching:
            self._fetching.end()
