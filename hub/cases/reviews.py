"""`Reviews`: what a person must do about holds, and holds of cases, which end with the time for prosecution."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.cases import held
from hub.cases.holds import check_case
from hub.clock import Clock, sure
from hub.errors import Conflict, Invalid, Outdated
from hub.governing.in_force import Governing
from hub.governing.sources import Sources
from hub.people import Actor, Why, plainly
from hub.policy.limitations import CaseLife
from hub.policy.profile import Profile
from hub.policy.provenance import Provenance
from hub.proposals import Action, NewProposal, Proposal, Proposing, Settle
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

UNTIL: Final = "retention.hold_until"
"""The field of a policy that says how long excepted data stay booked."""

log: Final = logging.getLogger("alprhub.holds")


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """What a person must do about a hold, and since when.

    `review`, `classify_offence`, `state_commission_date`, or `dispose_of_media`: litigation is resolved, and what was
    booked for it is still there under the number `booking`.
    """

    hold: int
    kind: str
    case_number: str
    task: str
    due_at: datetime
    placed_by: str
    approved_by: str | None
    clause: str | None = None
    booking: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of holds without a person: holds that ended, reads that were let go, and tasks that are overdue."""

    ended: int
    let_go: int
    overdue: int


class Reviews:
    """Says what is due, keeps what was found, and ends holds of cases whose time is over."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        governing: Governing,
        sources: Sources,
        approvals: Proposing,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._sources = sources
        self._approvals = approvals

    def due(self) -> list[ReviewTask]:
        """Everything that is due now, the longest overdue first.

        A case without the class of its offence, or without its day, is due from the moment it is held: nothing is kept
        in silence. Each call leaves a line in the log where anything is due.
        """
        now, profile, kinds, table = self._clock.now(), self._governing.profile(), self._sources.all(), tables.holds
        with self._store.read() as connection:
            rows = connection.execute(select(table).where(table.c.released_at.is_(None))).all()
            tasks = [task for row in rows for task in _tasks(connection, profile, row, kinds, now)]
            resolved = select(table).where(table.c.released_at.is_not(None), table.c.kind == "litigation")
            tasks += [task for row in connection.execute(resolved) for task in _disposal(profile, row)]
        if tasks:
            counts = {"overdue": len(tasks), "holds": sorted({task.hold for task in tasks})}
            log.warning("%d tasks about holds are overdue", len(tasks), extra=counts)
        return sorted(tasks, key=lambda task: (task.due_at, task.hold))

    def reviewed(self, actor: Actor, hold: int, finding: str, next_at: datetime) -> None:
        """Keep who looked at a hold, what was found, and when somebody must look again; raises `Invalid`."""
        now = self._clock.now()
        if not plainly(finding):
            raise Invalid("found: is missing")
        if next_at.tzinfo is None or next_at <= now:
            raise Invalid("next_at: must lie in the future")
        with self._store.write() as connection:
            row = _live(connection, hold)
            if row.kind == "case":
                check_case(None, None, next_at, now)
            connection.execute(
                update(tables.holds).where(tables.holds.c.id == hold).values(review_at=to_micros(next_at))
            )
            self._audit.record(
                actor, Act.HOLDS_REVIEW, Outcome.DONE, target=str(hold), within=connection,
                why=Why(row.kind, finding.strip(), row.case_number), was_due=from_micros(row.review_at), next=next_at,
            )  # fmt: skip

    def disposed(self, actor: Actor, hold: int, how: str) -> None:
        """Keep that the media of resolved litigation are disposed of, and how.

        Nothing of the hub's goes by this: the reads went with the first purge after the release. Raises `Invalid`,
        `NotFound`, and `Conflict` where nothing is due.
        """
        if not plainly(how):
            raise Invalid("how: is missing")
        with self._store.write() as connection:
            row = held.row_of(connection, hold)
            if not _disposal(self._governing.now(connection).profile, row):
                raise Conflict(f"hold {hold} has no media that are due for disposal")
            connection.execute(update(tables.holds).where(tables.holds.c.id == hold).values(disposed=how.strip()))
            self._audit.record(
                actor, Act.HOLDS_DISPOSE, Outcome.DONE, target=str(hold), within=connection, booking=row.booking,
                why=Why(row.kind, how.strip(), row.case_number),
            )  # fmt: skip

    def classify(self, actor: Actor, hold: int, offence: str | None, committed_on: date | None) -> Proposal:
        """Propose the class of a case's offence and its day; they hold once another person has approved them.

        What is not said stays as it is, and one of them must be said. Until it is approved nothing of the hold is let
        go. Raises `Invalid`, `NotFound`, `Conflict` and `PolicyRefused`.
        """
        now = self._clock.now()
        if offence is None and committed_on is None:
            raise Invalid("--offence and --committed-on: say the class of the offence, its day, or both")
        check_case(offence, committed_on, now, now)
        with self._store.read() as connection:
            row = _live(connection, hold)
            if row.kind != "case":
                raise Invalid(f"hold: {hold} is no case's")
        offence, day = offence or row.offence, committed_on.isoformat() if committed_on else row.committed_on
        content = {"hold": hold, "offence": offence, "committed_on": day, "was": [row.offence, row.committed_on]}
        words = (
            f"say of hold {hold} (case {row.case_number}): offence {offence or 'not known'}, committed on"
            f" {day or 'a day not known'}; how long its reads are kept follows from it"
        )
        return self._approvals.propose(actor, NewProposal(Action.CLASSIFY, str(hold), words, content, row.reason))

    def check(self, connection: Connection, proposal: Proposal) -> None:
        """Raise `Conflict` where the hold has ended, or was classified otherwise since."""
        row = _live(connection, int(proposal.target))
        if [row.offence, row.committed_on] != proposal.content["was"]:
            raise Outdated(f"hold {row.id}: was classified otherwise since; propose it anew")

    def carry_out(self, actor: Actor, proposal: Proposal, settle: Settle) -> None:
        """Let the class and the day hold that were approved; gives in the outcome until when its first read lives."""
        hold, content = int(proposal.target), proposal.content
        kinds = self._sources.all()
        with self._store.write() as connection:
            self.check(connection, proposal)
            row = held.row_of(connection, hold)
            values = {name: content[name] for name in ("offence", "committed_on")}
            connection.execute(update(tables.holds).where(tables.holds.c.id == hold).values(values))
            self._audit.record(
                actor, Act.HOLDS_CLASSIFY, Outcome.DONE, target=str(hold), within=connection, approval=proposal.id,
                why=Why(row.kind, row.reason, row.case_number), was=content["was"], proposed_by=proposal.proposed_by,
                **values,
            )  # fmt: skip
            life = _first(connection, self._governing.now(connection).profile, held.row_of(connection, hold), kinds)
            until = None if life is None or life.until is None else life.until.at
            settle(connection, {"hold": hold, "until": until, "task": life.task if life else None})

    def expire(self, actor: Actor) -> Ended:
        """Let reads of cases go whose time is over, end holds that have none left, and finish what was killed.

        In transactions of at most a thousand reads; safe to kill and to repeat.
        """
        table, ended, gone = tables.holds, 0, 0
        sure(self._clock)
        with self._store.read() as connection:
            rows = connection.execute(select(table).order_by(table.c.id)).all()
        for row in rows:
            if row.released_at is not None:
                gone += held.empty(self._store, row.id)
            elif row.kind == "case":
                went, over = self._expire(actor, row.id)
                gone, ended = gone + went, ended + over
        return Ended(ended, gone, len(self.due()))

    def _expire(self, actor: Actor, hold: int) -> tuple[int, bool]:
        after, gone, kinds = 0, 0, self._sources.all()
        while True:
            with self._store.write() as connection:
                row = held.row_of(connection, hold)
                now = sure(self._clock)
                if row.released_at is not None:
                    return gone, False
                if row.approved_by is None or self._approvals.waiting(connection, Action.CLASSIFY, str(hold)):
                    return gone, False  # what one person said of it alone ends nothing
                ids = held.batch_of(connection, hold, after)
                profile = self._governing.now(connection).profile
                lives = {
                    read.id: _life(profile, row, read, kinds[read.connection_id])
                    for read in _reads(connection, ids)
                    if read.connection_id in kinds  # nobody knows yet how long such reads live: they stay
                }
                over = [ident for ident, life in lives.items() if life.until is not None and life.until.at <= now]
                if over:
                    held.let_go(self._store, connection, hold, over)
                    gone += len(over)
                    self._audit.record(
                        actor, Act.HOLDS_EXPIRE, Outcome.STEP, target=str(hold), within=connection, reads=len(over)
                    )
                if ids:
                    after = ids[-1]
                    continue
                if self._left(connection, hold):
                    return gone, False
                because = "the time for prosecution is over"
                connection.execute(
                    update(tables.holds)
                    .where(tables.holds.c.id == hold)
                    .values(released_at=to_micros(now), released_by=actor.name, released_because=because)
                )
                self._audit.record(
                    actor, Act.HOLDS_RELEASE, Outcome.DONE, target=str(hold), within=connection,
                    why=Why(row.kind, because, row.case_number),
                )  # fmt: skip
                return gone, True

    def _left(self, connection: Connection, hold: int) -> int:
        kept = tables.held_reads
        return connection.scalar(select(func.count()).where(kept.c.hold_id == hold)) or 0


def _live(connection: Connection, hold: int) -> Row[Any]:
    row = held.row_of(connection, hold)
    if row.released_at is not None:
        raise Conflict(f"hold {hold} has ended")
    return row


def _tasks(
    connection: Connection, profile: Profile, row: Row[Any], kinds: Mapping[int, Provenance], now: datetime
) -> list[ReviewTask]:
    about = (row.id, row.kind, row.case_number)
    people = (row.placed_by, row.approved_by)
    tasks = []
    if from_micros(row.review_at) <= now:
        tasks.append(ReviewTask(*about, "review", from_micros(row.review_at), *people))
    if row.kind == "case":
        life = _first(connection, profile, row, kinds)
        if life is not None and life.task in ("classify_offence", "state_commission_date"):
            tasks.append(ReviewTask(*about, life.task, from_micros(row.placed_at), *people, life.clause))
    return tasks


def _disposal(profile: Profile, row: Row[Any]) -> list[ReviewTask]:
    if row.kind != "litigation" or row.released_at is None or not row.booking or row.disposed is not None:
        return []
    about = (row.id, row.kind, row.case_number, "dispose_of_media", from_micros(row.released_at))
    clause = profile.effective(UNTIL).clauses or None
    return [ReviewTask(*about, row.placed_by, row.approved_by, clause, row.booking)]


def _first(connection: Connection, profile: Profile, row: Row[Any], kinds: Mapping[int, Provenance]) -> CaseLife | None:
    """How long the first read of a hold lives; None where it has none, or nobody knows yet whose read that is."""
    for read in _reads(connection, held.batch_of(connection, row.id)[:1]):
        if read.connection_id in kinds:
            return _life(profile, row, read, kinds[read.connection_id])
    return None


def _reads(connection: Connection, ids: list[int]) -> list[Row[Any]]:
    table = tables.reads
    columns = (table.c.id, table.c.connection_id, table.c.captured_at, table.c.received_at)
    return list(connection.execute(select(*columns).where(table.c.id.in_(ids))))


def _life(profile: Profile, row: Row[Any], read: Row[Any], kind: Provenance) -> CaseLife:
    return profile.case_life(
        *kind,
        from_micros(read.captured_at),
        received_at=from_micros(read.received_at),
        offence=row.offence,
        committed_on=date.fromisoformat(row.committed_on) if row.committed_on else None,
    )
