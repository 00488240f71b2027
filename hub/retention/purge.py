"""`Retention`: what may be seen now, and the purge of what may not be kept."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, text

from hub.audit.record import Actor, Audit
from hub.clock import Clock
from hub.store import tables
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.instant import to_micros
from hub.store.plates import forget_removed, remove_unread

BATCH: Final = 1000
"""Reads in one purging transaction: the writer is never held long."""


class Retention:
    """Removes what has expired, from every place that holds it."""

    def __init__(self, store: Store, images: ImageStore, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._images = images
        self._audit = audit
        self._clock = clock

    def purge(self, actor: Actor) -> dict[str, int]:
        """Remove every expired read that nothing holds; gives how many went, by connection.

        With a read go its payload, details, pictures and hits, and its plate once no read is left to it; expired
        quarantine goes too. Safe to kill at any moment and to run again: what is half gone is expired and invisible
        already, and the next run finishes it.
        """
        with self._store.lease("purge"):
            now = self._clock.now()
            gone: Counter[str] = Counter()
            with self._store.read() as connection:
                names = dict(connection.execute(select(tables.connections.c.id, tables.connections.c.name)).all())
            while batch := self._expired(now):
                self._remove_pictures(batch)
                gone.update(names[row.connection_id] for row in batch)
                self._remove(batch)
            if gone:
                forget_removed(self._store)
            refused = self._empty_quarantine(now)
            swept = self._sweep(now)
            self._store.squeeze()
            self._audit.record(
                actor, "retention.purge", "done", results=sum(gone.values()), by_connection=dict(gone),
                quarantined=refused, stray_pictures=swept,
            )  # fmt: skip
        return {name: gone.get(name, 0) for name in sorted(names.values())}

    def _expired(self, now: datetime) -> list[Row[Any]]:
        reads = tables.reads
        with self._store.read() as connection:
            return list(
                connection.execute(
                    select(reads.c.id, reads.c.connection_id, reads.c.plate_id)
                    .where(reads.c.expires_at <= to_micros(now), reads.c.held.is_(False))
                    .order_by(reads.c.expires_at)
                    .limit(BATCH)
                )
            )

    def _remove_pictures(self, batch: list[Row[Any]]) -> None:
        """Files before rows: a row without its file is expired and invisible, a file without its row is lost."""
        with self._store.read() as connection:
            keys = connection.scalars(
                text(f"SELECT key FROM images WHERE {self._store.one_of('read_id', 'ids')}"), self._ids(batch)
            ).all()
        for key in keys:
            self._images.delete(key)

    def _remove(self, batch: list[Row[Any]]) -> None:
        plates = {row.plate_id for row in batch}
        with self._store.write() as connection:
            where = self._store.one_of("read_id", "ids")
            plates.update(
                connection.scalars(text(f"SELECT plate_id FROM candidates WHERE {where}"), self._ids(batch)).all()
            )
            connection.execute(
                text(
                    "DELETE FROM ledger WHERE (connection_id, vendor_read_id) IN (SELECT connection_id, vendor_read_id "
                    f"FROM reads WHERE {self._store.one_of('id', 'ids')})"
                ),
                self._ids(batch),
            )
            for table in ("hits", "images", "payloads", "candidates"):
                connection.execute(text(f"DELETE FROM {table} WHERE {where}"), self._ids(batch))
            connection.execute(text(f"DELETE FROM reads WHERE {self._store.one_of('id', 'ids')}"), self._ids(batch))
            remove_unread(self._store, connection, plates)

    def _empty_quarantine(self, now: datetime) -> int:
        table = tables.quarantine
        with self._store.write() as connection:
            return connection.execute(table.delete().where(table.c.expires_at <= to_micros(now))).rowcount

    def _sweep(self, now: datetime) -> int:
        """Remove pictures whose day is over and that no row knows: a crash left them between file and row."""
        stray = 0
        last_day = (now - timedelta(days=1)).strftime("%Y/%m/%d")
        for key in self._images.stored():
            if key[: len(last_day)] > last_day:
                break
            with self._store.read() as connection:
                known = connection.scalar(select(tables.images.c.id).where(tables.images.c.key == key))
            if known is None:
                self._images.delete(key)
                stray += 1
        return stray

    def _ids(self, batch: list[Row[Any]]) -> dict[str, Any]:
        return {"ids": self._store.as_list([row.id for row in batch])}
