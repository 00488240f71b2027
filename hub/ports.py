"""What services ask of each other: nouns that a service takes, without knowing the room that has them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection

from connectors.contract import Connector, Record, Window
from hub.people import Actor, Why
from hub.policy.provenance import Provenance


class ConfiguredAccount(Protocol):
    """A configured account at a vendor."""

    @property
    def id(self) -> int:
        """The row."""

    @property
    def name(self) -> str:
        """The name people use."""

    @property
    def connector(self) -> str:
        """The key of its connector."""

    @property
    def state(self) -> str:
        """`active`, or why not."""

    @property
    def state_reason(self) -> str | None:
        """Why it is paused."""

    @property
    def provenance(self) -> Provenance:
        """Whose reads they are."""

    @property
    def every_seconds(self) -> int:
        """How often it is pulled."""


class Registry(Protocol):
    """The connectors that this process has: built-ins, entry points, third parties' that an admin allowed."""

    def connector(self, key: str) -> type[Connector[Any]]:
        """The connector class of a key; raises `connectors.registry.UnknownConnector`, naming those there are."""


class Kinds(Protocol):
    """Knows connector classes."""

    def kind(self, key: str) -> type[Connector[Any]]:
        """The connector class of a key; raises `NoConnector`, naming those there are."""


class Opens(Protocol):
    """Opens accounts."""

    def open(self, name: str) -> tuple[ConfiguredAccount, Connector[Any]]:
        """An account and its connector, ready to talk.

        Raises `NotFound` where there is none, `NoConnector` where this process does not have its connector, and
        `AdminMustAct` where its settings fit its connector no more.
        """


class Pauses(Protocol):
    """Pauses accounts that their vendor refuses."""

    def stop(self, actor: Actor, name: str, reason: str) -> None:
        """Pause an account while `actor` asked for something else; a person must act."""


class OpensAndPauses(Opens, Pauses, Protocol):
    """Opens accounts, and pauses those that turn out not to work."""


class Accounts(OpensAndPauses, Kinds, Protocol):
    """Every configured account, by name."""

    def list(self) -> Sequence[ConfiguredAccount]:
        """Those there are; none that was removed."""


class Takes(Protocol):
    """Keeps records."""

    def take(self, connector: Connector[Any], connection_id: int, records: Iterable[Record], *, obtained: str) -> Any:
        """Parse, gate and keep a page of them, and say what became of them (`hub.store.saving.Saved`)."""


class LooksAtRecords(Protocol):
    """Reads records without keeping them."""

    def look(self, connector: Connector[Any], connection_id: int, records: Sequence[Record]) -> Any:
        """The page that would be kept (`hub.store.page.PageToSave`)."""


class Windows(Protocol):
    """Knows which time a pull asks for."""

    def window(
        self, account: ConfiguredAccount, connector: Connector[Any], since: datetime | None, until: datetime | None
    ) -> Window | None:
        """The window of the next run, or of the times that are named; None where there is nothing to ask for."""


class Watched(Protocol):
    """A plate that an entry of an active hot list watches."""

    @property
    def plate(self) -> str:
        """The plate."""

    @property
    def state(self) -> str | None:
        """ISO 3166-2; None where the entry does not say."""

    @property
    def reason(self) -> str:
        """Why it is watched."""

    @property
    def case_number(self) -> str:
        """The case that watches it."""


class Watches(Protocol):
    """Knows which plates are watched."""

    def watched(self) -> Sequence[tuple[int, Watched]]:
        """Every entry that stands now, with its id."""


class Withdraws(Protocol):
    """Takes hot lists away from vendors."""

    def withdraw(self, actor: Actor, list_name: str, connection_name: str) -> Mapping[str, Any]:
        """Take a list away from a connection; says `proved`, `proof`, `left`, `deleted` and `error`."""


class Asked(Protocol):
    """A question about reads."""

    @property
    def why(self) -> Why:
        """Why it is asked."""

    def told(self) -> dict[str, Any]:
        """What was asked, for the record."""


class Matching(Protocol):
    """Finds the reads that a question means, for whoever holds it or shows what is held."""

    def meant(self, query: Any, after: str | None) -> Iterator[tuple[int, str]]:
        """The ids of every visible read that a question means behind `after`, newest first, each with its place."""

    def asked(self, query: Any) -> Mapping[str, str]:
        """The connections that a question asks, each with how it stands."""

    def shown(self, connection: Connection, keys: Sequence[tuple[int, int]]) -> list[Any]:
        """Reads by capture time (µs) and id as rows of an answer, whether their time is past or not."""


class Purges(Protocol):
    """Destroys what has expired."""

    def purge(self, actor: Actor) -> Mapping[str, int]:
        """Remove every expired read that nothing holds; gives how many went, by connection."""


class Lying(NamedTuple):
    """What lies in the spool and is no read: pushes (None: too many to count), and batches that nobody can read."""

    pushes: int | None = 0
    set_aside: int = 0


class Spooled(Protocol):
    """Knows what was pushed and is no read yet."""

    def lying(self) -> Lying:
        """How much of it lies there now."""
