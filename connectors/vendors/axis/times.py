"""Which of an event's times is taken, and what the camera's own forms of local time mean."""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from connectors.fields import Fields
from normalize.fault import Unusable
from normalize.times import Moment, Zone, from_epoch, from_iso, local

_COUNTS: Final = (("capture_timestamp", "ms"), ("timestamp", "ms"), ("capture_ts", "ns"), ("frame_timestamp", "us"))
_LOCAL: Final = re.compile(r"(\d{4})(\d\d)(\d\d)[ T](\d\d)(\d\d)(\d\d)(\d{0,6})\s*(Z|[+-]\d\d:?\d\d)?")
_ZONES: Final = {
    "UTC": "+00:00", "GMT": "+00:00", "WET": "+00:00", "WEST": "+01:00", "CET": "+01:00", "CEST": "+02:00",
    "EET": "+02:00", "EEST": "+03:00", "EDT": "-04:00", "EST": "-05:00", "CDT": "-05:00", "CST": "-06:00",
    "MDT": "-06:00", "MST": "-07:00", "PDT": "-07:00", "PST": "-08:00",
}  # fmt: skip
_SHARED: Final = frozenset({"EST", "CDT", "CST", "MST", "PST"})
"""Abbreviations that other parts of the world use for other offsets."""


def instant(fields: Fields, zone: ZoneInfo | None) -> Moment:
    """The best of an event's times: milliseconds of the event, then the same in ns, the frame's µs, local text."""
    for name, unit in _COUNTS:
        text = fields.ident_or_none(name)
        # Frame times are seconds on some wires and 0 in `lost`: only a count of microseconds is worth anything.
        if text and text.isascii() and text.isdecimal() and int(text) and (unit != "us" or len(text) == 16):
            return from_epoch(int(text), unit, name)
    if said := fields.text_or_none("UtcTime"):
        return from_iso(said, zone, "UtcTime")
    text = fields.text_or_none("datetime")
    if text is None:
        raise Unusable("capture_timestamp", "is missing, and no other time stands in for it")
    clock_text = _LOCAL.fullmatch(text)
    if not clock_text:
        return from_iso(text, zone, "datetime")
    *clock, fraction, offset = clock_text.groups()
    year, month, day, hour, minute, second = clock
    return from_iso(
        f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction or 0:0<6}{offset or ''}", zone, "datetime"
    )


def abbreviated(text: str, zone: ZoneInfo | None, field: str) -> Moment:
    """The instant of a local time with the abbreviation of a zone behind it.

    The zone of the settings decides where it knows the abbreviation, which also tells the two hours of an autumn
    night apart; then what the abbreviation means everywhere, then what it means in North America, as a guess.
    """
    clock, _, name = text.rpartition(" ")
    if not clock or not name.isalpha():
        return from_iso(text, zone, field)
    at = _naive(clock, field)
    for fold in (0, 1) if zone else ():
        there = at.replace(tzinfo=zone, fold=fold)
        if there.tzname() == name:
            return Moment(from_iso(there.isoformat(), None, field).at, Zone.CONFIGURED)
    if name not in _ZONES:
        return local(at, zone, field)
    moment = from_iso(f"{at.isoformat()}{_ZONES[name]}", None, field)
    return Moment(moment.at, Zone.GUESSED) if name in _SHARED else moment


def _naive(text: str, field: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        raise Unusable(field, "is not a time with the abbreviation of a zone") from None
