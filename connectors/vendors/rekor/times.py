"""Scout's times: milliseconds, or ISO 8601 although the name says epoch."""

from collections.abc import Sequence
from datetime import datetime
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


def moment_of(fields: Fields, names: Sequence[str], zone: ZoneInfo | None) -> Moment:
    """The time under the first name that is there: milliseconds, or ISO 8601 although the name says epoch."""
    name = fields.first(*names)
    return instant(fields.number_or_text(name), zone, name)


def instant(said: float | int | str, zone: ZoneInfo | None, name: str = "captured_at") -> Moment:
    """The instant of a count of milliseconds or of a text."""
    return from_iso(said, zone, name) if isinstance(said, str) else from_epoch(said, "ms", name)


def time_of(raw: bytes, start: datetime, until: datetime, settings: RekorSettings) -> datetime | None:
    """When a read says it began; None where it does not, or says a time that was not asked for."""
    try:
        shape = msgspec.json.decode(raw, type=_Row)
        when = shape.fields or shape
        at = instant(when.epoch_time_start or when.epoch_time or "", settings.zone).at
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unusable):
        return None
    return at if start <= at <= until else None
