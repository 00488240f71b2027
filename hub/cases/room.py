"""The room of what cases need: what holds reads back, and the order of a court that ends them."""

from typing import Protocol

from hub.access.room import AccessRoom
from hub.cases.approved import ApprovedHolds
from hub.cases.holds import Holds
from hub.cases.links import Links
from hub.cases.orders import Orders
from hub.cases.reviews import Reviews
from hub.governing.room import GoverningRoom
from hub.once import made_once
from hub.parts import Parts
from hub.ports import Matching, Purges


class _Search(Protocol):
    @property
    def ids(self) -> Matching: ...


class _Retention(Protocol):
    @property
    def expired(self) -> Purges: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def search(self) -> _Search:
        """Which reads does a question mean?"""

    @property
    def retention(self) -> _Retention:
        """Who destroys what a court has ordered to be destroyed?"""


class CasesRoom:
    """What cases need."""

    def __init__(self, parts: Parts, governing: GoverningRoom, access: AccessRoom, house: Neighbours) -> None:
        self._parts = parts
        self._governing = governing
        self._access = access
        self._house = house

    @made_once
    def holds(self) -> Holds:
        """Places, shows and releases holds."""
        parts = self._parts
        return Holds(
            parts.store, parts.audit, self._access.asking, parts.clock, self._house.search.ids,
            self._access.proposing, parts.settings.auditors,
        )  # fmt: skip

    @made_once
    def approved(self) -> ApprovedHolds:
        """Lets holds stand that were approved, and ends those that were not."""
        return ApprovedHolds(self._parts.store, self._parts.audit, self._parts.clock)

    @made_once
    def reviews(self) -> Reviews:
        """Looks at holds again when their time comes."""
        parts, governing = self._parts, self._governing
        return Reviews(
            parts.store, parts.audit, parts.clock, governing.in_force, governing.sources, self._access.proposing
        )

    @made_once
    def links(self) -> Links:
        """Says which reads a case needs."""
        parts, governing = self._parts, self._governing
        return Links(parts.store, parts.audit, parts.clock, governing.in_force, governing.sources)

    @made_once
    def orders(self) -> Orders:
        """Carries out orders to destroy."""
        parts, house = self._parts, self._house
        return Orders(
            parts.store, parts.audit, self._access.asking, parts.clock, house.search.ids, house.retention.expired,
            self._access.proposing, self._governing.in_force, self._governing.sources,
        )  # fmt: skip
