"""Tombstones: what was destroyed before its time does not come back, though its vendor gives it again.

A digest of whose plate was read when, at one vendor's, stands for it, whatever file or connection brings it and
whatever its camera is called there, and no longer than it could have lived.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, select, text

from hub.store import tables
from hub.store.instant import to_micros
from hub.store.page import Accepted
from normalize.plate import fold

_TABLE: Final = tables.tombstones


class Grave(NamedTuple):
    """What a tombstone stands for: whose read of which plate, when (µs); and until when (µs)."""

    vendor: str
    plate: str
    captured_at: int
    until: int


def bury(connection: Connection, graves: Iterable[Grave]) -> None:
    """Keep tombstones in the transaction that destroys."""
    rows = {digest(grave.vendor, grave.plate, grave.captured_at): grave.until for grave in graves}
    if rows:
        stone = text(
            "INSERT INTO tombstones (digest, until) VALUES (:digest, :until) ON CONFLICT (digest) DO UPDATE SET"
            " until = excluded.until WHERE excluded.until > tombstones.until"
        )
        connection.execute(stone, [{"digest": name, "until": until} for name, until in rows.items()])


def buried(connection: Connection, vendor: str, items: Sequence[Accepted], now: int) -> set[str]:
    """The vendor's ids of those reads on their way in that were destroyed before their time."""
    if connection.scalar(select(_TABLE.c.until).limit(1)) is None:
        return set()
    digests: dict[bytes, list[str]] = {}
    for item in items:
        # Two cameras may see a plate at one instant: several reads stand under one digest.
        name = digest(vendor, item.read.plate, to_micros(item.read.captured_at))
        digests.setdefault(name, []).append(item.read.vendor_read_id)
    found = connection.scalars(select(_TABLE.c.digest).where(_TABLE.c.digest.in_(digests), _TABLE.c.until > now))
    return {ident for name in found for ident in digests[bytes(name)]}


def crumble(connection: Connection, now: int) -> None:
    """Forget what would be over anyway."""
    if connection.scalar(select(_TABLE.c.until).where(_TABLE.c.until <= now).limit(1)) is not None:
        connection.execute(delete(_TABLE).where(_TABLE.c.until <= now))


def digest(vendor: str, plate: str, captured_at: int) -> bytes:
    """What stands for a read: one person's map says what its camera is called, and signs that look alike are one."""
    return sha256("\x1f".join((vendor, fold(plate), str(captured_at))).encode()).digest()
