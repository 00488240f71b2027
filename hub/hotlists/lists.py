"""`Hotlists`: lists and their entries. An entry has a reason, a case and an owner; a removal is final and recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, or_, select, update

from connectors.contract import Entry
from hub.absent import absent
from hub.audit.record import Actor, Audit
from hub.clock import Clock
from hub.errors import Faults, Invalid, NotFound
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from normalize.plate import LONGEST, canonical, fold


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

    def load(self, actor: Actor, name: str, entries: Iterable[NewEntry], *, complete: bool = False) -> Imported:
        """Add entries to a list, which is made where there is none, in one transaction; all of them or none.

        `complete` says that the entries are the whole list: what is missing from them is removed. An entry that is
        there already takes the new reason, case, alert and expiry. Raises `Invalid` naming line and field.
        """
        fresh = {(plate, entry.state): (plate, entry) for plate, entry in map(_checked, entries)}
        if complete and not fresh:
            raise Invalid("entries: a complete list without an entry is refused; withdraw the entries one by one")
        now = to_micros(self._clock.now())
        added = updated = unchanged = removed = 0
        with self._store.write() as connection:
            list_id = self._made(connection, actor, name, now)
            held = {(row.plate, row.plate_state): row for row in self._active(connection, list_id, now)}
            for key, (plate, entry) in fresh.items():
                values = _values(entry)
                old = held.get(key)
                if old is None:
                    connection.execute(
                        insert(tables.entries).values(
                            hotlist_id=list_id,
                            plate=plate,
                            plate_key=fold(plate),
                            plate_state=entry.state,
                            added_at=now,
                            added_by=actor.name,
                            **values,
                        )
                    )
                    added += 1
                elif any(getattr(old, column) != value for column, value in values.items()):
                    connection.execute(update(tables.entries).where(tables.entries.c.id == old.id).values(**values))
                    updated += 1
                else:
                    unchanged += 1
            if complete:
                gone = [row for key, row in held.items() if key not in fresh]
                for row in gone:
                    self._strike(connection, actor, row.id, "not in the complete list", now)
                removed = len(gone)
            done = Imported(added, updated, unchanged, removed)
            self._audit.record(
                actor, "hotlists.import", "done", target=name, results=len(fresh), within=connection, removed=removed
            )
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
            for row in rows:
                self._strike(connection, actor, row.id, reason, now)
            self._audit.record(
                actor, "hotlists.withdraw", "done", target=name, results=len(rows), within=connection, why=None,
                removal=reason, plate=wanted,
            )  # fmt: skip
        return len(rows)

    def names(self) -> list[str]:
        """Every list's name."""
        with self._store.read() as connection:
            return list(connection.scalars(select(tables.hotlists.c.name).order_by(tables.hotlists.c.name)))

    def in_force(self, name: str) -> tuple[int, list[Entry]]:
        """A list's id and the entries that are in force now, by plate."""
        now = to_micros(self._clock.now())
        with self._store.read() as connection:
            list_id = self._id(connection, name)
            return list_id, [_entry(row) for row in self._active(connection, list_id, now)]

    def watched(self) -> list[Entry]:
        """Every entry in force on any list: the plates that cases watch, each plate and state once."""
        now = to_micros(self._clock.now())
        with self._store.read() as connection:
            rows = self._active(connection, None, now)
        return list({(row.plate, row.plate_state): _entry(row) for row in rows}.values())

    def _active(self, connection: Connection, list_id: int | None, now: int) -> list[Row[Any]]:
        entries = tables.entries
        query = (
            select(entries)
            .where(entries.c.removed_at.is_(None), or_(entries.c.expires_at.is_(None), entries.c.expires_at > now))
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

    def _id(self, connection: Connection, name: str) -> int:
        found = connection.scalar(select(tables.hotlists.c.id).where(tables.hotlists.c.name == name))
        if found is None:
            there = connection.scalars(select(tables.hotlists.c.name).order_by(tables.hotlists.c.name)).all()
            raise NotFound(absent("hot list", name, there, "alprhub hotlists import NAME FILE makes one"))
        return int(found)

    def _strike(self, connection: Connection, actor: Actor, entry_id: int, reason: str, now: int) -> None:
        connection.execute(
            update(tables.entries)
            .where(tables.entries.c.id == entry_id)
            .values(removed_at=now, removed_by=actor.name, removed_reason=reason)
        )


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


def _checked(entry: NewEntry) -> tuple[str, NewEntry]:
    where = f"line {entry.line}: " if entry.line else ""
    if wrong := faults_of(entry):
        raise Faults("", [f"{where}{one}" for one in wrong])
    return canonical(entry.plate), entry


def _values(entry: NewEntry) -> dict[str, Any]:
    return {
        "reason": entry.reason.strip(),
        "case_number": entry.case_number.strip(),
        "alert": entry.alert,
        "note": entry.note,
        "expires_at": to_micros(entry.expires_at) if entry.expires_at else None,
    }


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
