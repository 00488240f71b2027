"""A connection's settings as they are kept: what is secret sealed, the rest as JSON."""

from collections.abc import Collection, Mapping
from typing import Any, Final, get_args

import msgspec
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from sqlalchemy import Row, func, select

from connectors.contract import Connector, Settings
from connectors.faults import faults
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import AdminMustAct, Faults, IntegrityBroken
from hub.people import Actor
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.vacuum import owe
from hub.store.vault import LOG, Vault

_SIGNING: Final = tables.audit_keys


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is a secret, required or not."""
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def secret_names(kind: type[Connector[Any]]) -> tuple[str, ...]:
    """The settings of a connector that are secret."""
    return tuple(name for name, field in kind.Settings.model_fields.items() if is_secret(field))


def validated(kind: type[Connector[Any]], settings: Mapping[str, Any], kept: Collection[str] = ()) -> Settings:
    """The settings as the connector wants them; raises `Faults` naming every one that cannot be used.

    Those that are `kept` were taken before, and what is only asked of new ones is not asked of them.
    """
    try:
        return kind.Settings.model_validate(settings, context={"kept": kept})
    except ValidationError as wrong:
        raise Faults("", list(map(str, faults(wrong, kind.Settings, kind.info.key)))) from None


def refused(kind: type[Connector[Any]], settings: dict[str, Any]) -> tuple[str, ...]:
    """The names of the settings that cannot be used or are missing, unknown ones too; those that `validated` tells."""
    try:
        kind.Settings.model_validate(settings)
    except ValidationError as wrong:
        places = [fault["loc"] for fault in wrong.errors(include_url=False, include_input=False, include_context=False)]
        return tuple(dict.fromkeys(str(place[0]) for place in places if place))
    return ()


def sealed(vault: Vault, name: str, settings: Settings) -> dict[str, Any]:
    """The columns that keep the settings; call it in the transaction that writes them.

    Another process may have renewed the key, and what is sealed under one that is gone could never be opened again.
    """
    vault.refresh()
    secret = {
        field: value.get_secret_value()
        for field in type(settings).model_fields
        if isinstance(value := getattr(settings, field), SecretStr)
    }
    plain = settings.model_dump(mode="json", exclude=set(secret))
    return {
        "settings": msgspec.json.encode(plain).decode(),
        "sealed": vault.seal(msgspec.json.encode(secret), name),
        "sealed_key": vault.key_id,
    }


def owners(store: Store) -> list[str]:
    """The connections that have secrets, which nothing opens but the key that they are sealed under."""
    accounts, longer = tables.connections, Vault.length(b"{}")
    with store.read() as connection:
        query = select(accounts.c.name).where(func.length(accounts.c.sealed) > longer).order_by(accounts.c.name)
        return list(connection.scalars(query))


def unsealed(vault: Vault, row: Row[Any]) -> dict[str, Any]:
    """Every setting of a connection, secrets in the clear; raises `AdminMustAct` where the key is another."""
    secrets: dict[str, Any] = {} if _holds_none(vault, row) else msgspec.json.decode(_secrets(vault, row))
    return {**msgspec.json.decode(row.settings), **secrets}


def closed(vault: Vault, row: Row[Any]) -> str | None:
    """Why the secrets of a connection cannot be opened with this hub's key; None where they can, or it has none."""
    try:
        if row.sealed and not _holds_none(vault, row):
            _secrets(vault, row)
    except (IntegrityBroken, AdminMustAct) as broken:
        return str(broken)
    return None


def _secrets(vault: Vault, row: Row[Any]) -> bytes:
    return vault.open(row.sealed, row.name, row.sealed_key)


def _holds_none(vault: Vault, row: Row[Any]) -> bool:
    """Whether nothing is sealed there, told by its length alone: such a connection works without the key."""
    return len(row.sealed) == vault.length(b"{}")


class Sealing:
    """Renews what secrets are sealed under."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._vault = vault

    def reseal(self, actor: Actor) -> tuple[int, str]:
        """Seal every secret anew, under a new key where the hub makes its keys itself, else under the one that is set.

        Gives how many connections there were, and the id of the key that opens them now. All of them or none: raises
        `IntegrityBroken` naming the connection whose secrets do not open, and changes nothing. Safe to kill and repeat.
        """
        accounts = tables.connections
        with self._store.write() as connection:
            rows = connection.execute(select(accounts).where(accounts.c.sealed != b"").order_by(accounts.c.name)).all()
            self._vault.refresh()
            opened = [(row, b"{}" if _holds_none(self._vault, row) else _secrets(self._vault, row)) for row in rows]
            signing = [
                (row, self._vault.open(row.sealed, LOG, row.sealed_key))
                for row in connection.execute(select(_SIGNING)).all()
            ]
            if self._vault.makes_its_keys:
                self._vault.renew()
            for row, secret in opened:
                connection.execute(
                    accounts.update()
                    .where(accounts.c.id == row.id)
                    .values(sealed=self._vault.seal(secret, row.name), sealed_key=self._vault.key_id)
                )
            for row, seed in signing:
                connection.execute(
                    _SIGNING.update()
                    .where(_SIGNING.c.id == row.id)
                    .values(sealed=self._vault.seal(seed, LOG), sealed_key=self._vault.key_id)
                )
            self._audit.record(
                actor,
                Act.CONNECTIONS_RESEAL,
                Outcome.DONE,
                results=len(rows),
                within=connection,
                key=self._vault.key_id,
            )
            owe(connection, to_micros(self._clock.now()))
        self._vault.forget()
        self._store.squeeze()
        return len(rows), self._vault.key_id
