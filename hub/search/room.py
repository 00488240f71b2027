"""The room of search: one question, the reads that it means, and what every source could not tell."""

from typing import Protocol

from hub.access.room import AccessRoom
from hub.governing.room import GoverningRoom
from hub.once import made_once
from hub.parts import Parts
from hub.ports import Accounts, Takes
from hub.search.export import Export
from hub.search.ids import Ids
from hub.search.lookup import Lookups
from hub.search.one import OneRead
from hub.search.reads import Search


class _Connections(Protocol):
    @property
    def accounts(self) -> Accounts: ...


class _Ingest(Protocol):
    @property
    def intake(self) -> Takes: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def connections(self) -> _Connections:
        """Which sources are there?"""

    @property
    def ingest(self) -> _Ingest:
        """Who keeps what a source answers?"""


class SearchRoom:
    """Search."""

    def __init__(self, parts: Parts, governing: GoverningRoom, access: AccessRoom, house: Neighbours) -> None:
        self._parts = parts
        self._governing = governing
        self._access = access
        self._house = house

    @made_once
    def reads(self) -> Search:
        """Finds reads."""
        parts, accounts = self._parts, self._house.connections.accounts
        return Search(parts.store, self._access.asking, parts.clock, self._governing.in_force, accounts)

    @made_once
    def ids(self) -> Ids:
        """Which reads a question means, for services that act on them."""
        return Ids(self._parts.store, self.reads)

    @made_once
    def lookups(self) -> Lookups:
        """Asks every source about one plate."""
        parts, house = self._parts, self._house
        return Lookups(
            self._access.asking, parts.audit, parts.clock, self.reads, house.connections.accounts, house.ingest.intake
        )

    @made_once
    def export(self) -> Export:
        """Writes what a question means to a file."""
        parts = self._parts
        sources = self._governing.sources
        return Export(self._access.asking, parts.audit, parts.clock, self.reads, sources, parts.images)

    @made_once
    def one(self) -> OneRead:
        """One read in full, and its picture."""
        parts = self._parts
        return OneRead(parts.store, parts.images, self._access.asking, parts.clock, self._governing.in_force)
