"""What was withdrawn from a hot list stays off it: no file brings it back before somebody says so, with a reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, true, update

from hub.errors import Conflict
from hub.hotlists.gathering import Key
from hub.store import tables
from hub.store.entries import standing
from hub.store.visible import listed
from hub.words import count
from normalize.plate import fold


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


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What came of taking a plate off a list: how many entries in force went, and of which states (None: of none).

    `still_on` are the other lists that have it in force.
    """

    removed: int
    states: tuple[str | None, ...]
    still_on: tuple[str, ...]


class Removal(NamedTuple):
    """That a plate goes off a list: who says so, why, and when (µs); of every state where none is named."""

    plate: str
    state: str | None
    by: str
    reason: str
    at: int


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


def may_be(plate: str, state: str | None) -> ColumnElement[bool]:
    """The entries that may be of a car: where either side names no state nobody knows that it is another one."""
    entries = tables.entries
    if state is None:
        return entries.c.plate == plate
    anywhere = and_(
        entries.c.plate_state.is_(None), or_(entries.c.plate_country.is_(None), entries.c.plate_country == state[:2])
    )
    return and_(entries.c.plate == plate, or_(entries.c.plate_state == state, anywhere))


def struck(removal: Removal) -> dict[str, Any]:
    """What an entry says once it was taken off.

    One without a state that went with a state's plate is no reason to keep the plates of other states off.
    """
    final = true() if removal.state is None else tables.entries.c.plate_state.is_not(None)
    at, by, why = removal.at, removal.by, removal.reason
    return {"removed_at": at, "removed_by": by, "removed_reason": why, "withdrawn": final}


def remember(connection: Connection, list_id: int, removal: Removal, *, ahead: bool) -> bool:
    """Keep a plate off a list from now on, also where its entries are over, or come with an import that is on its way.

    Gives whether there was anything to remember: nothing was where it is kept off already, and where the list never
    had it, unless it is said `ahead`.
    """
    entries, imports = tables.entries, tables.hotlist_imports
    of_it = select(entries).where(entries.c.hotlist_id == list_id, may_be(removal.plate, removal.state))
    rows = connection.execute(of_it.order_by(entries.c.id)).all()
    pending = set(connection.scalars(select(imports.c.id).where(imports.c.activated_at.is_(None))))
    named = [row for row in rows if removal.state is None or row.plate_state == removal.state]
    kept_off = {row.plate_state for row in rows if row.withdrawn}
    over = {
        row.plate_state: row.id for row in named if row.import_id not in pending and row.plate_state not in kept_off
    }
    if over:
        marked = update(entries).where(entries.c.id.in_(over.values()))
        connection.execute(marked.values(withdrawn=True))
        return True
    if kept_off or not (rows or ahead):
        return False
    at, by, why = removal.at, removal.by, removal.reason
    row = {"plate": removal.plate, "plate_key": fold(removal.plate), "plate_state": removal.state, "added_at": at}
    terms = {"hotlist_id": list_id, "reason": why, "case_number": "", "alert": "low", "added_by": by}
    gone = {"removed_at": at, "removed_by": by, "removed_reason": why, "withdrawn": True}
    connection.execute(insert(entries).values(**row, **terms, **gone))
    return True


def still_on(connection: Connection, plate: str, state: str | None, now: int) -> tuple[str, ...]:
    """The names of the lists on which a plate is in force (µs): the others, once it was taken off its own."""
    entries, lists = tables.entries, tables.hotlists
    others = select(entries.c.hotlist_id).where(may_be(plate, state), standing(), listed(now))
    return tuple(connection.scalars(select(lists.c.name).where(lists.c.id.in_(others)).order_by(lists.c.name)))


def readmit(connection: Connection, list_id: int, plate: str, state: str | None) -> int:
    """Let a plate come back (of every state, where none is named); gives how many removals are over."""
    entries = tables.entries
    over = update(entries).where(entries.c.hotlist_id == list_id, entries.c.plate == plate, entries.c.withdrawn)
    if state is not None:
        over = over.where(entries.c.plate_state == state)
    return connection.execute(over.values(withdrawn=False)).rowcount
