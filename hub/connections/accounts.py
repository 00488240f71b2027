"""`Connections`: add, check, list, schedule, pause and resume a vendor's account."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import msgspec
from sqlalchemy import Row, insert, select, update

from connectors.contract import Connector, Frame, Limits, abilities
from connectors.quality import rating
from connectors.registry import UnknownConnector
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.connections.agreed import WITH_IT, keep, written
from hub.connections.row import ACTIVE, PAUSED, REMOVED, row_of, settled
from hub.connections.same_source import SameSource
from hub.connections.secrets import closed, sealed, unsealed, validated
from hub.errors import AdminMustAct, Conflict, Faults, Invalid, NoConnector, NotFound
from hub.people import Actor
from hub.policy.contract import SourceContract
from hub.policy.provenance import Provenance
from hub.policy.rules import ORIGINS
from hub.ports import Registry
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.provenance import provenance_of
from hub.store.runs import last_done
from hub.store.vault import Vault

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=7)
LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Account:
    """One connection as the hub knows it; holds no secret. `every_seconds` is how often it is pulled."""

    id: int
    name: str
    connector: str
    agency: str
    kind: str
    state: str
    state_reason: str | None
    checkpoint: dict[str, Any]
    last_success: datetime | None
    every_seconds: int
    provenance: Provenance
    """Whose reads they are; without a vendor where nobody has said it yet (`hub.governing.sources`)."""


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
        registry: Registry,
        same_source: SameSource,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._vault = vault
        self._frame = frame
        self._agency = agency
        self._registry = registry
        self._same_source = same_source

    def kind(self, key: str) -> type[Connector[Any]]:
        """The connector class of a key; raises `NoConnector`, naming those there are."""
        try:
            return self._registry.connector(key)
        except UnknownConnector as unknown:
            raise NoConnector(str(unknown)) from None

    def free(self, name: str) -> None:
        """Return if a connection may have this name; raises `Invalid` for no name, and `Conflict` for a taken one."""
        if not name or len(name) > LONGEST_NAME or not all(char.isalnum() or char in "-_" for char in name):
            raise Invalid(f"name: {name!r} needs 1 to {LONGEST_NAME} letters, digits, hyphens or underscores")
        with self._store.read() as connection:
            self._free(connection, name)

    def add(
        self,
        actor: Actor,
        name: str,
        key: str,
        settings: dict[str, Any],
        *,
        check: bool = True,
        agency: str | None = None,
        contract: SourceContract | None = None,
        origin: str | None = None,
    ) -> str:
        """Save an account after its live check, and say what the check found.

        `agency` is whose account a person says it is, `contract` what was agreed with its source, `origin` of
        which kind it is where that is another than its connector's. Raises `Invalid` naming the setting or the agency,
        `Conflict` where the name is taken, `PolicyRefused` where another connection promises more of the same source
        (`SameSource`), a `ConnectorError` where the account does not work; nothing is saved then.
        """
        self.free(name)
        kind = self.kind(key)
        given = validated(kind, settings)
        if agency is not None:
            ours(self._agency, agency)
        if origin is not None and origin not in ORIGINS:
            raise Invalid(f"kind: must be one of {', '.join(ORIGINS)}")
        whose = Provenance(origin or kind.info.origin, kind.info.retention_vendor, contract)
        self._same_source.demand_kind(actor, name, whose._replace(origin=kind.info.origin), whose)
        self._same_source.demand(actor, Act.CONNECTIONS_ADD, name, key, given.model_dump(mode="json"), whose)
        outcome = live_check(kind, given, self._frame) if check else "not checked"
        now, document = to_micros(self._clock.now()), None if contract is None else written(contract)
        with self._store.write() as connection:
            self._free(connection, name)
            ident = connection.execute(
                insert(tables.connections)
                .values(
                    name=name,
                    connector=key,
                    kind=whose.origin,
                    retention_vendor=kind.info.retention_vendor,
                    agency=self._agency,
                    state=ACTIVE,
                    added_at=now,
                    contract=document,
                    **sealed(self._vault, name, given),
                )
                .returning(tables.connections.c.id)
            ).scalar_one()
            self._audit.record(actor, Act.CONNECTIONS_ADD, Outcome.DONE, target=name, within=connection, connector=key)
            if document is not None:
                keep(connection, ident, document, actor, now, WITH_IT, None)
                self._audit.record(
                    actor, Act.CONNECTIONS_CONTRACT, Outcome.DONE, target=name, within=connection,
                    contract=msgspec.json.decode(document),
                )  # fmt: skip
        return outcome

    def open(self, name: str) -> tuple[Account, Connector[Any]]:
        """An account and its connector, ready to talk; whoever asks the vendor anything closes it (`with connector:`).

        Raises `Removed` for one that was removed, `NotFound` for one that never was, `NoConnector` where this process
        does not have its connector, `AdminMustAct` where what is kept of it fits its connector no more.
        """
        with self._store.read() as connection:
            row = row_of(connection, name)
        kind = self.kind(row.connector)
        try:
            held = unsealed(self._vault, row)
            settings = validated(kind, held, kept=held)
        except Faults as wrong:
            raise AdminMustAct(
                f"the settings of {name} do not fit its connector any more: {wrong}. Mend them with alprhub connections"
                f" change {name} --set NAME=VALUE"
            ) from None
        return self._account(row, None, kind.info.retention_vendor), kind(settings, self._frame)

    def closed(self, row: Row[Any]) -> str | None:
        """Why the secrets of an account cannot be opened with this hub's key; None where they can."""
        return closed(self._vault, row)

    def demand_key(self) -> None:
        """Return if this hub's key opens every secret that it keeps; else raises `AdminMustAct` saying which key."""
        query = select(tables.connections).where(tables.connections.c.state != REMOVED)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(tables.connections.c.name)).all()
        if shut := [reason for row in rows if (reason := self.closed(row))]:
            raise AdminMustAct(shut[0] if len(shut) == 1 else f"{shut[0]}; so are those of {len(shut) - 1} more")

    def check(self, name: str) -> str:
        """What the live check of an account finds now, by one try."""
        connector = self.open(name)[1]
        return live_check(type(connector), connector.settings, self._frame)

    def list(self, *, removed: bool = False) -> list[Account]:
        """Every account, by name, with the last run that ended well; `removed` ones only where they are asked for."""
        accounts = tables.connections
        query = select(accounts).order_by(accounts.c.name)
        with self._store.read() as connection:
            last = last_done(connection)
            rows = connection.execute(query if removed else query.where(accounts.c.state != REMOVED)).all()
        return [self._account(row, last.get(row.id)) for row in rows]

    def schedule(self, actor: Actor, name: str, every: timedelta | None) -> int:
        """Say how often an account is pulled, or with None that the vendor's own pace holds; gives the seconds."""
        if every is not None and not SHORTEST <= every <= LONGEST:
            raise Invalid("every: from one minute to seven days")
        seconds = int(every.total_seconds()) if every else None
        with self._store.write() as connection:
            row = settled(connection, name)
            connection.execute(
                update(tables.connections).where(tables.connections.c.id == row.id).values(every_seconds=seconds)
            )
            pace = seconds or self._pace(row.connector)
            self._audit.record(
                actor,
                Act.CONNECTIONS_SCHEDULE,
                Outcome.DONE,
                target=name,
                within=connection,
                seconds=pace,
                own=every is None,
            )
        return pace

    def pause(self, actor: Actor, name: str, reason: str) -> None:
        """Stop an account from running until somebody resumes it."""
        self._set_state(actor, name, PAUSED, reason)

    def stop(self, actor: Actor, name: str, reason: str) -> None:
        """Pause an account because its vendor refuses it, while `actor` asked for something else; a person must act."""
        self._set_state(actor, name, PAUSED, reason, by_hub=True)

    def resume(self, actor: Actor, name: str, *, check: bool = True) -> str:
        """Let an account run again once its live check has found that it works, and say what it found.

        Raises a `ConnectorError` where it does not work; it stays paused then.
        """
        with self._store.read() as connection:
            settled(connection, name)
        outcome = self.check(name) if check else "not checked"
        self._set_state(actor, name, ACTIVE, None)
        return outcome

    def _set_state(self, actor: Actor, name: str, state: str, reason: str | None, *, by_hub: bool = False) -> None:
        with self._store.write() as connection:
            row = settled(connection, name)
            connection.execute(
                update(tables.connections)
                .where(tables.connections.c.id == row.id)
                .values(state=state, state_reason=reason, paused_by_hub=by_hub)
            )
            self._audit.record(
                actor,
                Act.CONNECTIONS_ACTIVE if state == ACTIVE else Act.CONNECTIONS_PAUSED,
                Outcome.DONE,
                target=name,
                within=connection,
                why_paused=reason,
                by_hub=by_hub,
            )

    def _free(self, connection: Any, name: str) -> None:
        table = tables.connections
        states = dict(connection.execute(select(table.c.name, table.c.state)).tuples().all())
        if name not in states:
            return
        free = next(other for number in count(2) if (other := f"{name[: LONGEST_NAME - 8]}-{number}") not in states)
        if states[name] == REMOVED:
            raise Conflict(
                f"there was a connection called {name!r}, and reads and a certificate still name it (alprhub"
                f" connections certificate {name}): give the new one another name, such as {free}"
            )
        raise Conflict(
            f"there is a connection called {name!r} already (alprhub connections show {name}): change that one with"
            f" alprhub connections change {name}, or give the new one another name, such as {free}"
        )

    def _pace(self, key: str) -> int:
        try:
            limits = self.kind(key).info.limits
        except NotFound:
            limits = Limits()
        return int(limits.every.total_seconds())

    def _account(self, row: Row[Any], last: int | None, vendor: str = "") -> Account:
        return Account(
            id=row.id,
            name=row.name,
            connector=row.connector,
            agency=row.agency,
            kind=row.kind,
            state=row.state,
            state_reason=row.state_reason,
            checkpoint=msgspec.json.decode(row.checkpoint) if row.checkpoint else {},
            last_success=from_micros(last) if last else None,
            every_seconds=row.every_seconds or self._pace(row.connector),
            provenance=provenance_of(row, vendor),
        )


def live_check(kind: type[Connector[Any]], settings: Any, frame: Frame) -> str:
    """What the live check of an account finds, without retries: somebody waits for the answer."""
    with kind(settings, replace(frame, once=True)) as connector:
        return connector.check()


def ours(agency: str, claimed: str) -> None:
    """Return if somebody named this hub's agency; raises `Invalid` for no name and for another's."""
    if not claimed.strip():
        raise Invalid(f"agency: say whose account it is; this hub is that of {agency!r}")
    if claimed.strip() != agency:
        raise Invalid(f"agency: {claimed.strip()!r} is not {agency!r}, whose hub this is")


def describe(key: str, kind: type[Connector[Any]]) -> dict[str, Any]:
    """What a connector is and can do, for lists and pages; `tier` is None where nobody here has checked it."""
    info, grade = kind.info, rating(key)
    return {
        "key": key,
        "name": info.name,
        "company": info.company,
        "tier": grade.tier if grade else None,
        "lacks": list(grade.lacks) if grade else [],
        "evidence": info.evidence.value,
        "abilities": list(abilities(kind)),
        "known_limits": list(info.known_limits),
    }
