"""`Recompute`: the ends of all reads that are kept, computed again after the policy has changed."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, select, text, update

from hub.audit.record import Actor, Audit
from hub.clock import Clock
from hub.policy.profile import Profile
from hub.retention.activate import Change
from hub.retention.lives import Lives
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros

BATCH: Final = 5000
"""Reads in one transaction: the writer is never held long."""


class Recompute:
    """Gives every read that is kept the end that the policy in force gives it."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        kinds: Callable[[], Mapping[int, tuple[str, str]]],
        profile_of: Callable[[int], Profile],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._kinds = kinds
        self._profile_of = profile_of

    def run(self, actor: Actor) -> dict[str, int]:
        """Do what the newest policy asks for, where it is not done yet; gives `changed`, `shortened`, `lengthened`.

        What is over stays over, and what a removed connection was to lose at once gets no longer life. Safe to kill at
        any moment and to run again: it goes on behind the last read that it did, and each is counted once.
        """
        table = tables.recomputes
        with self._store.lease("recompute"):
            with self._store.read() as connection:
                row = connection.execute(
                    select(table).where(table.c.ended_at.is_(None)).order_by(table.c.id.desc()).limit(1)
                ).one_or_none()
            if row is None:
                return {"changed": 0, "shortened": 0, "lengthened": 0}
            lives, leaving = Lives(self._profile_of(row.policy_id), self._kinds()), self._leaving()
            while self._step(row.id, lives, leaving):
                pass
            return self._end(actor, row.id, lives)

    def effect(self, profile: Profile) -> list[Change]:
        """What a profile would do to the reads that are kept and visible, by connection and rule; changes nothing."""
        lives, leaving, now = Lives(profile, self._kinds()), self._leaving(), to_micros(self._clock.now())
        counts: dict[tuple[int, str], Counter[str]] = {}
        after = 0
        while True:
            with self._store.read() as connection:
                rows = self._page(connection, after)
                linked = self._linked(connection, rows)
                found = select(tables.connections.c.id, tables.connections.c.name)
                names = dict(connection.execute(found).tuples().all())
            if not rows:
                break
            after = rows[-1].id
            for row in rows:
                end = lives.end(row.connection_id, row.captured_at, row.received_at, row.id in linked)
                if row.expires_at <= now or end is None:
                    continue
                counted = counts.setdefault((row.connection_id, end[1]), Counter())
                counted["reads"] += 1
                counted["shorter"] += end[0] < row.expires_at
                counted["longer"] += end[0] > row.expires_at and row.connection_id not in leaving
                counted["end_now"] += end[0] <= now and not row.held
        return [
            Change(names[ident], rule, told["reads"], told["shorter"], told["longer"], told["end_now"])
            for (ident, rule), told in sorted(counts.items(), key=lambda one: (names[one[0][0]], one[0][1]))
        ]

    def _step(self, ident: int, lives: Lives, leaving: frozenset[int]) -> bool:
        """The next reads, and how far that is, in one transaction; whether there were any."""
        table, now = tables.recomputes, to_micros(self._clock.now())
        with self._store.write() as connection:
            done = connection.execute(select(table).where(table.c.id == ident)).one()
            rows = self._page(connection, done.after_id)
            if not rows:
                return False
            linked = self._linked(connection, rows)
            fresh: list[tuple[int, int, int, str]] = []
            shortened = lengthened = 0
            for row in rows:
                end = lives.end(row.connection_id, row.captured_at, row.received_at, row.id in linked)
                if row.expires_at <= now or end is None or end == (row.expires_at, row.rule):
                    continue
                if end[0] > row.expires_at and row.connection_id in leaving:
                    continue
                shortened += end[0] < row.expires_at
                lengthened += end[0] > row.expires_at
                fresh.append((row.id, row.captured_at, *end))
            self._set(connection, fresh)
            connection.execute(
                update(table)
                .where(table.c.id == ident)
                .values(
                    after_id=rows[-1].id, last_id=func.coalesce(max(done.last_id, rows[-1].id), 0),
                    changed=done.changed + len(fresh), shortened=done.shortened + shortened,
                    lengthened=done.lengthened + lengthened,
                )
            )  # fmt: skip
        return True

    def _end(self, actor: Actor, ident: int, lives: Lives) -> dict[str, int]:
        """Give refused records their ends too, and note that it is over, for this policy and those before it."""
        table, refused, now = tables.recomputes, tables.quarantine, to_micros(self._clock.now())
        with self._store.write() as connection:
            columns = (refused.c.id, refused.c.connection_id, refused.c.received_at, refused.c.expires_at)
            for row in connection.execute(select(*columns).where(refused.c.expires_at > now)).all():
                end = lives.end(row.connection_id, row.received_at, row.received_at, False)
                if end is not None and end[0] != row.expires_at:
                    connection.execute(update(refused).where(refused.c.id == row.id).values(expires_at=end[0]))
            connection.execute(
                update(table).where(and_(table.c.id <= ident, table.c.ended_at.is_(None))).values(ended_at=now)
            )
            done = connection.execute(select(table).where(table.c.id == ident)).one()
            told = {"changed": done.changed, "shortened": done.shortened, "lengthened": done.lengthened}
            self._audit.record(
                actor, "retention.recompute", "done", results=done.changed, within=connection,
                policy=done.policy_id, shortened=done.shortened, lengthened=done.lengthened,
            )  # fmt: skip
        return told

    def _page(self, connection: Connection, after: int) -> list[Row[Any]]:
        reads = tables.reads
        columns = (
            *(reads.c.id, reads.c.connection_id, reads.c.captured_at, reads.c.received_at, reads.c.expires_at),
            *(reads.c.rule, reads.c.held),
        )
        return list(connection.execute(select(*columns).where(reads.c.id > after).order_by(reads.c.id).limit(BATCH)))

    def _linked(self, connection: Connection, rows: list[Row[Any]]) -> set[int]:
        if not rows:
            return set()
        span = {"first": rows[0].id, "last": rows[-1].id}
        between = "WHERE read_id BETWEEN :first AND :last"
        sql = f"SELECT read_id FROM links {between} UNION SELECT read_id FROM hits {between}"
        return set(connection.scalars(text(sql), span))

    def _leaving(self) -> frozenset[int]:
        table = tables.removals
        with self._store.read() as connection:
            return frozenset(connection.scalars(select(table.c.connection_id).where(table.c.reads == "purge")))

    def _set(self, connection: Connection, fresh: list[tuple[int, int, int, str]]) -> None:
        if not fresh:
            return
        if self._store.is_sqlite:
            bound: dict[str, Any] = {"rows": self._store.as_list([(ident, end, rule) for ident, _, end, rule in fresh])}
            rows = "(SELECT value ->> 0 AS id, value ->> 1 AS at, value ->> 2 AS rule FROM json_each(:rows)) AS new"
            times = ""
        else:
            bound = {
                "ids": [one[0] for one in fresh], "ends": [one[2] for one in fresh], "rules": [one[3] for one in fresh],
                "times": [one[1] for one in fresh],
            }  # fmt: skip
            rows = (
                "unnest(CAST(:ids AS bigint[]), CAST(:times AS bigint[]), CAST(:ends AS bigint[]), "
                "CAST(:rules AS text[])) AS new (id, captured, at, rule)"
            )
            times = "AND reads.captured_at = new.captured"  # belongs to the key: names the month
        connection.execute(
            text(f"UPDATE reads SET expires_at = new.at, rule = new.rule FROM {rows} WHERE reads.id = new.id {times}"),
            bound,
        )
        connection.execute(
            text(f"UPDATE candidates SET expires_at = new.at FROM {rows} WHERE candidates.read_id = new.id"), bound
        )
