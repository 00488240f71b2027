"""`Connections`: add, check, list, pause, resume and remove a vendor's account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from pydantic import SecretStr, ValidationError
from sqlalchemy import Connection, Row, func, insert, select, update

from connectors.contract import Connector, Frame, Settings, abilities
from connectors.registry import UnknownConnector, connector
from hub.audit.record import Actor, Audit
from hub.clock import Clock
from hub.errors import Conflict, Invalid, NotFound
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.vault import Vault

ACTIVE, PAUSED = "active", "paused"


@dataclass(frozen=True, slots=True)
class Account:
    """One connection as the hub knows it; holds no secret."""

    id: int
    name: str
    connector: str
    agency: str
    state: str
    state_reason: str | None
    checkpoint: dict[str, Any]
    last_success: datetime | None


class Connections:
    """The configured accounts."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        vault: Vault,
        frame: Frame,
        agency: str,
        allowed: tuple[str, ...],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._vault = vault
        self._frame = frame
        self._agency = agency
        self._allowed = allowed

    def kind(self, key: str) -> type[Connector[Any]]:
        """The connector class of a key; raises `NotFound`, naming those there are."""
        try:
            return connector(key, self._allowed)
        except UnknownConnector as unknown:
            raise NotFound(str(unknown)) from None

    def add(self, actor: Actor, name: str, key: str, settings: dict[str, Any], *, check: bool = True) -> str:
        """Save an account after its live check, and say what the check found.

        Raises `Invalid` naming the setting, `Conflict` where the name is taken, a `ConnectorError` where the account
        does not work; nothing is saved then.
        """
        if not name or len(name) > 60 or not all(char.isalnum() or char in "-_" for char in name):
            raise Invalid("name: needs 1 to 60 letters, digits, hyphens or underscores")
        kind = self.kind(key)
        given = _validated(kind, settings)
        said = kind(given, self._frame).check() if check else "not checked"
        with self._store.write() as connection:
            if connection.scalar(select(tables.connections.c.id).where(tables.connections.c.name == name)):
                raise Conflict(f"there is a connection called {name!r} already")
            plain, sealed = self._seal(name, given)
            connection.execute(
                insert(tables.connections).values(
                    name=name,
                    connector=key,
                    kind=kind.info.origin,
                    agency=self._agency,
                    settings=plain,
                    sealed=sealed,
                    state=ACTIVE,
                    added_at=to_micros(self._clock.now()),
                )
            )
            self._audit.record(actor, "connections.add", "done", target=name, within=connection, connector=key)
        return said

    def open(self, name: str) -> tuple[Account, Connector[Any]]:
        """An account and its connector, ready to talk."""
        with self._store.read() as connection:
            row = self._row(connection, name)
        kind = self.kind(row.connector)
        secrets = msgspec.json.decode(self._vault.open(row.sealed, row.name))
        settings = kind.Settings.model_validate({**msgspec.json.decode(row.settings), **secrets})
        return _account(row, None), kind(settings, self._frame)

    def check(self, name: str) -> str:
        """What the live check of an account finds now."""
        return self.open(name)[1].check()

    def list(self) -> list[Account]:
        """Every account, by name, with the last run that ended well."""
        runs = tables.runs
        with self._store.read() as connection:
            last = {
                row[0]: row[1]
                for row in connection.execute(
                    select(runs.c.connection_id, func.max(runs.c.ended_at))
                    .where(runs.c.outcome == "done")
                    .group_by(runs.c.connection_id)
                )
            }
            rows = connection.execute(select(tables.connections).order_by(tables.connections.c.name)).all()
        return [_account(row, last.get(row.id)) for row in rows]

    def pause(self, actor: Actor, name: str, reason: str) -> None:
        """Stop an account from running until somebody resumes it."""
        self._set_state(actor, name, PAUSED, reason)

    def resume(self, actor: Actor, name: str) -> None:
        """Let an account run again."""
        self._set_state(actor, name, ACTIVE, None)

    def remove(self, actor: Actor, name: str) -> None:
        """Forget an account that holds nothing any more.

        Raises `Conflict` while reads, quarantined records or hot lists of it are left: they must be purged or
        withdrawn first, or nobody could answer for them.
        """
        with self._store.write() as connection:
            row = self._row(connection, name)
            for table, what in ((tables.ledger, "reads"), (tables.quarantine, "quarantined records")):
                if connection.scalar(select(table.c.connection_id).where(table.c.connection_id == row.id).limit(1)):
                    raise Conflict(f"{name} still has {what}: pause it until they have expired and been purged")
            if connection.scalar(
                select(tables.publications.c.hotlist_id).where(tables.publications.c.connection_id == row.id).limit(1)
            ):
                raise Conflict(f"{name} still holds hot lists: publish them empty there first")
            for table in (tables.runs, tables.cameras, tables.dictionaries):
                connection.execute(table.delete().where(table.c.connection_id == row.id))
            connection.execute(tables.connections.delete().where(tables.connections.c.id == row.id))
            self._audit.record(actor, "connections.remove", "done", target=name, within=connection)

    def _set_state(self, actor: Actor, name: str, state: str, reason: str | None) -> None:
        with self._store.write() as connection:
            row = self._row(connection, name)
            connection.execute(
                update(tables.connections)
                .where(tables.connections.c.id == row.id)
                .values(state=state, state_reason=reason)
            )
            self._audit.record(actor, f"connections.{state}", "done", target=name, within=connection, why_paused=reason)

    def _row(self, connection: Connection, name: str) -> Row[Any]:
        row = connection.execute(select(tables.connections).where(tables.connections.c.name == name)).one_or_none()
        if row is None:
            raise NotFound(f"there is no connection called {name!r}")
        return row

    def _seal(self, name: str, settings: Settings) -> tuple[str, bytes]:
        plain, secret = {}, {}
        for field in type(settings).model_fields:
            value = getattr(settings, field)
            if isinstance(value, SecretStr):
                secret[field] = value.get_secret_value()
            else:
                plain[field] = value
        dumped = type(settings).model_validate({**plain, **secret}).model_dump(mode="json", include=set(plain))
        return msgspec.json.encode(dumped).decode(), self._vault.seal(msgspec.json.encode(secret), name)


def describe(key: str, kind: type[Connector[Any]]) -> dict[str, Any]:
    """What a connector is and can do, for lists and pages."""
    info = kind.info
    return {
        "key": key,
        "name": info.name,
        "company": info.company,
        "evidence": info.evidence.value,
        "abilities": list(abilities(kind)),
        "known_limits": list(info.known_limits),
    }


def _validated(kind: type[Connector[Any]], settings: dict[str, Any]) -> Settings:
    try:
        return kind.Settings.model_validate(settings)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "settings"
        raise Invalid(f"{where}: {first['msg']}") from None


def _account(row: Row[Any], last: int | None) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        connector=row.connector,
        agency=row.agency,
        state=row.state,
        state_reason=row.state_reason,
        checkpoint=msgspec.json.decode(row.checkpoint) if row.checkpoint else {},
        last_success=from_micros(last) if last else None,
    )
