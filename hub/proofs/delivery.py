"""`Deliveries`: every closed certificate gets to the custodian of records, by every way that is set, until it is
proved.

A letter is in the database, with its digest, before it leaves; what could not be proved is tried again with every
purge, as the same bytes. What is proved has its time, its place and what proves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.outgoing import NotSent
from hub.people import Actor
from hub.proofs.handover import Handover
from hub.proofs.recipients import SHOWN, Arrived, Letter, Recipient, one_line
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

DOING: Final = "certificates are being brought to the custodian of records"
_TABLE: Final = tables.certificate_deliveries


@dataclass(frozen=True, slots=True)
class Delivery:
    """One letter by one way: which certificates, the digest of the document, and what became of it.

    `delivered_at` is None until `proof` says that it arrived; `error` is what the last try found in the way.
    """

    id: int
    way: str
    custodian: str
    first_id: int
    last_id: int
    certificates: int
    sha256: str
    made_at: datetime
    tries: int
    tried_at: datetime | None
    delivered_at: datetime | None
    place: str | None
    proof: str | None
    error: str | None


class Deliveries:
    """Brings certificates to the custodian of records."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        handover: Handover,
        places: Sequence[Recipient],
        agency: str,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._handover = handover
        self._places = places
        self._agency = agency

    def run(self, actor: Actor) -> Sequence[Delivery]:
        """Try whatever is not proved yet, by each way that is set; gives every letter that was tried, as it is now.

        Does nothing where no way is set. One way's failure keeps no other waiting. Safe to kill and to repeat: the same
        letter is the same file, object and mail. Raises `IntegrityBroken` where the chain of certificates is not whole.
        """
        if not self._places:
            return []
        with self._store.lease("deliveries", DOING):
            tried = {ident for place in self._places for ident in self._through(actor, place)}
        with self._store.read() as connection:
            rows = connection.execute(select(*_COLUMNS).where(_TABLE.c.id.in_(tried)).order_by(_TABLE.c.id)).all()
        return [_shown(row) for row in rows]

    def faults(self) -> dict[str, str]:
        """What stands in the way of a place that is set, by its way, as far as that is seen without a letter."""
        found: dict[str, str] = {}
        for place in self._places:
            try:
                place.look()
            except NotSent as failed:
                found[place.way] = str(failed)
        return found

    def certified(self) -> bool:
        """Whether there is a closed certificate, which could be delivered."""
        closed = select(tables.certificates.c.id).where(tables.certificates.c.closed_at.is_not(None)).limit(1)
        with self._store.read() as connection:
            return connection.scalar(closed) is not None

    def list(self, limit: int = 100) -> Sequence[Delivery]:
        """The newest letters, newest first."""
        with self._store.read() as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(_TABLE.c.id.desc()).limit(limit)).all()
        return [_shown(row) for row in rows]

    def _through(self, actor: Actor, place: Recipient) -> Sequence[int]:
        self._write(actor, place.way)
        waiting = select(_TABLE).where(_TABLE.c.way == place.way, _TABLE.c.delivered_at.is_(None)).order_by(_TABLE.c.id)
        with self._store.read() as connection:
            rows = connection.execute(waiting).all()
        for row in rows:
            self._try(actor, place, row)
        return [row.id for row in rows]

    def _write(self, actor: Actor, way: str) -> None:
        """Keep one letter with every closed certificate that no letter of this way has."""
        certificates = tables.certificates
        with self._store.read() as connection:
            last = connection.scalar(select(func.max(_TABLE.c.last_id)).where(_TABLE.c.way == way)) or 0
            closed = select(func.max(certificates.c.id)).where(certificates.c.closed_at.is_not(None))
            newest = connection.scalar(closed) or 0
        if newest <= last:
            return
        handed = self._handover.compose(actor, last)
        with self._store.write() as connection:
            connection.execute(
                insert(_TABLE).values(
                    way=way, custodian=handed.custodian, first_id=handed.first_id, last_id=handed.last_id,
                    certificates=handed.certificates, sha256=handed.sha256, document=handed.body,
                    made_at=to_micros(self._clock.now()),
                )
            )  # fmt: skip

    def _try(self, actor: Actor, place: Recipient, row: Row[Any]) -> None:
        """Bring one letter there, on record before it leaves, and keep what proves it or what stood in the way."""
        told = {"way": row.way, "first_id": row.first_id, "last_id": row.last_id, "sha256": row.sha256}
        target = row.custodian
        self._audit.record(actor, Act.CERTIFICATES_DELIVER, Outcome.ASKED, target=target, **told)
        arrived: Arrived | None = None
        try:
            arrived = place.deliver(_letter(row, self._agency))
        except NotSent as failed:
            error = str(failed)
        now = to_micros(self._clock.now())
        values: dict[str, Any] = {"tries": row.tries + 1, "tried_at": now}
        if arrived is None:
            values |= {"error": error}
        else:
            # The document can be made again from the certificates; its digest stays.
            values |= {"delivered_at": now, "document": None, "error": None, **arrived._asdict()}
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(**values))
            if arrived is None:
                self._audit.record(
                    actor, Act.CERTIFICATES_DELIVER, Outcome.FAILED, target=target, within=connection, **told,
                    error=error,
                )  # fmt: skip
            else:
                self._audit.record(
                    actor, Act.CERTIFICATES_DELIVER, Outcome.DONE, target=target, results=row.certificates,
                    within=connection, **told, **arrived._asdict(),
                )  # fmt: skip


def _letter(row: Row[Any], agency: str) -> Letter:
    return Letter(
        "certificates", bytes(row.document), row.sha256,
        f"certificates-{row.first_id:06}-{row.last_id:06}-{row.sha256[:SHOWN]}.json", row.made_at,
        f"{agency}: certificates of destruction {row.first_id} to {row.last_id}",
        f"For the {one_line(row.custodian)}.\n\n"
        f"The attached file has {row.certificates} certificates of destruction, number {row.first_id} to"
        f" {row.last_id}.\nIt says itself how to verify it, with nothing but SHA-256 and JSON.\n\n"
        f"SHA-256 of the file: {row.sha256}\n\n"
        "Confirm each of them on the hub, under your own login:\n\n"
        "    alprhub retention certificates --countersign NUMBER\n",
    )  # fmt: skip


_COLUMNS: Final = [_TABLE.c[name] for name in Delivery.__dataclass_fields__]
_INSTANTS: Final = ("made_at", "tried_at", "delivered_at")


def _shown(row: Row[Any]) -> Delivery:
    values = dict(row._mapping)
    return Delivery(**values | {name: from_micros(values[name]) for name in _INSTANTS if values[name] is not None})
