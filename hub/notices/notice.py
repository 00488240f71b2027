"""`Notice`: what a person is told, and `Way`: how it gets to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

BEGUN: Final = "begun"
ENDED: Final = "ended"
DROPPED: Final = "dropped"
"""What it was about is not there any more; nobody is told."""
TEST: Final = "test"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. Holds names, counts, times and what to do: no plate, and nothing that a vendor wrote.

    `subject` is what it is about, alike for its beginning and its end; `connection` is None where it is the hub itself.
    """

    id: int
    subject: str
    kind: str
    connection: str | None
    code: str
    at: datetime
    title: str
    body: str


class Way(Protocol):
    """One way out."""

    @property
    def name(self) -> str:
        """How the outbox calls it."""

    def send(self, notice: Notice) -> str:
        """Hand a notice over and say what is known of that; raises `NotSent`."""
