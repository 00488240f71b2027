"""Times: whatever a vendor writes becomes a UTC instant, with a note on how its zone was known."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from normalize.fault import Unusable


class Zone(StrEnum):
    """How the zone of an instant was known."""

    IN_DATA = "in_data"
    """The vendor wrote an offset, or an epoch count, which is UTC by definition."""
    CONFIGURED = "configured"
    """The vendor wrote local time; the admin said where its clocks stand."""
    GUESSED = "guessed"
    """No offset and no setting, or a local time that a clock change lets occur twice."""


class Moment(NamedTuple):
    """An instant in UTC and how its zone was known."""

    at: datetime
    zone: Zone


EARLIEST: Final = datetime(1995, 1, 1, tzinfo=UTC)
"""No plate reader was sold before; an earlier stamp is a clock that lost its battery."""
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_UNITS: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _possible(at: datetime, zone: Zone, field: str) -> Moment:
    if not EARLIEST <= at < LATEST:
        raise Unusable(field, f"{at.year} is outside the years a reader could have written")
    return Moment(at, zone)


def from_epoch(count: float, unit: str, field: str = "captured_at") -> Moment:
    """The instant of an epoch count in `unit` (`s`, `ms`, `us` or `ns`), to the microsecond.

    Raises `Unusable` for a count outside 1995–2100, which is what a wrong unit gives.
    """
    try:
        # Whole microseconds by integer division: a float of seconds would lose them.
        micros = int(count) * 1_000_000 // _UNITS[unit] if isinstance(count, int) else round(count * 1e6 / _UNITS[unit])
        at = _EPOCH + timedelta(microseconds=micros)
    except (OverflowError, ValueError):
        raise Unusable(field, f"no instant is that many {unit} from 1970") from None
    return _possible(at, Zone.IN_DATA, field)


def from_iso(text: str, zone: ZoneInfo | None = None, field: str = "captured_at") -> Moment:
    """The instant of an ISO 8601 text; `zone` is where the clock stands when the text carries no offset.

    Without an offset and without `zone`, UTC is taken and marked as guessed. Raises `Unusable` for text that is no
    time, for a date alone, for a local time that a clock change skipped, and for years outside 1995–2100.
    """
    text = text.strip()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Unusable(field, "is not an ISO 8601 time") from None
    if len(text) <= len("2026-01-01"):
        raise Unusable(field, "is a date without a time")
    try:
        if at.tzinfo is UTC and EARLIEST <= at < LATEST:  # what most vendors write, and the quickest way out
            return Moment(at, Zone.IN_DATA)
        if at.tzinfo is not None:
            return _possible(at.astimezone(UTC), Zone.IN_DATA, field)
        return local(at, zone, field)
    except OverflowError:
        raise Unusable(field, "has an offset that leads out of the calendar") from None


def rfc3339(at: datetime, timespec: str = "microseconds") -> str:
    """An instant in UTC as RFC 3339 writes it, with a Z: `2026-06-01T12:00:00.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def local(at: datetime, zone: ZoneInfo | None, field: str = "captured_at") -> Moment:
    """The instant of a clock reading in `zone`; raises `Unusable` where a clock change skipped that reading."""
    if zone is None:
        return _possible(at.replace(tzinfo=UTC), Zone.GUESSED, field)
    first, second = (at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return _possible(first, Zone.CONFIGURED, field)
    if first > second:  # in a gap, fold 1 gives the earlier instant
        raise Unusable(field, f"did not exist in {zone.key}: the clocks went forward over it")
    # The time occurs twice that night. The first instant is taken: it can only expire a read early, never late.
    return _possible(first, Zone.GUESSED, field)
