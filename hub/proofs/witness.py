"""`Witness`: somebody outside gets the audit log's checkpoints and the hashes of its events, by every way that is set.

What lies with them nobody here can change. Each document goes on from the last one that is proved to have arrived.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Row, func, insert, select

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.outgoing import NotSent
from hub.people import Actor
from hub.proofs.checkpoints import Checkpoints
from hub.proofs.recipients import SHOWN, Arrived, Letter, Recipient
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

DOING: Final = "checkpoints of the audit log are being brought to their witness"
_TABLE: Final = tables.audit_deliveries


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One try to bring events `first` to `size` of the log to a witness; `proof` is None where it did not arrive."""

    way: str
    first: int
    size: int
    at: datetime
    sha256: str
    place: str | None
    proof: str | None
    error: str | None


class Witness:
    """Brings what proves the log to those who keep it."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        checkpoints: Checkpoints,
        places: Sequence[Recipient],
        agency: str,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._checkpoints = checkpoints
        self._places = places
        self._agency = agency

    def run(self) -> list[Witnessed]:
        """Sign the log as it is, and bring it by each way to whoever has not got it; gives each try.

        One way's failure keeps no other waiting. Safe to kill and to repeat. Raises what `Checkpoints.sign` raises.
        """
        size = self._checkpoints.sign().size
        if not self._places:
            return []
        with self._store.lease("witness", DOING):
            return [self._bring(place, had) for place in self._places if (had := self._had(place.way, size)) < size]

    def deliver(self, actor: Actor) -> list[Witnessed]:
        """The same for a person who asks, which is on record before."""
        self._audit.record(actor, Act.AUDIT_DELIVER, Outcome.ASKED)
        return self.run()

    def list(self, limit: int = 100) -> list[Witnessed]:
        """The newest tries, newest first."""
        with self._store.read() as connection:
            rows = connection.execute(select(_TABLE).order_by(_TABLE.c.id.desc()).limit(limit)).all()
        return [_shown(row) for row in rows]

    def _had(self, way: str, size: int) -> int:
        """How many events a witness has, by what is proved; what is said of more than there are is not believed."""
        proved = (_TABLE.c.way == way, _TABLE.c.proof.is_not(None), _TABLE.c.size <= size)
        arrived = select(func.max(_TABLE.c.size)).where(*proved)
        with self._store.read() as connection:
            return connection.scalar(arrived) or 0

    def _bring(self, place: Recipient, had: int) -> Witnessed:
        kept = self._checkpoints.keep(had)
        body, now = kept.document, to_micros(self._clock.now())
        digest = sha256(body).hexdigest()
        arrived: Arrived | None = None
        error: str | None = None
        try:
            arrived = place.deliver(_letter(body, digest, kept.copy.first, kept.size, now, self._agency))
        except NotSent as failed:
            error = str(failed)
        values: dict[str, Any] = {
            "way": place.way, "first": kept.copy.first, "size": kept.size, "at": now, "sha256": digest,
            "place": arrived.place if arrived else None, "proof": arrived.proof if arrived else None, "error": error,
        }  # fmt: skip
        with self._store.write() as connection:
            connection.execute(insert(_TABLE).values(**values))
        return Witnessed(**{**values, "at": from_micros(now)})


def _letter(body: bytes, digest: str, first: int, size: int, made_at: int, agency: str) -> Letter:
    return Letter(
        "audit-log", body, digest, f"audit-log-{first:09}-{size:09}-{digest[:SHOWN]}.json", made_at,
        f"{agency}: audit log, events {first} to {size}",
        "Keep this mail and its file where nobody of the agency can change it.\n\n"
        f"It has a signed checkpoint of the agency's audit log, and the hashes of events {first} to {size}. It says"
        " nothing of what was done, and finds whatever is changed later. It says itself how.\n\n"
        f"SHA-256 of the file: {digest}\n",
    )  # fmt: skip


def _shown(row: Row[Any]) -> Witnessed:
    values = {name: value for name, value in row._mapping.items() if name != "id"}
    return Witnessed(**{**values, "at": from_micros(row.at)})
