"""Pictures that are still to be fetched, and hosts that are left alone for a while because nobody answers there."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from hub.store import tables
from hub.store.visible import visible

FIRST_PAUSE: Final = 60_000_000
NOT_ALLOWED: Final = -1
"""In the place of how many runs gave up: the connection may not talk to that host, which is no failure of anybody's."""
LONGEST_PAUSE: Final = 30 * FIRST_PAUSE
"""µs. The next run asks a place again that one gave up; after two in a row it rests a minute, then two, and so on."""


def origin_of(url: str | None) -> str:
    """Where a picture lies: `https://host`, empty for an address that only its connection can follow."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def next_ones(
    connection: Connection, connection_id: int, now: int, most: int, but: Collection[str], tried: Collection[int]
) -> list[Row[Any]]:
    """The wanted pictures of reads that are visible, the address that ends first before all others, at most `most`.

    Those without an end come last. `but` are places that are left alone, `tried` pictures.
    """
    images = tables.images
    which = _wanted(select(images), connection_id, now).where(
        *(_elsewhere(origin) for origin in sorted(but)), images.c.id.not_in(sorted(tried))
    )
    ends = images.c.url_expires_at
    rows = list(connection.execute(which.where(ends.is_not(None)).order_by(ends, images.c.id).limit(most)))
    if len(rows) < most:
        without = which.where(ends.is_(None)).order_by(images.c.id)
        rows += connection.execute(without.limit(most - len(rows)))
    return rows


def left(connection: Connection, connection_id: int, now: int) -> int:
    """How many pictures of a connection are still wanted."""
    return connection.scalar(_wanted(select(func.count()).select_from(tables.images), connection_id, now)) or 0


def connections_in_want(connection: Connection, now: int) -> list[int]:
    """The connections that have pictures to fetch, the one whose next address ends first before the others."""
    images, reads = tables.images, tables.reads
    query = (
        select(reads.c.connection_id, func.min(images.c.url_expires_at), func.min(images.c.id))
        .select_from(images.join(reads, reads.c.id == images.c.read_id))
        .where(_state(), visible(reads, now))
        .group_by(reads.c.connection_id)
    )
    rows = connection.execute(query).all()
    return [row[0] for row in sorted(rows, key=lambda row: (row[1] is None, row[1] or 0, row[2]))]


def settle(connection: Connection, row: Row[Any], outcome: Mapping[str, Any]) -> bool:
    """Note what became of a picture; False where it is wanted no more, as its read has been purged meanwhile."""
    images = tables.images
    # A signed address is a key to the picture at the vendor; it is not kept once it has served.
    done = update(images).where(images.c.id == row.id, images.c.state == "wanted").values(**outcome, url=None)
    return connection.execute(done).rowcount == 1


def given_up(connection: Connection, connection_id: int) -> dict[str, tuple[int, int]]:
    """The places of a connection where nobody answered: how many runs in a row gave up, and when to ask again (µs)."""
    table = tables.picture_hosts
    known = table.c.given_up != NOT_ALLOWED
    rows = connection.execute(select(table).where(table.c.connection_id == connection_id, known))
    return {row.origin: (row.given_up, row.again_at) for row in rows}


def give_up(connection: Connection, connection_id: int, origin: str, now: int) -> None:
    """Leave a place alone: the first time until the next run, then longer each time."""
    table = tables.picture_hosts
    times = given_up(connection, connection_id).get(origin, (0, 0))[0] + 1
    pause = 0 if times == 1 else min(FIRST_PAUSE << min(times - 2, 10), LONGEST_PAUSE)
    answers(connection, connection_id, [origin])
    values = {"connection_id": connection_id, "origin": origin, "given_up": times, "again_at": now + pause}
    connection.execute(insert(table).values(**values))


def refused(connection: Connection, connection_id: int) -> set[str]:
    """The places of a connection that it was found not to be allowed to talk to."""
    table = tables.picture_hosts
    ours = (table.c.connection_id == connection_id) & (table.c.given_up == NOT_ALLOWED)
    return set(connection.scalars(select(table.c.origin).where(ours)))


def refuse(connection: Connection, connection_id: int, origin: str, now: int) -> None:
    """Note that pictures lie at a place that the connection may not talk to."""
    answers(connection, connection_id, [origin])
    values = {"connection_id": connection_id, "origin": origin, "given_up": NOT_ALLOWED, "again_at": now}
    connection.execute(insert(tables.picture_hosts).values(**values))


def not_allowed(connection: Connection, connection_id: int, now: int) -> dict[str, int]:
    """The hosts that hold wanted pictures of a connection and that it may not talk to, and how many lie at each."""
    images, found = tables.images, dict[str, int]()
    for origin in sorted(refused(connection, connection_id)):
        there = images.c.url.startswith(origin, autoescape=True) & ~_elsewhere(origin)
        pictures = connection.scalar(_wanted(select(func.count()).select_from(images), connection_id, now).where(there))
        if pictures:
            host = urlsplit(origin).hostname or origin
            found[host] = found.get(host, 0) + pictures
    return found


def answers(connection: Connection, connection_id: int, origins: Sequence[str]) -> None:
    """Forget that nobody answered there."""
    table = tables.picture_hosts
    connection.execute(delete(table).where(table.c.connection_id == connection_id, table.c.origin.in_(origins)))


def _wanted(query: Select[Any], connection_id: int, now: int) -> Select[Any]:
    images, reads = tables.images, tables.reads
    return query.join(reads, reads.c.id == images.c.read_id).where(
        _state(), reads.c.connection_id == connection_id, visible(reads, now)
    )


def _state() -> ColumnElement[bool]:
    # A literal: with a bound value no planner uses the partial index of wanted pictures.
    return tables.images.c.state == literal_column("'wanted'")


def _elsewhere(origin: str) -> ColumnElement[bool]:
    url = func.coalesce(tables.images.c.url, "")
    return url.contains("://") if not origin else ~url.startswith(f"{origin}/", autoescape=True)
