"""`Approvals`: what takes two people is proposed by one, approved by another, and carried out once, or never.

What is approved is what is carried out: the content is kept as canonical JSON with its digest, and services look again
at what is there now before they do it. Every step is on record with the approval's number.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, and_, insert, not_, select, update

from hub.access.deciding import demand, may_decide
from hub.access.lasting import DUE_AT, LASTS, UNDONE, state_of, still_open, undecided
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.errors import (
    Busy,
    Conflict,
    HubError,
    IntegrityBroken,
    Invalid,
    NoConnector,
    NotFound,
    Outdated,
    PolicyRefused,
    Unsettled,
)
from hub.governing.alarms import Alarms
from hub.people import Actor, plainly
from hub.proposals import Action, CarriesOut, NewProposal, Proposal, Settle, State, Undoes
from hub.store import tables
from hub.store.canonical import canonical_json, digest_of_json
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.words import moment

LAPSED: Final = "nobody approved it in time"
NOT_IN_TIME: Final = "it was cut short, and nobody finished it in time"
_TABLE: Final = tables.approvals
_MICRO: Final = timedelta(microseconds=1)
_OPEN: Final = ("waits", "in_grace", "approved")
_ENDS_WITH: Final[Mapping[Action, tuple[Action, ...]]] = {Action.HOLD: (Action.CLASSIFY,)}
"""What is proposed about something that another proposal made, and ends with that."""
_PASSES: Final = (Busy, Unsettled, NoConnector)
"""What stands in the way of a carrying out for a time only."""


class Approvals:
    """Keeps proposals, has them decided by somebody else, and has them carried out."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, alarms: Alarms) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._alarms = alarms
        self._carry: dict[Action, CarriesOut] = {}
        self._undo: dict[Action, Undoes] = {}

    def register(self, action: Action, service: CarriesOut, undoes: Undoes | None = None) -> None:
        """Say which service carries an action out, and which undoes what was done before anybody approved."""
        self._carry[action] = service
        if undoes is not None:
            self._undo[action] = undoes

    def propose(self, actor: Actor, new: NewProposal, within: Connection | None = None) -> Proposal:
        """Keep a proposal until somebody else decides or its time is over; raises `Invalid` and `PolicyRefused`.

        A caller that proposes `within` its own transaction must have demanded a person itself.
        """
        if within is None:
            self.demand_person(actor, new.action)
        if not plainly(new.reason):
            raise Invalid("reason: is missing")
        if within is not None:
            return self._kept(within, actor, new)
        with self._store.write() as connection:
            return self._kept(connection, actor, new)

    def demand_person(self, actor: Actor, action: Action) -> None:
        """Raise `PolicyRefused`, on record, where who proposes is no person."""
        if actor.kind != "person":
            refusal = f"{actor.name}: only a person proposes what takes two people"
            self._audit.record(actor, Act.APPROVALS_PROPOSE, Outcome.REFUSED, of=action, refusal=refusal)
            raise PolicyRefused(refusal)

    def approve(self, actor: Actor, ident: int, note: str = "") -> Proposal:
        """Approve a proposal of somebody else's and have it carried out; one that was cut short goes on, for a time.

        One that has a grace is carried out when that is over (`carry_out_due`, or this again); until then anybody may
        stop it. Where what is there now forbids to carry out what was approved before, that is its end: `overtaken`.
        Raises `NotFound`, `Conflict` where it is decided, its time is over or what is there now forbids it, and
        `PolicyRefused` for who proposed it and for a service. All but the first are on record.
        """
        proposal = self.get(ident)
        if proposal.state not in ("approved", "in_grace") or not may_decide(actor, proposal):
            self._decide(actor, ident, "approved", note)
            proposal = self.get(ident)
        return proposal if proposal.state == "in_grace" else self._carried_out(actor, ident)

    def carry_out_due(self, actor: Actor) -> int:
        """Carry out what was approved and whose grace is over; gives how many. Safe to kill and to repeat.

        What cannot be carried out any more has ended (`overtaken`), on record.
        """
        now, done = to_micros(sure(self._clock)), 0
        with self._store.read() as connection:
            due = select(_TABLE.c.id).where(UNDONE, _TABLE.c.grace > 0, now >= DUE_AT)
            ids = connection.scalars(due.order_by(_TABLE.c.id)).all()
        for ident in ids:
            with suppress(Conflict, NotFound, PolicyRefused):
                done += self._carried_out(actor, ident).state == "carried_out"
        return done

    def refuse(self, actor: Actor, ident: int, why: str) -> Proposal:
        """Refuse a proposal of somebody else's, also while it is in its grace; what it did at once is undone.

        Raises as `approve` does.
        """
        if not plainly(why):
            raise Invalid("reason: say why it is refused")
        return self._ended(self._decide(actor, ident, "refused", why))

    def withdraw(self, actor: Actor, ident: int, why: str = "") -> Proposal:
        """Take back one's own proposal; what it did at once is undone. Raises as `approve` does."""
        return self._ended(self._decide(actor, ident, "withdrawn", why))

    def lapse(self, actor: Actor) -> int:
        """End every proposal whose time is over, and undo what it did at once; gives how many. Safe to repeat.

        Over is also the time of what was approved and never carried out to its end.
        """
        at, over = sure(self._clock), []
        now = to_micros(at)
        with self._store.read() as connection:
            due = select(_TABLE.c.id).where(_TABLE.c.verdict.is_(None), _TABLE.c.expires_at <= now)
            ids = connection.scalars(due.order_by(_TABLE.c.id)).all()
        for ident in ids:
            with self._store.write() as connection:
                ended = (
                    update(_TABLE)
                    .where(_TABLE.c.id == ident, _TABLE.c.verdict.is_(None), _TABLE.c.expires_at <= now)
                    .values(verdict="lapsed", decided_at=now, note=LAPSED)
                )
                if not connection.execute(ended).rowcount:
                    continue  # somebody was faster
                proposal = self._read(connection, ident)
                self._event(connection, actor, proposal, Act.APPROVALS_LAPSE, Outcome.DONE)
                self._drop(connection, actor, proposal)
            over.append(self._ended(proposal))
        return len(over) + self._lapse_undone(actor, at)

    def get(self, ident: int) -> Proposal:
        """One proposal; raises `NotFound`."""
        with self._store.read() as connection:
            return self._read(connection, ident)

    def attachment(self, ident: int) -> bytes | None:
        """What was attached to a proposal; raises `NotFound`, and `IntegrityBroken` where it was changed."""
        with self._store.read() as connection:
            columns = select(_TABLE.c.attachment, _TABLE.c.attachment_sha256).where(_TABLE.c.id == ident)
            row = connection.execute(columns).one_or_none()
        if row is None:
            raise NotFound(_none(ident))
        if row.attachment is None:
            return None
        if sha256(row.attachment).hexdigest() != row.attachment_sha256:
            raise IntegrityBroken(f"what is attached to approval {ident} is not what was proposed")
        return bytes(row.attachment)

    def list(self, *, everything: bool = False, limit: int = 100) -> Sequence[Proposal]:
        """What waits for a second person or for its end, the oldest first; with `everything` all, the newest first."""
        if everything:
            query = select(_TABLE).order_by(_TABLE.c.id.desc()).limit(limit)
        else:
            query = select(_TABLE).where(_TABLE.c.verdict.is_(None) | UNDONE).order_by(_TABLE.c.id).limit(limit)
        with self._store.read() as connection:
            return [self._proposal_of(row) for row in connection.execute(query)]

    def waiting(self, connection: Connection, action: Action, target: str) -> Proposal | None:
        """The newest proposal about something that may still be approved or carried out."""
        this = (_TABLE.c.action == action, _TABLE.c.target == target, _TABLE.c.carried_out_at.is_(None))
        rows = connection.execute(select(_TABLE).where(*this).order_by(_TABLE.c.id.desc()))
        return next((proposal for row in rows if (proposal := self._proposal_of(row)).state in _OPEN), None)

    def moot(self, connection: Connection, actor: Actor, action: Action, target: str, because: str) -> None:
        """End what waits, or was approved and not carried out, about something that is settled without it."""
        about = (_TABLE.c.action == action, _TABLE.c.target == target)
        undone = update(_TABLE).where(*about, UNDONE).values(verdict="overtaken", outcome=_because(because))
        for row in connection.execute(undone.returning(*_TABLE.c)).all():
            self._not_carried_out(connection, actor, self._proposal_of(row), because)
        waits = (*about, _TABLE.c.verdict.is_(None))
        ended = {"verdict": "withdrawn", "decided_by": actor.name, "decided_at": to_micros(self._clock.now())}
        over = update(_TABLE).where(*waits).values(**ended, note=because).returning(*_TABLE.c)
        for row in connection.execute(over).all():
            self._event(
                connection, actor, self._proposal_of(row), Act.APPROVALS_WITHDRAW, Outcome.DONE, because=because
            )

    def _kept(self, connection: Connection, actor: Actor, new: NewProposal) -> Proposal:
        now, body = self._clock.now(), canonical_json(new.content)
        values = {
            "action": new.action,
            "target": new.target,
            "words": new.words,
            "content": body.decode(),
            "sha256": digest_of_json(body),
            "attachment": new.attachment,
            "attachment_sha256": None if new.attachment is None else sha256(new.attachment).hexdigest(),
            "reason": new.reason.strip(),
            "proposed_by": actor.name,
            "proposed_at": to_micros(now),
            "expires_at": to_micros(now + LASTS[new.action]),
            "grace": new.grace // _MICRO,
        }
        proposal = self._proposal_of(connection.execute(insert(_TABLE).values(values).returning(*_TABLE.c)).one())
        self._event(connection, actor, proposal, Act.APPROVALS_PROPOSE, Outcome.DONE)
        return proposal

    def _decide(self, actor: Actor, ident: int, verdict: State, note: str) -> Proposal:
        step = {"approved": Act.APPROVALS_APPROVE, "refused": Act.APPROVALS_REFUSE, "withdrawn": Act.APPROVALS_WITHDRAW}
        with self._store.read() as connection:
            before = self._read(connection, ident)
        try:
            with self._store.write() as connection:
                now = self._clock.now()
                before = self._read(connection, ident)
                demand(actor, before, verdict, self._at(before))
                if before.state == "overtaken":
                    raise Conflict(self._overtaken(before))
                if verdict == "approved":
                    self._service(before).check(connection, before)
                decided = (
                    update(_TABLE)
                    .where(_TABLE.c.id == ident, undecided(to_micros(now), stops=verdict != "approved"))
                    .values(
                        verdict=verdict, decided_by=actor.name, decided_at=to_micros(now), note=note.strip() or None
                    )
                )
                if not connection.execute(decided).rowcount:
                    raise Conflict(f"approval {ident}: somebody else has decided it meanwhile")
                after = self._read(connection, ident)
                self._event(connection, actor, after, step[verdict], Outcome.DONE)
                if verdict != "approved":
                    self._drop(connection, actor, after)
        except HubError as refused:
            alone = verdict == "approved" and isinstance(refused, PolicyRefused)
            with self._store.write() as connection:
                if alone:
                    self._alarms.note(connection, actor, f"approval {ident}", str(refused))
                alarm = {"alarm": True} if alone else {}
                self._event(connection, actor, before, step[verdict], Outcome.REFUSED, refusal=str(refused), **alarm)
                over = self._outdate(connection, actor, before, refused)
            if over is not None:
                self._ended(over)
            raise
        return after

    def _outdate(self, connection: Connection, actor: Actor, before: Proposal, refused: HubError) -> Proposal | None:
        """End what waits and can never be approved any more, and undo what it did at once; None: it goes on waiting."""
        if not isinstance(refused, Outdated):
            return None
        now = to_micros(self._clock.now())
        ended = update(_TABLE).where(_TABLE.c.id == before.id, _TABLE.c.verdict.is_(None))
        values = {"verdict": "overtaken", "decided_at": now, "outcome": _because(str(refused))}
        if not connection.execute(ended.values(**values)).rowcount:
            return None
        after = self._read(connection, before.id)
        self._not_carried_out(connection, actor, after, str(refused))
        self._drop(connection, actor, after)
        return after

    def _carried_out(self, actor: Actor, ident: int) -> Proposal:
        with self._store.lease(_lease(ident), f"approval {ident} is being carried out"):
            proposal = self.get(ident)
            if proposal.state == "carried_out":
                return proposal
            if proposal.state != "approved":
                raise Conflict(self._overtaken(proposal))
            if digest_of_json(canonical_json(proposal.content)) != proposal.sha256:
                raise IntegrityBroken(f"approval {ident} does not say any more what was proposed")
            try:
                self._service(proposal).carry_out(actor, proposal, self._settle(actor, proposal))
            except HubError as refused:
                ends = isinstance(refused, (Conflict, NotFound, PolicyRefused)) and not isinstance(refused, _PASSES)
                if not (ends and self._overtake(actor, proposal, str(refused))):
                    with self._store.write() as connection:
                        self._event(
                            connection, actor, proposal, Act.APPROVALS_CARRY_OUT, Outcome.REFUSED, refusal=str(refused)
                        )
                raise
        return self.get(ident)

    def _lapse_undone(self, actor: Actor, now: datetime) -> int:
        """End what was approved and not carried out to its end in time; what is being carried out now is left alone."""
        over = 0
        late = and_(UNDONE, not_(still_open(to_micros(now))))
        with self._store.read() as connection:
            rows = connection.execute(select(_TABLE).where(late).order_by(_TABLE.c.id)).all()
        for proposal in map(self._proposal_of, rows):
            with suppress(Busy), self._store.lease(_lease(proposal.id)):
                over += self._overtake(actor, proposal, NOT_IN_TIME)
        return over

    def _overtake(self, actor: Actor, proposal: Proposal, because: str) -> bool:
        """End what was approved and is never to be carried out, and undo what it did at once; False: it has ended."""
        with self._store.write() as connection:
            ended = update(_TABLE).where(_TABLE.c.id == proposal.id, UNDONE)
            if not connection.execute(ended.values(verdict="overtaken", outcome=_because(because))).rowcount:
                return False
            after = self._read(connection, proposal.id)
            self._not_carried_out(connection, actor, after, because)
            self._drop(connection, actor, after)
        self._ended(after)
        return True

    def _settle(self, actor: Actor, proposal: Proposal) -> Settle:
        def settle(connection: Connection, outcome: Mapping[str, Any]) -> None:
            done = (
                update(_TABLE)
                .where(_TABLE.c.id == proposal.id, UNDONE)
                .values(carried_out_at=to_micros(self._clock.now()), outcome=canonical_json(outcome).decode())
            )
            if not connection.execute(done).rowcount:
                raise Conflict(f"approval {proposal.id}: was carried out already, or has ended meanwhile")
            self._event(connection, actor, proposal, Act.APPROVALS_CARRY_OUT, Outcome.DONE, came=dict(outcome))

        return settle

    def _drop(self, connection: Connection, actor: Actor, proposal: Proposal) -> None:
        by = f" by {proposal.decided_by}" if proposal.decided_by else ""
        note = f": {proposal.note}" if proposal.note else ""
        how = f"{proposal.state}{by}{note}" if proposal.state != "overtaken" else f"not carried out: {_why(proposal)}"
        because = f"its approval was {how}"
        if (service := self._undo.get(proposal.action)) is not None:
            service.drop(connection, actor, proposal, because)
        for action in _ENDS_WITH.get(proposal.action, ()):
            self.moot(connection, actor, action, proposal.target, f"the hold has ended: {because}")

    def _ended(self, proposal: Proposal) -> Proposal:
        if (service := self._undo.get(proposal.action)) is not None:
            service.dropped(proposal)
        return proposal

    def _service(self, proposal: Proposal) -> CarriesOut:
        return self._carry[proposal.action]

    def _event(
        self, connection: Connection, actor: Actor, proposal: Proposal, step: Act, outcome: Outcome, **detail: Any
    ) -> None:
        self._audit.record(
            actor, step, outcome, target=str(proposal.id), within=connection, of=proposal.action,
            about=proposal.target, sha256=proposal.sha256, proposed_by=proposal.proposed_by, **detail,
        )  # fmt: skip

    def _not_carried_out(self, connection: Connection, actor: Actor, after: Proposal, because: str) -> None:
        self._event(
            connection, actor, after, Act.APPROVALS_CARRY_OUT, Outcome.REFUSED, refusal=because, state=after.state
        )

    def _read(self, connection: Connection, ident: int) -> Proposal:
        row = connection.execute(select(_TABLE).where(_TABLE.c.id == ident)).one_or_none()
        if row is None:
            raise NotFound(_none(ident))
        return self._proposal_of(row)

    def _proposal_of(self, row: Row[Any]) -> Proposal:
        return Proposal(
            id=row.id,
            action=Action(row.action),
            target=row.target,
            words=row.words,
            content=msgspec.json.decode(row.content),
            sha256=row.sha256,
            reason=row.reason,
            proposed_by=row.proposed_by,
            proposed_at=from_micros(row.proposed_at),
            expires_at=from_micros(row.expires_at),
            state=state_of(row, self._clock.now()),
            decided_by=row.decided_by,
            decided_at=None if row.decided_at is None else from_micros(row.decided_at),
            note=row.note,
            carried_out_at=None if row.carried_out_at is None else from_micros(row.carried_out_at),
            outcome=None if row.outcome is None else msgspec.json.decode(row.outcome),
            grace_seconds=row.grace // 1_000_000,
            due_at=from_micros(row.decided_at + row.grace) if row.grace and row.verdict == "approved" else None,
        )

    def _overtaken(self, proposal: Proposal) -> str:
        if proposal.decided_by is None:
            return (
                f"approval {proposal.id}: can never be carried out any more since {self._at(proposal)}"
                f" ({_why(proposal)}); it must be proposed anew"
            )
        return (
            f"approval {proposal.id}: was approved at {self._at(proposal)} by {proposal.decided_by} and not carried out"
            f" ({_why(proposal)}); it must be proposed anew"
        )

    def _at(self, proposal: Proposal) -> str:
        return moment(proposal.decided_at or proposal.expires_at, self._store.zone())


def _lease(ident: int) -> str:
    return f"approval-{ident}"


def _because(why: str) -> str:
    return canonical_json({"because": why}).decode()


def _why(proposal: Proposal) -> str:
    """Why what was approved is not carried out."""
    return str((proposal.outcome or {}).get("because", NOT_IN_TIME))


def _none(ident: int) -> str:
    return f"there is no approval {ident}: alprhub approvals list shows those there are"
