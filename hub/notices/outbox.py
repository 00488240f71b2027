"""`Outbox`: notices and their deliveries, in the database before anything is sent, and noted when it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from hub.notices.notice import BEGUN, Notice
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

FIRST_AGAIN: Final = timedelta(minutes=1)
"""After a failure a way is tried again so much later, each time twice as long …"""
LONGEST: Final = timedelta(hours=1)
"""… up to this."""
AT_ONCE: Final = 100
"""Notices that one turn gives to one way."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A notice, and by way of which ways it went when (None: it waits), and what was said last."""

    notice: Notice
    sent: Mapping[str, datetime | None]
    said: Mapping[str, str | None]


class Outbox:
    """The two tables of notices."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def standing(self, connection: Connection) -> dict[str, Notice]:
        """The newest notice of everything that was told of and is not over, by subject."""
        table = tables.notices
        newest = select(func.max(table.c.id)).group_by(table.c.subject)
        rows = connection.execute(select(table).where(table.c.id.in_(newest), table.c.kind == BEGUN))
        return {row.subject: _notice(row) for row in rows}

    def add(self, connection: Connection, notice: Notice, ways: Iterable[str]) -> None:
        """Keep a notice, and that it is to go out by these ways; its id is given here."""
        table, at = tables.notices, to_micros(notice.at)
        values = {name: getattr(notice, name) for name in ("subject", "kind", "connection", "code", "title", "body")}
        ident = connection.execute(insert(table).values(**values, at=at).returning(table.c.id)).scalar_one()
        rows = [{"notice_id": ident, "way": way, "next_at": at} for way in ways]
        if rows:
            connection.execute(insert(tables.deliveries), rows)

    def due(self, way: str, now: datetime) -> list[Notice]:
        """What a way is to be given now, oldest first; nothing while it is left alone after a failure.

        No wait is longer than `LONGEST`: one that is was noted while the machine's clock was ahead, and is over.
        """
        table, notices = tables.deliveries, tables.notices
        over = or_(table.c.next_at <= to_micros(now), table.c.next_at > to_micros(now + LONGEST))
        waiting = (
            select(notices)
            .join(table, table.c.notice_id == notices.c.id)
            .where(table.c.way == way, table.c.sent_at.is_(None), over)
            .order_by(notices.c.id)
            .limit(AT_ONCE)
        )
        with self._store.read() as connection:
            return [_notice(row) for row in connection.execute(waiting)]

    def sent(self, notice: Notice, way: str, now: datetime, answer: str) -> None:
        """Note that a way took a notice."""
        self._note(notice, way, sent_at=to_micros(now), error=answer or None)

    def failed(self, notice: Notice, way: str, now: datetime, refusal: str) -> None:
        """Note that a way did not take a notice, and put off its next try."""
        table = tables.deliveries
        with self._store.write() as connection:
            key = (table.c.notice_id == notice.id) & (table.c.way == way)
            tries = connection.scalar(select(table.c.tries).where(key)) or 0
            later = to_micros(now + min(FIRST_AGAIN * 2 ** min(tries, 10), LONGEST))
            connection.execute(update(table).where(key).values(tries=tries + 1, next_at=later, error=refusal))

    def put_off(self, way: str, now: datetime, by: Notice) -> None:
        """Put off all that waits for a way that could not be reached, until the next try of the notice that failed."""
        table = tables.deliveries
        with self._store.write() as connection:
            until = connection.scalar(select(table.c.next_at).where(table.c.notice_id == by.id, table.c.way == way))
            connection.execute(
                update(table)
                .where(table.c.way == way, table.c.sent_at.is_(None))
                .where(~table.c.next_at.between(to_micros(now) + 1, to_micros(now + LONGEST)))
                .values(next_at=until)
            )

    def waiting(self, ways: Iterable[str]) -> int:
        """How many deliveries by these ways are not sent yet."""
        table = tables.deliveries
        query = select(func.count()).where(table.c.sent_at.is_(None), table.c.way.in_(list(ways)))
        with self._store.read() as connection:
            return connection.scalar(query.select_from(table)) or 0

    def newest(self, limit: int) -> list[Sent]:
        """The newest notices, newest first."""
        table, notices = tables.deliveries, tables.notices
        with self._store.read() as connection:
            rows = connection.execute(select(notices).order_by(notices.c.id.desc()).limit(limit)).all()
            idents = [row.id for row in rows]
            went = connection.execute(select(table).where(table.c.notice_id.in_(idents)).order_by(table.c.way)).all()
        entries = []
        for row in rows:
            mine = [delivery for delivery in went if delivery.notice_id == row.id]
            sent = {
                delivery.way: from_micros(delivery.sent_at) if delivery.sent_at is not None else None
                for delivery in mine
            }
            entries.append(Sent(_notice(row), sent, {delivery.way: delivery.error for delivery in mine}))
        return entries

    def _note(self, notice: Notice, way: str, **values: object) -> None:
        table = tables.deliveries
        with self._store.write() as connection:
            key = (table.c.notice_id == notice.id) & (table.c.way == way)
            connection.execute(update(table).where(key).values(tries=table.c.tries + 1, **values))


def _notice(row: Row[tuple[object, ...]]) -> Notice:
    names = ("id", "subject", "kind", "connection", "code", "title", "body")
    return Notice(at=from_micros(row.at), **{name: getattr(row, name) for name in names})
