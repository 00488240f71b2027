"""Instants in the store: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (at - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The UTC instant of a count of microseconds, exact: a float holds every one of them until the year 2255."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC)
