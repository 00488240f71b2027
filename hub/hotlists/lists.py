"""`Hotlists`: lists and their entries. An entry has a reason, a case and an owner; a removal is final and recorded."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, bindparam, insert, select, text, update

from connectors.contract import Entry
from hub.absent import absent
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Faults, Invalid, NotFound
from hub.people import Actor
from hub.progress import Progress, untold
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.visible import listed
from normalize.plate import LONGEST, canonical, fold

STEP: Final = 10_000
"""Entries between two words of how far an import is."""
_KEY: Final = ("hotlist_id", "plate", "plate_key", "plate_state", "added_at", "added_by")
_VALUES: Final = ("reason", "case_number", "alert", "note", "expires_at")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry as a person or a file gives it; `line` says where it stood."""

    plate: str
    reason: str
    case_number: str
    state: str | None = None
    alert: Literal["low", "medium", "high"] = "medium"
    expires_at: datetime | None = None
    note: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import."""

    added: int
    updated: int
    unchanged: int
    removed: int


class Hotlists:
    """The hub's own hot lists."""

    def __init__(self, store: Store, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def load(
        self,
        actor: Actor,
        name: str,
        entries: Iterable[NewEntry],
        *,
        complete: bool = False,
        progress: Progress = untold,
    ) -> Imported:
        """Add entries to a list, which is made where there is none, in one transaction; all of them or none.

        `complete` says that the entries are the whole list: what is missing from them is removed. An entry that is
        there already takes the new reason, case, alert and expiry. Others may write but for the moment in which entries
        are put in. Raises `Invalid` naming line and field, and what `progress` raises, with nothing changed.
        """
        fresh = dict(_told(map(_checked, entries), progress))
        if complete and not fresh:
            raise Invalid("entries: a complete list without an entry is refused; withdraw the entries one by one")
        now = to_micros(self._clock.now())
        with self._store.write() as connection:
            list_id = self._made(connection, actor, name, now)
            held = {(row[1], row[2]): row for row in self._held(connection, list_id)}
            new, changed = [], []
            for key, values in fresh.items():
                old = held.get(key)
                if old is None:
                    new.append((list_id, key[0], fold(key[0]), key[1], now, actor.name, *values))
                elif old[3:] != values:
                    changed.append({"entry_id": old[0], **dict(zip(_VALUES, values, strict=True))})
            for start in range(0, len(new), STEP):
                progress("entries stored", start, len(new))
                self._store.insert(connection, tables.entries, (*_KEY, *_VALUES), new[start : start + STEP])
            if changed:
                which = tables.entries.c.id == bindparam("entry_id")
                connection.execute(update(tables.entries).where(which), changed)
            gone = [row[0] for key, row in held.items() if key not in fresh] if complete else []
            self._strike(connection, actor, gone, "not in the complete list", now)
            added, updated = len(new), len(changed)
            if added or updated or gone:
                self._changed(connection, list_id, now)
            done = Imported(added, updated, len(fresh) - added - updated, len(gone))
            self._audit.record(
                actor, "hotlists.import", "done", target=name, results=len(fresh), within=connection,
                removed=done.removed,
            )  # fmt: skip
        return done

    def withdraw(self, actor: Actor, name: str, plate: str, state: str | None, reason: str) -> int:
        """Remove a plate from a list (every state of it where none is named); gives how many entries went.

        The removal beats whatever a vendor's list still says: it is in force here at once, before any publishing.
        """
        if not reason.strip():
            raise Invalid("reason: a removal needs one")
        wanted = canonical(plate)
        now = to_micros(self._clock.now())
        with self._store.write() as connection:
            rows = [
                row
                for row in self._active(connection, self._id(connection, name), now)
                if row.plate == wanted and (state is None or row.plate_state == state)
            ]
            if not rows:
                raise NotFound(
                    f"the hot list {name!r} has no entry in force for that plate" + (f" of {state}" if state else "")
                )
            self._strike(connection, actor, [row.id for row in rows], reason, now)
            self._changed(connection, rows[0].hotlist_id, now)
            self._audit.record(
                actor, "hotlists.withdraw", "done", target=name, results=len(rows), within=connection, why=None,
                removal=reason, plate=wanted,
            )  # fmt: skip
        return len(rows)

    def names(self) -> list[str]:
        """Every list's name."""
        with self._store.read() as connection:
            return list(connection.scalars(select(tables.hotlists.c.name).order_by(tables.hotlists.c.name)))

    def changes(self) -> dict[str, datetime | None]:
        """Every list's name, with when an entry of it was last added, changed or removed (None: not known)."""
        lists = tables.hotlists
        with self._store.read() as connection:
            rows = connection.execute(select(lists.c.name, lists.c.changed_at).order_by(lists.c.name)).all()
        return {row.name: from_micros(row.changed_at) if row.changed_at is not None else None for row in rows}

    def in_force(self, name: str) -> tuple[int, list[Entry]]:
        """A list's id and the entries that are in force now, by plate."""
        now = to_micros(self._clock.now())
        with self._store.read() as connection:
            list_id = self._id(connection, name)
            return list_id, [_entry(row) for row in self._active(connection, list_id, now)]

    def watched(self) -> list[tuple[int, Entry]]:
        """Every entry in force on any list with its id, in their order: what cases watch, each plate and state once."""
        now, first = to_micros(self._clock.now()), dict[tuple[str, str | None], Row[Any]]()
        with self._store.read() as connection:
            rows = self._active(connection, None, now)
        for row in sorted(rows, key=lambda row: row.id):
            first.setdefault((row.plate, row.plate_state), row)
        return [(row.id, _entry(row)) for row in first.values()]

    def _active(self, connection: Connection, list_id: int | None, now: int) -> list[Row[Any]]:
        entries = tables.entries
        query = (
            select(entries)
            .where(entries.c.removed_at.is_(None), listed(now))
            .order_by(entries.c.plate, entries.c.plate_state, entries.c.id)
        )
        if list_id is not None:
            query = query.where(entries.c.hotlist_id == list_id)
        return list(connection.execute(query))

    def _made(self, connection: Connection, actor: Actor, name: str, now: int) -> int:
        if not name.strip():
            raise Invalid("name: a list needs one")
        lists = tables.hotlists
        found = connection.scalar(select(lists.c.id).where(lists.c.name == name))
        if found is not None:
            # An expired entry no longer counts as held; struck here, it makes room for its renewal.
            entries = tables.entries
            connection.execute(
                update(entries)
                .where(entries.c.hotlist_id == found, entries.c.removed_at.is_(None), entries.c.expires_at <= now)
                .values(removed_at=now, removed_by=actor.name, removed_reason="expired")
            )
            return int(found)
        made = insert(lists).values(name=name, owner=actor.name, made_at=now).returning(lists.c.id)
        return int(connection.execute(made).scalar_one())

    def _changed(self, connection: Connection, list_id: int, now: int) -> None:
        lists = tables.hotlists
        connection.execute(update(lists).where(lists.c.id == list_id).values(changed_at=now))

    def _id(self, connection: Connection, name: str) -> int:
        found = connection.scalar(select(tables.hotlists.c.id).where(tables.hotlists.c.name == name))
        if found is None:
            there = connection.scalars(select(tables.hotlists.c.name).order_by(tables.hotlists.c.name)).all()
            raise NotFound(absent("hot list", name, there, "alprhub hotlists import NAME FILE makes one"))
        return int(found)

    def _held(self, connection: Connection, list_id: int) -> list[tuple[Any, ...]]:
        """The id, plate, state and terms of every entry that is not removed."""
        columns = ", ".join(("id", "plate", "plate_state", *_VALUES))
        sql = f"SELECT {columns} FROM {tables.entries.name} WHERE hotlist_id = :id AND removed_at IS NULL"
        return self._store.rows(connection, sql, {"id": list_id})

    def _strike(self, connection: Connection, actor: Actor, ids: Sequence[int], reason: str, now: int) -> None:
        which = text(self._store.one_of("id", "ids")).bindparams(ids=self._store.as_list(ids))
        struck = {"removed_at": now, "removed_by": actor.name, "removed_reason": reason}
        connection.execute(update(tables.entries).where(which).values(**struck))


Checked = tuple[tuple[str, str | None], tuple[Any, ...]]
"""The plate and state of an entry, and its terms in the order of `_VALUES`."""


def _told(checked: Iterator[Checked], progress: Progress) -> Iterator[Checked]:
    for number, one in enumerate(checked):
        if number % STEP == 0:
            progress("entries checked", number, None)
        yield one


def faults_of(entry: NewEntry) -> list[str]:
    """Everything that keeps an entry off a list, each with the name of its column."""
    told = []
    plate = canonical(entry.plate)
    if set(entry.plate) & set("?*%_"):
        told.append("plate: is a pattern (it holds one of ? * % _), and a hot list takes whole plates only")
    elif not plate:
        told.append("plate: is missing")
    elif len(plate) > LONGEST:
        told.append(f"plate: has {len(plate)} letters and digits, and no plate has more than {LONGEST}")
    if not entry.reason.strip():
        told.append("reason: is missing (a column `reason`, or --reason for all rows)")
    if not entry.case_number.strip():
        told.append("case: is missing (a column `case`, or --case for all rows)")
    return told


def _checked(entry: NewEntry) -> Checked:
    where = f"line {entry.line}: " if entry.line else ""
    if wrong := faults_of(entry):
        raise Faults("", [f"{where}{one}" for one in wrong])
    expires_at = to_micros(entry.expires_at) if entry.expires_at else None
    terms = (entry.reason.strip(), entry.case_number.strip(), entry.alert, entry.note, expires_at)
    return (canonical(entry.plate), entry.state), terms


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        plate=row.plate,
        reason=row.reason,
        case_number=row.case_number,
        state=row.plate_state,
        alert=row.alert,
        expires_at=from_micros(row.expires_at) if row.expires_at is not None else None,
        note=row.note,
    )
