"""Rounds: how far the standing look-ups of a source that answers one plate at a time have come.

A round asks for every watched plate in one time. It may take longer than a run may, and it may be stopped or killed:
the next run goes on behind the last plate that was asked for, and the time counts as covered when the round is over.
"""

from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update

from hub.store import tables
from hub.store.engine import Store
from hub.store.runs import TimeSpan

_TABLE = tables.rounds


class Round(NamedTuple):
    """A round that is not over: entries up to `after_id` were asked for, `refused` of them in vain."""

    span: TimeSpan
    after_id: int = 0
    asked: int = 0
    refused: int = 0


class Rounds:
    """What is known of rounds; one run at a time changes those of a connection."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begun(self, connection_id: int, since: int | None) -> TimeSpan | None:
        """The time of a round that is not over: from `since` on, or from where the one before it stopped."""
        which = _TABLE.c.goes_on if since is None else _TABLE.c.since == since
        with self._store.read() as connection:
            row = connection.execute(
                select(_TABLE.c.since, _TABLE.c.until)
                .where(_TABLE.c.connection_id == connection_id, which)
                .order_by(_TABLE.c.until)
                .limit(1)
            ).one_or_none()
        return None if row is None else TimeSpan(row.since, row.until)

    def begin(self, connection_id: int, span: TimeSpan, goes_on: bool, oldest: int) -> Round:
        """A round over a time: the one that was begun, or a new one; rounds that end before `oldest` are forgotten."""
        here = _TABLE.c.connection_id == connection_id
        with self._store.write(durable=False) as connection:
            row = connection.execute(select(_TABLE).where(_of(connection_id, span))).one_or_none()
            if row is not None:
                return Round(span, row.after_id, row.asked, row.refused)
            over = or_(_TABLE.c.until < oldest, _TABLE.c.goes_on) if goes_on else _TABLE.c.until < oldest
            connection.execute(delete(_TABLE).where(here, over))
            values = {"connection_id": connection_id, "since": span.since, "until": span.until, "goes_on": goes_on}
            connection.execute(insert(_TABLE).values(**values))
        return Round(span)

    def asked(self, connection_id: int, now: Round) -> None:
        """Note how far it is."""
        values = {"after_id": now.after_id, "asked": now.asked, "refused": now.refused}
        with self._store.write(durable=False) as connection:
            connection.execute(update(_TABLE).where(_of(connection_id, now.span)).values(**values))

    def over(self, connection_id: int, span: TimeSpan) -> None:
        """Forget a round: all was asked for."""
        with self._store.write(durable=False) as connection:
            connection.execute(delete(_TABLE).where(_of(connection_id, span)))


def _of(connection_id: int, span: TimeSpan) -> ColumnElement[bool]:
    return and_(_TABLE.c.connection_id == connection_id, _TABLE.c.since == span.since, _TABLE.c.until == span.until)
