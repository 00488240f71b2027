"""Scout's times: milliseconds, or ISO 8601 although the name says epoch."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec

from connectors.fields import Fields
from connectors.vendors.rekor.settings import RekorSettings
from normalize.fault import Unusable
from normalize.times import Moment, from_epoch, from_iso


class _When(msgspec.Struct):
    epoch_time_start: str | int | float | None = None
    epoch_time: str | int | float | None = None


class _Row(_When):
    """No more of a search result than its time: what walking the window needs, without reading the rest."""

    fields: _When | None = None


_Written = Annotated[datetime, msgspec.Meta(tz=True)]


class _Start(msgspec.Struct):
    epoch_time_start: _Written


class _Today(msgspec.Struct):
    """The same as today's searches write it, in which the library reads the time itself."""

    fields: _Start


_TODAY: Final = msgspec.json.Decoder(_Today)
_WRONG: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def moment_of(fields: Fields, names: Sequence[str], zone: ZoneInfo | None) -> Moment:
    """The time under the first name that is there: milliseconds, or ISO 8601 although the name says epoch."""
    name = fields.first(*names)
    return instant(fields.number_or_text(name), zone, name)


def instant(said: float | int | str, zone: ZoneInfo | None, name: str = "captured_at") -> Moment:
    """The instant of a count of milliseconds or of a text."""
    return from_iso(said, zone, name) if isinstance(said, str) else from_epoch(said, "ms", name)


def time_of(raw: bytes, start: datetime, until: datetime, settings: RekorSettings) -> datetime | None:
    """When a read says it began; None where it does not, or says a time that was not asked for."""
    at = _today(raw) or _told(raw, settings.zone)
    return at if at is not None and start <= at <= until else None


def _today(raw: bytes) -> datetime | None:
    """The time of one of today's search results, to the millisecond; None for any other: it is read with more care."""
    try:
        at = _TODAY.decode(raw).fields.epoch_time_start.astimezone(UTC)
    except (*_WRONG, OverflowError):
        return None
    # The library would round what is finer up, and the walk would begin again behind it.
    return at if at.microsecond % 1000 == 0 else None


def _told(raw: bytes, zone: ZoneInfo | None) -> datetime | None:
    try:
        shape = msgspec.json.decode(raw, type=_Row)
        when = shape.fields or shape
        return instant(when.epoch_time_start or when.epoch_time or "", zone).at
    except (*_WRONG, Unusable):
        return None
