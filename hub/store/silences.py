"""Which cameras are silent now: the one answer for whoever asks how a connection does, and for what may be missing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, select, text

from hub.store import tables
from hub.store.instant import from_micros, to_micros

LAST: Final = 200
"""Reads of a camera that tell its usual gap."""
FEW: Final = 20
"""With fewer reads than this a camera has no usual gap yet."""
GAPS: Final = 10
"""A camera is silent after so many of its usual gaps …"""
SHORTEST: Final = timedelta(hours=1)
"""… and never sooner than this."""
ENDS: Final = text(
    "SELECT (SELECT min(captured_at) FROM reads WHERE camera_id = :camera) AS oldest,"
    " (SELECT max(captured_at) FROM reads WHERE camera_id = :camera) AS newest"
)
_NTH: Final = text(
    "SELECT captured_at FROM reads WHERE camera_id = :camera ORDER BY captured_at DESC LIMIT 1 OFFSET :nth"
)
_COUNT: Final = text("SELECT count(*) FROM reads WHERE camera_id = :camera")
_ANY: Final = text(
    "SELECT 1 FROM reads WHERE camera_id = :camera AND captured_at > :since AND captured_at <= :until LIMIT 1"
)
_WEEK: Final = timedelta(days=7) // timedelta(microseconds=1)


class Silence(NamedTuple):
    """A camera that brings nothing although it should: when its last read was, and its usual gap in seconds."""

    camera_id: int
    camera: str
    last_read: datetime
    usual_gap_seconds: int


def cameras_of(connection: Connection, connection_id: int) -> list[Row[Any]]:
    """The cameras of a connection: `id`, `vendor_id`, `name`."""
    table = tables.cameras
    columns = (table.c.id, table.c.vendor_id, table.c.name)
    return list(connection.execute(select(*columns).where(table.c.connection_id == connection_id)))


def silences(connection: Connection, cameras: Sequence[Row[Any]], now: datetime) -> list[Silence]:
    """The cameras without a read for ten of their usual gaps, unless they were as silent at this time a week ago.

    Every question is answered by the index of a camera's reads. The longest silence comes first.
    """
    silent = (_silence(connection, camera, now) for camera in cameras)
    return sorted((silence for silence in silent if silence is not None), key=lambda silence: silence.last_read)


def _silence(connection: Connection, camera: Row[Any], now: datetime) -> Silence | None:
    ends = connection.execute(ENDS, {"camera": camera.id}).one()
    if ends.newest is None:
        return None
    first, number = connection.scalar(_NTH, {"camera": camera.id, "nth": LAST}), LAST
    if first is None:
        first, number = ends.oldest, (connection.scalar(_COUNT, {"camera": camera.id}) or 1) - 1
    if number < FEW:
        return None
    gap = (ends.newest - first) / number
    if to_micros(now) - ends.newest <= max(GAPS * gap, SHORTEST / timedelta(microseconds=1)):
        return None
    then = {"camera": camera.id, "since": ends.newest - _WEEK, "until": to_micros(now) - _WEEK}
    if ends.oldest < then["since"] and connection.scalar(_ANY, then) is None:
        return None
    return Silence(camera.id, camera.name or camera.vendor_id, from_micros(ends.newest), int(gap // 1_000_000))
