"""`Hotlists`: lists and their entries. An entry has a reason, a case and an owner; a removal is final and recorded."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from shlex import quote
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, exists, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from connectors.contract import Entry
from hub.absent import absent
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Busy, Faults, Invalid, NotFound
from hub.hotlists import importing, withdrawals
from hub.hotlists.gathering import Gathered, Key, Terms, gathered
from hub.hotlists.withdrawals import Removal, RemovesMost, Withdrawal
from hub.people import Actor, plainly
from hub.progress import Progress, untold
from hub.store import tables
from hub.store.engine import Store
from hub.store.entries import STANDING, standing
from hub.store.instant import from_micros, to_micros
from hub.store.visible import listed
from normalize.plate import LONGEST, canonical, fold, length
from normalize.spreadsheet import damage

log: Final = logging.getLogger("alprhub.hotlists")

STEP: Final = 2_000
"""Entries in one turn, and between two words of how far an import is."""
_KEY: Final = ("plate", "plate_key", "plate_state", "plate_country", "added_at", "added_by")
_VALUES: Final = ("reason", "case_number", "alert", "note", "expires_at")
_AWAY: Final = (Busy, SQLAlchemyError, OSError)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry as a person or a file gives it; `line` says where it stood. `country` counts where there is no state."""

    plate: str
    reason: str
    case_number: str
    state: str | None = None
    alert: Literal["low", "medium", "high"] = "medium"
    expires_at: datetime | None = None
    note: str | None = None
    line: int = 0
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import: counts of entries, and the lines of those that it did not take as they stand.

    `expired` entries are over already, and not brought. `withheld` are the lines of plates that were withdrawn from the
    list, and stay off it. `differing` are lines of one plate and state, of which the most serious counts; `repeated`
    counts lines that say what another says.
    """

    added: int
    updated: int
    unchanged: int
    removed: int
    expired: int = 0
    withheld: tuple[int, ...] = ()
    differing: tuple[tuple[int, ...], ...] = ()
    repeated: int = 0


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
        removing: int = 0,
        progress: Progress = untold,
    ) -> Imported:
        """Add entries to a list, which is made where there is none: all of them from one instant on, or none.

        `complete` says that the entries are the whole list: what is missing from them is removed, which is most of the
        list only where somebody has agreed to `removing` so many. An entry that is there already with another reason,
        case, alert or expiry ends, and the new one is in its place. What was withdrawn from the list does not come back
        before somebody readmits it, and a removal from the import's beginning on beats it too. It takes turns with
        whoever else writes. Raises `Invalid` naming line and field, `RemovesMost`, `Busy` where somebody imports into
        the list, and what `progress` raises, with nothing changed: what is in force is never told as a failure.
        """
        if not plainly(name):
            raise Invalid("name: a list needs one, of letters or digits")
        with self._store.lease(_lease(name), f"entries are being imported into the hot list {name}"):
            for of, left in self._unfinished():
                if of == name:  # none begins before what is left of the last one is gone: it may hide the list
                    importing.finish(self._store, left)
            now = to_micros(self._clock.now())
            begun = importing.begin(self._store, name, actor.name, now)  # first of all: a removal from now on beats it
            try:
                done = self._brought(actor, name, begun, entries, removing if complete else None, progress, now)
            except BaseException:
                _settled(self._store, begun)
                raise
            settled = _settled(self._store, begun)
        if settled:
            with suppress(*_AWAY):
                self.tidy()
        return done

    def tidy(self) -> None:
        """Sweep away, or settle, what imports that were killed have left; those that go on are left alone."""
        for of, begun in self._unfinished():
            with suppress(Busy), self._store.lease(_lease(of)):
                _settled(self._store, begun)

    def _brought(
        self,
        actor: Actor,
        name: str,
        begun: importing.Begun,
        entries: Iterable[NewEntry],
        removing: int | None,
        progress: Progress,
        now: int,
    ) -> Imported:
        """Bring and end the entries of an import, and put it in force; `removing` is None where it is no whole list."""
        told = gathered(_counted(map(_checked, entries), progress), now)
        fresh, complete = told.terms, removing is not None
        if complete and not fresh:
            raise Invalid(
                f"complete: no plate is named, and a whole list without one would take everything off {name}; nothing"
                f" was changed. Take entries off by alprhub hotlists withdraw {quote(name)} PLATE --reason WHY, or"
                " import a file that has some"
            )
        change = self._compared(name, fresh, complete, now)
        if removing is not None and change.gone > max(change.stood // 2, removing):
            raise RemovesMost(name, change.stood, len(fresh), change.gone)
        keys = [*change.new, *change.changed]
        for start in range(0, len(keys), STEP):
            progress("entries stored", start, len(keys))
            turn = keys[start : start + STEP]
            rows = [(key[0], fold(key[0]), *key[1:], now, actor.name, *fresh[key][:-1]) for key in turn]
            importing.bring(self._store, begun, (*_KEY, *_VALUES), rows)
        importing.end(self._store, begun, actor.name, change.ended)
        done = _imported(told, change)
        self._put_in_force(actor, name, done, begun, now, anew=bool(keys or change.ended))
        return done

    def _unfinished(self) -> list[tuple[str, importing.Begun]]:
        with self._store.read() as connection:
            return importing.unfinished(connection)

    def _put_in_force(
        self, actor: Actor, name: str, done: Imported, begun: importing.Begun, now: int, anew: bool
    ) -> None:
        with self._store.write(doing=importing.DOING) as connection:
            if anew:
                importing.activate(connection, begun, now)
                self._changed(connection, begun.hotlist_id, now)
            else:
                importing.drop(connection, begun)
            self._audit.record(
                actor, Act.HOTLISTS_IMPORT, Outcome.DONE, target=name,
                results=done.added + done.updated + done.unchanged, within=connection, removed=done.removed,
                withheld=len(done.withheld), differing=len(done.differing),
            )  # fmt: skip

    def _compared(self, name: str, fresh: Mapping[Key, Terms], complete: bool, now: int) -> "_Change":
        """What is to be done to a list, of which only some is in memory at any time."""
        change, new = _Change([], [], [], [], 0, 0, 0), dict.fromkeys(fresh)
        stood = gone = 0
        with self._store.read() as connection:
            list_id = self._id_of(connection, name)
            for ident, plate, state, country, *terms in self._held(connection, list_id) if list_id is not None else ():
                key = (plate, state, country)
                over = terms[-1] is not None and terms[-1] <= now  # an expired entry makes room for its renewal
                stood += not over
                if key in fresh:
                    if over:
                        change.ended.append(importing.EndedEntry(ident, "expired"))
                        continue
                    new.pop(key, None)
                    if tuple(terms) != fresh[key][:-1]:
                        change.changed.append(key)
                        change.ended.append(importing.EndedEntry(ident, "changed by an import"))
                elif complete:
                    gone += not over
                    change.ended.append(importing.EndedEntry(ident, "expired" if over else "not in the complete list"))
            final = withdrawals.withdrawn(connection, list_id) if list_id is not None else ()
        for key in new:
            until = fresh[key].expires_at
            if key in final:
                change.withheld.append(fresh[key].line)
            elif until is None or until > now:
                change.new.append(key)
        over = len(new) - len(change.new) - len(change.withheld)
        return change._replace(over=over, stood=stood, gone=gone)

    def withdraw(
        self, actor: Actor, name: str, plate: str, state: str | None, reason: str, *, ahead: bool = False
    ) -> Withdrawal:
        """Take a plate off a list (every state of it where none is named; with a state, also what names none).

        The removal beats whatever a vendor's list or a file still says: it is in force here at once, before any
        publishing, and no import brings the plate back before somebody readmits it; nor one that is not in force now,
        since it is over or comes with an import that is on its way. Raises `NotFound` where there is nothing of it,
        unless it is said `ahead`.
        """
        if not plainly(reason):
            raise Invalid("reason: a removal needs one")
        now = to_micros(self._clock.now())
        removal = Removal(canonical(plate), state, actor.name, reason, now)
        with self._store.write() as connection:
            list_id = self._id(connection, name)
            which = withdrawals.may_be(removal.plate, state)
            rows = self._active(connection, list_id, now, which)
            remembered = withdrawals.remember(connection, list_id, removal, ahead=ahead)
            if not rows and not remembered:
                of = f" of {state}" if state else ""
                raise NotFound(
                    f"the hot list {name!r} has no entry in force for that plate{of}, and none that could come back; to"
                    " keep off a plate that it never had, withdraw it with --ahead"
                )
            if rows:
                self._strike(connection, [row.id for row in rows], removal)
                self._changed(connection, list_id, now)
            importing.withdraw(connection, list_id, removal)
            self._audit.record(
                actor, Act.HOTLISTS_WITHDRAW, Outcome.DONE, target=name, results=len(rows), within=connection,
                why=None, removal=reason, plate=removal.plate,
            )  # fmt: skip
            others = withdrawals.still_on(connection, list_id, removal.plate, state, now)
        return Withdrawal(
            len(rows), tuple(sorted({row.plate_state for row in rows}, key=lambda code: code or "")), others
        )

    def readmit(self, actor: Actor, name: str, plate: str, state: str | None, reason: str) -> int:
        """Let imports list a plate again that was withdrawn (of every state, where none is named).

        It is on the list once an import names it; gives how many removals are over. Raises `NotFound` where it was not
        withdrawn, and `Invalid` without a reason.
        """
        if not plainly(reason):
            raise Invalid("reason: to let a plate come back needs one")
        wanted = canonical(plate)
        with self._store.write() as connection:
            over = withdrawals.readmit(connection, self._id(connection, name), wanted, state)
            if not over:
                of = f" of {state}" if state else ""
                raise NotFound(f"that plate{of} was not withdrawn from the hot list {name!r}, so imports may list it")
            self._audit.record(
                actor, Act.HOTLISTS_READMIT, Outcome.DONE, target=name, results=over, within=connection,
                why=None, readmission=reason, plate=wanted,
            )  # fmt: skip
        return over

    def names(self) -> list[str]:
        """Every list's name."""
        with self._store.read() as connection:
            return list(
                connection.scalars(select(tables.hotlists.c.name).where(_there()).order_by(tables.hotlists.c.name))
            )

    def changes(self) -> dict[str, datetime | None]:
        """Every list's name, with when an entry of it was last added, changed or removed (None: not known)."""
        lists = tables.hotlists
        with self._store.read() as connection:
            rows = connection.execute(
                select(lists.c.name, lists.c.changed_at).where(_there()).order_by(lists.c.name)
            ).all()
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

    def _active(
        self, connection: Connection, list_id: int | None, now: int, which: ColumnElement[bool] | None = None
    ) -> list[Row[Any]]:
        entries = tables.entries
        query = (
            select(entries)
            .where(standing(), listed(now))
            .order_by(entries.c.plate, entries.c.plate_state, entries.c.id)
        )
        if list_id is not None:
            query = query.where(entries.c.hotlist_id == list_id)
        if which is not None:
            query = query.where(which)
        return list(connection.execute(query))

    def _changed(self, connection: Connection, list_id: int, now: int) -> None:
        lists = tables.hotlists
        connection.execute(update(lists).where(lists.c.id == list_id).values(changed_at=now))

    def _id_of(self, connection: Connection, name: str) -> int | None:
        lists = tables.hotlists
        return connection.scalar(select(lists.c.id).where(lists.c.name == name, _there()))

    def _id(self, connection: Connection, name: str) -> int:
        ident = self._id_of(connection, name)
        if ident is None:
            there = connection.scalars(
                select(tables.hotlists.c.name).where(_there()).order_by(tables.hotlists.c.name)
            ).all()
            raise NotFound(absent("hot list", name, there, "alprhub hotlists import NAME FILE makes one"))
        return int(ident)

    def _held(self, connection: Connection, list_id: int) -> Iterator[tuple[Any, ...]]:
        """The id, key and terms of every entry that stands, in the order of their ids."""
        columns = ", ".join(("id", "plate", "plate_state", "plate_country", *_VALUES))
        # By the ids alone, page by page: no index has the terms, and most of a list is asked for.
        sql = (
            f"SELECT {columns} FROM hotlist_entries WHERE id > :after AND hotlist_id + 0 = :id AND {STANDING} "
            f"ORDER BY id LIMIT {STEP}"
        )
        after = 0
        while rows := self._store.rows(connection, sql, {"id": list_id, "after": after}):
            yield from rows
            after = rows[-1][0]

    def _strike(self, connection: Connection, ids: Sequence[int], removal: Removal) -> None:
        which = text(self._store.one_of("id", "ids")).bindparams(ids=self._store.as_list(ids))
        connection.execute(update(tables.entries).where(which).values(withdrawals.struck(removal)))


class _Change(NamedTuple):
    """What an import does to a list: keys that are new or have other terms, lines that are withheld, entries that end.

    `stood` counts what was in force before, `gone` what of it a complete list does not name.
    """

    new: list[Key]
    changed: list[Key]
    withheld: list[int]
    ended: list[importing.EndedEntry]
    over: int
    stood: int
    gone: int


def _imported(told: Gathered, change: _Change) -> Imported:
    brought = len(change.new) + len(change.changed)
    left = len(told.terms) - brought - len(change.withheld) - change.over
    return Imported(
        added=len(change.new),
        updated=len(change.changed),
        unchanged=left,
        removed=change.gone,
        expired=change.over,
        withheld=tuple(sorted(change.withheld)),
        differing=told.differing,
        repeated=told.repeated,
    )


def _settled(store: Store, begun: importing.Begun) -> bool:
    """Finish an import whose end is decided; where that cannot be done now, the next import or `tidy` does it."""
    try:
        importing.finish(store, begun)
    except _AWAY as failed:
        log.warning("what an import of a hot list has left is swept away later, and nobody sees it: %s", failed)
        return False
    return True


def _there() -> ColumnElement[bool]:
    """The lists that are there; a list that an import makes is there once the import is in force."""
    lists, imports = tables.hotlists, tables.hotlist_imports
    making = exists().where(imports.c.hotlist_id == lists.c.id, imports.c.makes, imports.c.activated_at.is_(None))
    return ~making


def _lease(name: str) -> str:
    """A name for a lock that any name of a list gives."""
    return f"hotlist-{sha256(name.encode()).hexdigest()[:16]}"


def _counted(checked: Iterator[tuple[Key, Terms]], progress: Progress) -> Iterator[tuple[Key, Terms]]:
    for number, entry in enumerate(checked):
        if number % STEP == 0:
            progress("entries checked", number, None)
        yield entry


def faults_of(entry: NewEntry) -> list[str]:
    """Everything that keeps an entry off a list, each with the name of its column."""
    faults = []
    plate = canonical(entry.plate)
    if (damaged := damage(entry.plate)) is not None:
        faults.append(f"plate: {damaged}; write it as it stands on the metal, in a column of text")
    elif set(entry.plate) & set("?*%_"):
        faults.append("plate: is a pattern (it holds one of ? * % _), and a hot list takes whole plates only")
    elif not plate:
        faults.append("plate: is missing")
    elif length(plate) > LONGEST:
        faults.append(f"plate: has {length(plate)} letters and digits, and no plate has more than {LONGEST}")
    if not plainly(entry.reason):
        faults.append("reason: is missing (a column `reason`, or --reason for all rows)")
    if not plainly(entry.case_number):
        faults.append("case: is missing (a column `case`, or --case for all rows)")
    return faults


def _checked(entry: NewEntry) -> tuple[Key, Terms]:
    where = f"line {entry.line}: " if entry.line else ""
    if wrong := faults_of(entry):
        raise Faults("", [f"{where}{fault}" for fault in wrong])
    expires_at = to_micros(entry.expires_at) if entry.expires_at else None
    terms = Terms(entry.reason.strip(), entry.case_number.strip(), entry.alert, entry.note, expires_at, entry.line)
    return (canonical(entry.plate), entry.state, None if entry.state else entry.country), terms


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
