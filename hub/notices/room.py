"""The room of notices: people are told once when something needs them, and once when it is over."""

from collections.abc import Sequence
from typing import Protocol

from hub.governing.room import GoverningRoom
from hub.notices.notice import Way
from hub.notices.service import Notices, Watching
from hub.notices.ways import ways
from hub.once import made_once
from hub.parts import Parts


class _Connections(Protocol):
    @property
    def health(self) -> Watching: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def connections(self) -> _Connections:
        """How is everything?"""


class NoticesRoom:
    """Notices."""

    def __init__(self, parts: Parts, governing: GoverningRoom, house: Neighbours) -> None:
        self._parts = parts
        self._governing = governing
        self._house = house

    @made_once
    def ways(self) -> Sequence[Way]:
        """The ways out that are set."""
        return ways(self._parts.settings, self._parts.frame, self._parts.agency)

    @property
    def names(self) -> Sequence[str]:
        """Their names."""
        return [way.name for way in self.ways]

    @made_once
    def telling(self) -> Notices:
        """Tells people."""
        parts = self._parts
        return Notices(
            parts.store, parts.audit, parts.clock, self._house.connections.health, self.ways,
            self._governing.in_force, parts.agency,
        )  # fmt: skip
