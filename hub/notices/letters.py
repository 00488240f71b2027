"""What a notice says: made of a card's own words, never of a vendor's."""

from datetime import datetime, tzinfo
from typing import Protocol

from hub.notices.notice import Notice
from hub.words import moment, span


class HealthCard(Protocol):
    """What a person should know of a connection or of the hub, as health has it."""

    @property
    def code(self) -> str:
        """Stable, for programs."""

    @property
    def about(self) -> str:
        """Tells cards of one code apart."""

    @property
    def title(self) -> str:
        """In our words, with the connection's name."""

    @property
    def plain(self) -> str:
        """What happened, in our words."""

    @property
    def do(self) -> str:
        """What to do about it."""

    @property
    def command(self) -> str:
        """How to begin."""

    @property
    def needs_person(self) -> bool:
        """Whether it does not pass by itself."""

    @property
    def since(self) -> datetime | None:
        """When it began, where that is known."""


def begun(card: HealthCard) -> tuple[str, str]:
    """Title and body of what has begun."""
    return _one_line(card.title), f"{card.plain or card.title}\n\nWhat to do: {card.do}\n\n    {card.command}"


def ended(notice: Notice, now: datetime, zone: tzinfo) -> tuple[str, str]:
    """Title and body of what is over, by the notice that told of it."""
    since = f"It was told {moment(notice.at, zone)}, {span(now - notice.at)} ago."
    return f"Over: {notice.title}", f"{since} The hub sees nothing of it any more; there is nothing to do."


def trial(agency: str) -> tuple[str, str]:
    """Title and body of a test."""
    return "This is a test", (
        f"Notices of the hub of {agency} take this way: when a connection stops, when reads may be missing, when a"
        " hot list or a removal is not proved, and when that is over.\n\nThere is nothing to do."
    )


def _one_line(title: str) -> str:
    return " ".join(title.split())
