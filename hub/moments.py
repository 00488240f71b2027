"""The times that people type: days as they say them, how long ago, or ISO 8601. Pure; `now` is handed in."""

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hub.errors import Invalid
from hub.words import moment
from normalize.fault import Unusable
from normalize.times import EARLIEST, LATEST, from_iso, local

FORMS: Final = "yesterday, today, now, 11/28/2026, 11/28/2026 14:30, 2h or 3d (that long ago), 2026-11-28T14:30"
"""What may be written, for help and for refusals."""

_AGO: Final = re.compile(r"(\d{1,6})\s*(min|m|h|d|w)(?:\s+ago)?", re.IGNORECASE)
_UNITS: Final = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS: Final = {"today": 0, "yesterday": 1}
_AMERICAN: Final = tuple(
    f"{day}{hour}" for day in ("%m/%d/%Y", "%m/%d/%y") for hour in (" %H:%M:%S", " %H:%M", " %I:%M %p", "")
)
_DATE: Final = len("2026-11-28")


def instant(text: str, now: datetime, zone: ZoneInfo, field: str) -> datetime:
    """The instant that a person means, in `zone` where the text names none; a day is its first moment.

    Raises `Invalid`, naming the field and what may be written, for a text that is none of `FORMS`, and for a clock
    reading that does not exist.
    """
    words = " ".join(text.split())
    word = words.casefold()
    try:
        if word == "now":
            return now
        if word in _DAYS:
            day = now.astimezone(zone).date() - timedelta(days=_DAYS[word])
            return local(datetime.combine(day, datetime.min.time()), zone, field).at
        if ago := _AGO.fullmatch(words):
            at = now - timedelta(**{_UNITS[ago[2].casefold()]: int(ago[1])})
            if not EARLIEST <= at < LATEST:
                raise Invalid(f"{field}: {words} ago is before any plate reader was sold")
            return at
        if (reading := american(words)) is not None:
            return local(reading, zone, field).at
        return from_iso(words if len(words) > _DATE else f"{words}T00:00:00", zone, field).at
    except Unusable as wrong:
        if "ISO 8601" in wrong.reason:
            raise Invalid(f"{field}: {text.strip()!r} is no time; write {FORMS}") from None
        if "outside the years" in wrong.reason:
            raise Invalid(f"{field}: {words} is outside {EARLIEST.year} to {LATEST.year - 1}") from None
        raise Invalid(str(wrong)) from None
    except OverflowError:
        raise Invalid(f"{field}: {words} ago is before any plate reader was sold") from None


def american(words: str) -> datetime | None:
    """The clock's reading that `12/31/2026`, `12/31/26` or `12/31/2026 14:30` is; None for another text."""
    for form in _AMERICAN:
        try:
            return datetime.strptime(words, form)  # noqa: DTZ007 - a reading of the clock; the caller knows where it stands
        except ValueError:
            continue
    return None


def captured(text: str, now: datetime, zone: ZoneInfo, field: str) -> datetime:
    """The same for a time from which on reads are wanted; raises `Invalid` for one that is still to come."""
    at = instant(text, now, zone, field)
    if at > now:
        raise Invalid(f"{field}: {moment(at, zone)} is in the future; nothing was captured then yet")
    return at


def window(since: datetime | None, until: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    """The time that was asked for: `from 2026-11-27 00:00 PST until now`; an end that is still to come is said."""
    begin = f"from {moment(since, zone)}" if since else "from the first read on"
    if until is None:
        return f"{begin} until now"
    later = ", which is in the future: until now" if until > now else ""
    return f"{begin} until {moment(until, zone)}{later}"
