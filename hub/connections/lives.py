"""How long a connection's reads live: what would end at once under another rule, and making it so.

A connection's reads are found camera by camera, in the order of their times: that is an index, whatever else is kept.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, and_, case, func, or_, select, text, update

from hub.policy.profile import Profile
from hub.policy.rules import Rule
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

BATCH: Final = 1000
"""Reads in one transaction: the writer is never held long."""


class Life(NamedTuple):
    """When a read ends (µs), and the rule that says so."""

    until: int
    rule: str


class Effect(NamedTuple):
    """What another rule would do to the reads that are kept: how many there are, and how many would end now."""

    reads: int
    end_now: int


Ending = Callable[[Row[Any]], Life]
"""The life that a read should have; the row has `captured_at` and `received_at`."""


def by_rule(profile: Profile, rule: Rule) -> Ending:
    """The life that a rule gives."""

    def life(row: Row[Any]) -> Life:
        return Life(to_micros(rule.keep.ceiling(from_micros(row.captured_at), profile.zone)), rule.id)

    return life


def at_once(profile: Profile, origin: str, vendor: str, now: datetime) -> Ending:
    """The life of what shall be purged: over now, or at the end of the time for which policy wants it kept."""

    def life(row: Row[Any]) -> Life:
        floor = profile.floor(origin, vendor, from_micros(row.captured_at), from_micros(row.received_at))
        return Life(to_micros(now if floor is None else max(now, floor.at)), row.rule)

    return life


def effect(store: Store, connection_id: int, profile: Profile, rule: Rule, now: datetime) -> Effect:
    """What a rule would do to the reads of a connection that are visible now; those that are held do not end."""
    reads = tables.reads
    over = _over(profile, rule, to_micros(now))
    columns = (func.count(), func.sum(case((and_(reads.c.captured_at <= over, reads.c.held.is_(False)), 1), else_=0)))
    found = [0, 0]
    for camera in _cameras(store, connection_id):
        of_it = (reads.c.camera_id == camera, reads.c.expires_at > to_micros(now))
        with store.read() as connection:
            count, ends = connection.execute(select(*columns).select_from(reads).where(*of_it)).one()
        found = [found[0] + count, found[1] + int(ends or 0)]
    return Effect(*found)


def _over(profile: Profile, rule: Rule, now: int) -> int:
    """The latest capture (µs) whose time under a rule is over: the later a capture, the later its end."""
    early, late = 0, now
    while early < late:
        middle = (early + late + 1) // 2
        over = to_micros(rule.keep.ceiling(from_micros(middle), profile.zone)) <= now
        early, late = (middle, late) if over else (early, middle - 1)
    return early


def shorten(store: Store, connection_id: int, ending: Ending, now: datetime) -> int:
    """Give every read of a connection the life that it should have where that is shorter; gives how many changed.

    Nothing is given a longer life, and what is held is left alone. Safe to kill and to repeat.
    """
    changed = 0
    for camera in _cameras(store, connection_id):
        place = (-(1 << 62), 0)  # before every time
        while True:
            with store.read() as connection:
                batch = connection.execute(_page(camera, place, to_micros(now)).limit(BATCH)).all()
            if not batch:
                break
            place = (batch[-1].captured_at, batch[-1].id)
            lives = [(row, ending(row)) for row in batch if not row.held]
            fresh = [(row, life) for row, life in lives if life.until < row.expires_at]
            if fresh:
                changed += len(fresh)
                _set(store, fresh)
    return changed


def held(store: Store, connection_id: int, most: int) -> tuple[int, list[int]]:
    """How many of a connection's reads are held, and the ids of the first of them."""
    reads = tables.reads
    # In these words, because the index over what is held is one over `held`.
    of_it = and_(text("held"), reads.c.connection_id == connection_id)
    with store.read() as connection:
        count = connection.scalar(select(func.count()).select_from(reads).where(of_it)) or 0
        names = connection.scalars(select(reads.c.id).where(of_it).order_by(reads.c.id).limit(most)).all()
    return count, list(names)


def _set(store: Store, fresh: list[tuple[Row[Any], Life]]) -> None:
    reads, candidates = tables.reads, tables.candidates
    with store.write() as connection:
        for row, life in fresh:
            # The time belongs to the key: on PostgreSQL it names the month that the read lies in.
            this = and_(reads.c.id == row.id, reads.c.captured_at == row.captured_at, reads.c.held.is_(False))
            connection.execute(update(reads).where(this).values(expires_at=life.until, rule=life.rule))
            connection.execute(update(candidates).where(candidates.c.read_id == row.id).values(expires_at=life.until))


def _cameras(store: Store, connection_id: int) -> list[int]:
    with store.read() as connection:
        return list(
            connection.scalars(select(tables.cameras.c.id).where(tables.cameras.c.connection_id == connection_id))
        )


def _page(camera: int, after: tuple[int, int], now: int) -> Any:
    reads = tables.reads
    columns = (reads.c.id, reads.c.captured_at, reads.c.received_at, reads.c.expires_at, reads.c.rule, reads.c.held)
    at, ident = after
    return (
        select(*columns)
        .where(reads.c.camera_id == camera, reads.c.expires_at > now)
        .where(reads.c.captured_at >= at, or_(reads.c.captured_at > at, reads.c.id > ident))
        .order_by(reads.c.captured_at, reads.c.id)
    )
