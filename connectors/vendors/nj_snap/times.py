"""Clocks without a zone: what is asked for, and what an answer's reads say."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Record
from connectors.vendors.nj_snap.settings import NjSnapSettings
from normalize.fault import Unusable
from normalize.times import from_iso


def shown_twice(at: datetime, zone: ZoneInfo) -> bool:
    """Whether the local clock shows this instant's time a second time that night."""
    there = at.astimezone(zone)
    return there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()


def asked_for(since: datetime, until: datetime, plates: str, settings: NjSnapSettings) -> dict[str, Any]:
    """A search's plates and time, in the supplier's local time and whole seconds."""
    ends = (since, until + timedelta(seconds=1) - timedelta(microseconds=1))
    start, end = (at.astimezone(settings.zone).strftime("%Y-%m-%dT%H:%M:%S") for at in ends)
    return {"start_date": start, "end_date": end, "plate_num": plates}


def time_of(raw: bytes, settings: NjSnapSettings) -> datetime | None:
    """When a search's read says that it was made; None where it does not."""
    with suppress(Unusable):
        return from_iso(Record("search", raw).fields().text("read_time"), settings.zone).at
    return None
