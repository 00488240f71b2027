"""`Checkpoints`: the audit log as it was at some moments, signed; what others keep of them, nobody changes unseen."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import insert, select

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.audit.verification import Copy, LogFault, Verification, Verified
from hub.clock import Clock
from hub.errors import IntegrityBroken
from hub.people import Actor
from hub.proofs.kept import KeptLog
from hub.proofs.signing import LogKeys
from hub.store import tables
from hub.store.audit_rows import head
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.transparency.checkpoint import Checkpoint, opened, verifier_key
from hub.transparency.tree import ProofBroken

_TABLE = tables.audit_checkpoints


@dataclass(frozen=True, slots=True)
class SignedLog:
    """A checkpoint: how many events the log had, when it was signed, and the note that proves it."""

    size: int
    at: datetime
    note: str


class Checkpoints:
    """Signs the audit log as it is, and holds it against what was signed."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, keys: LogKeys, agency: str) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._keys = keys
        self._origin = f"alprhub audit log of {agency}"

    @property
    def key(self) -> str:
        """The public key by which others check what is signed now, as they write it down."""
        return verifier_key(self._origin, self._keys.current().public_key())

    def sign(self) -> SignedLog:
        """Sign the log as it is, with all that waited; one that did not grow is signed once."""
        key = self._keys.current()
        self._audit.carry()
        with self._store.read_log() as connection:
            tree = head(connection)
        with self._store.write() as connection:
            there = connection.execute(select(_TABLE).where(_TABLE.c.size == tree.size)).first()
            if there is None:
                now = to_micros(self._clock.now())
                note = Checkpoint(self._origin, tree.size, tree.root).signed(key)
                connection.execute(insert(_TABLE).values(size=tree.size, at=now, note=note))
                return SignedLog(tree.size, from_micros(now), note)
        try:
            is_ours = _opened(there.note, self._keys.public()).root == tree.root
        except ProofBroken:
            is_ours = False
        if not is_ours:
            raise IntegrityBroken(
                f"what is kept as the signature over {tree.size:,} events of the audit log is none of this hub's:"
                " alprhub audit verify"
            )
        return SignedLog(there.size, from_micros(there.at), there.note)

    def signed(self, actor: Actor) -> SignedLog:
        """The same for a person who asks, which is on record before, and so in it."""
        self._audit.record(actor, Act.AUDIT_CHECKPOINT, Outcome.DONE)
        return self.sign()

    def list(self, limit: int = 100) -> list[SignedLog]:
        """The newest checkpoints, newest first."""
        with self._store.read() as connection:
            rows = connection.execute(select(_TABLE).order_by(_TABLE.c.size.desc()).limit(limit)).all()
        return [SignedLog(row.size, from_micros(row.at), row.note) for row in rows]

    def keep(self, after: int = 0) -> KeptLog:
        """What others should keep: the log signed as it is, and the hashes of all events after that number."""
        signed = self.sign()
        leaves = select(tables.audit.c.leaf).where(tables.audit.c.id > after, tables.audit.c.id <= signed.size)
        with self._store.read_log() as connection:
            hashes = b"".join(map(bytes, connection.scalars(leaves.order_by(tables.audit.c.id))))
        return KeptLog(signed.note, Copy(after + 1, hashes))

    def verify(self, actor: Actor, kept: Sequence[KeptLog] = (), trusted: Sequence[Ed25519PublicKey] = ()) -> Verified:
        """Hold every event against its hash and its place, and the log against each checkpoint that was ever signed.

        `kept` is what somebody else kept; `trusted` are the public keys that came from elsewhere, which are believed
        instead of those in the database. What came of it goes on record.
        """
        keys = trusted or self._keys.public()
        with self._store.read() as connection:
            ours = list(connection.scalars(select(_TABLE.c.note).order_by(_TABLE.c.size)))
        checkpoints, broken = list[Checkpoint](), list[LogFault]()
        for note in [*ours, *(each.note for each in kept)]:
            try:
                checkpoints.append(_opened(note, keys))
            except ProofBroken as failed:
                broken.append(LogFault("signature", None, str(failed)))
        self._audit.carry()
        found = Verification(self._store, checkpoints, [each.copy for each in kept]).run()
        found = found._replace(faults=(*broken, *found.faults), many=found.many + len(broken))
        self._audit.record(
            actor, Act.AUDIT_VERIFY, Outcome.DONE if found.whole else Outcome.DIFFERS, results=found.size,
            faults=found.many, first=found.faults[0].said if found.faults else None,
        )  # fmt: skip
        return found


def _opened(note: str, keys: Sequence[Ed25519PublicKey]) -> Checkpoint:
    """What a note says, signed with any of the keys; raises `ProofBroken`."""
    for key in keys[:-1]:
        with suppress(ProofBroken):
            return opened(note, key)
    if not keys:
        raise ProofBroken("there is no key to check a checkpoint with")
    return opened(note, keys[-1])
