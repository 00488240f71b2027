"""The room of hot lists: what they hold, and that every vendor has it."""

from typing import Protocol

from hub.governing.room import GoverningRoom
from hub.hotlists.lists import Hotlists
from hub.hotlists.publishing import Publishing
from hub.hotlists.standing import ListStandings
from hub.once import made_once
from hub.parts import Parts
from hub.ports import Opens


class _Connections(Protocol):
    @property
    def accounts(self) -> Opens: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def connections(self) -> _Connections:
        """Who opens an account?"""


class HotlistsRoom:
    """Hot lists."""

    def __init__(self, parts: Parts, governing: GoverningRoom, house: Neighbours) -> None:
        self._parts = parts
        self._governing = governing
        self._house = house

    @made_once
    def lists(self) -> Hotlists:
        """Lists and their entries."""
        return Hotlists(self._parts.store, self._parts.audit, self._parts.clock)

    @made_once
    def standings(self) -> ListStandings:
        """Shows which lists there are, and where."""
        return ListStandings(self._parts.store, self._parts.clock)

    @made_once
    def publishing(self) -> Publishing:
        """Sends lists out, and proves by read-back that they and every removal arrived."""
        parts, accounts = self._parts, self._house.connections.accounts
        return Publishing(parts.store, parts.audit, parts.clock, self.lists, accounts, self._governing.sources)
