"""How the hub says times, spans, counts and yes or no to people. Pure; programs get ISO 8601, seconds and booleans."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_PERIOD: Final = re.compile(
    r"\bP(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?(?!\w)", re.ASCII
)
_NOUNS: Final = ("year", "month", "week", "day", "hour", "minute", "second")


def moment(at: datetime, zone: tzinfo) -> str:
    """An instant in the agency's zone, with the zone's name: `2026-11-30 14:05 PST`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def span(lasting: timedelta | float) -> str:
    """How long something lasts, in its two largest units: `8 d 7 h`, `2 h 5 min`, `40 s`, `0.4 s`.

    Takes seconds or a timedelta; a negative one is said as its length.
    """
    seconds = abs(lasting.total_seconds() if isinstance(lasting, timedelta) else lasting)
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    whole = round(seconds)
    for place, (size, name) in enumerate(_UNITS):
        if whole >= size:
            count, rest = divmod(whole, size)
            smaller = _UNITS[place + 1] if place + 1 < len(_UNITS) else None
            more = f" {rest // smaller[0]} {smaller[1]}" if smaller and rest // smaller[0] else ""
            return f"{count} {name}{more}"
    return "0 s"


def ago(at: datetime, now: datetime, zone: tzinfo) -> str:
    """How long ago an instant was, and when: `5 min ago (14:05 PST)`, with its day where that was not today."""
    local = at.astimezone(zone)
    same = local.date() == now.astimezone(zone).date()
    return f"{span(now - at)} ago ({f'{local:%H:%M %Z}' if same else moment(at, zone)})"


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 read`, `1,240 reads`; `plural` for nouns that do not take an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def gigabytes(number: int) -> str:
    """Bytes as people compare disks: `1.4 GiB`."""
    return f"{number / (1 << 30):.1f} GiB"


def yes(value: bool) -> str:
    """A truth as a word."""
    return "yes" if value else "no"


def named(names: Sequence[str], most: int = 5) -> str:
    """Names between commas, and how many more there are: `a, b and 3 more`."""
    shown, left = ", ".join(names[:most]), len(names) - most
    return f"{shown} and {left} more" if left > 0 else shown


def periods(text: str) -> str:
    """A text whose ISO 8601 periods are said in words: `up to P30D` is `up to 30 days`, `P1Y` is `1 year`."""
    return _PERIOD.sub(_period, text)


def _period(match: re.Match[str]) -> str:
    parts = [count(int(number), noun) for number, noun in zip(match.groups(), _NOUNS, strict=True) if number]
    return " ".join(parts) or match[0]
