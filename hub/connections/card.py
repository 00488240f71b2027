"""`Card`: one thing that a person should know of a connection or of the hub, and the statuses that it can have."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

OK, LATE, SILENT, FAILING, PAUSED = ORDER = ("ok", "late", "silent", "failing", "paused")


@dataclass(frozen=True, slots=True)
class Card:
    """One thing: its status, title, what happened, what can be done, and the command.

    `code` is stable, for programs. `needs_person` says that it does not pass by itself. `plain` is what happened
    without anybody else's words, fit to leave the hub. `about` tells cards of one code apart; `since` is when it began.
    """

    status: str
    title: str
    happened: str
    do: str
    command: str
    code: str
    needs_person: bool = True
    plain: str = ""
    about: str = ""
    since: datetime | None = None


def worst_first(cards: Iterable[Card]) -> list[Card]:
    """The cards by status, what needs a person before what passes by itself."""
    return sorted(cards, key=lambda card: (-ORDER.index(card.status), not card.needs_person))
