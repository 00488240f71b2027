"""The room of who may: the door that every question about reads goes through."""

from hub.access.asking import Asking
from hub.governing.room import GoverningRoom
from hub.once import made_once
from hub.parts import Parts


class AccessRoom:
    """Who may."""

    def __init__(self, parts: Parts, governing: GoverningRoom) -> None:
        self._parts = parts
        self._governing = governing

    @made_once
    def asking(self) -> Asking:
        """The door."""
        return Asking(self._parts.audit, self._governing.in_force)
