"""The times that commands take, as people type them, and the sentence that says how they were understood."""

from datetime import datetime
from typing import Annotated, Final

import typer

from hub import moments
from hub.errors import Invalid
from hub.wiring import Hub
from hub.words import moment

FORMS: Final = "yesterday, 11/28/2026, 11/28/2026 14:30, 2h or 3d (that long ago), or ISO 8601"
"""What the help of an option says of a time; without a zone it is the agency's."""
Since = Annotated[str | None, typer.Option(help=f"From this time on: {FORMS}.")]
Until = Annotated[str | None, typer.Option(help="Until this time, itself left out; written the same way.")]


def instant(hub: Hub, text: str, field: str) -> datetime:
    """The instant of a text, in the agency's zone where it names none; raises `Invalid`."""
    return moments.instant(text, hub.clock.now(), hub.governing.profile.zone, field)


def window(hub: Hub, since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Both ends of a time that reads are wanted of; raises `Invalid` for one that begins in the future."""
    begin = None if since is None else moments.captured(since, hub.clock.now(), hub.governing.profile.zone, "since")
    end = None if until is None else instant(hub, until, "until")
    if begin and end and begin >= end:
        zone = hub.governing.profile.zone
        raise Invalid(f"since: must lie before until; it is {moment(begin, zone)}, and until is {moment(end, zone)}")
    return begin, end


def understood(hub: Hub, since: datetime | None, until: datetime | None) -> str:
    """How a time was understood, in the agency's zone: `from 2026-11-27 00:00 PST until now`."""
    return moments.window(since, until, hub.clock.now(), hub.governing.profile.zone)
