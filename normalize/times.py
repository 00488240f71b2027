"""Times: whatever a vendor writes becomes a UTC instant, with a note on how its zone was known."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
FURTHEST: Final = timedelta(hours=14)
"""How far the furthest clock on earth is ahead."""
_UNITS: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _possible(at: datetime, zone: Zone, field: str) -> Moment:
    if not EARLIEST <= at < LATEST:
        raise Unusable(field, f"{at.year} is outside the years a reader could have written")
    return Moment(at, zone)


def _with_offset(at: datetime, field: str) -> Moment:
    """The instant of a time that tells its offset; raises `Unusable` for one that no clock on earth has."""
    if abs(at.utcoffset() or timedelta()) > FURTHEST:
        raise Unusable(field, "has an offset from UTC of more than 14 hours, which no clock on earth has")
    return _possible(at.astimezone(UTC), Zone.IN_DATA, field)


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

    Other spellings are read where they can mean one offset alone: a zone's name in brackets behind it, `UTC` or a small
    z, blanks, one digit of an hour, the true minus sign, a plus that got lost on the way or was written as %2B, UTC
    before an offset, a Z behind one of nothing, second 60 and hour 24; and so is a time as mail writes it.
    Without an offset and without `zone`, UTC is taken and marked as guessed. Raises `Unusable` for text that is no
    time, for a date alone, for a local time that a clock change skipped, and for years outside 1995–2100.
    """
    try:
        return _as_written(text.strip(), zone, field)
    except OverflowError:
        raise Unusable(field, "has an offset that leads out of the calendar") from None


_DATE: Final = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[+-].*|Z)?", re.ASCII)
"""A day, with an offset perhaps, which Python would read as an hour of it."""


def _as_written(text: str, zone: ZoneInfo | None, field: str) -> Moment:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _respelled(text, zone, field)
    if _DATE.fullmatch(text):
        raise Unusable(field, "is a date without a time")
    if at.tzinfo is UTC and EARLIEST <= at < LATEST:  # what most vendors write, and the quickest way out
        return Moment(at, Zone.IN_DATA)
    return local(at, zone, field) if at.tzinfo is None else _with_offset(at, field)


_CLOCK: Final = re.compile(
    r"(?P<day>[0-9]{4}-?[0-9]{2}-?[0-9]{2})[Tt ]\s*(?P<hour>[0-9]{2})(?P<rest>:?[0-9]{2}"
    r"(?::?(?P<second>[0-9]{2})(?:[.,][0-9]+?)?)?)\s*(?P<offset>Z|UTC|GMT|(?P<sign>[+-])?\s*(?P<hours>[0-9]{1,2})(?P<minutes>:?[0-9]{2})?)?"
    r"\s*(?P<brackets>(?:\[[^\[\]]{1,60}\])*)",
    re.IGNORECASE,
)
_MINUS: Final = str.maketrans("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-------")
_TWICE: Final = re.compile(r"[+-]00:?00\s*(?:Z|UTC|GMT)\Z", re.IGNORECASE)
"""An offset of nothing that is said twice; any other before a Z is a clash."""
_NAMED: Final = re.compile(r"\s*(?:UTC|GMT)\s*(?=[+-][0-9])", re.IGNORECASE)
_MAIL: Final = re.compile(
    r"(?:[A-Z]{3}, ?)?[0-9]{1,2} [A-Z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}(?::[0-9]{2})? (?:[+-][0-9]{4}|GMT|UTC|UT|Z)",
    re.IGNORECASE,
)
_TAG: Final = re.compile(r"\[!?([^\[\]=]+)\]")


def _respelled(text: str, zone: ZoneInfo | None, field: str) -> Moment:
    """The instant of a time that Python does not read as it is written, and that can be meant in one way alone."""
    if _MAIL.fullmatch(text):
        return _of_mail(text, field)
    if "%" in text:
        text = unquote(text)
    form = _CLOCK.fullmatch(_NAMED.sub("", _TWICE.sub("Z", text.translate(_MINUS))))
    offset = None if form is None else _offset(form)
    if form is None or offset is None:
        raise Unusable(field, "is not an ISO 8601 time")
    later, hour, rest = timedelta(), form["hour"], form["rest"]
    if hour == "24" and not rest.strip(":0.,"):
        later, hour = timedelta(days=1), "00"
    if form["second"] == "60":
        place = form.start("second") - form.start("rest")
        later, rest = later + timedelta(seconds=1), f"{rest[:place]}59{rest[place + 2 :]}"
    named = next((tag[1] for tag in _TAG.finditer(form["brackets"])), None)
    if named and not offset:
        zone = _zone_of(named, field)
    try:
        at = datetime.fromisoformat(f"{form['day']}T{hour}{rest}{offset}") + later
    except ValueError:
        raise Unusable(field, "is not an ISO 8601 time") from None
    if at.tzinfo is not None:
        return _with_offset(at, field)
    moment = local(at, zone, field)
    return Moment(moment.at, Zone.IN_DATA) if named and moment.zone is Zone.CONFIGURED else moment


def _of_mail(text: str, field: str) -> Moment:
    """The instant of a time as mail and HTTP write it: Mon, 01 Jun 2026 10:15:30 +0200."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        raise Unusable(field, "is no time as mail writes it") from None
    return _with_offset(at.replace(tzinfo=at.tzinfo or UTC), field)


def _offset(form: re.Match[str]) -> str | None:
    """The offset as Python reads it, empty where there is none; None where it could be meant in two ways.

    Whoever lost the plus wrote both digits of the hour, and minutes that a colon or a blank tells from what stands
    before; a minus never gets lost.
    """
    said, sign, hours, minutes = form["offset"], form["sign"], form["hours"], form["minutes"]
    if not said:
        return ""
    if hours is None:
        return "Z"
    before = form.string[form.start("offset") - 1]
    apart = minutes is not None and form["second"] and (minutes.startswith(":") or before.isspace())
    if sign is None and not (len(hours) == 2 and apart):
        return None
    return f"{sign or '+'}{hours:0>2}:{(minutes or '00').removeprefix(':')}"


def _zone_of(named: str, field: str) -> ZoneInfo:
    try:
        return ZoneInfo(named)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unusable(field, "names a time zone that is not known, and no offset") from None


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
