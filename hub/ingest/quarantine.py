"""`Quarantine`: what could not become a read, why, and another try after a fix."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, func, select

from connectors.contract import Connector, Record
from hub.audit.record import Actor, Audit
from hub.clock import Clock
from hub.ingest.documents import again
from hub.ingest.intake import Intake
from hub.store import tables
from hub.store.codec import decompress
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.reads import Saved

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Group:
    """Quarantined records of one connection that were refused alike."""

    connection: str
    field: str
    reason: str
    count: int
    first: datetime
    last: datetime


class Quarantine:
    """Lists and replays quarantined records."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        intake: Intake,
        opened: Callable[[str], tuple[Any, Connector[Any]]],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._intake = intake
        self._open = opened

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
                )
                .join(accounts, accounts.c.id == table.c.connection_id)
                .where(table.c.expires_at > to_micros(self._clock.now()))
                .group_by(accounts.c.name, table.c.field, table.c.reason)
                .order_by(count.desc(), accounts.c.name, table.c.field)
            ).all()
        self._audit.record(actor, "quarantine.list", "done", results=len(rows))
        return [
            Group(name, field, reason, found, from_micros(first), from_micros(last))
            for name, field, reason, found, first, last in rows
        ]

    def replay(self, actor: Actor, name: str) -> Saved:
        """Try every quarantined record of a connection again; what fits now lands as if it had come right at first.

        Each page is one transaction: a record leaves quarantine in the same moment in which its read is kept.
        """
        account, connector = self._open(name)
        total = Saved()
        self._audit.record(actor, "quarantine.replay", "asked", target=name)
        with self._store.lease(f"replay-{account.id}"):
            after, last = 0, self._last()  # what a document falls apart into is not tried a second time
            while rows := self._page(account.id, after, last):
                after = rows[-1].id
                for (obtained, received_at), group in _alike(rows).items():
                    total += self._intake.take(
                        connector,
                        account.id,
                        [record for row in group for record in again(connector, _record(row))],
                        obtained=obtained,
                        received_at=from_micros(received_at),
                        replayed=[row.id for row in group],
                    )
        return total

    def _last(self) -> int:
        with self._store.read() as connection:
            return connection.scalar(select(func.max(tables.quarantine.c.id))) or 0

    def _page(self, connection_id: int, after: int, last: int) -> list[Row[Any]]:
        table = tables.quarantine
        with self._store.read() as connection:
            return list(
                connection.execute(
                    select(table)
                    .where(table.c.connection_id == connection_id, table.c.id > after, table.c.id <= last)
                    .where(table.c.expires_at > to_micros(self._clock.now()))
                    .order_by(table.c.id)
                    .limit(BATCH)
                )
            )


def _alike(rows: list[Row[Any]]) -> dict[tuple[str, int], list[Row[Any]]]:
    """Rows that came by the same way in the same moment: they are one page again."""
    groups: dict[tuple[str, int], list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault((row.obtained, row.received_at), []).append(row)
    return groups


def _record(row: Row[Any]) -> Record:
    attachments = msgspec.msgpack.decode(decompress(row.attachments)) if row.attachments else {}
    return Record(row.kind, decompress(row.payload), row.part, attachments)
