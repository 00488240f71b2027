"""`Surroundings`: what is wrong with the hub itself rather than with one connection, as cards."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from hub.connections.card import FAILING, LATE, Card
from hub.connections.upkeep import upkeep
from hub.connections.waiting import Waiting
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.spool import RESERVE
from hub.words import count, moment, named, span

LITTLE: Final = 5 << 30
"""Bytes free on the disk of the data folder below which somebody should make room."""
UNSENT: Final = timedelta(minutes=15)
"""How long a notice may be on its way."""
_GIB: Final = 1 << 30


class Surroundings:
    """Looks at the disk, at pushes that were set aside, at notices that do not get out, and at the hub's own jobs."""

    def __init__(self, store: Store, folder: Path, free: Callable[[], int], ways: Sequence[str]) -> None:
        self._store = store
        self._folder = folder
        self._free = free
        self._ways = ways

    def cards(self, waiting: Waiting, now: datetime, zone: tzinfo) -> list[Card]:
        """What a person should know of the hub itself."""
        found = (self._disk(), self._set_aside(waiting), self._notices(now, zone))
        return [card for card in found if card is not None] + upkeep(self._store, now, zone)

    def _disk(self) -> Card | None:
        free = self._free()
        if free >= LITTLE:
            return None
        full = free < RESERVE
        said = f"The disk of {self._folder} has {free / _GIB:.1f} GiB left" + (
            f": below {RESERVE / _GIB:.0f} GiB pushes are refused." if full else "."
        )
        return Card(
            FAILING if full else LATE, "The disk is full" if full else "The disk is nearly full", said,
            "Make room, or give it a larger disk; pictures and the database take most.",
            f"du -sh {self._folder}/*", "disk_full" if full else "disk_nearly_full", plain=said,
        )  # fmt: skip

    def _set_aside(self, waiting: Waiting) -> Card | None:
        if waiting.counts is None:
            said = "So much that was pushed waits to be kept that it was not counted."
            do = "See that the receiver is up and what its log says; the pushes are safe on the disk."
            return Card(FAILING, "Very many pushes wait", said, do, "alprhub serve", "pushes_wait", plain=said)
        if not waiting.set_aside:
            return None
        inbox = self._folder / "inbox"
        said = f"{count(waiting.set_aside, 'batch', 'batches')} of pushes could not be read and was set aside."
        return Card(
            FAILING, "Pushes were set aside", said.replace("was", "were") if waiting.set_aside > 1 else said,
            f"What they hold is neither kept nor found: ask the senders to send it again, have the files"
            f" {inbox}/*.broken looked at, and delete them once nobody needs them.",
            f"ls -l {inbox}", "pushes_set_aside", plain=said.replace("was", "were") if waiting.set_aside > 1 else said,
        )  # fmt: skip

    def _notices(self, now: datetime, zone: tzinfo) -> Card | None:
        table, notices = tables.deliveries, tables.notices
        late = (
            select(table.c.way, func.count().label("number"), func.min(notices.c.at).label("first"))
            .join(notices, notices.c.id == table.c.notice_id)
            .where(table.c.way.in_(self._ways), table.c.sent_at.is_(None), table.c.tries > 0)
            .where(notices.c.at < to_micros(now - UNSENT))
            .group_by(table.c.way)
            .order_by(table.c.way)
        )
        with self._store.read() as connection:
            rows = connection.execute(late).all()
        if not rows:
            return None
        since = from_micros(min(row.first for row in rows))
        number = sum(row.number for row in rows)
        said = (
            f"{count(number, 'notice')} could not be sent by {named([row.way for row in rows])}, the oldest since"
            f" {moment(since, zone)} ({span(now - since)} ago)."
        )
        return Card(
            FAILING, "Notices do not get out", said,
            "Try every way out and see what it answers; mend the ALPRHUB_NOTICE_ settings, or the mail server.",
            "alprhub notices test", "notices_unsent", plain=said,
        )  # fmt: skip
