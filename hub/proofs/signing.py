"""`LogKeys`: the keys that sign checkpoints of the audit log; what is private of them is sealed."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, insert, select

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import AdminMustAct, IntegrityBroken
from hub.people import Actor
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.vault import LOG, Vault

_KEYS: Final = tables.audit_keys
_LOST: Final = (
    "the key that signs the audit log cannot be opened: {}. If the key of the vault is lost for good, begin another"
    " key, and hand its public part to whoever keeps the log's checkpoints: alprhub audit renew-key --reason WHY"
)


class LogKeys:
    """Gives the key that signs, and those that ever did."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._vault = vault

    def current(self) -> Ed25519PrivateKey:
        """The key that signs now, which is made where there is none yet; raises `AdminMustAct` where it is lost."""
        newest = select(_KEYS).order_by(_KEYS.c.id.desc()).limit(1)
        with self._store.read() as connection:
            row = connection.execute(newest).first()
        if row is None:
            with self._store.write() as connection:
                row = connection.execute(newest).first()  # another process may have been first
                if row is None:
                    return self._made(connection)
        try:
            return Ed25519PrivateKey.from_private_bytes(self._vault.open(row.sealed, LOG, row.sealed_key))
        except (AdminMustAct, IntegrityBroken) as closed:
            raise AdminMustAct(_LOST.format(closed)) from None

    def renew(self, actor: Actor, reason: str) -> Ed25519PublicKey:
        """Begin another key; what was signed before stays checkable with the one before."""
        with self._store.write() as connection:
            key = self._made(connection)
            public = key.public_key()
            self._audit.record(
                actor, Act.AUDIT_KEY, Outcome.DONE, within=connection, reason=reason,
                public=public.public_bytes_raw().hex(),
            )  # fmt: skip
        return public

    def public(self) -> list[Ed25519PublicKey]:
        """The public part of every key that ever signed, the newest first."""
        with self._store.read() as connection:
            rows = connection.scalars(select(_KEYS.c.public).order_by(_KEYS.c.id.desc()))
            return [Ed25519PublicKey.from_public_bytes(bytes(public)) for public in rows]

    def _made(self, connection: Connection) -> Ed25519PrivateKey:
        key = Ed25519PrivateKey.generate()
        self._vault.refresh()
        connection.execute(
            insert(_KEYS).values(
                public=key.public_key().public_bytes_raw(), sealed=self._vault.seal(key.private_bytes_raw(), LOG),
                sealed_key=self._vault.key_id, made_at=to_micros(self._clock.now()),
            )
        )  # fmt: skip
        return key
