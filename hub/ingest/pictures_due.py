"""`PicturesDue`: fetching what runs have left, for every connection, whenever a scheduler says so."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple
from datetime import timedelta
from typing import Final

from hub.clock import Clock
from hub.errors import NotFound
from hub.ingest.fetching import Fetched
from hub.ingest.pictures import Pictures
from hub.ports import Accounts
from hub.store import wanted
from hub.store.engine import Store
from hub.store.instant import to_micros

log: Final = logging.getLogger("alprhub.pictures")

BUDGET: Final = timedelta(minutes=4)
"""How long one connection's pictures are fetched; a job of every five minutes does not run into itself."""


class PicturesDue:
    """Fetches the pictures that are still wanted."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        accounts: Accounts,
        pictures: Pictures,
    ) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts
        self._pictures = pictures

    def run(self, budget: timedelta = BUDGET, told: Callable[[Fetched], None] = lambda _: None) -> dict[str, int]:
        """Fetch what every active connection wants, all of them at the same time, for as long as `budget` says.

        Gives how many were `fetched`, are `gone` at the vendor, `failed` for now and are `left` for the next time, and
        how many lie at hosts that are `not_allowed`.
        `told` is called now and then with how far all are together; what it raises ends it, with what came kept.
        """
        with self._store.read() as connection:
            wanting = wanted.connections_in_want(connection, to_micros(self._clock.now()))
        names = {account.id: account.name for account in self._accounts.list() if account.state == "active"}
        so_far: dict[str, Fetched] = {}

        def fetch(name: str) -> None:
            def tell(counts: Fetched) -> None:
                so_far[name] = counts
                told(_sum(so_far))

            try:
                account, connector = self._accounts.open(name)
            except NotFound as unknown:  # a connector that may not run here
                log.warning("the pictures of %s wait: %s", name, unknown)
                return
            so_far[name] = self._pictures.fetch(connector, account.id, budget, tell)

        due = [names[ident] for ident in wanting if ident in names]
        with ThreadPoolExecutor(max(len(due), 1), "pictures") as pool:
            for _ in pool.map(fetch, due):
                pass
        return asdict(_sum(so_far))

    def not_allowed(self, name: str | None = None) -> dict[str, int]:
        """The hosts that a connection, or any, may not talk to and at which pictures lie, and how many at each."""
        found = dict[str, int]()
        now = to_micros(self._clock.now())
        with self._store.read() as connection:
            for account in self._accounts.list():
                if name in (None, account.name):
                    for host, pictures in wanted.not_allowed(connection, account.id, now).items():
                        found[host] = found.get(host, 0) + pictures
        return found


def _sum(parts: dict[str, Fetched]) -> Fetched:
    rows = [astuple(part) for part in parts.copy().values()]
    return Fetched(*map(sum, zip(*rows, strict=True)))
