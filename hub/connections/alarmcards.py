"""The cards of what somebody tried alone that takes two people, and was refused."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy import Select, func, select

from hub.connections.card import LATE, Card
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.words import count, moment, named

TOLD: Final = timedelta(days=7)
"""For how long a try is told of."""


def alarm_cards(store: Store, now: datetime, zone: tzinfo) -> list[Card]:
    """A card for everything that was tried alone in the last days, with the newest refusal."""
    table = tables.alarms
    newest = (
        select(table.c.about, func.count().label("tries"), func.max(table.c.id).label("last"))
        .where(table.c.at > to_micros(now - TOLD))
        .group_by(table.c.about)
        .subquery()
    )
    query = select(table, newest.c.tries).join(newest, newest.c.last == table.c.id).order_by(table.c.id)
    with store.read() as connection:
        rows = connection.execute(query).all()
        people = {row.about: _people(connection.scalars(_by(row.about, now)).all()) for row in rows}
    return [
        Card(
            LATE, f"{row.about}: one person tried what takes two",
            f"{people[row.about]} tried it {count(row.tries, 'time')}, last at {moment(from_micros(row.at), zone)}, and"
            f" it was refused: {row.refusal.rstrip('.')}.",
            "Nothing was changed. Ask who it was, and why. This is told for seven days; the audit record keeps it.",
            "alprhub approvals list --all", "tried_alone", about=row.about, since=from_micros(row.at),
            plain=f"One person tried what takes two people ({row.about}), and it was refused.",
        )
        for row in rows
    ]  # fmt: skip


def _by(about: str, now: datetime) -> Select[tuple[str]]:
    table = tables.alarms
    return select(table.c.by).distinct().where(table.c.about == about, table.c.at > to_micros(now - TOLD))


def _people(names: Sequence[str]) -> str:
    return named(sorted(names))
