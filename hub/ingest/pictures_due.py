"""`PicturesDue`: fetching what runs have left, for every connection, whenever a scheduler says so."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final, Protocol

from connectors.contract import Connector
from hub.account import Account
from hub.clock import Clock
from hub.ingest.fetching import Fetched
from hub.store import wanted
from hub.store.engine import Store
from hub.store.instant import to_micros

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
        opened: Callable[[str], tuple[Account, Connector[Any]]],
        fetch: Fetch,
    ) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts
        self._open = opened
        self._fetch = fetch

    def run(self, budget: timedelta = BUDGET, told: Callable[[Fetched], None] = lambda _: None) -> dict[str, int]:
        """Fetch what every active connection wants, the one whose next address ends first before the others.

        Gives how many were `fetched`, are `gone` at the vendor, `failed` for now and are `left` for the next time. No
        connection takes longer than its share of `budget`; `told` is called as by `Pictures.fetch`.
        """
        with self._store.read() as connection:
            wanting = wanted.connections_in_want(connection, to_micros(self._clock.now()))
        names = {account.id: account.name for account in self._accounts() if account.state == "active"}
        due = [names[ident] for ident in wanting if ident in names]
        total = Fetched()
        for name in due:
            account, connector = self._open(name)
            done = self._fetch(connector, account.id, budget / len(due), told)
            total = Fetched(*(sum(pair) for pair in zip(asdict(total).values(), asdict(done).values(), strict=True)))
        return asdict(total)
