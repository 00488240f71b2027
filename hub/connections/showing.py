"""`Showing`: one connection whole: its settings without secrets, its state and pace, its last run, its reads' life."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select

from connectors.contract import abilities
from hub.clock import Clock
from hub.connections.accounts import Connections
from hub.connections.agreed import in_words
from hub.connections.row import row_of
from hub.connections.secrets import secret_names, unsealed
from hub.errors import PolicyRefused
from hub.governing.in_force import Governing
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.runs import AHEAD
from hub.store.vault import Vault
from hub.store.wanted import not_allowed


@dataclass(frozen=True, slots=True)
class LastRun:
    """A run, under way or over: what it asked for and what came of it."""

    started_at: datetime
    ended_at: datetime | None
    outcome: str
    error: str | None
    pulled: int
    stored: int
    duplicates: int
    quarantined: int
    born_expired: int
    hits: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A connection. `settings` has no secret; `secrets` says of each whether it is set; `lives` is None without a rule.

    `every_seconds` is how often it is pulled, `own_pace` whether an admin said so. `lives` is the period that its reads
    live for, as people say it, with the `rule` and the `clause` that say so, and `contract` what was agreed with its
    source.
    """

    connection: str
    connector: str
    vendor: str
    agency: str
    kind: str
    state: str
    state_reason: str | None
    added_at: datetime
    every_seconds: int
    own_pace: bool
    abilities: tuple[str, ...]
    settings: dict[str, Any]
    secrets: dict[str, bool]
    checkpoint: dict[str, Any]
    checkpoint_at: datetime | None
    files_taken: int
    last_success: datetime | None
    last_run: LastRun | None
    picture_hosts_not_allowed: dict[str, int]
    lives: str | None
    rule: str | None
    clause: str | None
    contract: str | None


class Showing:
    """Shows configured accounts."""

    def __init__(
        self, store: Store, clock: Clock, vault: Vault, connections: Connections, governing: Governing
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._connections = connections
        self._governing = governing

    def of(self, name: str) -> Shown:
        """A connection that was not removed; raises `NotFound`, and `IntegrityBroken` where its secrets do not open."""
        runs = tables.runs
        with self._store.read() as connection:
            row = row_of(connection, name)
            last = connection.execute(
                select(runs).where(runs.c.connection_id == row.id, runs.c.outcome != AHEAD)
                .order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)
            ).one_or_none()  # fmt: skip
            elsewhere = not_allowed(connection, row.id, to_micros(self._clock.now()))
            files = tables.taken_files
            taken = (
                connection.scalar(select(func.count()).where(files.c.connection_id == row.id, files.c.fault.is_(None)))
                or 0
            )
        account = next(listed for listed in self._connections.list() if listed.name == name)
        kind = self._connections.kind(row.connector)
        held, hidden = unsealed(self._vault, row), secret_names(kind)
        lives = rule = clause = None
        agreed = account.provenance.contract
        try:
            rule_in_force = self._governing.profile().rule_for(*account.provenance)
            lives, rule, clause = rule_in_force.keep.words(), rule_in_force.id, rule_in_force.clause
        except PolicyRefused:
            pass
        return Shown(
            connection=name,
            connector=row.connector,
            vendor=kind.info.name,
            agency=row.agency,
            kind=row.kind,
            state=row.state,
            state_reason=row.state_reason,
            added_at=from_micros(row.added_at),
            every_seconds=account.every_seconds,
            own_pace=row.every_seconds is not None,
            abilities=abilities(kind),
            settings={name: value for name, value in msgspec.json.decode(row.settings).items() if name not in hidden},
            secrets={field: bool(held.get(field)) for field in hidden},
            checkpoint=account.checkpoint,
            checkpoint_at=from_micros(row.checkpoint_at) if row.checkpoint_at else None,
            files_taken=taken,
            last_success=account.last_success,
            last_run=None if last is None else _run(last),
            picture_hosts_not_allowed=elsewhere,
            lives=lives,
            rule=rule,
            clause=clause,
            contract=None if agreed is None else in_words(agreed),
        )


def _run(row: Any) -> LastRun:
    return LastRun(
        started_at=from_micros(row.started_at),
        ended_at=from_micros(row.ended_at) if row.ended_at else None,
        outcome=row.outcome,
        error=row.error,
        pulled=row.pulled,
        stored=row.stored,
        duplicates=row.duplicates,
        quarantined=row.quarantined,
        born_expired=row.born_expired,
        hits=row.hits,
    )
