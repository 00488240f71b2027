"""`Orders`: a court orders reads to be destroyed, and they go although policy wanted them kept for a time yet.

One person proposes it with the order's file, and nothing is destroyed before another has approved it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from connectors.batches import batched
from hub.access.asking import Asking
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.errors import Conflict, IntegrityBroken, Invalid, NotFound, PolicyRefused
from hub.governing.in_force import Governing
from hub.governing.lives import Lives
from hub.governing.sources import Sources
from hub.people import Actor, Why, plainly
from hub.ports import Asked, Matching, Purges
from hub.proposals import Action, NewProposal, Proposal, Proposing, Settle
from hub.store import tables
from hub.store.canonical import canonical_json
from hub.store.ends import End, set_ends
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.tombstones import Grave, bury
from hub.words import count

BATCH: Final = 1000
"""Reads in one transaction: the writer is never held long."""
RULE: Final = "order:"
"""The prefix of an order's number in the `rule` of reads that the order ended."""
MOST_BYTES: Final = 25_000_000
ACTION: Final = Act.ORDERS_DESTROY
_APPROVALS: Final = tables.approvals


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A court's order as it is attached: its file and what that is called, its number, the court, and why."""

    number: str
    court: str
    reason: str
    file: bytes
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """An order that was carried out on so many reads; `sha256` is its file's.

    `approval` is the number of its approval; one without it was approved by name, before approvals.
    """

    number: str
    court: str
    reason: str
    proposed_by: str | None
    carried_out_by: str
    approved_by: str
    approval: int | None
    at: datetime
    sha256: str
    reads: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a proposed order would destroy now: how many reads, captured from when until when, of which connections."""

    reads: int
    first: datetime | None
    last: datetime | None
    connections: Mapping[str, int]


class Orders:
    """Carries out orders to destroy. Without one, nobody deletes before the floor."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        asking: Asking,
        clock: Clock,
        matching: Matching,
        expired: Purges,
        approvals: Proposing,
        governing: Governing,
        sources: Sources,
    ) -> None:
        self._store = store
        self._audit = audit
        self._asking = asking
        self._clock = clock
        self._matching = matching
        self._expired = expired
        self._approvals = approvals
        self._governing = governing
        self._sources = sources

    def destroy(self, actor: Actor, new: NewOrder, query: Asked | None = None, reads: Sequence[int] = ()) -> Proposal:
        """Propose to end and purge the reads that an order names, whatever floor they have; destroys nothing yet.

        They are named by their ids, or by a question: those that it means now. Raises `Invalid` naming the field,
        `NotFound` for a read that is not here, and `Conflict` for one that is held, naming the hold, and for a number
        that is kept with another file.
        """
        if (query is None) == (not reads):
            raise Invalid("reads: either a question or ids")
        if query is None:
            try:
                _check(new)
                return self._propose(actor, new, sorted(set(reads)))
            except (Conflict, NotFound, PolicyRefused) as refused:
                self._audit.record(
                    actor, ACTION, Outcome.REFUSED, target=new.number, why=_why(new), refusal=str(refused)
                )
                raise
        with self._asking.question(actor, ACTION, query.why, query=query.told(), order=new.number) as question:
            _check(new)
            named = sorted(ident for ident, _ in self._matching.meant(query, None))
            proposal = self._propose(actor, new, named, query)
            question.answered(len(named), self._matching.asked(query), approval=proposal.id)
        return proposal

    def effect_of(self, proposal: Proposal) -> Ordered:
        """What a proposed order would destroy now; of what has gone by itself meanwhile nothing is counted."""
        reads, connections = tables.reads, tables.connections
        times: list[int] = []
        counts: Counter[str] = Counter()
        with self._store.read() as connection:
            for some in batched(proposal.content["reads"], BATCH):
                here = [row.id for row in self._rows(connection, some)]
                named = select(reads.c.captured_at, connections.c.name).join(
                    connections, connections.c.id == reads.c.connection_id
                )
                for at, name in connection.execute(named.where(reads.c.id.in_(here))):
                    times = [min([at, *times]), max([at, *times])]
                    counts[name] += 1
        first, last = (from_micros(times[0]), from_micros(times[-1])) if times else (None, None)
        return Ordered(counts.total(), first, last, dict(sorted(counts.items())))

    def check(self, connection: Connection, proposal: Proposal) -> None:
        """Raise `Conflict` where a read is held, or the number is kept with another file; what is gone is gone."""
        content = proposal.content
        self._same(connection, content["number"], content["court"], content["file_sha256"])
        for some in batched(content["reads"], BATCH):
            self._unheld(connection, some)

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        """End what was approved to be ended and purge it; the certificates name the order.

        Safe to kill and to repeat: it goes on with what is left. Raises `Conflict` where somebody holds a read now.
        """
        number, ids = proposal.content["number"], proposal.content["reads"]
        with self._store.lease("order", "a court's order is being carried out"):
            sure(self._clock)
            self._begin(actor, proposal, self._approvals.attachment(proposal.id) or b"")
            for some in batched(ids, BATCH):
                self._end(actor, proposal, some)
            self._expired.purge(actor)
            with self._store.write() as connection:
                row = _row(connection, number)
                in_all = 0 if row is None else row.reads
                settle(connection, {**_so_far(connection, proposal), "in_all": in_all})

    def get(self, number: str) -> Order:
        """An order that was carried out; raises `NotFound`."""
        with self._store.read() as connection:
            row = _row(connection, number)
        if row is None:
            raise NotFound(f"there is no order {number}")
        return _order_of(row)

    def list(self) -> Sequence[Order]:
        """Every order that was carried out, the oldest first."""
        table = tables.orders
        with self._store.read() as connection:
            return [_order_of(row) for row in connection.execute(select(table).order_by(table.c.id))]

    def file(self, number: str) -> bytes:
        """The file of an order, as it was attached; raises `NotFound`, and `IntegrityBroken` where it was changed."""
        with self._store.read() as connection:
            row = _row(connection, number)
        if row is None:
            raise NotFound(f"there is no order {number}")
        if sha256(row.file).digest() != row.sha256:
            raise IntegrityBroken(f"the file of order {number} is not what was attached")
        return bytes(row.file)

    def _propose(self, actor: Actor, new: NewOrder, ids: Sequence[int], query: Asked | None = None) -> Proposal:
        number, court, digest = new.number.strip(), new.court.strip(), sha256(new.file).hexdigest()
        with self._store.read() as connection:
            begun = self._same(connection, number, court, digest)
            here: set[int] = set()
            for some in batched(ids, BATCH):
                self._unheld(connection, some)
                here.update(row.id for row in self._rows(connection, some))
        if not begun and (missing := sorted(set(ids) - here)):
            raise NotFound(f"reads: {missing[0]} is not here")
        if not here:
            raise NotFound("reads: nothing that could be destroyed is meant")
        content: dict[str, Any] = {
            "number": number, "court": court, "reason": new.reason.strip(), "file": new.file_name,
            "file_sha256": digest, "reads": list(ids),
        }  # fmt: skip
        if query is not None:
            content["query"] = {name: value for name, value in query.told().items() if name not in ("limit", "after")}
        words = (
            f"destroy {count(len(ids), 'read')} for good, although policy may want them kept longer, by order {number}"
            f" of {court}"
        )
        return self._approvals.propose(actor, NewProposal(Action.DESTROY, number, words, content, new.reason, new.file))

    def _same(self, connection: Connection, number: str, court: str, digest: str) -> bool:
        """Whether the order is kept already; raises `Conflict` where it is with another file or of another court."""
        kept = _row(connection, number)
        if kept is not None and (kept.sha256.hex(), kept.court) != (digest, court):
            raise Conflict(f"order {number} is kept already, with another file or of another court")
        return kept is not None

    def _begin(self, actor: Actor, proposal: Proposal, file: bytes) -> None:
        """Keep the order once it is known that it can be carried out on every read that it names."""
        table, content = tables.orders, proposal.content
        with self._store.write() as connection:
            self.check(connection, proposal)
            if _row(connection, content["number"]) is not None:
                return
            fields = {name: content[name] for name in ("number", "court", "reason")}
            connection.execute(
                insert(table).values(
                    **fields, proposed_by=proposal.proposed_by, carried_out_by=actor.name, file=file,
                    approved_by=proposal.decided_by, approval_id=proposal.id, at=to_micros(self._clock.now()),
                    sha256=bytes.fromhex(content["file_sha256"]),
                )
            )  # fmt: skip
            self._audit.record(
                actor, ACTION, Outcome.ASKED, target=content["number"], why=_approved_why(proposal), within=connection,
                court=content["court"], proposed_by=proposal.proposed_by, approved_by=proposal.decided_by,
                approval=proposal.id, sha256=content["file_sha256"], named=len(content["reads"]),
            )  # fmt: skip

    def _end(self, actor: Actor, proposal: Proposal, ids: Sequence[int]) -> None:
        """End some of the reads, in one transaction; what the order has ended already stays as it is."""
        table, number, now = tables.orders, proposal.content["number"], to_micros(self._clock.now())
        rule = f"{RULE}{number}"
        with self._store.write() as connection:
            self._unheld(connection, ids)  # somebody may have taken one meanwhile
            fresh = [
                End(row.id, row.captured_at, min(row.expires_at, now), rule, row.expires_at)
                for row in self._rows(connection, ids)
                if row.rule != rule
            ]
            if not fresh:
                return
            self._bury(connection, fresh)
            set_ends(self._store, connection, fresh)
            connection.execute(update(table).where(table.c.number == number).values(reads=table.c.reads + len(fresh)))
            came = _so_far(connection, proposal)
            came["reads"] += len(fresh)
            _keep(connection, proposal, came)
            self._audit.record(
                actor, ACTION, Outcome.DONE, target=number, why=_approved_why(proposal), results=len(fresh),
                within=connection, approval=proposal.id,
            )  # fmt: skip

    def _bury(self, connection: Connection, ended: Sequence[End]) -> None:
        """Let what is destroyed not come back, as long as it could have lived where something needed it."""
        reads, plates = tables.reads, tables.plates
        columns = (*(reads.c[name] for name in ("id", "connection_id", "captured_at", "received_at", "expires_at")),)
        query = (
            select(*columns, plates.c.plate)
            .join(plates, plates.c.id == reads.c.plate_id)
            .where(reads.c.id.in_([end.read_id for end in ended]))
        )
        kinds = self._sources.all()
        lives = Lives(self._governing.now(connection).profile, kinds)
        graves = []
        for row in connection.execute(query):
            if (kind := kinds.get(row.connection_id)) is None:
                continue
            longest = lives.end(row.connection_id, row.captured_at, row.received_at, linked=True)
            until = max(row.expires_at, longest[0] if longest else 0)
            graves.append(Grave(kind.vendor, row.plate, row.captured_at, until))
        bury(connection, graves)

    def _unheld(self, connection: Connection, ids: Sequence[int]) -> None:
        """Raise `Conflict` where one of the reads is held."""
        reads, kept, holds = tables.reads, tables.held_reads, tables.holds
        held = connection.scalar(select(reads.c.id).where(reads.c.id.in_(ids), reads.c.held).order_by(reads.c.id))
        if held is None:
            return
        of_it = select(holds.c.id, holds.c.kind, holds.c.case_number).join(kept, kept.c.hold_id == holds.c.id)
        by = connection.execute(
            of_it.where(kept.c.read_id == held, holds.c.released_at.is_(None)).order_by(holds.c.id)
        ).all()
        named = ", ".join(f"hold {hold.id} ({hold.kind}, {hold.case_number})" for hold in by) or "a hold without a name"
        raise Conflict(f"reads: {held} is held by {named}; a person must decide which of the two prevails")

    def _rows(self, connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
        """Those of the reads that are here; of what the ledger has forgotten only the month is not emptied yet."""
        reads, ledger = tables.reads, tables.ledger
        known = (ledger.c.connection_id == reads.c.connection_id) & (ledger.c.read_id == reads.c.id)
        known &= ledger.c.vendor_read_id == reads.c.vendor_read_id
        columns = (reads.c.id, reads.c.captured_at, reads.c.expires_at, reads.c.rule)
        return connection.execute(select(*columns).join(ledger, known).where(reads.c.id.in_(ids))).all()


def ordered(store: Store) -> dict[str, str]:
    """The rules of reads that orders have ended, each with what stands for its clause: the court and the number."""
    table = tables.orders
    with store.read() as connection:
        rows = connection.execute(select(table.c.number, table.c.court)).all()
    return {f"{RULE}{row.number}": f"{row.court}, {row.number}" for row in rows}


def _check(new: NewOrder) -> None:
    for field in ("number", "court", "reason"):
        if not plainly(getattr(new, field)):
            raise Invalid(f"{field}: is missing")
    if not new.file or len(new.file) > MOST_BYTES:
        raise Invalid(f"order: the file must have between 1 and {MOST_BYTES:,} bytes")


def _row(connection: Connection, number: str) -> Row[Any] | None:
    return connection.execute(select(tables.orders).where(tables.orders.c.number == number)).one_or_none()


def _so_far(connection: Connection, proposal: Proposal) -> dict[str, Any]:
    """What has come of this approval until now, also where another approval went by the same order before."""
    outcome = connection.scalar(select(_APPROVALS.c.outcome).where(_APPROVALS.c.id == proposal.id))
    return {"order": proposal.content["number"], "reads": 0} if outcome is None else dict(msgspec.json.decode(outcome))


def _keep(connection: Connection, proposal: Proposal, came: Mapping[str, Any]) -> None:
    """Keep what has come of an approval until now beside it: one that is cut short counts on from there."""
    outcome = canonical_json(came).decode()
    connection.execute(update(_APPROVALS).where(_APPROVALS.c.id == proposal.id).values(outcome=outcome))


def _order_of(row: Row[Any]) -> Order:
    return Order(
        row.number, row.court, row.reason, row.proposed_by, row.carried_out_by, row.approved_by, row.approval_id,
        from_micros(row.at), bytes(row.sha256).hex(), row.reads,
    )  # fmt: skip


def _why(new: NewOrder) -> Why:
    return Why("court_order", new.reason.strip(), new.number.strip())


def _approved_why(proposal: Proposal) -> Why:
    return Why("court_order", proposal.content["reason"], proposal.content["number"])
