"""`Certificates`: what was destroyed, how much, under which rule and clause, without saying what was in it.

One for each purge, connection and rule. It is opened with the first row and grows in the transaction that destroys, so
it never says more or less than what is gone; a purge that was killed is gone on with by the next. Closed ones are a
chain: each carries the digest of the one before.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Conflict, IntegrityBroken, NotFound, PolicyRefused
from hub.people import Actor
from hub.store import tables
from hub.store.canonical import canonical_json, digest_of_json
from hub.store.engine import Store, Traces
from hub.store.instant import from_micros, to_micros
from hub.store.provenance import COLUMNS, provenance_of

COUNTED: Final = ("reads", "payloads", "pictures", "hits", "quarantined")
CERTIFIED: Final = (
    *("id", "connection_id", "connection", "rule", "clause", "policy_id", "captured_first", "captured_last"),
    *(*COUNTED, "rows_digest", "opened_at", "closed_at", "previous"),
)
"""What a certificate's digest is over; a countersignature comes after it, and so does what became of the file."""
OWNER: Final = "owner"
"""Whose the data were by the contract of their source: in the digest too, where a contract said so."""
COUNTERSIGN: Final = Act.CERTIFICATES_COUNTERSIGN
_INSTANTS: Final = ("captured_first", "captured_last", "opened_at", "closed_at", "countersigned_at", "rewritten_at")


class Certificates:
    """Lists, verifies and countersigns certificates."""

    def __init__(self, store: Store, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    def list(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest certificates, newest first, with their instants in UTC; `closed_at` is None while one grows.

        `traces` says what becomes of the bytes that the rows left in the database's file (`Store.traces`; None where it
        was closed before that was noted); `rewritten_at`: since then the file has none of them.
        """
        table = tables.certificates
        with self._store.read() as connection:
            rows = connection.execute(select(table).order_by(table.c.id.desc()).limit(limit)).all()
        return [_shown(row) for row in rows]

    def verify(self) -> int:
        """Check the whole chain and give how many it has; raises `IntegrityBroken`, naming the first that is wrong."""
        table, previous, count = tables.certificates, None, 0
        with self._store.read() as connection:
            closed = select(table).where(table.c.closed_at.is_not(None)).order_by(table.c.id)
            for row in connection.execute(closed):
                if row.previous != previous:
                    raise IntegrityBroken(f"certificate {row.id} does not follow the one before it")
                if row.digest != _digest(row):
                    raise IntegrityBroken(f"certificate {row.id} was changed after it was closed")
                previous, count = row.digest, count + 1
        return count

    def countersign(self, actor: Actor, ident: int, note: str = "") -> dict[str, Any]:
        """The custodian of records, who acts, confirms a closed certificate, once; `note` may give their title.

        Raises `NotFound`, `Conflict` where it is still open or countersigned, `IntegrityBroken` where it was changed,
        and `PolicyRefused`, on record, for a service and for whoever destroyed it by hand.
        """
        try:
            return self._countersign(actor, ident, note.strip())
        except PolicyRefused as refused:
            self._audit.record(actor, COUNTERSIGN, Outcome.REFUSED, target=str(ident), refusal=str(refused))
            raise

    def _countersign(self, actor: Actor, ident: int, note: str) -> dict[str, Any]:
        table = tables.certificates
        if actor.kind != "person":
            raise PolicyRefused(f"certificate {ident}: only a person confirms it")
        with self._store.write() as connection:
            row = connection.execute(select(table).where(table.c.id == ident)).one_or_none()
            if row is None:
                raise NotFound(f"there is no certificate {ident}")
            if row.closed_at is None or row.countersigned_at is not None:
                raise Conflict(f"certificate {ident} is {'still open' if row.closed_at is None else 'countersigned'}")
            if row.digest != _digest(row):
                raise IntegrityBroken(f"certificate {ident} was changed after it was closed")
            if any(actor.is_called(name) for name in _people(row)):
                raise PolicyRefused(
                    f"certificate {ident}: {actor.name} ran the purge by hand, and does not confirm it; another person"
                    " does, under a login of their own on this machine"
                )
            connection.execute(
                update(table)
                .where(table.c.id == ident)
                .values(
                    custodian=actor.name, countersigned_by=actor.name, countersigned_note=note or None,
                    countersigned_at=to_micros(self._clock.now()),
                )
            )  # fmt: skip
            self._audit.record(
                actor, COUNTERSIGN, Outcome.DONE, target=str(ident), within=connection,
                custodian=actor.name, note=note or None, digest=row.digest,
            )  # fmt: skip
            return _shown(connection.execute(select(table).where(table.c.id == ident)).one())


def certify(
    connection: Connection,
    actor: Actor,
    account: tuple[int, str],
    rule: tuple[str, str],
    policy_id: int | None,
    now: int,
    counts: Mapping[str, int],
    rows: str,
    captured: tuple[int, int] | None = None,
) -> None:
    """Add to the open certificate of an account (id, name) and a rule (id, clause) what this transaction destroys.

    `rows` is the digest of what is destroyed, chained batch after batch; `captured` is the first and last capture, and
    instants are microseconds. An `actor` who is a person is on the certificate, and does not confirm it later.
    """
    table = tables.certificates
    (ident, name), (rule_id, clause) = account, rule
    this = (table.c.connection_id == ident, table.c.rule == rule_id, table.c.closed_at.is_(None))
    row = connection.execute(select(table).where(*this)).one_or_none()
    if row is None:
        opened = insert(table).values(
            connection_id=ident,
            connection=name,
            rule=rule_id,
            clause=clause,
            policy_id=policy_id,
            opened_at=now,
            owner=_owner(connection, ident),
        )
        row = connection.execute(opened.returning(*table.c)).one()
    chained = sha256(f"{row.rows_digest}{rows}".encode()).hexdigest()
    people = sorted({*_people(row), *([actor.name] if actor.kind == "person" else [])})
    values: dict[str, Any] = {"destroyed_by": msgspec.json.encode(people).decode() if people else None}
    values |= {what: getattr(row, what) + count for what, count in counts.items()}
    if captured is not None:
        first, last = captured
        values["captured_first"] = first if row.captured_first is None else min(first, row.captured_first)
        values["captured_last"] = last if row.captured_last is None else max(last, row.captured_last)
    connection.execute(update(table).where(table.c.id == row.id).values(rows_digest=chained, **values))


def certified(row: Row[Any]) -> dict[str, Any]:
    """What a certificate says, as its digest is over it."""
    names = CERTIFIED if row.owner is None else (*CERTIFIED, OWNER)
    return {name: getattr(row, name) for name in names}


def digest_of(rows: Iterable[str]) -> str:
    """The digest of what is destroyed together: SHA-256 of its names, one a line, in the order of their code points."""
    return sha256("\n".join(sorted(rows)).encode()).hexdigest()


def close(connection: Connection, now: int, traces: Traces) -> list[dict[str, Any]]:
    """Close every open certificate at the end of the chain; gives the id and digest of each.

    `traces` is what becomes of the bytes that the rows left in the database's file.
    """
    table = tables.certificates
    last = select(func.max(table.c.id)).where(table.c.closed_at.is_not(None)).scalar_subquery()
    previous = connection.scalar(select(table.c.digest).where(table.c.id == last))
    closed = []
    for ident in connection.scalars(select(table.c.id).where(table.c.closed_at.is_(None)).order_by(table.c.id)).all():
        this = table.c.id == ident
        ended = update(table).where(this).values(closed_at=now, previous=previous, traces=traces).returning(*table.c)
        previous = _digest(connection.execute(ended).one())
        connection.execute(update(table).where(this).values(digest=previous))
        closed.append({"id": ident, "digest": previous})
    return closed


def _owner(connection: Connection, ident: int) -> str | None:
    """Whose a connection's data are, as its contract says; None where it has none, or it does not say so."""
    query = select(*COLUMNS).where(tables.connections.c.id == ident)
    row = connection.execute(query).one_or_none()
    contract = None if row is None else provenance_of(row).contract
    return None if contract is None else contract.owner


def _people(row: Row[Any]) -> list[str]:
    """Who destroyed by hand what a certificate is about."""
    names: list[str] = msgspec.json.decode(row.destroyed_by or "[]")
    return names


def _digest(row: Row[Any]) -> str:
    return digest_of_json(canonical_json(certified(row)))


def _shown(row: Row[Any]) -> dict[str, Any]:
    certificate = dict(row._mapping) | {"destroyed_by": _people(row)}
    return certificate | {name: from_micros(certificate[name]) for name in _INSTANTS if certificate[name] is not None}
