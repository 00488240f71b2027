"""`Handover`: closed certificates as one document for the custodian of records, who needs no hub to verify it.

It contains everything that its digests are computed from, and says how to compute them. It says what was destroyed and
by whose authority, and never a plate.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, select

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.cases.orders import RULE
from hub.clock import Clock
from hub.errors import Invalid, NotFound
from hub.governing.in_force import Governing
from hub.people import Actor
from hub.policy.profile import PARTNER
from hub.retention.certificates import Certificates, certified
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

FORMAT: Final = "alprhub certificates of destruction, 1"
CUSTODIAN: Final = "Custodian of Records"
"""Who gets certificates where a policy names nobody."""
PATIENCE: Final = timedelta(days=30)
"""How long a certificate may wait for its custodian before it is overdue."""

log: Final = logging.getLogger("alprhub.retention")

HOW_TO_VERIFY: Final = (
    "Instants are microseconds since 1970-01-01T00:00:00Z.",
    "A certificate's `digest` is the SHA-256, in hexadecimal, of the UTF-8 bytes of its `certified` as JSON: names in"
    " the order of their code points, no space between tokens, no character written as \\u except control characters.",
    "`certified.previous` is the `digest` of the certificate before it; that of the first is `follows`, which is null"
    " where nothing was certified before.",
    "`certified.rows_digest` begins as the empty text; with each part of a purge it became the SHA-256 of itself with"
    " the digest of that part's rows behind it. The rows are gone: it proves that a certificate was not swapped.",
    "`certified.policy_id` is the `id` of one of the `authorities`. An authority's `digest` is the SHA-256 of the UTF-8"
    " bytes of its `document`, a line feed, and its `decisions`.",
    "`certified.owner` is whose the data were, with the clause of the contract that says so; it is left out where no"
    " contract of their source said it.",
    "Where a court ordered it, `certified.rule` is the `rule` of one of the `orders`, whose `sha256` is of its file.",
    "`countersigned` and `database_file` came after a certificate was closed; they are in no digest.",
    "`database_file.traces` says what becomes of the bytes that rows leave in the database's file: `vacuum`, gone since"
    " `rewritten_at`, or to go in the next night where that is null; `encrypted`, left on a disk that is encrypted as a"
    " setting of the hub says; `server`, left to the database's server; null, closed before that was noted.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Handed:
    """A document and what is in it: so many certificates, from number `first_id` to `last_id`, for the `custodian`."""

    body: bytes
    certificates: int
    first_id: int
    last_id: int
    sha256: str
    custodian: str


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A closed certificate that its custodian has not confirmed yet; `overdue` where it has waited too long."""

    id: int
    connection: str
    rule: str
    clause: str
    reads: int
    closed_at: datetime
    days: int
    overdue: bool


class Handover:
    """Hands certificates to the custodian of records, and tells which are not confirmed."""

    def __init__(
        self, store: Store, audit: Audit, clock: Clock, governing: Governing, certificates: Certificates
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._certificates = certificates

    def document(self, actor: Actor, since_id: int = 0) -> Handed:
        """Every closed certificate above number `since_id`, as JSON that verifies by itself; that it left is audited.

        Raises `IntegrityBroken` where the chain is not whole, `NotFound` where there is none, `Invalid`.
        """
        handed = self.compose(actor, since_id)
        self._audit.record(
            actor, Act.CERTIFICATES_EXPORT, Outcome.DONE, results=handed.certificates, since_id=since_id,
            last_id=handed.last_id, sha256=handed.sha256,
        )  # fmt: skip
        return handed

    def compose(self, actor: Actor, since_id: int) -> Handed:
        """The same, for a caller that puts on record itself where it goes; raises as `document` does."""
        if since_id < 0:
            raise Invalid("since_id: must not be below 0")
        self._certificates.verify()
        with self._store.read() as connection:
            rows = connection.execute(_closed().where(tables.certificates.c.id > since_id)).all()
            if not rows:
                raise NotFound(f"there is no closed certificate above {since_id}")
            authorities = _authorities(connection, {row.policy_id for row in rows} - {None})
            orders = _orders(connection, {row.rule for row in rows})
        profile = self._governing.profile()
        partner = profile.effective(PARTNER)
        content = {
            "format": FORMAT,
            "how_to_verify": HOW_TO_VERIFY,
            "agency": profile.id,
            "for": partner.value,
            "for_clause": partner.clauses or None,
            "made_at": to_micros(self._clock.now()),
            "made_by": actor.name,
            "follows": rows[0].previous,
            "certificates": [_certificate(row) for row in rows],
            "authorities": authorities,
            "orders": orders,
        }
        body = msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
        whose = str(partner.value or CUSTODIAN)
        return Handed(body, len(rows), rows[0].id, rows[-1].id, sha256(body).hexdigest(), whose)

    def waiting(self, patience: timedelta = PATIENCE) -> list[Unconfirmed]:
        """The closed certificates that nobody has countersigned, the oldest first."""
        now = self._clock.now()
        with self._store.read() as connection:
            rows = connection.execute(_closed().where(tables.certificates.c.countersigned_at.is_(None))).all()
        return [
            Unconfirmed(
                *(row.id, row.connection, row.rule, row.clause, row.reads, from_micros(row.closed_at)),
                days=(now - from_micros(row.closed_at)).days,
                overdue=now - from_micros(row.closed_at) >= patience,
            )
            for row in rows
        ]

    def overdue(self, patience: timedelta = PATIENCE) -> int:
        """How many certificates have waited too long for their countersignature; the log says so too."""
        table, closed = tables.certificates, to_micros(self._clock.now() - patience)
        query = select(func.count()).where(table.c.countersigned_at.is_(None), table.c.closed_at <= closed)
        with self._store.read() as connection:
            count = int(connection.scalar(query) or 0)
        if count:
            log.warning("%d certificates wait for their custodian", count, extra={"overdue": count})
        return count


def _closed() -> Any:
    table = tables.certificates
    return select(table).where(table.c.closed_at.is_not(None)).order_by(table.c.id)


def _certificate(row: Row[Any]) -> dict[str, Any]:
    return {
        "certified": certified(row),
        "digest": row.digest,
        "countersigned": None
        if row.countersigned_at is None
        else {
            "custodian": row.custodian,
            "by": row.countersigned_by,
            "at": row.countersigned_at,
            "note": row.countersigned_note,
        },
        "database_file": {"traces": row.traces, "rewritten_at": row.rewritten_at},
    }


def _authorities(connection: Connection, idents: set[int]) -> list[dict[str, Any]]:
    """The policies under which reads were destroyed: what each says, what was signed about it, who put it in force, and
    why."""
    table = tables.policies
    rows = connection.execute(select(table).where(table.c.id.in_(idents)).order_by(table.c.id))
    return [dict(row._mapping) for row in rows]


def _orders(connection: Connection, rules: set[str]) -> list[dict[str, Any]]:
    """The courts' orders under which reads were destroyed, without their reasons, which may name a vehicle."""
    table = tables.orders
    columns = (
        *(table.c.number, table.c.court, table.c.proposed_by, table.c.carried_out_by, table.c.approved_by),
        *(table.c.approval_id, table.c.at, table.c.sha256),
    )
    numbers = [rule.removeprefix(RULE) for rule in rules if rule.startswith(RULE)]
    rows = connection.execute(select(*columns).where(table.c.number.in_(numbers)).order_by(table.c.id))
    return [{"rule": RULE + row.number, **row._mapping, "sha256": row.sha256.hex()} for row in rows]
