"""`Holds`: reads that must not be purged, for whom and why; who placed a hold and who approved it are two people.

A hold has reads with their payloads, pictures and hits. A quarantined record is no read and is held once a replay has
made one of it; exported files lie with whoever exported them. Ordinary questions never show a held read past its time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from typing import Any, Final, Literal, Protocol, TypeVar, get_args
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from hub.access.asking import Asking
from hub.audit.record import Audit
from hub.cases import held
from hub.clock import Clock
from hub.errors import Busy, Invalid, NotFound, PolicyRefused
from hub.people import Actor, Why
from hub.policy.durations import Duration
from hub.policy.limitations import load_limitations
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

HoldKind = Literal["evidence", "expected_evidence", "discovery", "court_order", "litigation", "case"]
BOOKED: Final = frozenset({"evidence", "expected_evidence"})
"""Kinds whose reads go to portable media and are booked before the hold ends."""
MOST_ROWS: Final = 1000
UTC_ZONE: Final = ZoneInfo("UTC")
T = TypeVar("T")


class QuestionOfHold(Protocol):
    """A question about reads."""

    @property
    def why(self) -> Why:
        """Why it is asked."""

    def told(self) -> dict[str, Any]:
        """What was asked, for the record."""


Matching = Callable[[Any, str | None], Iterator[tuple[int, str]]]
"""The ids of every visible read that a question means, each with the place from which to go on after it."""
Show = Callable[[Connection, Sequence[tuple[int, int]]], list[Any]]
"""Reads as answers show them, from (captured_at, id), newest first."""


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold as a person asks for it; `offence` is a class of `limitations.yaml`, and for kind `case` only."""

    kind: str
    case_number: str
    reason: str
    approved_by: str
    review_at: datetime
    offence: str | None = None
    committed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold: `reads` is how many it has, `whole` whether all that it was placed for have been taken."""

    id: int
    kind: str
    case_number: str
    reason: str
    placed_by: str
    approved_by: str
    placed_at: datetime
    review_at: datetime
    offence: str | None
    committed_on: str | None
    reads: int
    whole: bool
    booking: str | None
    released_at: datetime | None
    released_by: str | None
    released_because: str | None


@dataclass(frozen=True, slots=True)
class HeldPage:
    """Some of the reads of a hold, newest first, and where the next page begins (None: there is none)."""

    rows: list[Any]
    next: str | None


class Holds:
    """Places, lists, shows and releases holds."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        asking: Asking,
        clock: Clock,
        matching: Matching,
        show: Show,
        auditors: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._audit = audit
        self._asking = asking
        self._clock = clock
        self._matching = matching
        self._show = show
        self._auditors = frozenset(auditors)

    def place(self, actor: Actor, new: NewHold, query: QuestionOfHold | None = None, reads: Sequence[int] = ()) -> Hold:
        """Hold every read that a question means now, or those of the given ids.

        Taken in transactions of at most a thousand reads; a placing that was killed goes on where the same person asks
        for the same again. Raises `Invalid` naming the field, `NotFound` where there is nothing to hold, and
        `PolicyRefused` for a read whose time is over: that takes a court order, and its id.
        """
        self._check(actor, new)
        if (query is None) == (not reads):
            raise Invalid("reads: either a question or ids")
        if query is not None:
            with self._asking.question(actor, "holds.place", query.why, query=_asked(query), kind=new.kind) as question:
                made = self._place(actor, new, {"query": _asked(query)}, lambda after: self._matching(query, after))
                question.answered(made.reads, hold=made.id)
            return made
        ids = sorted(set(reads))
        asked = {"reads": len(ids), "sha256": sha256(repr(ids).encode()).hexdigest()}
        with ExitStack() as stack:
            if new.kind == "court_order":
                stack.enter_context(
                    self._store.lease("purge", held.PURGING)
                )  # else what it names may be half gone already
            self._known(ids, new.kind)
            made = self._place(
                actor, new, asked, lambda after: ((one, str(one)) for one in ids if one > int(after or 0))
            )
            self._audit.record(
                actor, "holds.place", "done", target=str(made.id), why=_why(new), results=made.reads, kind=new.kind
            )
        return made

    def release(
        self,
        actor: Actor,
        hold: int,
        because: str,
        *,
        booking: str | None = None,
        unbooked: str | None = None,
        resolved: str | None = None,
    ) -> Hold:
        """End a hold; its reads whose time is over are out of everybody's sight at once, and go with the next purge.

        Evidence needs its `booking` number, or in `unbooked` why there is none; litigation needs in `resolved` how the
        case was resolved. Raises `PolicyRefused` without. Safe to kill and to repeat.
        """
        if not because.strip():
            raise Invalid("because: is missing")
        with self._store.read() as connection:
            row = held.row_of(connection, hold)
        booking = (booking or "").strip() or progress(row).get("booking")
        if row.kind in BOOKED and not _said(booking) and not _said(unbooked):
            raise self._refused(actor, hold, "booking: evidence is booked before its hold ends, or say why it is not")
        if row.kind == "litigation" and not _said(resolved):
            raise self._refused(
                actor, hold, "resolved: the hold lasts until the litigation is resolved; say how it was"
            )
        parts = {"booked as ": booking or "", "not booked: ": unbooked or "", "resolved: ": resolved or ""}
        told = "; ".join([because.strip(), *(f"{name}{said.strip()}" for name, said in parts.items() if said.strip())])
        if row.released_at is None:
            table = tables.holds
            with self._store.write() as connection:
                values = {"released_at": to_micros(self._clock.now()), "released_by": actor.name}
                connection.execute(
                    update(table)
                    .where(table.c.id == hold, table.c.released_at.is_(None))
                    .values(**values, released_because=told)
                )
                if _said(booking):
                    self._keep(connection, hold, progress(held.row_of(connection, hold)) | {"booking": booking})
                self._audit.record(
                    actor, "holds.release", "done", target=str(hold), within=connection,
                    why=Why(row.kind, told, row.case_number), booking=booking, resolved=resolved,
                )  # fmt: skip
        held.empty(self._store, hold)
        return self.get(hold)

    def book(self, actor: Actor, hold: int, number: str) -> Hold:
        """Keep the number under which a hold's package is booked into evidence; raises `Invalid`, `NotFound`."""
        if not number.strip():
            raise Invalid("booking: is missing")
        with self._store.write() as connection:
            row = held.row_of(connection, hold)
            self._keep(connection, hold, progress(row) | {"booking": number.strip()})
            self._audit.record(
                actor, "holds.book", "done", target=str(hold), within=connection, booking=number.strip(),
                why=Why(row.kind, row.reason, row.case_number),
            )  # fmt: skip
        return self.get(hold)

    def bookings(self, holds: Sequence[int]) -> dict[int, str]:
        """The evidence numbers of those of the holds that are booked."""
        table = tables.holds
        with self._store.read() as connection:
            rows = connection.execute(select(table).where(table.c.id.in_(holds))).all()
        numbers = {row.id: progress(row).get("booking") for row in rows}
        return {hold: number for hold, number in numbers.items() if number}

    def get(self, hold: int) -> Hold:
        """One hold; raises `NotFound`."""
        with self._store.read() as connection:
            return _told(connection, [held.row_of(connection, hold)])[0]

    def list(self, *, released: bool = False) -> Sequence[Hold]:
        """Every hold that stands, the oldest first; with `released` those that have ended too."""
        table = tables.holds
        found = select(table).order_by(table.c.id)
        with self._store.read() as connection:
            return _told(
                connection, connection.execute(found if released else found.where(table.c.released_at.is_(None))).all()
            )

    def reads(self, actor: Actor, hold: int, why: Why, limit: int = 100, after: str | None = None) -> HeldPage:
        """The reads of a hold, past their time or not, for who placed it, who approved it, and auditors.

        Raises `PolicyRefused` for everybody else, for a hold that has ended, and without a purpose or a reason.
        """
        if not 1 <= limit <= MOST_ROWS:
            raise Invalid(f"limit: must lie between 1 and {MOST_ROWS}")
        with self._asking.question(actor, "holds.show", why, hold=hold) as question:
            table, kept = tables.reads, tables.held_reads
            place = _place(after)
            with self._store.read() as connection:
                row = held.row_of(connection, hold)
                if actor.name not in {row.placed_by, row.approved_by, *self._auditors}:
                    raise PolicyRefused(f"hold {hold}: only who placed or approved it, and auditors, see its reads")
                if row.released_at is not None:
                    raise PolicyRefused(f"hold {hold}: has ended")
                found = select(table.c.captured_at, table.c.id).join(kept, kept.c.read_id == table.c.id)
                found = found.where(kept.c.hold_id == hold)
                if place is not None:
                    at, ident = place
                    earlier = (table.c.captured_at == at) & (table.c.id < ident)
                    found = found.where((table.c.captured_at < at) | earlier)
                newest = found.order_by(table.c.captured_at.desc(), table.c.id.desc()).limit(limit)
                keys = [(one.captured_at, one.id) for one in connection.execute(newest)]
                rows = self._show(connection, keys)
            question.answered(len(rows))
        return HeldPage(rows, f"{keys[-1][0]:x}-{keys[-1][1]:x}" if len(keys) == limit else None)

    def _check(self, actor: Actor, new: NewHold) -> None:
        now = self._clock.now()
        if new.kind not in get_args(HoldKind):
            raise Invalid(f"kind: {new.kind!r} is none; there are: {', '.join(get_args(HoldKind))}")
        for field in ("case_number", "reason", "approved_by"):
            if not getattr(new, field).strip():
                raise Invalid(f"{field}: is missing")
        if new.approved_by.strip().casefold() == actor.name.casefold():
            raise PolicyRefused("approved_by: must be another person than the one who places the hold")
        if new.review_at.tzinfo is None or new.review_at <= now:
            raise Invalid("review_at: must lie in the future")
        if new.kind == "case":
            check_case(new.offence, new.committed_on, new.review_at, now)
        elif new.offence is not None or new.committed_on is not None:
            raise Invalid("offence: belongs to holds of kind case only")

    def _known(self, ids: Sequence[int], kind: str) -> None:
        """Raise where one of the reads cannot be held; nothing has been taken then."""
        table, ledger, now = tables.reads, tables.ledger, to_micros(self._clock.now())
        ends: dict[int, int] = {}
        with self._store.read() as connection:
            for some in _batches(ids):
                # A read that the ledger has forgotten is purged: only its month is not emptied yet.
                known = (ledger.c.connection_id == table.c.connection_id) & (ledger.c.read_id == table.c.id)
                known &= ledger.c.vendor_read_id == table.c.vendor_read_id
                found = select(table.c.id, table.c.expires_at).join(ledger, known).where(table.c.id.in_(some))
                ends |= {row.id: row.expires_at for row in connection.execute(found)}
        if missing := [one for one in ids if one not in ends]:
            raise NotFound(f"reads: {missing[0]} is not here" + (f", nor {len(missing) - 1} more" * (len(missing) > 1)))
        over = [one for one, end in ends.items() if end <= now]
        if over and kind != "court_order":
            raise PolicyRefused(f"reads: the time of {over[0]} is over; only a court order holds it now")

    def _place(
        self,
        actor: Actor,
        new: NewHold,
        asked: dict[str, Any],
        matching: Callable[[str | None], Iterable[tuple[int, str]]],
    ) -> Hold:
        hold, after = self._begun(actor, new, asked)
        for some in _batches(matching(after)):
            with self._store.write() as connection:
                now = to_micros(self._clock.now())
                if hold is None:
                    hold = self._made(connection, actor, new, now)
                elif held.row_of(connection, hold).released_at is not None:
                    raise Busy(f"hold {hold} was released while it was being placed: place another")
                ids = [ident for ident, _ in some]
                taken = held.take(self._store, connection, hold, ids, now, new.kind == "court_order")
                so_far = progress(held.row_of(connection, hold)) | {
                    "asked": asked,
                    "after": some[-1][1],
                    "whole": False,
                }
                self._keep(connection, hold, so_far)
                self._audit.record(
                    actor, "holds.place", "step", target=str(hold), why=_why(new), within=connection, reads=taken
                )
        if hold is None:
            raise NotFound("reads: nothing that could be held is meant")
        with self._store.write() as connection:
            all_of_it = progress(held.row_of(connection, hold)) | {"after": None, "whole": True}
            self._keep(connection, hold, all_of_it)
        return self.get(hold)

    def _begun(self, actor: Actor, new: NewHold, asked: dict[str, Any]) -> tuple[int | None, str | None]:
        """The hold of the same words whose placing was killed, and where it stopped."""
        table = tables.holds
        same = (table.c.kind == new.kind, table.c.case_number == new.case_number.strip())
        people = (table.c.placed_by == actor.name, table.c.approved_by == new.approved_by.strip())
        with self._store.read() as connection:
            for row in connection.execute(select(table).where(*same, *people, table.c.released_at.is_(None))):
                told = progress(row)
                if not told["whole"] and told["asked"] == asked:
                    return row.id, told["after"]
        return None, None

    def _made(self, connection: Connection, actor: Actor, new: NewHold, now: int) -> int:
        table = tables.holds
        values = {
            "kind": new.kind,
            "case_number": new.case_number.strip(),
            "reason": new.reason.strip(),
            "placed_by": actor.name,
            "approved_by": new.approved_by.strip(),
            "placed_at": now,
            "review_at": to_micros(new.review_at),
            "offence": new.offence,
            "committed_on": new.committed_on.isoformat() if new.committed_on else None,
        }
        return int(connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one())

    def _keep(self, connection: Connection, hold: int, told: dict[str, Any]) -> None:
        said = msgspec.json.encode(told).decode()
        connection.execute(update(tables.holds).where(tables.holds.c.id == hold).values(query=said))

    def _refused(self, actor: Actor, hold: int, why: str) -> PolicyRefused:
        self._audit.record(actor, "holds.release", "refused", target=str(hold), refusal=why)
        return PolicyRefused(why)


def check_case(offence: str | None, committed_on: date | None, review_at: datetime, now: datetime) -> None:
    """Raise `Invalid` for an unknown class, a day to come, or a review later than the table of limitations wants."""
    table = load_limitations()
    if offence is not None:
        table.offence(offence)
    if committed_on is not None and committed_on > now.date():
        raise Invalid("committed_on: lies in the future")
    if review_at > Duration.parse(table.review).ceiling(now, UTC_ZONE):
        raise Invalid(f"review_at: a case is looked at again within {table.review}")


def _told(connection: Connection, rows: Sequence[Row[Any]]) -> list[Hold]:
    kept = tables.held_reads
    counts: dict[int, int] = dict(
        connection.execute(select(kept.c.hold_id, func.count()).group_by(kept.c.hold_id)).tuples().all()
    )
    return [
        Hold(
            id=row.id,
            kind=row.kind,
            case_number=row.case_number,
            reason=row.reason,
            placed_by=row.placed_by,
            approved_by=row.approved_by,
            placed_at=from_micros(row.placed_at),
            review_at=from_micros(row.review_at),
            offence=row.offence,
            committed_on=row.committed_on,
            reads=counts.get(row.id, 0),
            whole=bool(progress(row).get("whole", True)),
            booking=progress(row).get("booking"),
            released_at=None if row.released_at is None else from_micros(row.released_at),
            released_by=row.released_by,
            released_because=row.released_because,
        )
        for row in rows
    ]


def _asked(query: QuestionOfHold) -> dict[str, Any]:
    """The question as it comes back from its JSON, without what belongs to pages."""
    told = {name: value for name, value in query.told().items() if name not in ("limit", "after")}
    back: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(told))
    return back


def progress(row: Row[Any]) -> dict[str, Any]:
    """What a hold's row keeps beside its columns: how far its placing is, its booking, what became of its media."""
    told: dict[str, Any] = msgspec.json.decode(row.query or "{}")
    return told


def _why(new: NewHold) -> Why:
    return Why(new.kind, new.reason, new.case_number)


def _said(text: str | None) -> bool:
    return bool(text and text.strip())


def _place(after: str | None) -> tuple[int, int] | None:
    if after is None:
        return None
    at, _, ident = after.partition("-")
    try:
        return int(at, 16), int(ident, 16)
    except ValueError:
        raise Invalid("after: is not a place that a page gave") from None


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, held.BATCH)):
        yield some
