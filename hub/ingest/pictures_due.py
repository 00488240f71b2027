"""`PicturesDue`: fetching what runs have left, for every connection, whenever a scheduler says so."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple
from datetime import timedelta
from typing import Any, Final, Protocol

from connectors.contract import Connector
from hub.clock import Clock
from hub.errors import NotFound
from hub.ingest.fetching import Fetched
from hub.ports import ConfiguredAccount
from hub.store import wanted
from hub.store.engine import Store
from hub.store.instant import to_micros

log: Final = logging.getLogger("alprhub.pictures")

BUDGET: Final = timedelta(minutes=4)
"""How long one connection's pictures are fetched; a job of every five minutes does not run into itself."""


class Fetch(Protocol):
    """`Pictures.fetch`."""

    def __call__(
        self, connector: Connector[Any], connection_id: int, budget: timedelta, told: Callable[[Fetched], None]
    ) -> Fetched:
        """Fetch for as long as the budget says."""


class PicturesDue:
    """Fetches the pictures that are still wanted."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        accounts: Callable[[], list[Any]],
        opened: Callable[[str], tuple[ConfiguredAccount, Connector[Any]]],
        fetch: Fetch,
    ) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts
        self._open = opened
        self._fetch = fetch

    def run(self, budget: timedelta = BUDGET, told: Callable[[Fetched], None] = lambda _: None) -> dict[str, int]:
        """Fetch what every active connection wants, all of them at the same time, for as long as `budget` says.

        Gives how many were `fetched`, are `gone` at the vendor, `failed` for now and are `left` for the next time.
        `told` is called now and then with how far all are together; what it raises ends it, with what came kept.
        """
        with self._store.read() as connection:
            wanting = wanted.connections_in_want(connection, to_micros(self._clock.now()))
        names = {account.id: account.name for account in self._accounts() if account.state == "active"}
        so_far: dict[str, Fetched] = {}

        def fetch(name: str) -> None:
            def tell(counts: Fetched) -> None:
                so_far[name] = counts
                told(_sum(so_far))

            try:
                account, connector = self._open(name)
            except NotFound as unknown:  # a connector that may not run here
                log.warning("the pictures of %s wait: %s", name, unknown)
                return
            so_far[name] = self._fetch(connector, account.id, budget, tell)

        due = [names[ident] for ident in wanting if ident in names]
        with ThreadPoolExecutor(max(len(due), 1), "pictures") as pool:
            for _ in pool.map(fetch, due):
                pass
        return asdict(_sum(so_far))


def _sum(parts: dict[str, Fetched]) -> Fetched:
    rows = [astuple(part) for part in parts.copy().values()]
    return Fetched(*map(sum, zip(*rows, strict=True)))
