"""A device's times in every form seen, and the form in which it wants to be asked."""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from connectors.vendors.hikvision.settings import HikvisionSettings
from normalize.times import Moment, from_iso

_TIME: Final = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)[.,]?(\d{0,6})\d*\s*(?:(Z)|([+-])(\d{1,2})(?::?(\d\d))?)?"
)


def instant(text: str, zone: ZoneInfo | None, name: str) -> Moment:
    """The instant of a time in any of the forms seen: ISO, without separators, digits only, offsets such as `-500`."""
    form = _TIME.fullmatch(text)
    if not form:
        return from_iso(text, zone, name)
    year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes = form.groups()
    offset = "Z" if utc else f"{sign}{int(hours):02d}:{minutes or '00'}" if sign else ""
    plain = f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction or '0':0<6}{offset}"
    return from_iso(plain, zone, name)


def asked_form(at: datetime, settings: HikvisionSettings) -> str:
    """The time after which plates are asked for, in the camera's zone and in the form that its firmware wants."""
    there = at.astimezone(settings.zone or UTC)
    if settings.cursor == "iso":
        return there.isoformat(timespec="seconds")
    offset = there.strftime("%z")
    return f"{there:%Y%m%dT%H%M%S}{offset[0]}{int(offset[1:3])}{offset[3:5]}"
