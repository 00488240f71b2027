"""When an entry of a hot list ends, as files write it: a day lasts until its end, and the year 9999 means never."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from hub.errors import Invalid
from hub.moments import american
from normalize.fault import Unusable
from normalize.times import EARLIEST, LATEST, from_iso, local

_FORMS: Final = "write it as 12/31/2026, 2026-12-31 or 2026-12-31T17:00"
_NEVER: Final = re.compile(
    # What databases and programs write for no end, in any order of day and month.
    r"never|(?:9999([-/.]?)\d\d\1\d\d|\d{1,2}([-/.])\d{1,2}\2(?:9999))(?:[T ].*)?",
    re.ASCII | re.IGNORECASE,
)
_DASHED: Final = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4}|\d\d)\b", re.ASCII)
_DAY: Final = len("2026-12-31")


@lru_cache(maxsize=4096)  # a list has few days and many entries
def expiry(text: str, zone: ZoneInfo) -> datetime | None:
    """The instant at which an entry ends, in UTC; None for one that never does, and for an empty text.

    Times without an offset are local to `zone`. Raises `Invalid` with what may be written.
    """
    words = " ".join(text.split())
    if not words or _NEVER.fullmatch(words):
        return None
    try:
        at = _ahead(words, zone) or _near(words, zone)
    except Unusable as wrong:
        raise Invalid(f"expires: {text[:40]!r} {wrong.reason}; {_FORMS}") from None
    except OverflowError:
        raise Invalid(f"expires: {text[:40]!r} is no day that comes; leave it empty for none, or {_FORMS}") from None
    if at < EARLIEST:
        raise Invalid(f"expires: {text[:40]!r} was over long ago; leave it empty for no end, or {_FORMS}")
    return at


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
    """The reading of `12/31/2026`, `12-31-2026` and `12/31/26`: its last second, where it names no time."""
    reading = american(_DASHED.sub(r"\1/\2/\3", words, count=1))
    if reading is None:
        return None
    if reading.year < 2000 and str(reading.year) not in words:  # Python takes 99 for 1999, when nothing ended
        reading = reading.replace(year=reading.year + 100)
    return reading if ":" in words else reading.replace(hour=23, minute=59, second=59)
