"""`Holds`: reads that must not be purged, for whom and why; who placed a hold and who approves it are two people.

Preserving is urgent: a hold has its reads at once, and lapses unless somebody else approves it in time.

A hold has reads with their payloads, pictures and hits. A quarantined record is no read and is held once a replay has
made one of it; exported files lie with whoever exported them. Ordinary questions never show a held read past its time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple, TypeVar, get_args
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from connectors.batches import batched
from hub.absent import instead
from hub.access.asking import Asking
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.cases import held
from hub.clock import Clock
from hub.errors import Busy, Invalid, NotFound, PolicyRefused
from hub.people import Actor, Why, plainly
from hub.policy.durations import Duration
from hub.policy.limitations import load_limitations
from hub.ports import Asked, Matching
from hub.proposals import Action, NewProposal, Proposing
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.visible import visible
from hub.words import count, moment

HoldKind = Literal["evidence", "expected_evidence", "discovery", "court_order", "litigation", "case"]
BOOKED: Final = frozenset({"evidence", "expected_evidence"})
"""Kinds whose reads go to portable media and are booked before the hold ends."""
MOST_ROWS: Final = 1000
UTC_ZONE: Final = ZoneInfo("UTC")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold as a person asks for it; `offence` is a class of `limitations.yaml`, and for kind `case` only."""

    kind: str
    case_number: str
    reason: str
    review_at: datetime
    offence: str | None = None
    committed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold: `reads` is how many it has, `whole` whether all that it was placed for have been taken.

    `approval` is the number of its approval, under which it waits while nobody has approved it (`approved_by` None); a
    hold without one was approved by name, before approvals.
    """

    id: int
    kind: str
    case_number: str
    reason: str
    placed_by: str
    approved_by: str | None
    approval: int | None
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


class _Meant(NamedTuple):
    """What a hold is placed for: how it is kept, exactly and in words."""

    asked: dict[str, Any]
    content: dict[str, Any]
    words: str


class Holds:
    """Places, lists, shows and releases holds."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        asking: Asking,
        clock: Clock,
        matching: Matching,
        approvals: Proposing,
        auditors: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._audit = audit
        self._asking = asking
        self._clock = clock
        self._matching = matching
        self._approvals = approvals
        self._auditors = frozenset(auditors)

    def place(self, actor: Actor, new: NewHold, query: Asked | None = None, reads: Sequence[int] = ()) -> Hold:
        """Hold every read that a question means now, or those of the given ids, until somebody else approves it.

        Taken in transactions of at most a thousand reads; a placing that was killed goes on where the same person asks
        for the same again. Raises `Invalid` naming the field, `NotFound` where there is nothing to hold, and
        `PolicyRefused` for a read whose time is over: that takes a court order, and its id, and such a read is taken
        only once the hold is approved.
        """
        self._approvals.demand_person(actor, Action.HOLD)
        self._check(new)
        if (query is None) == (not reads):
            raise Invalid("reads: either a question or ids")
        if query is not None:
            with self._asking.question(
                actor, Act.HOLDS_PLACE, query.why, query=_without_bounds(query), kind=new.kind
            ) as question:
                asked = {"query": _without_bounds(query)}
                meant = _Meant(asked, asked, "every read that a question means")
                placed = self._place(actor, new, meant, partial(self._matching.meant, query))
                question.answered(placed.reads, self._matching.asked(query), hold=placed.id)
            return placed
        ids = sorted(set(reads))
        digest = {"reads": len(ids), "sha256": sha256(repr(ids).encode()).hexdigest()}
        meant = _Meant(digest, {"reads": ids}, count(len(ids), "read"))
        self._known(ids, new.kind)
        placed = self._place(
            actor, new, meant, lambda after: ((read_id, str(read_id)) for read_id in ids if read_id > int(after or 0))
        )
        self._audit.record(
            actor,
            Act.HOLDS_PLACE,
            Outcome.DONE,
            target=str(placed.id),
            why=_why(new),
            results=placed.reads,
            kind=new.kind,
        )
        return placed

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
        if not plainly(because):
            raise Invalid("because: is missing")
        with self._store.read() as connection:
            row = held.row_of(connection, hold)
        booking = (booking or "").strip() or row.booking
        if row.kind in BOOKED and not _is_given(booking) and not _is_given(unbooked):
            raise self._refused(actor, hold, "booking: evidence is booked before its hold ends, or say why it is not")
        if row.kind == "litigation" and not _is_given(resolved):
            raise self._refused(
                actor, hold, "resolved: the hold lasts until the litigation is resolved; say how it was"
            )
        parts = {"booked as ": booking or "", "not booked: ": unbooked or "", "resolved: ": resolved or ""}
        reason = "; ".join(
            [because.strip(), *(f"{name}{text.strip()}" for name, text in parts.items() if text.strip())]
        )
        if row.released_at is None:
            table = tables.holds
            with self._store.write() as connection:
                values = {"released_at": to_micros(self._clock.now()), "released_by": actor.name}
                connection.execute(
                    update(table)
                    .where(table.c.id == hold, table.c.released_at.is_(None))
                    .values(**values, released_because=reason)
                )
                if _is_given(booking):
                    _keep(connection, hold, booking=booking)
                for about in (Action.HOLD, Action.CLASSIFY):
                    self._approvals.moot(connection, actor, about, str(hold), "the hold was released")
                self._audit.record(
                    actor, Act.HOLDS_RELEASE, Outcome.DONE, target=str(hold), within=connection,
                    why=Why(row.kind, reason, row.case_number), booking=booking, resolved=resolved,
                )  # fmt: skip
        held.empty(self._store, hold)
        return self.get(hold)

    def book(self, actor: Actor, hold: int, number: str) -> Hold:
        """Keep the number under which a hold's package is booked into evidence; raises `Invalid`, `NotFound`."""
        if not plainly(number):
            raise Invalid("booking: is missing")
        with self._store.write() as connection:
            row = held.row_of(connection, hold)
            _keep(connection, hold, booking=number.strip())
            self._audit.record(
                actor, Act.HOLDS_BOOK, Outcome.DONE, target=str(hold), within=connection, booking=number.strip(),
                why=Why(row.kind, row.reason, row.case_number),
            )  # fmt: skip
        return self.get(hold)

    def bookings(self, holds: Sequence[int]) -> dict[int, str]:
        """The evidence numbers of those of the holds that are booked."""
        table = tables.holds
        booked = select(table.c.id, table.c.booking).where(table.c.id.in_(holds), table.c.booking.is_not(None))
        with self._store.read() as connection:
            return dict(connection.execute(booked).tuples().all())

    def get(self, hold: int) -> Hold:
        """One hold; raises `NotFound`."""
        with self._store.read() as connection:
            return _holds_of(connection, [held.row_of(connection, hold)])[0]

    def list(self, *, released: bool = False) -> Sequence[Hold]:
        """Every hold that stands, the oldest first; with `released` those that have ended too."""
        table = tables.holds
        query = select(table).order_by(table.c.id)
        with self._store.read() as connection:
            return _holds_of(
                connection, connection.execute(query if released else query.where(table.c.released_at.is_(None))).all()
            )

    def reads(self, actor: Actor, hold: int, why: Why, limit: int = 100, after: str | None = None) -> HeldPage:
        """The reads of a hold, past their time or not, for who placed it, who approved it, and auditors.

        While nobody has approved it, those whose time is over are shown to nobody: it takes two people to see them.
        Raises `PolicyRefused` for everybody else, for a hold that has ended, and without a purpose or a reason.
        """
        if not 1 <= limit <= MOST_ROWS:
            raise Invalid(f"limit: must lie between 1 and {MOST_ROWS}")
        with self._asking.question(actor, Act.HOLDS_SHOW, why, hold=hold) as question:
            table, kept = tables.reads, tables.held_reads
            place = _place(after)
            with self._store.read() as connection:
                row = held.row_of(connection, hold)
                if actor.name not in {row.placed_by, row.approved_by, *self._auditors}:
                    raise PolicyRefused(f"hold {hold}: only who placed or approved it, and auditors, see its reads")
                if row.released_at is not None:
                    raise PolicyRefused(f"hold {hold}: has ended")
                query = select(table.c.captured_at, table.c.id).join(kept, kept.c.read_id == table.c.id)
                query = query.where(kept.c.hold_id == hold)
                if row.approved_by is None:
                    query = query.where(visible(table, to_micros(self._clock.now())))
                if place is not None:
                    at, ident = place
                    earlier = (table.c.captured_at == at) & (table.c.id < ident)
                    query = query.where((table.c.captured_at < at) | earlier)
                newest = query.order_by(table.c.captured_at.desc(), table.c.id.desc()).limit(limit)
                keys = [(row.captured_at, row.id) for row in connection.execute(newest)]
                rows = self._matching.shown(connection, keys)
            question.answered(len(rows), {row.connection: "held" for row in rows})
        return HeldPage(rows, f"{keys[-1][0]:x}-{keys[-1][1]:x}" if len(keys) == limit else None)

    def _check(self, new: NewHold) -> None:
        now = self._clock.now()
        if new.kind not in get_args(HoldKind):
            raise Invalid(f"hold: {new.kind!r} is no kind of hold{instead(new.kind, get_args(HoldKind))}")
        for field in ("case_number", "reason"):
            if not plainly(getattr(new, field)):
                raise Invalid(f"{field}: is missing")
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
            for some in batched(ids, held.BATCH):
                # A read that the ledger has forgotten is purged: only its month is not emptied yet.
                known = (ledger.c.connection_id == table.c.connection_id) & (ledger.c.read_id == table.c.id)
                known &= ledger.c.vendor_read_id == table.c.vendor_read_id
                query = select(table.c.id, table.c.expires_at).join(ledger, known).where(table.c.id.in_(some))
                ends |= {row.id: row.expires_at for row in connection.execute(query)}
        if missing := [read_id for read_id in ids if read_id not in ends]:
            raise NotFound(f"reads: {missing[0]} is not here" + (f", nor {len(missing) - 1} more" * (len(missing) > 1)))
        over = [read_id for read_id, end in ends.items() if end <= now]
        if over and kind != "court_order":
            raise PolicyRefused(f"reads: the time of {over[0]} is over; only a court order holds it now")

    def _place(
        self,
        actor: Actor,
        new: NewHold,
        meant: _Meant,
        matching: Callable[[str | None], Iterable[tuple[int, str]]],
    ) -> Hold:
        hold, after = self._begun(actor, new, meant.asked)
        for some in batched(matching(after), held.BATCH):
            with self._store.write() as connection:
                now = to_micros(self._clock.now())
                if hold is None:
                    hold = self._new_row(connection, actor, new, meant, now)
                elif held.row_of(connection, hold).released_at is not None:
                    raise Busy(f"hold {hold} was released while it was being placed: place another")
                ids = [ident for ident, _ in some]
                taken = held.take(self._store, connection, hold, ids, now, expired=False)
                _keep(connection, hold, reached=some[-1][1])
                self._audit.record(
                    actor,
                    Act.HOLDS_PLACE,
                    Outcome.STEP,
                    target=str(hold),
                    why=_why(new),
                    within=connection,
                    reads=taken,
                )
        if hold is None:
            raise NotFound("reads: nothing that could be held is meant")
        with self._store.write() as connection:
            _keep(connection, hold, reached=None, whole=True)
        return self.get(hold)

    def _begun(self, actor: Actor, new: NewHold, asked: dict[str, Any]) -> tuple[int | None, str | None]:
        """The hold of the same words whose placing was killed, and where it stopped."""
        table = tables.holds
        same = (table.c.kind == new.kind, table.c.case_number == new.case_number.strip())
        half = (table.c.placed_by == actor.name, table.c.whole.is_(False), table.c.released_at.is_(None))
        with self._store.read() as connection:
            for row in connection.execute(select(table).where(*same, *half)):
                if msgspec.json.decode(row.asked) == asked:
                    return row.id, row.reached
        return None, None

    def _new_row(self, connection: Connection, actor: Actor, new: NewHold, meant: _Meant, now: int) -> int:
        table = tables.holds
        fields = {
            "kind": new.kind,
            "case_number": new.case_number.strip(),
            "reason": new.reason.strip(),
            "offence": new.offence,
            "committed_on": new.committed_on.isoformat() if new.committed_on else None,
            "review_at": to_micros(new.review_at),
        }
        asked = msgspec.json.encode(meant.asked, order="sorted").decode()
        begun = insert(table).values(**fields, placed_by=actor.name, placed_at=now, asked=asked, whole=False)
        hold = int(connection.execute(begun.returning(table.c.id)).scalar_one())
        kind, case = new.kind.replace("_", " "), new.case_number.strip()
        words = (
            f"hold {meant.words} for {kind}, case {case}, as hold {hold}; to be looked at again"
            f" {moment(new.review_at, self._store.zone())}"
        )
        review_at = new.review_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        content = {**fields, **meant.content, "hold": hold, "review_at": review_at}
        proposal = self._approvals.propose(
            actor, NewProposal(Action.HOLD, str(hold), words, content, new.reason), within=connection
        )
        _keep(connection, hold, approval_id=proposal.id)
        return hold

    def _refused(self, actor: Actor, hold: int, why: str) -> PolicyRefused:
        self._audit.record(actor, Act.HOLDS_RELEASE, Outcome.REFUSED, target=str(hold), refusal=why)
        return PolicyRefused(why)


def _keep(connection: Connection, hold: int, **values: Any) -> None:
    connection.execute(update(tables.holds).where(tables.holds.c.id == hold).values(values))


def check_case(offence: str | None, committed_on: date | None, review_at: datetime, now: datetime) -> None:
    """Raise `Invalid` for an unknown class, a day to come, or a review later than the table of limitations wants."""
    table = load_limitations()
    if offence is not None:
        table.offence(offence)
    if committed_on is not None and committed_on > now.date():
        raise Invalid("committed_on: lies in the future")
    if review_at > Duration.parse(table.review).ceiling(now, UTC_ZONE):
        raise Invalid(f"review_at: a case is looked at again within {table.review}")


def _holds_of(connection: Connection, rows: Sequence[Row[Any]]) -> list[Hold]:
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
            approval=row.approval_id,
            placed_at=from_micros(row.placed_at),
            review_at=from_micros(row.review_at),
            offence=row.offence,
            committed_on=row.committed_on,
            reads=counts.get(row.id, 0),
            whole=bool(row.whole),
            booking=row.booking,
            released_at=None if row.released_at is None else from_micros(row.released_at),
            released_by=row.released_by,
            released_because=row.released_because,
        )
        for row in rows
    ]


def _without_bounds(query: Asked) -> dict[str, Any]:
    """The question as it comes back from its JSON, without what belongs to pages."""
    terms = {name: value for name, value in query.told().items() if name not in ("limit", "after")}
    back: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(terms))
    return back


def _why(new: NewHold) -> Why:
    return Why(new.kind, new.reason, new.case_number)


def _is_given(text: str | None) -> bool:
    return bool(text and text.strip())


def _place(after: str | None) -> tuple[int, int] | None:
    if after is None:
        return None
    at, _, ident = after.partition("-")
    try:
        return int(at, 16), int(ident, 16)
    except ValueError:
        raise Invalid("after: is not a place that a page gave") from None
