"""`Canaries`: whether a vendor purges is asked of the vendor, not believed.

A canary is a plate of the agency's own, a patrol car's, that a vendor is known to read. Once the vendor's copy must be
gone the vendor is asked for it: what it still has is a breach of its retention. Nothing of an answer is kept.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, update

from connectors.contract import Connector, LooksUpPlates, Lookup, Record
from connectors.errors import AdminMustFix, ConnectorError, NotARead, RecordRejected, sentence
from hub.access.asking import cannot_be_shown, says_nothing
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Conflict, HubError, Invalid, NotFound
from hub.governing.in_force import Governing
from hub.people import Actor, Why
from hub.ports import OpensAndPauses
from hub.proofs.calendar import reached
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from normalize.plate import LONGEST, canonical

PURPOSE: Final = "retention_audit"
"""The purpose of a probe. It is none of a policy's purposes: nobody looks at what comes back."""
BACK: Final = timedelta(days=30)
"""How far behind its ceiling a vendor is asked for reads; a weekly probe sees each day four times."""

log: Final = logging.getLogger("alprhub.retention")


@dataclass(frozen=True, slots=True)
class Canary:
    """A plate that a connection's vendor is known to have read, and what the last probe of it found."""

    id: int
    connection: str
    plate: str
    plate_state: str | None
    reason: str
    added_at: datetime
    added_by: str
    probed_at: datetime | None
    outcome: str | None
    oldest_found_at: datetime | None


@dataclass(frozen=True, slots=True)
class Probe:
    """What a vendor said to one canary.

    `outcome` is `not_found`, `found` (a breach: `reads` of them, the oldest captured at `oldest`), `unclear` (records
    came that cannot be read), `failed` (no answer) or `not_asked` (paused, or no rule ends the vendor's copy).
    """

    canary: int
    connection: str
    outcome: str
    rule: str | None
    clause: str | None
    before: datetime | None
    """What was captured up to here must be gone at the vendor."""
    reads: int = 0
    oldest: datetime | None = None
    error: str | None = None


class Canaries:
    """Keeps the canaries and probes with them."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        governing: Governing,
        accounts: OpensAndPauses,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._accounts = accounts

    def add(self, actor: Actor, connection: str, plate: str, reason: str, state: str | None = None) -> Canary:
        """Note a plate of the agency's own that the connection's vendor reads; `state` is ISO 3166-2.

        Raises `Invalid` naming the field, `NotFound` for no connection, `Conflict` for one that has the plate already.
        """
        account, connector = self._accounts.open(connection)
        if not isinstance(connector, LooksUpPlates):
            raise Invalid(f"connection: {connection} cannot be asked about one plate")
        full = canonical(plate)
        if not full or len(full) > LONGEST:
            raise Invalid(f"plate: needs 1 to {LONGEST} letters and digits")
        self._demand_reason(reason, "whose vehicle it is; the vendor is told")
        table = tables.canaries
        with self._store.write() as within:
            same = (table.c.connection_id == account.id) & (table.c.plate == full)
            if within.scalar(select(table.c.id).where(same)) is not None:
                raise Conflict(f"plate: {connection} is asked about it already")
            ident = within.execute(
                insert(table)
                .values(
                    connection_id=account.id, plate=full, plate_state=state, reason=reason.strip(),
                    added_at=to_micros(self._clock.now()), added_by=actor.name,
                )
                .returning(table.c.id)
            ).scalar_one()  # fmt: skip
            self._audit.record(
                actor,
                Act.CANARIES_ADD,
                Outcome.DONE,
                target=connection,
                within=within,
                plate=full,
                reason=reason.strip(),
            )
        return next(canary for canary in self._all() if canary.id == ident)

    def _demand_reason(self, reason: str, what: str) -> None:
        """Return if a reason says something, by the rule of every question about reads; else raises `Invalid`."""
        if cannot_be_shown(reason) or says_nothing(reason, self._governing.profile()):
            raise Invalid(f"reason: must say in words that can be shown {what}")

    def remove(self, actor: Actor, ident: int, reason: str) -> Canary:
        """Probe with a canary no more, because the vehicle is sold or was never read; gives what it was.

        What its probes found stays on record. Raises `Invalid`, and `NotFound`.
        """
        self._demand_reason(reason, "why the vendor is not probed with it any more")
        table = tables.canaries
        gone = next((canary for canary in self._all() if canary.id == ident), None)
        with self._store.write() as within:
            if gone is None or not within.execute(delete(table).where(table.c.id == ident)).rowcount:
                raise NotFound(f"no plate has the number {ident}: alprhub retention canary list")
            self._audit.record(
                actor, Act.CANARIES_REMOVE, Outcome.DONE, target=gone.connection, within=within, canary=ident,
                plate=gone.plate, reason=reason.strip(), last_probe=gone.outcome,
            )  # fmt: skip
        return gone

    def known(self, actor: Actor) -> list[Canary]:
        """Every canary, by connection; that somebody looked is on record."""
        canaries = self._all()
        self._audit.record(actor, Act.CANARIES_LIST, Outcome.DONE, results=len(canaries))
        return canaries

    def probe(self, actor: Actor) -> list[Probe]:
        """Ask every vendor for its canaries behind its own ceiling; one that fails does not hide the others.

        That it will be asked is on record before a vendor is, with what came of it afterwards. A breach is logged too.
        """
        return [self._probe(actor, canary) for canary in self._all()]

    def _all(self) -> list[Canary]:
        table, accounts = tables.canaries, tables.connections
        with self._store.read() as connection:
            rows = connection.execute(
                select(table, accounts.c.name)
                .join(accounts, accounts.c.id == table.c.connection_id)
                .order_by(accounts.c.name, table.c.id)
            ).all()
        return [_canary(row) for row in rows]

    def _probe(self, actor: Actor, canary: Canary) -> Probe:
        try:
            account, connector = self._accounts.open(canary.connection)
            if account.state != "active":
                return self._done(actor, canary, self._not_asked(canary, f"the connection is {account.state}"))
            if not isinstance(connector, LooksUpPlates):
                return self._done(actor, canary, self._not_asked(canary, "it cannot be asked about one plate any more"))
            profile = self._governing.profile()
            rule = profile.rule_for(*account.provenance, copy="vendor", linked=True)
            before = reached(rule.keep, self._clock.now(), profile.zone)
        except Exception as failed:
            return self._done(actor, canary, self._not_asked(canary, _text(failed)))
        since = before - BACK
        why = Why(PURPOSE, canary.reason)
        self._audit.record(
            actor, Act.CANARIES_PROBE, Outcome.ASKED, target=canary.connection, why=why, canary=canary.id,
            plate=canary.plate, since=since, until=before,
        )  # fmt: skip
        lookup = Lookup(canary.plate, since, before, canary.reason, canary.plate_state)

        def probe_of(outcome: str, **more: Any) -> Probe:
            return Probe(canary.id, canary.connection, outcome, rule.id, rule.clause, before, **more)

        try:
            with connector:
                records = (record for page in connector.lookup(lookup) for record in page.records)
                instants, unreadable = _read_back(connector, records, lookup)
        except Exception as failed:
            if isinstance(failed, AdminMustFix):
                self._accounts.stop(actor, canary.connection, str(failed))
            return self._done(actor, canary, probe_of("failed", error=_text(failed)))
        if instants:
            return self._done(actor, canary, probe_of("found", reads=len(instants), oldest=min(instants)))
        return self._done(actor, canary, probe_of("unclear" if unreadable else "not_found"))

    def _not_asked(self, canary: Canary, error: str) -> Probe:
        return Probe(canary.id, canary.connection, "not_asked", None, None, None, error=error)

    def _done(self, actor: Actor, canary: Canary, probe: Probe) -> Probe:
        """Put on record what came of a probe; a breach is an event of its own."""
        table = tables.canaries
        oldest = None if probe.oldest is None else to_micros(probe.oldest)
        fields: dict[str, Any] = {
            "canary": canary.id, "rule": probe.rule, "clause": probe.clause, "oldest": probe.oldest,
            "before": probe.before, "error": probe.error,
        }  # fmt: skip
        why = Why(PURPOSE, canary.reason)
        with self._store.write() as within:
            within.execute(
                update(table)
                .where(table.c.id == canary.id)
                .values(probed_at=to_micros(self._clock.now()), outcome=probe.outcome, oldest_found_at=oldest)
            )
            self._audit.record(
                actor, Act.CANARIES_PROBE, Outcome(probe.outcome), target=canary.connection, why=why, within=within,
                results=probe.reads, plate=canary.plate, **fields,
            )  # fmt: skip
            if probe.outcome == "found":
                self._audit.record(
                    actor, Act.RETENTION_BREACH, Outcome.FOUND, target=canary.connection, why=why, within=within,
                    results=probe.reads, **fields,
                )  # fmt: skip
        if probe.outcome == "found":
            log.error(
                "%s still has %d reads of canary %d that %s (%s) does not allow any more",
                canary.connection, probe.reads, canary.id, probe.rule, probe.clause,
            )  # fmt: skip
        return probe


def _read_back(connector: Connector[Any], records: Iterator[Record], lookup: Lookup) -> tuple[list[datetime], int]:
    """When the vendor's reads of the plate behind the ceiling were captured, and how many records nobody could read."""
    instants: list[datetime] = []
    unreadable = 0
    for record in records:
        try:
            read = connector.parse(record)
        except NotARead:
            continue
        except RecordRejected:
            unreadable += 1
            continue
        if read.plate == lookup.plate and read.captured_at <= lookup.until:
            instants.append(read.captured_at)
    return instants, unreadable


def _canary(row: Row[Any]) -> Canary:
    return Canary(
        id=row.id,
        connection=row.name,
        plate=row.plate,
        plate_state=row.plate_state,
        reason=row.reason,
        added_at=from_micros(row.added_at),
        added_by=row.added_by,
        probed_at=None if row.probed_at is None else from_micros(row.probed_at),
        outcome=row.outcome,
        oldest_found_at=None if row.oldest_found_at is None else from_micros(row.oldest_found_at),
    )


def _text(failed: Exception) -> str:
    """The text of an error that was raised on purpose; that of any other may quote a vendor, or a plate."""
    known = isinstance(failed, ConnectorError | HubError)
    return sentence(failed) if known else "its connector has a defect: report it to whoever made it"
