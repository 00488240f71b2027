"""The room of what destroys: nothing outlives its time, and every row that goes is in a certificate."""

from hub.governing.room import GoverningRoom
from hub.once import made_once
from hub.parts import Parts
from hub.retention.certificates import Certificates
from hub.retention.endings import Endings
from hub.retention.purge import Retention
from hub.retention.recompute import Recompute
from hub.retention.unkept import Unkept
from hub.retention.vacuum import Vacuum


class RetentionRoom:
    """What destroys."""

    def __init__(self, parts: Parts, governing: GoverningRoom) -> None:
        self._parts = parts
        self._governing = governing

    @made_once
    def expired(self) -> Retention:
        """Removes what has expired, from every place that holds it."""
        parts, governing = self._parts, self._governing
        return Retention(
            parts.store, parts.images, parts.audit, parts.clock, governing.in_force, governing.sources, self.unkept
        )

    @made_once
    def unkept(self) -> Unkept:
        """Destroys what is over of what was pushed and is no read yet."""
        parts, governing = self._parts, self._governing
        folder = parts.settings.data / "inbox"
        return Unkept(parts.store, parts.audit, parts.clock, governing.in_force, governing.sources, folder)

    @made_once
    def recompute(self) -> Recompute:
        """Gives reads the ends of a new policy."""
        parts, governing = self._parts, self._governing
        return Recompute(parts.store, parts.audit, parts.clock, governing.sources, governing.in_force)

    @made_once
    def endings(self) -> Endings:
        """Gives a connection's reads sooner ends."""
        return Endings(self._parts.store, self._parts.clock, self._governing.in_force)

    @made_once
    def certificates(self) -> Certificates:
        """What was destroyed, when, by which rule: a chain."""
        return Certificates(self._parts.store, self._parts.audit, self._parts.clock)

    @made_once
    def vacuum(self) -> Vacuum:
        """Has the database write its file anew, so that nothing purged is left in it."""
        return Vacuum(self._parts.store, self._parts.audit, self._parts.clock, self._parts.sleep)
