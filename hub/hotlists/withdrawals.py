"""What was withdrawn from a hot list stays off it: no file brings it back before somebody says so, with a reason."""

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from hub.errors import Conflict
from hub.hotlists.gathering import Key
from hub.store import tables
from hub.words import count


class RemovesMost(Conflict):
    """A complete list would remove most of what is in force, and nobody has agreed to that; nothing is changed."""

    code = "removes_most"

    def __init__(self, name: str, stood: int, named: int, gone: int) -> None:
        self.gone = gone
        there = count(stood, "entry", "entries")
        super().__init__(
            f"of the {there} in force on {name}, {gone:,} would be removed: the complete list names"
            f" {count(named, 'plate')}, and {stood - gone:,} of those that are in force"
        )


class Withdrawn:
    """The plates and states that were withdrawn from a list."""

    def __init__(self, pairs: Iterable[tuple[str, str | None]]) -> None:
        self._states: dict[str, set[str | None]] = {}
        for plate, state in pairs:
            self._states.setdefault(plate, set()).add(state)

    def __contains__(self, key: Key) -> bool:
        """Whether it was withdrawn; without a state on either side nobody knows that it is another vehicle."""
        plate, state = key[:2]
        states = self._states.get(plate)
        return states is not None and (state is None or None in states or state in states)


def withdrawn(connection: Connection, list_id: int) -> Withdrawn:
    """What was withdrawn from a list and not readmitted since."""
    entries = tables.entries
    query = select(entries.c.plate, entries.c.plate_state).where(entries.c.hotlist_id == list_id, entries.c.withdrawn)
    return Withdrawn((row.plate, row.plate_state) for row in connection.execute(query.distinct()))


def readmit(connection: Connection, list_id: int, plate: str, state: str | None) -> int:
    """Let a plate come back (of every state, where none is named); gives how many removals are over."""
    entries = tables.entries
    over = update(entries).where(entries.c.hotlist_id == list_id, entries.c.plate == plate, entries.c.withdrawn)
    if state is not None:
        over = over.where(entries.c.plate_state == state)
    return connection.execute(over.values(withdrawn=False)).rowcount
