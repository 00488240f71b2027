"""When a frame was taken, by the best of the times that an event tells."""

from contextlib import suppress
from zoneinfo import ZoneInfo

from connectors.fields import Fields
from normalize.fault import Unusable
from normalize.times import Moment, Zone, from_iso


def taken_at(data: Fields, zone: ZoneInfo | None) -> Moment:
    """When the frame was taken.

    `timestamp_local` with an offset comes first: some Streams write a Z behind a `timestamp` that is local. Then
    whichever of `timestamp`, `timestamp_local` and `timestamp_camera` has a zone, and `timestamp` where none has.
    """
    local = data.text_or_none("timestamp_local")
    if local and not local.lower().endswith("z"):
        with suppress(Unusable):
            at = from_iso(local, None, "timestamp_local")
            if at.zone is Zone.IN_DATA:
                return at
    first: Moment | None = None
    for name in ("timestamp", "timestamp_local", "timestamp_camera"):
        said = data.text_or_none(name)
        if said is None:
            continue
        at = from_iso(said, zone, name)
        if at.zone is Zone.IN_DATA:
            return at
        first = first or at
    return first or from_iso(data.text("timestamp"), zone, "timestamp")
