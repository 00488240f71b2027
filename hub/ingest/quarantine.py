"""`Quarantine`: what could not become a read, why, and another try after a fix."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, func, select

from connectors.contract import Record
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import HubError, NotFound
from hub.ingest.documents import again
from hub.ingest.intake import Intake
from hub.people import Actor
from hub.ports import Opens
from hub.store import tables
from hub.store.codec import decompress
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.page import Saved
from hub.store.visible import visible

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Group:
    """Quarantined records of one connection that were refused alike; `sample` is the number of the newest."""

    connection: str
    field: str
    reason: str
    count: int
    first: datetime
    last: datetime
    sample: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One quarantined record as it arrived, with the pictures that came beside it."""

    id: int
    kind: str
    part: int
    obtained: str
    received_at: datetime
    payload: bytes
    attachments: Mapping[str, bytes]


class Quarantine:
    """Lists, shows and replays quarantined records."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        intake: Intake,
        accounts: Opens,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._intake = intake
        self._accounts = accounts

    def groups(self, actor: Actor) -> list[Group]:
        """How many records were refused, by connection, field and reason, the most first; none that has expired."""
        table, accounts = tables.quarantine, tables.connections
        count = func.count().label("count")
        with self._store.read() as connection:
            rows = connection.execute(
                select(
                    accounts.c.name,
                    table.c.field,
                    table.c.reason,
                    count,
                    func.min(table.c.received_at),
                    func.max(table.c.received_at),
                    func.max(table.c.id),
                )
                .join(accounts, accounts.c.id == table.c.connection_id)
                .where(visible(table, to_micros(self._clock.now())))
                .group_by(accounts.c.name, table.c.field, table.c.reason)
                .order_by(count.desc(), accounts.c.name, table.c.field)
            ).all()
        self._audit.record(actor, Act.QUARANTINE_LIST, Outcome.DONE, results=len(rows))
        return [
            Group(name, field, reason, number, from_micros(first), from_micros(last), sample)
            for name, field, reason, number, first, last, sample in rows
        ]

    def show(self, actor: Actor, name: str, field: str, reason: str) -> Sample:
        """The newest record of a group, as it arrived: it may name a plate, so who looked is on record before.

        Raises `NotFound` where there is no such group, or all of it has expired.
        """
        account, _ = self._accounts.open(name)
        table = tables.quarantine
        with self._store.read() as connection:
            row = connection.execute(
                select(table)
                .where(*self._alive(account.id), *_alike_to(field, reason))
                .order_by(table.c.id.desc())
                .limit(1)
            ).one_or_none()
        group: dict[str, Any] = {"field": field, "refused_because": reason}
        number = 0 if row is None else 1
        self._audit.record(actor, Act.QUARANTINE_SHOW, Outcome.DONE, target=name, results=number, **group)
        if row is None:
            raise NotFound(
                f"{name}: nothing is set aside with that field and reason; alprhub quarantine list shows what is"
            )
        record = _record(row)
        received_at = from_micros(row.received_at)
        return Sample(
            row.id, record.kind, record.part, row.obtained, received_at, record.payload, dict(record.attachments)
        )

    def replay(
        self, actor: Actor, name: str | None = None, field: str | None = None, reason: str | None = None
    ) -> Saved:
        """Try quarantined records again; what fits now lands as if it had come right at first.

        Those of every connection, of one, or of it those that were refused alike. Each page is one transaction: a
        record leaves quarantine in the same moment in which its read is kept. A connection that cannot be opened or is
        replayed already holds up no other; the first such failure is raised at the end.
        """
        if name is not None:
            return self._replay(actor, name, field, reason)
        total, failure = Saved(), None
        for other in self._names():
            try:
                total += self._replay(actor, other, field, reason)
            except HubError as failed:
                failure = failure or failed
        if failure is not None:
            raise failure
        return total

    def _replay(self, actor: Actor, name: str, field: str | None, reason: str | None) -> Saved:
        account, connector = self._accounts.open(name)
        total = Saved()
        group: dict[str, Any] = {
            key: value for key, value in (("field", field), ("refused_because", reason)) if value is not None
        }
        self._audit.record(actor, Act.QUARANTINE_REPLAY, Outcome.ASKED, target=name, **group)
        with self._store.lease(f"replay-{account.id}", f"the quarantine of {account.name} is being replayed"):
            after, last = 0, self._last(account.id)
            while rows := self._page(account.id, after, last, field, reason):
                after = rows[-1].id
                for (obtained, received_at), alike in _alike(rows).items():
                    total += self._intake.take(
                        connector,
                        account.id,
                        [record for row in alike for record in again(connector, _record(row))],
                        obtained=obtained,
                        received_at=from_micros(received_at),
                        replayed=[row.id for row in alike],
                    )
        return total

    def _names(self) -> list[str]:
        table, accounts = tables.quarantine, tables.connections
        holding = select(table.c.connection_id).where(visible(table, to_micros(self._clock.now())))
        with self._store.read() as connection:
            named = select(accounts.c.name).where(accounts.c.id.in_(holding)).order_by(accounts.c.name)
            return list(connection.scalars(named))

    def _last(self, connection_id: int) -> int:
        """The newest record there is now: what a replay itself puts into quarantine is not for this replay."""
        newest = select(func.max(tables.quarantine.c.id)).where(tables.quarantine.c.connection_id == connection_id)
        with self._store.read() as connection:
            return connection.scalar(newest) or 0

    def _page(self, connection_id: int, after: int, last: int, field: str | None, reason: str | None) -> list[Row[Any]]:
        table = tables.quarantine
        with self._store.read() as connection:
            return list(
                connection.execute(
                    select(table)
                    .where(*self._alive(connection_id), *_alike_to(field, reason))
                    .where(table.c.id > after, table.c.id <= last)
                    .order_by(table.c.id)
                    .limit(BATCH)
                )
            )

    def _alive(self, connection_id: int) -> tuple[ColumnElement[bool], ...]:
        table = tables.quarantine
        return table.c.connection_id == connection_id, visible(table, to_micros(self._clock.now()))


def _alike_to(field: str | None, reason: str | None) -> list[ColumnElement[bool]]:
    wanted = ((tables.quarantine.c.field, field), (tables.quarantine.c.reason, reason))
    return [column == value for column, value in wanted if value is not None]


def _alike(rows: list[Row[Any]]) -> dict[tuple[str, int], list[Row[Any]]]:
    """Rows that came by the same way in the same moment: they are one page again."""
    groups: dict[tuple[str, int], list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault((row.obtained, row.received_at), []).append(row)
    return groups


def _record(row: Row[Any]) -> Record:
    attachments = msgspec.msgpack.decode(decompress(row.attachments)) if row.attachments else {}
    return Record(row.kind, decompress(row.payload), row.part, attachments)
