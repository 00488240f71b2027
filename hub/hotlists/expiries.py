"""When an entry of a hot list ends, as files write it: a day lasts until its end, and the year 9999 means never."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from hub.errors import Invalid
from hub.moments import american
from normalize.fault import Unusable
from normalize.times import EARLIEST, LATEST, from_iso, local


class Dates(StrEnum):
    """How a file writes its days, where that is said."""

    MONTH_FIRST = "month-first"
    DAY_FIRST = "day-first"
    EXCEL = "excel"
    """As the number of days that spreadsheets count."""


_FORMS: Final = "write it as 12/31/2026, 2026-12-31 or 2026-12-31T17:00"
_NEVER: Final = re.compile(
    # What databases, programs and people write for no end, in any order of day and month.
    r"never|null|\(null\)|none|nil|\\N|n/?a|-+|no (?:expiry|expiration|end)|indefinite|permanent"
    r"|0000-00-00(?:[T ][0:.]+)?|(?:9999([-/.]?)\d\d\1\d\d|\d{1,2}([-/.])\d{1,2}\2(?:9999))(?:[T ].*)?",
    re.ASCII | re.IGNORECASE,
)
_NUMBERED: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)\b(.*)", re.ASCII | re.DOTALL)
_SERIAL: Final = re.compile(r"\d{5,7}(?:[.,]\d{1,12})?", re.ASCII)
_DAY_NULL: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a reading of the clock
"""The day from which spreadsheets count, for every day since March of 1900."""
_LAST_SERIAL: Final = 2_958_465
"""The last day of the year 9999: no end."""
_MONTHS: Final = 12
_DAY: Final = len("2026-12-31")


@lru_cache(maxsize=4096)  # a list has few days and many entries
def expiry(text: str, zone: ZoneInfo, dates: Dates | None = None) -> datetime | None:
    """The instant at which an entry ends, in UTC; None for one that never does, and for an empty text.

    Times without an offset are local to `zone`. Where `dates` does not say how the file writes days, the month comes
    first between slashes and hyphens, and between dots whatever cannot be a month is the day. Raises `Invalid` with
    what may be written, or said, for a text that can be meant in two ways.
    """
    words = " ".join(text.split())
    if not words or _NEVER.fullmatch(words):
        return None
    if _SERIAL.fullmatch(words):
        return _counted(words, zone, dates)
    words = _month_first(words, dates)
    try:
        at = _ahead(words, zone) or _near(words, zone)
    except Unusable as wrong:
        reason = "is no day and no time" if "ISO 8601" in wrong.reason else wrong.reason
        raise Invalid(f"expires: {text[:40]!r} {reason}; {_FORMS}") from None
    except OverflowError:
        raise Invalid(f"expires: {text[:40]!r} is no day that comes; leave it empty for none, or {_FORMS}") from None
    if at < EARLIEST:
        raise Invalid(f"expires: {text[:40]!r} was over long ago; leave it empty for no end, or {_FORMS}")
    return at


def _counted(words: str, zone: ZoneInfo, dates: Dates | None) -> datetime | None:
    """The instant of a day that a spreadsheet counts, where somebody said that the file does."""
    count = float(words.replace(",", "."))
    if int(count) >= _LAST_SERIAL:
        what, at = "no end", None
    else:
        reading = _DAY_NULL + timedelta(seconds=round(count * 86_400))
        at = reading if count % 1 else reading.replace(hour=23, minute=59, second=59)
        what = f"{reading:%m/%d/%Y}"
    if dates is not Dates.EXCEL:
        raise Invalid(
            f"expires: {words!r} is a number: if a spreadsheet wrote it, it means {what}, and --dates excel says so;"
            f" else {_FORMS}"
        )
    try:
        return None if at is None else local(at, zone).at.astimezone(UTC)
    except Unusable as wrong:
        raise Invalid(f"expires: {words!r} means {what}, which {wrong.reason}; {_FORMS}") from None


def _month_first(words: str, dates: Dates | None) -> str:
    """A day of three numbers in the order of the United States, between slashes; any other text as it is."""
    numbers = _NUMBERED.fullmatch(words)
    if numbers is None:
        return words
    first, sign, second, year, time = numbers.groups()
    day_first = dates is Dates.DAY_FIRST
    if sign == "." and dates in (None, Dates.EXCEL):
        if int(first) <= _MONTHS and int(second) <= _MONTHS and int(first) != int(second):
            raise Invalid(
                f"expires: {words[:40]!r} may be a day of month {int(first)} or of month {int(second)}: say whether"
                f" days or months come first in this file (--dates day-first, or --dates month-first), or {_FORMS}"
            )
        day_first = int(first) > _MONTHS
    month, day = (second, first) if day_first else (first, second)
    if int(month) > _MONTHS >= int(day):
        other = Dates.MONTH_FIRST if day_first else Dates.DAY_FIRST
        raise Invalid(
            f"expires: {words[:40]!r} has no month {int(month)}: if {'months' if day_first else 'days'} come first in"
            f" this file, say so (--dates {other}), or {_FORMS}"
        )
    return f"{month}/{day}/{year}{time}"


def _ahead(words: str, zone: ZoneInfo) -> datetime | None:
    """An instant in a year that no reader will write and that lists are full of; None for any other."""
    reading = _american(words)
    if reading is None:
        try:
            reading = datetime.fromisoformat(words if len(words) > _DAY else f"{words}T23:59:59")
        except ValueError:
            return None
    if LATEST.year - 1 <= reading.year or reading.year < EARLIEST.year:
        return (reading if reading.tzinfo else reading.replace(tzinfo=zone)).astimezone(UTC)
    return None


def _near(words: str, zone: ZoneInfo) -> datetime:
    if (reading := _american(words)) is not None:
        return local(reading, zone).at.astimezone(UTC)
    return from_iso(words if len(words) > _DAY else f"{words}T23:59:59", zone).at.astimezone(UTC)


def _american(words: str) -> datetime | None:
    """The reading of `12/31/2026` and `12/31/26`: its last second, where it names no time."""
    reading = american(words)
    if reading is None:
        return None
    if reading.year < 2000 and str(reading.year) not in words:  # Python takes 99 for 1999, when nothing ended
        reading = reading.replace(year=reading.year + 100)
    return reading if ":" in words else reading.replace(hour=23, minute=59, second=59)
