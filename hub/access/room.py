"""The room of who may: the door of every question about reads, and what takes two people."""

from typing import Protocol

from hub.access.approvals import Approvals
from hub.access.asking import Asking
from hub.governing.room import GoverningRoom
from hub.once import made_once
from hub.parts import Parts
from hub.proposals import Action, CarriesOut, Undoes


class _Holds(CarriesOut, Undoes, Protocol):
    """Lets holds stand, or ends them."""


class _Cases(Protocol):
    @property
    def approved(self) -> _Holds: ...

    @property
    def reviews(self) -> CarriesOut: ...

    @property
    def orders(self) -> CarriesOut: ...


class _Connections(Protocol):
    @property
    def contracts(self) -> CarriesOut: ...
    @property
    def kinds(self) -> CarriesOut: ...


class Neighbours(Protocol):
    """The rooms that this one asks."""

    @property
    def connections(self) -> _Connections:
        """Who carries out what was approved about a connection?"""

    @property
    def cases(self) -> _Cases:
        """Who carries out what was approved about cases?"""


class AccessRoom:
    """Who may."""

    def __init__(self, parts: Parts, governing: GoverningRoom, house: Neighbours) -> None:
        self._parts = parts
        self._governing = governing
        self._house = house

    @made_once
    def asking(self) -> Asking:
        """The door."""
        return Asking(self._parts.audit, self._governing.in_force)

    @made_once
    def proposing(self) -> Approvals:
        """Where services bring what a second person must approve."""
        return Approvals(self._parts.store, self._parts.audit, self._parts.clock, self._governing.alarms)

    @made_once
    def approvals(self) -> Approvals:
        """`proposing` with the services that carry out what was approved; those that propose are made before it."""
        approvals, cases = self.proposing, self._house.cases
        approvals.register(Action.HOLD, cases.approved, cases.approved)
        approvals.register(Action.CLASSIFY, cases.reviews)
        approvals.register(Action.DESTROY, cases.orders)
        approvals.register(Action.POLICY, self._governing.activate)
        approvals.register(Action.CONTRACT, self._house.connections.contracts)
        approvals.register(Action.KIND, self._house.connections.kinds)
        approvals.register(Action.CLOCK, self._governing.clock)
        return approvals
