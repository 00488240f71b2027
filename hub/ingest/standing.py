"""`WatchCosts`: how long a round of standing look-ups takes at each source that answers one plate at a time."""

from dataclasses import dataclass

from connectors.contract import LooksUpPlates, PullsReads
from hub.ports import Accounts, Watches


@dataclass(frozen=True, slots=True)
class LongRound:
    """A connection that cannot be asked for every watched plate between two of its runs."""

    connection: str
    plates: int
    per_second: float
    seconds: float
    """How long one round takes."""
    every_seconds: int


class WatchCosts:
    """Knows what watching costs."""

    def __init__(
        self,
        accounts: Accounts,
        hotlists: Watches,
    ) -> None:
        self._accounts = accounts
        self._hotlists = hotlists

    def too_long(self) -> list[LongRound]:
        """The active connections whose next run is due before a round of all watched plates is over."""
        plates, rounds = len(self._hotlists.watched()), list[LongRound]()
        for account in self._accounts.list():
            if account.state != "active":
                continue
            _, connector = self._accounts.open(account.name)
            if not isinstance(connector, LooksUpPlates) or isinstance(connector, PullsReads):
                continue
            rate = float(getattr(connector.settings, "requests_per_second", connector.info.limits.per_second))
            if plates / rate > account.every_seconds:
                rounds.append(LongRound(account.name, plates, rate, plates / rate, account.every_seconds))
        return rounds
