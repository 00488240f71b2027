"""`Endings`: one connection's reads, where its kind has changed or nothing of it shall be kept.

They are found camera by camera, in the order of their times: that is an index, whatever else is kept.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Row, or_, select

from hub.clock import Clock, sure
from hub.governing.floors import Floors, Kept, floor_of
from hub.governing.in_force import Governing
from hub.governing.lives import Lives
from hub.policy.provenance import Provenance
from hub.store import tables
from hub.store.ends import End, set_ends, told_end
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.visible import visible

BATCH: Final = 1000
"""Reads in one transaction: the writer is never held long."""
Ending = Callable[[Row[Any]], tuple[int, str] | None]
"""The end that a read should have (µs), and the rule; None where nothing is said of it."""
_READS: Final = tables.reads
_LINKED: Final = or_(
    *(select(by.c.read_id).where(by.c.read_id == _READS.c.id).exists() for by in (tables.hits, tables.links))
)
_COLUMNS: Final = (
    *(_READS.c[name] for name in ("id", "connection_id", "captured_at", "received_at", "ingested_at", "expires_at")),
    *(_READS.c[name] for name in ("rule", "held", "floor_at")),
    _LINKED.label("linked"),
)


class Endings:
    """Gives a connection's reads sooner ends, none before the floor under which it was kept; nothing gets a later."""

    def __init__(self, store: Store, clock: Clock, governing: Governing) -> None:
        self._store = store
        self._clock = clock
        self._governing = governing

    def effect(self, connection_id: int, source: Provenance) -> tuple[int, int]:
        """How many visible reads a connection has, and how many of them would end now if they were of this kind."""
        now, ending = to_micros(self._clock.now()), self._of(connection_id, source)
        floors = self._floors(connection_id, source)
        count = end_now = 0
        for rows in self._pages(connection_id, now):
            count += len(rows)
            end_now += sum(end.until <= now for end in _sooner(rows, ending, floors, now, held=False))
        return count, end_now

    def follow(self, connection_id: int, source: Provenance) -> int:
        """Let reads live no longer than reads of this kind do; what is held is left alone. Gives how many changed.

        Safe to kill and to repeat.
        """
        return self._shorten(connection_id, source, self._of(connection_id, source), held=False)

    def finish(self, connection_id: int, source: Provenance) -> int:
        """End all of a connection's reads now, or when policy allows it; those that are held are over with their hold.

        Gives how many changed. Safe to kill and to repeat.
        """
        now, profile = to_micros(sure(self._clock)), self._governing.profile()

        def ending(row: Row[Any]) -> tuple[int, str]:
            return max(now, floor_of(profile, source, row.captured_at, row.received_at)), row.rule

        return self._shorten(connection_id, source, ending, held=True)

    def _floors(self, connection_id: int, source: Provenance) -> Floors:
        return Floors(self._governing.history(), {connection_id: source})

    def _of(self, connection_id: int, source: Provenance) -> Ending:
        lives = Lives(self._governing.profile(), {connection_id: source})
        return lambda row: lives.end(connection_id, row.captured_at, row.received_at, row.linked)

    def _shorten(self, connection_id: int, source: Provenance, ending: Ending, held: bool) -> int:
        changed, floors = 0, self._floors(connection_id, source)
        now = to_micros(sure(self._clock))
        for rows in self._pages(connection_id, now):
            if not (fresh := _sooner(rows, ending, floors, now, held=held)):
                continue
            with self._store.write(durable=False) as connection:
                # Somebody may have taken, linked or unlinked one meanwhile: what an end hangs on is asked again.
                ids = [end.read_id for end in fresh]
                again = connection.execute(select(*_COLUMNS).where(_READS.c.id.in_(ids))).all()
                changed += set_ends(self._store, connection, _sooner(again, ending, floors, now, held=held))
        self._store.settle()  # whoever asked is told that it is so
        return changed

    def _pages(self, connection_id: int, now: int) -> Iterator[Sequence[Row[Any]]]:
        """A connection's visible reads."""
        reads, cameras = _READS, tables.cameras
        with self._store.read() as connection:
            of_it = list(connection.scalars(select(cameras.c.id).where(cameras.c.connection_id == connection_id)))
        for camera in of_it:
            at, ident = -(1 << 62), 0  # before every time
            while True:
                with self._store.read() as connection:
                    rows = connection.execute(
                        select(*_COLUMNS)
                        .where(reads.c.camera_id == camera, visible(reads, now))
                        .where(reads.c.captured_at >= at, or_(reads.c.captured_at > at, reads.c.id > ident))
                        .order_by(reads.c.captured_at, reads.c.id)
                        .limit(BATCH)
                    ).all()
                if not rows:
                    break
                at, ident = rows[-1].captured_at, rows[-1].id
                yield rows


def _sooner(rows: Sequence[Row[Any]], ending: Ending, floors: Floors, now: int, *, held: bool) -> list[End]:
    """The sooner ends of those reads that get one; of held ones only where those are meant too."""
    sooner = []
    for row in rows:
        if (row.held and not held) or (end := ending(row)) is None or end[0] >= row.expires_at:
            continue
        kept = Kept(row.connection_id, row.captured_at, row.received_at, row.ingested_at, row.floor_at)
        if (until := told_end(floors.end(kept, end[0], row.expires_at), row.expires_at, now)) < row.expires_at:
            sooner.append(End(row.id, row.captured_at, until, end[1], row.expires_at))
    return sooner
