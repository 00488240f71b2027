"""`Retention`: the purge of what may not be kept, with a certificate of every row that goes."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, func, select, text

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.cases import held
from hub.cases.orders import ordered
from hub.clock import Clock, sure
from hub.governing.floors import Floors, Kept, floor_of
from hub.governing.in_force import Governing
from hub.governing.sources import Sources
from hub.people import Actor
from hub.progress import Progress, untold
from hub.retention import months
from hub.retention.certificates import certify, close, digest_of
from hub.retention.due import ReadToPurge, due
from hub.retention.unkept import Unkept
from hub.store import tables
from hub.store.days import MICROS, count_day
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.instant import to_micros
from hub.store.pace import TurnPace
from hub.store.plates import forget_removed, remove_unread
from hub.store.statistics import redraw
from hub.store.tombstones import crumble
from hub.store.vacuum import owe

DOING: Final = "what is over is being purged"
BATCH: Final = 1000
"""Rows in the first turn, and records that could not be read or pictures in each; of reads as many as take a moment
in the next turns (`TurnPace`), so that the writer is never held long."""
LEAST, MOST = 100, 4000
QUARANTINE: Final = "quarantine"
"""What stands for a rule where a record could not be read: it lives as long as a read received then would."""


class Retention:
    """Removes what has expired, from every place that holds it."""

    def __init__(
        self,
        store: Store,
        images: ImageStore,
        audit: Audit,
        clock: Clock,
        governing: Governing,
        sources: Sources,
        unkept: Unkept,
    ) -> None:
        self._store = store
        self._images = images
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._sources = sources
        self._unkept = unkept

    def purge(self, actor: Actor, progress: Progress = untold) -> dict[str, int]:
        """Remove every expired read that nothing holds; gives how many went, by connection.

        With a read go its payload, details, pictures and hits, and its plate once no read is left to it; expired
        quarantine goes too, and pushes that could not be kept in time. What policy wants kept until later stays,
        whatever its expiry says, and so does what a policy wanted so when it was kept, whatever is in force now. Every
        row is in a certificate, counted once. Safe to kill at any moment and to run again, and so to end by what
        `progress` raises: the next run goes on where it stopped.
        """
        with self._store.lease("purge", held.PURGING):
            now = sure(self._clock)
            run = _PurgeRun(self._store, now, self._governing, self._sources, actor)
            self._remove_pictures()  # those of a run that was killed
            run.empty_months(progress)
            self._remove_pictures()
            pace = TurnPace(BATCH, LEAST, MOST)
            for rows in due(self._store, to_micros(now), lambda: pace.rows, run.floored):
                with pace.turn(len(rows)) as begins:
                    run.remove(rows, begins)
                self._remove_pictures()
                progress("reads removed", sum(run.gone.values()), None)
            forget_removed(self._store)
            refused = run.empty_quarantine(progress)
            pushes = self._unkept.purge(actor)
            swept = self._sweep(now)
            redrawn, emptied = redraw(self._store), self._store.squeeze()
            with self._store.write() as connection:
                crumble(connection, to_micros(now))
                certificates = close(connection, to_micros(now), self._store.traces)
                self._audit.record(
                    actor, Act.RETENTION_PURGE, Outcome.DONE, results=sum(run.gone.values()), within=connection,
                    by_connection=dict(run.gone), quarantined=refused, pushes=pushes, stray_pictures=swept,
                    floored=run.kept, not_known=sorted(run.unknown.values()), certificates=certificates,
                    samples_redrawn=redrawn, log_emptied=bool(emptied), traces=self._store.traces,
                )  # fmt: skip
        return {name: run.gone.get(name, 0) for name in sorted(run.names.values())}

    def preview(self) -> list[dict[str, Any]]:
        """What a purge would find expired and not held, by connection and rule; `reads` of each. Changes nothing."""
        reads, names = tables.reads, tables.connections
        with self._store.read() as connection:
            rows = connection.execute(
                select(names.c.name.label("connection"), reads.c.rule, func.count().label("reads"))
                .join(names, names.c.id == reads.c.connection_id)
                .where(reads.c.expires_at <= to_micros(self._clock.now()), reads.c.held.is_(False))
                .group_by(names.c.name, reads.c.rule)
                .order_by(names.c.name, reads.c.rule)
            ).mappings()
            return [dict(row) for row in rows]

    def _remove_pictures(self) -> None:
        """Remove the files of pictures whose reads are gone, and only then the rows that remember them."""
        table = tables.images
        doomed = select(table.c.id, table.c.key).where(text("state = 'doomed'")).order_by(table.c.id).limit(BATCH)
        while True:
            with self._store.read() as connection:
                pictures = connection.execute(doomed).all()
            if not pictures:
                return
            # A power cut must not bring back rows, and take back their certificate, when their files are gone.
            self._store.settle()
            self._images.delete(*(picture.key for picture in pictures))
            with self._store.write(durable=False, doing=DOING) as connection:
                ids = self._store.as_list([picture.id for picture in pictures])
                connection.execute(text(f"DELETE FROM images WHERE {self._store.one_of('id', 'ids')}"), {"ids": ids})

    def _sweep(self, now: datetime) -> int:
        """Remove pictures whose day is over and that no row knows: a crash left them between file and row."""
        stray = 0
        due = self._images.stored(until=(now - timedelta(days=1)).strftime("%Y/%m/%d"))
        query = text(f"SELECT key FROM images WHERE {self._store.one_of('key', 'keys')}")
        while keys := list(islice(due, BATCH)):
            with self._store.read() as connection:
                known = set(connection.scalars(query, {"keys": self._store.as_list(keys)}))
            for key in keys:
                if key not in known:
                    self._images.delete(key)
                    stray += 1
        return stray


class _PurgeRun:
    """One purge: what was expired at its beginning."""

    def __init__(self, store: Store, now: datetime, governing: Governing, sources: Sources, actor: Actor) -> None:
        self._actor = actor
        self._store = store
        self._now = now
        self._at = to_micros(now)
        self._policy_id, self._profile = governing.now()
        self._kinds, self.unknown = sources.all(), sources.unknown()
        self._floors = Floors(governing.history(), self._kinds)
        self._ordered = ordered(store)
        self._clauses = {**governing.clauses(), **self._ordered}
        self.gone: Counter[str] = Counter()
        self.kept = 0
        """Expired, and to be kept all the same until their floor."""
        with store.read() as connection:
            self.names: dict[int, str] = dict(
                connection.execute(select(tables.connections.c.id, tables.connections.c.name)).tuples().all()
            )

    def floored(self, row: ReadToPurge) -> bool:
        """Whether policy forbids to delete a read yet, that of now or that under which it was kept, or nobody knows
        what policy says of it."""
        if row.rule in self._ordered:  # a court's order prevails
            return False
        kind = self._kinds.get(row.connection_id)
        if kind is None:  # added meanwhile, or its connector has never been here since: nothing goes unknown
            self.kept += 1
            return True
        times = (row.captured_at, row.received_at)
        floor = row.floor_at
        if floor is None:
            floor = self._floors.of(Kept(row.connection_id, *times, row.ingested_at, None))
        too_early = max(floor, floor_of(self._profile, kind, *times)) > self._at
        self.kept += too_early
        return too_early

    def remove(self, batch: list[ReadToPurge], begins: Callable[[], None]) -> None:
        """Remove reads and certify that in one transaction; what was held meanwhile stays."""
        if not batch:
            return
        with self._store.write(durable=False, doing=DOING) as connection:
            begins()
            # The time belongs to the key: on PostgreSQL it names the month that the read lies in.
            first, last = _captured(batch)
            here = {**self._ids([row.id for row in batch]), "first": first, "last": last}
            free = (
                f"SELECT id FROM reads WHERE {self._store.one_of('id', 'ids')} AND captured_at >= :first "
                "AND captured_at <= :last AND NOT held AND expires_at <= :now"
            )
            still = {ident for (ident,) in self._store.rows(connection, free, {**here, "now": to_micros(self._now)})}
            if rows := [row for row in batch if row.id in still]:
                self._remove(connection, rows)

    def _remove(self, connection: Connection, rows: list[ReadToPurge]) -> None:
        """Remove reads with all that goes with them, each table at once, and certify it by connection and rule."""
        groups: dict[tuple[int, str], list[ReadToPurge]] = defaultdict(list)
        for row in rows:
            groups[row.connection_id, row.rule].append(row)
        forgotten = self._forget(connection, rows)
        captured = _captured(rows)
        ids = {**self._ids([row.id for row in rows]), "first": captured[0], "last": captured[1]}
        of_them = self._store.one_of("read_id", "ids")
        plates = {row.plate_id for row in rows}
        candidates = f"DELETE FROM candidates WHERE {of_them} RETURNING plate_id"
        plates.update(plate for (plate,) in self._store.rows(connection, candidates, ids))
        # The time belongs to the key: on PostgreSQL it names the month that they lie in.
        time = "captured_at >= :first AND captured_at <= :last"
        went = {
            what: Counter(ident for (ident,) in self._store.rows(connection, f"{change} RETURNING read_id", ids))
            for what, change in {
                # The file goes after the row that knows it, and this row after the file.
                "pictures": f"UPDATE images SET state = 'doomed', url = NULL WHERE {of_them} AND state <> 'doomed'",
                "hits": f"DELETE FROM hits WHERE {of_them}",
                "payloads": f"DELETE FROM payloads WHERE {of_them} AND {time}",
            }.items()
        }
        for table in ("links", "held_reads"):
            connection.execute(text(f"DELETE FROM {table} WHERE {of_them}"), ids)
        connection.execute(text(f"DELETE FROM reads WHERE {self._store.one_of('id', 'ids')} AND {time}"), ids)
        remove_unread(self._store, connection, plates)
        for (connection_id, rule), group in groups.items():
            fresh = [row for row in group if row.id in forgotten]
            counts = {what: sum(went[what][row.id] for row in group) for what in ("pictures", "hits")}
            counts |= {"reads": len(fresh), "payloads": sum(went["payloads"][row.id] for row in fresh)}
            vendors = digest_of(row.vendor_read_id for row in fresh)
            self._account(connection, months.Destroyed(connection_id, rule, counts, vendors, _captured(group)))
        days = Counter((row.connection_id, row.received_at // MICROS) for row in rows if row.id in forgotten)
        for (connection_id, day), count in days.items():
            count_day(connection, connection_id, day * MICROS, {"purged": count})

    def _forget(self, connection: Connection, rows: list[ReadToPurge]) -> set[int]:
        """Take reads out of the ledger; gives those that were in it.

        What it has forgotten already is certified: a month was begun and could not be emptied.
        """
        of_source: dict[int, list[ReadToPurge]] = defaultdict(list)
        for row in rows:
            of_source[row.connection_id].append(row)
        forget = (
            f"DELETE FROM ledger WHERE connection_id = :id AND {self._store.one_of('vendor_read_id', 'vendors')} "
            f"AND {self._store.one_of('read_id', 'ids')} RETURNING read_id"
        )
        forgotten = set[int]()
        for connection_id, some in of_source.items():
            vendors = self._store.as_list([row.vendor_read_id for row in some])
            bound = {**self._ids([row.id for row in some]), "id": connection_id, "vendors": vendors}
            forgotten.update(ident for (ident,) in self._store.rows(connection, forget, bound))
        return forgotten

    def empty_months(self, progress: Progress) -> None:
        """Remove whole months in which all is over.

        Does nothing while policy wants any connection's reads kept for a time, or while nobody knows how long those of
        some connection are to be kept.
        """
        if self.unknown or any(self._profile.chosen(*kind, "hub").floors for kind in self._kinds.values()):
            return

        def day(connection: Connection, connection_id: int, received_at: int, count: int) -> None:
            count_day(connection, connection_id, received_at, {"purged": count})

        def account(connection: Connection, gone: months.Destroyed) -> None:
            progress("reads removed", sum(self.gone.values()), None)  # what is counted so far is committed
            self._account(connection, gone)

        now = to_micros(self._now)
        for name in months.over(self._store, now, self._floors.any):
            months.empty(self._store, name, now, self._floors.any, account, day)

    def empty_quarantine(self, progress: Progress) -> int:
        """Remove expired records that could not be read; gives how many."""
        table, removed = tables.quarantine, 0
        over = select(table.c.id, table.c.connection_id, table.c.sha256).where(
            table.c.expires_at <= to_micros(self._now), table.c.connection_id.not_in(list(self.unknown))
        )
        while True:
            with self._store.write(durable=False, doing=DOING) as connection:
                rows = connection.execute(over.order_by(table.c.expires_at, table.c.id).limit(BATCH)).all()
                if not rows:
                    return removed
                ids = self._ids([row.id for row in rows])
                connection.execute(text(f"DELETE FROM quarantine WHERE {self._store.one_of('id', 'ids')}"), ids)
                for connection_id in sorted({row.connection_id for row in rows}):
                    names = [row.sha256.hex() for row in rows if row.connection_id == connection_id]
                    self._account(
                        connection,
                        months.Destroyed(
                            connection_id, QUARANTINE, {"quarantined": len(names)}, digest_of(names), None
                        ),
                    )
                removed += len(rows)
            progress("refused records removed", removed, None)

    def _account(self, connection: Connection, gone: months.Destroyed) -> None:
        """Certify, in the transaction that removes, and count for the run."""
        if not any(gone.counts.values()):
            return
        certify(
            connection, self._actor, (gone.connection_id, self.names[gone.connection_id]),
            (gone.rule, self._clauses.get(gone.rule, "")), self._policy_id, to_micros(self._now), gone.counts,
            gone.rows, gone.captured,
        )  # fmt: skip
        owe(connection, to_micros(self._now))
        self.gone[self.names[gone.connection_id]] += gone.counts.get("reads", 0)

    def _ids(self, ids: list[int]) -> dict[str, Any]:
        return {"ids": self._store.as_list(ids)}


def _captured(rows: list[ReadToPurge]) -> tuple[int, int]:
    """When the first and the last of some reads were captured (µs)."""
    return min(row.captured_at for row in rows), max(row.captured_at for row in rows)
