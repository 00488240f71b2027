"""A page on its way into the store, what became of it, and why it may have to be made again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from connectors.contract import LyingFile
from hub.policy.provenance import Provenance
from normalize.read import Read


class Life(NamedTuple):
    """When a read must be gone, and the rule that says so."""

    until: datetime
    rule: str


class Accepted(NamedTuple):
    """A read on its way in, with the bytes it came from and the end of its life.

    `needed` is the longer life that it has where a hit needs it; None where a hit changes nothing. Before `floor_at`
    nobody may delete it; None where nobody says so.
    """

    read: Read
    kind: str
    part: int
    payload: bytes
    expires_at: datetime
    rule: str
    needed: Life | None = None
    floor_at: datetime | None = None

    def lasting(self, life: Life) -> "Accepted":
        """The same read with another life."""
        return self._replace(expires_at=life.until, rule=life.rule)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not become a read, with its bytes and the reason."""

    kind: str
    part: int
    payload: bytes
    attachments: Mapping[str, bytes]
    field: str
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PageToSave:
    """Everything that one page brought. `obtained` is how: `pull`, `lookup`, `push` or `replay`."""

    connection_id: int
    obtained: str
    received_at: datetime
    accepted: Sequence[Accepted] = ()
    rejected: Sequence[Rejected] = ()
    born_expired: int = 0
    checkpoint: Mapping[str, Any] | None = None
    taken: Sequence[LyingFile] = ()
    run_id: int | None = None
    replayed: Sequence[int] = ()
    """Quarantine rows that this page settles."""
    policy_id: int | None = None
    """The policy that gave the ends; with None nobody checks whether it is still in force."""
    source: Provenance | None = None
    """Whose reads they were by which it gave them; with None nobody checks whether they still are."""
    kinds_changed: int = 0
    """How often sources had become ones of another kind by then."""
    meanwhile: Callable[[], None] | None = field(default=None, compare=False, repr=False)
    """Called, perhaps more than once, when the rows of its reads are made and only the database is at work on them."""

    def go_on_meanwhile(self) -> None:
        """Let whoever waits for that go on."""
        if self.meanwhile is not None:
            self.meanwhile()


class PolicyMoved(Exception):
    """The policy that gave a page's ends is no longer in force, or no longer for these reads; nothing was kept.

    `pictures` are the keys of the files that were written already.
    """

    def __init__(self, pictures: Sequence[str]) -> None:
        super().__init__("another policy is in force")
        self.pictures = pictures


@dataclass(slots=True)
class Saved:
    """What became of a page: `pulled` = `stored` + `duplicates` + `quarantined` + `born_expired`.

    A run also says what became of pictures (`pictures` fetched, `pictures_gone` at the vendor, `pictures_failed` for
    now, `pictures_left` for the next run and `pictures_not_allowed` at hosts that it may not talk to) and of standing
    look-ups (`plates_asked`, `plates_left` of its round).
    """

    pulled: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    born_expired: int = 0
    hits: int = 0
    wanted_images: int = field(default=0, compare=False)
    pictures: int = field(default=0, compare=False)
    pictures_gone: int = field(default=0, compare=False)
    pictures_failed: int = field(default=0, compare=False)
    pictures_left: int = field(default=0, compare=False)
    pictures_not_allowed: int = field(default=0, compare=False)
    plates_asked: int = field(default=0, compare=False)
    plates_left: int = field(default=0, compare=False)

    def __iadd__(self, other: "Saved") -> "Saved":
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self
