"""`Ages`: how old what is kept is, what should be gone, and what explains the oldest of it.

No plate and no read leaves here, only counts, cases and holds; making the report is on record like everything else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.cases.holds import Holds
from hub.clock import Clock
from hub.errors import PolicyRefused
from hub.governing.in_force import Governing
from hub.governing.sources import Sources
from hub.people import Actor
from hub.policy.durations import Duration
from hub.policy.profile import Profile
from hub.policy.provenance import Provenance
from hub.ports import Spooled
from hub.proofs.calendar import reached
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

BANDS: Final = ("P30D", "P1Y", "P2Y")
"""Ages at which a band ends and the next begins."""
NAMES: Final = ("up to P30D", "P30D to P1Y", "P1Y to P2Y", "over P2Y")
_SECOND: Final = timedelta(seconds=1)
EXPLAINED: Final = "retention.report_if_older_than"
"""The field of a policy that wants what is older explained."""

_KEPT: Final = """
SELECT connection_id, rule,
  CASE WHEN captured_at > :p0 THEN 0 WHEN captured_at > :p1 THEN 1 WHEN captured_at > :p2 THEN 2 ELSE 3 END AS band,
  count(*) AS reads, sum(CASE WHEN held THEN 1 ELSE 0 END) AS held, min(captured_at) AS oldest
FROM reads GROUP BY connection_id, rule, 3 ORDER BY connection_id, rule, 3
"""
"""The one statement here that goes through every read: no index has the rule. Nobody waits for it but the auditor, and
it takes no lock that a writer would wait for."""

_LATE: Final = """
SELECT connection_id, rule, count(*) AS reads, min(expires_at) AS first FROM reads
WHERE expires_at <= :now AND NOT held GROUP BY connection_id, rule ORDER BY connection_id, rule
"""

_OLD: Final = """
SELECT captured_at, received_at,
  EXISTS (SELECT 1 FROM links WHERE read_id = reads.id)
    OR EXISTS (SELECT 1 FROM hits WHERE read_id = reads.id) AS linked
FROM cameras CROSS JOIN reads
WHERE cameras.connection_id = :connection_id AND reads.camera_id = cameras.id AND reads.captured_at <= :oldest
  AND reads.expires_at + 0 > :now AND NOT reads.held
"""
"""Reads that the policy in force may no longer allow although their rows say otherwise: a walk along the index on
camera and `captured_at`, up to the oldest that may be there. After a purge that is what cases, events and hits need."""

_UNHELD: Final = """
SELECT count(*) FROM reads WHERE captured_at <= :oldest AND NOT EXISTS (
  SELECT 1 FROM held_reads JOIN holds ON holds.id = held_reads.hold_id
  WHERE held_reads.read_id = reads.id AND holds.released_at IS NULL)
"""

_HOLDS: Final = """
SELECT holds.id, holds.kind, holds.case_number, holds.reason, holds.placed_by, holds.approved_by, holds.review_at,
  count(*) AS reads, min(reads.captured_at) AS oldest
FROM holds JOIN held_reads ON held_reads.hold_id = holds.id JOIN reads ON reads.id = held_reads.read_id
WHERE holds.released_at IS NULL AND reads.captured_at <= :oldest
GROUP BY holds.id, holds.kind, holds.case_number, holds.reason, holds.placed_by, holds.approved_by, holds.review_at
ORDER BY holds.id
"""


@dataclass(frozen=True, slots=True)
class KeptReads:
    """The reads of one connection, rule and band of age; `held` of them are kept by a hold."""

    connection: str
    rule: str
    clause: str | None
    """None: a rule of a policy that is not in force any more."""
    band: str
    reads: int
    held: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Violation:
    """Reads that should be gone and that nothing holds; the first of them for `late_seconds` already.

    `kind` is `unpurged` where they are invisible already and wait for the purge, `past_ceiling` where they are still
    shown although the policy in force does not allow them any more.
    """

    connection: str
    rule: str
    clause: str | None
    kind: str
    reads: int
    late_seconds: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A hold that keeps reads older than the policy allows without one; `missing` names what is not said."""

    hold: int
    kind: str
    case_number: str
    reason: str
    booking: str | None
    review_at: datetime
    reads: int
    oldest: datetime
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgesReport:
    """What is kept at an instant, what should not be, and what explains the rest."""

    at: datetime
    kept: list[KeptReads]
    violations: list[Violation]
    explain_older_than: str | None
    """A period; None: the policy asks for no explanation."""
    explain_clause: str | None
    explanations: list[Explanation]
    unexplained: int
    """Reads as old as that which no hold explains."""
    pushes_waiting: int | None = 0
    """Pushes that are no reads yet, and in none of the numbers above; None: too many to count."""
    pushes_set_aside: int = 0
    """Batches of pushes that nobody can read."""

    @property
    def signable(self) -> bool:
        """Whether nothing lacks its explanation: a report that does must not be signed."""
        return not self.unexplained and not any(explanation.missing for explanation in self.explanations)


class Ages:
    """Makes the report of ages. `bookings` gives the evidence booking numbers of those holds that have one."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        governing: Governing,
        sources: Sources,
        holds: Holds,
        spooled: Spooled,
    ) -> None:
        self._spooled = spooled
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._sources = sources
        self._holds = holds

    def report(self, actor: Actor) -> AgesReport:
        """The ages of everything that is kept now, of one moment."""
        now, profile = self._clock.now(), self._governing.profile()
        zone, history = profile.zone, self._governing.history()
        # What the policy before allowed became late with this one; before the first nothing was allowed otherwise.
        since = from_micros(history[-1][0]) if len(history) > 1 else None
        clauses = {rule.id: rule.clause for rule in profile.rules}
        limits = [to_micros(reached(Duration.parse(band), now, zone)) for band in BANDS]
        field, kinds = profile.effective(EXPLAINED), self._sources.all()
        with self._store.read() as connection:
            rows = connection.execute(select(tables.connections.c.id, tables.connections.c.name)).all()
            names = {row.id: row.name for row in rows}
            kept = [
                KeptReads(
                    names[row.connection_id], row.rule, clauses.get(row.rule), NAMES[row.band],
                    int(row.reads), int(row.held), from_micros(row.oldest),
                )
                for row in connection.execute(text(_KEPT), {f"p{place}": at for place, at in enumerate(limits)})
            ]  # fmt: skip
            late = [
                Violation(
                    names[row.connection_id], row.rule, clauses.get(row.rule), "unpurged", int(row.reads),
                    (now - from_micros(row.first)) // _SECOND,
                )
                for row in connection.execute(text(_LATE), {"now": to_micros(now)})
            ]  # fmt: skip
            past = [
                age
                for ident, kind in kinds.items()
                for age in _past(connection, profile, ident, names[ident], kind, now, since)
            ]
            unexplained, holds = 0, []
            if field.value is not None:
                oldest = {"oldest": to_micros(reached(Duration.parse(field.value), now, zone))}
                unexplained = int(connection.scalar(text(_UNHELD), oldest) or 0)
                holds = list(connection.execute(text(_HOLDS), oldest))
        booked = self._holds.bookings([row.id for row in holds]) if holds else {}
        lying = self._spooled.lying()
        report = AgesReport(
            at=now,
            kept=kept,
            violations=[*late, *past],
            explain_older_than=field.value,
            explain_clause=field.clauses or None,
            explanations=[_explained(row, booked.get(row.id)) for row in holds],
            unexplained=unexplained,
            pushes_waiting=lying.pushes,
            pushes_set_aside=lying.set_aside,
        )
        self._audit.record(
            actor, Act.RETENTION_AGES, Outcome.DONE, results=sum(count_kept.reads for count_kept in kept),
            violations=sum(violation.reads for violation in report.violations), signable=report.signable,
            pushes_waiting=lying.pushes, pushes_set_aside=lying.set_aside,
        )  # fmt: skip
        return report


def _past(
    connection: Connection,
    profile: Profile,
    ident: int,
    name: str,
    kind: Provenance,
    now: datetime,
    since: datetime | None,
) -> list[Violation]:
    """What a connection still shows although the policy in force would have ended it; none is late before `since`."""
    try:
        shortest = profile.rule_for(*kind)
    except PolicyRefused:
        return []  # no number ends such reads, and none are let in
    ends_by_rule: dict[str, list[datetime]] = {}
    clauses: dict[str, str] = {}
    oldest = to_micros(reached(shortest.keep, now, profile.zone))
    for row in connection.execute(text(_OLD), {"connection_id": ident, "oldest": oldest, "now": to_micros(now)}):
        end = profile.expiry(
            *kind, from_micros(row.captured_at), received_at=from_micros(row.received_at), linked=bool(row.linked)
        )
        if end.at <= now:
            ends_by_rule.setdefault(end.rule, []).append(end.at if since is None else max(end.at, since))
            clauses[end.rule] = end.clause
    return [
        Violation(name, rule, clauses[rule], "past_ceiling", len(ends), (now - min(ends)) // _SECOND)
        for rule, ends in sorted(ends_by_rule.items())
    ]


def _explained(row: Row[Any], booking: str | None) -> Explanation:
    columns = {"case number": row.case_number, "reason": row.reason, "booking number": booking}
    return Explanation(
        hold=row.id,
        kind=row.kind,
        case_number=row.case_number,
        reason=row.reason,
        booking=booking,
        review_at=from_micros(row.review_at),
        reads=int(row.reads),
        oldest=from_micros(row.oldest),
        missing=tuple(name for name, value in columns.items() if not (value or "").strip()),
    )
