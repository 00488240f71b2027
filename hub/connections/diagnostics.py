"""`Diagnostics`: everything that somebody else needs to find out what is wrong, with no plate and no secret in it."""

import io
import platform
import re
import zipfile
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Row, func, select, text

from connectors.struck import HIDDEN, Struck
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.connections.accounts import Connections, describe
from hub.connections.health import Health
from hub.connections.row import row_of
from hub.connections.secrets import is_secret, unsealed
from hub.errors import HubError, NotFound
from hub.people import Actor
from hub.store import tables
from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.instant import from_micros
from hub.store.revision import revision_of
from hub.store.vault import Vault
from normalize.plate import canonical

RUNS: Final = 50
_PACKAGES: Final = ("alprhub", "httpx", "msgspec", "psycopg", "pydantic", "sqlalchemy", "cryptography", "prefect")
_USER: Final = re.compile(r"://[^/@\s]+@")
_WORD: Final = re.compile(r"[^\W_]+(?:[-.][^\W_]+)*")
_LIKE_A_PLATE: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Z])[A-Z0-9]{4,10}")
_TOLD_PARTS: Final = frozenset({"health", "runs", "quarantine"})
_TOLD_FIELDS: Final = frozenset({"state_reason"})
"""Where a vendor's words may stand, which write plates in any case."""


class Diagnostics:
    """Makes bundles."""

    def __init__(
        self, store: Store, audit: Audit, clock: Clock, vault: Vault, connections: Connections, health: Health
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._vault = vault
        self._connections = connections
        self._health = health

    def bundle(self, actor: Actor, name: str) -> bytes:
        """A ZIP of JSON files about a connection: versions, settings without secrets, health, runs, counts of refusals.

        What people and vendors wrote goes in with every plate that the hub knows, and every word that looks like one,
        struck out. Raises `NotFound`; on record before it is handed out.
        """
        with self._store.read() as connection:
            row = row_of(connection, name)
            schema = revision_of(connection)
            runs = connection.execute(
                select(tables.runs)
                .where(tables.runs.c.connection_id == row.id)
                .order_by(tables.runs.c.started_at.desc(), tables.runs.c.id.desc())
                .limit(RUNS)
            ).all()
            refused = connection.execute(
                select(tables.quarantine.c.field, tables.quarantine.c.reason, func.count().label("count"))
                .where(tables.quarantine.c.connection_id == row.id)
                .group_by(tables.quarantine.c.field, tables.quarantine.c.reason)
                .order_by(func.count().desc())
            ).all()
        parts = {
            "versions": self._versions(schema),
            "connection": self._connection(row),
            "connector": self._connector(row.connector),
            "health": asdict(self._health.of(name)),
            "runs": [_run(run) for run in runs],
            "quarantine": [{"field": group.field, "reason": group.reason, "count": group.count} for group in refused],
        }
        redacted = self._redactor(row, parts)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
            for part, content in parts.items():
                told = _walk(content, redacted, part in _TOLD_PARTS)
                body = msgspec.json.format(msgspec.json.encode(told), indent=2)
                bundle.writestr(f"{part}.json", body)
        self._audit.record(actor, Act.CONNECTIONS_DIAGNOSTICS, Outcome.DONE, target=name, parts=sorted(parts))
        return out.getvalue()

    def _versions(self, schema: str | None) -> dict[str, Any]:
        versions: dict[str, str | None] = {}
        for package in _PACKAGES:
            try:
                versions[package] = version(package)
            except PackageNotFoundError:
                versions[package] = None
        return {
            "made_at": self._clock.now(), "python": platform.python_version(), "system": platform.system(),
            "machine": platform.machine(), "database": dialect(self._store).NAME, "schema": schema,
            "packages": versions,
        }  # fmt: skip

    def _connection(self, row: Row[Any]) -> dict[str, Any]:
        names = ("name", "connector", "kind", "agency", "state", "state_reason", "every_seconds")
        return {
            **{name: getattr(row, name) for name in names},
            "added_at": from_micros(row.added_at),
            "checkpoint_at": from_micros(row.checkpoint_at) if row.checkpoint_at else None,
            "settings": self._settings(row),
        }

    def _settings(self, row: Row[Any]) -> dict[str, Any]:
        """The settings; of each secret no more than that there is one."""
        plain: dict[str, Any] = msgspec.json.decode(row.settings)
        try:
            fields = self._connections.kind(row.connector).Settings.model_fields
        except NotFound:
            return dict.fromkeys(plain, HIDDEN)
        return {name: HIDDEN if is_secret(field) else plain.get(name) for name, field in fields.items()}

    def _connector(self, key: str) -> dict[str, Any]:
        try:
            kind = self._connections.kind(key)
        except NotFound as missing:
            return {"key": key, "missing": str(missing)}
        return {**describe(key, kind), "limits": {**asdict(kind.info.limits), "every": str(kind.info.limits.every)}}

    def _redactor(self, row: Row[Any], parts: dict[str, Any]) -> "_Redactor":
        words = {canonical(word) for part in _texts(parts) for word in _WORD.findall(part)}
        try:
            held = unsealed(self._vault, row)
            plain = msgspec.json.decode(row.settings)
            secrets = [str(value) for name, value in held.items() if name not in plain and value]
        except HubError:
            secrets = []
        return _Redactor(self._plates(sorted(words)), Struck(secrets))

    def _plates(self, words: list[str]) -> set[str]:
        """Which of the words are plates that the hub knows, from a read or from a list."""
        with self._store.read() as connection:
            bound = {"words": self._store.as_list(words)}
            plates: set[str] = set()
            for table in ("plates", "hotlist_entries"):
                sql = f"SELECT DISTINCT plate FROM {table} WHERE {self._store.one_of('plate', 'words')}"
                plates.update(connection.scalars(text(sql), bound))
        return plates


class _Redactor:
    """Strikes out plates and secrets."""

    def __init__(self, plates: set[str], struck: Struck) -> None:
        self._plates = plates
        self._struck = struck

    def __call__(self, string: str, told: bool) -> str:
        """The text without them; `told` says that it may be a vendor's."""
        string = _USER.sub(f"://{HIDDEN}@", self._struck.without_secrets(string))
        if urlsplit(string).scheme in ("http", "https", "rtsp", "sftp", "s3"):
            return string.partition("?")[0]
        return _WORD.sub(lambda match: self._word(match.group(), told), string)

    def _word(self, word: str, told: bool) -> str:
        plate, shape = canonical(word), word.replace("-", "")
        like = _LIKE_A_PLATE.fullmatch(shape.upper() if told else shape)
        return HIDDEN if plate in self._plates or like else word


def _run(run: Row[Any]) -> dict[str, Any]:
    counts = ("pulled", "stored", "duplicates", "quarantined", "born_expired", "hits", "outcome", "error")
    return {
        **{name: from_micros(getattr(run, name)) for name in ("since", "until", "started_at")},
        "ended_at": from_micros(run.ended_at) if run.ended_at else None,
        **{name: getattr(run, name) for name in counts},
    }


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _texts(item)


def _walk(value: Any, redacted: _Redactor, told: bool) -> Any:
    if isinstance(value, str):
        return redacted(value, told)
    if isinstance(value, dict):
        return {key: _walk(item, redacted, told or key in _TOLD_FIELDS) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, redacted, told) for item in value]
    return value.isoformat() if isinstance(value, datetime | date) else value
