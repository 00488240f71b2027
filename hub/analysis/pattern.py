"""The pattern of life of a plate: on which weekdays and at which hours it passes, by the clock on the agency's wall."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.analysis.sightings import AskedSource
from hub.passes import Pass
from hub.store.instant import from_micros

Week = list[list[int]]
"""Passes by weekday (0 is Monday) and hour of the day (0 to 23)."""


@dataclass(frozen=True, slots=True)
class AtPlace:
    """The passes at a site, or at a camera that has none."""

    site: str | None
    camera: str | None
    connections: list[str]
    passes: int
    week: Week


@dataclass(frozen=True, slots=True)
class LifePattern:
    """Passes, not reads, by weekday and hour in `zone`; a pass counts at the hour of its first read, and at one place.

    `mode` is `exact`, or `look-alike` where all spellings of the plate's key are meant.
    """

    plate: str
    mode: str
    zone: str
    first_at: datetime | None
    last_at: datetime | None
    passes: int
    week: Week
    places: list[AtPlace]
    connections: list[AskedSource]


def week_of(passes: Sequence[Pass], zone: ZoneInfo) -> Week:
    """The passes by weekday and hour in a zone."""
    week = [[0] * 24 for _ in range(7)]
    for passing in passes:
        local = from_micros(passing.first_at).astimezone(zone)
        week[local.weekday()][local.hour] += 1
    return week


def places_of(passes: Sequence[Pass], zone: ZoneInfo) -> list[AtPlace]:
    """The same for each place, the busiest first."""
    grouped: dict[tuple[str, int], list[Pass]] = {}
    for passing in passes:
        first = passing.reads[0]
        # Cameras of one name may be of two vendors: without a site it is the camera that counts.
        place = (passing.sites[0], 0) if passing.sites else (first.camera, first.camera_id)
        grouped.setdefault(place, []).append(passing)
    places = [
        AtPlace(
            site=None if camera_id else name,
            camera=name if camera_id else None,
            connections=sorted({connection for passing in mine for connection in passing.connections}),
            passes=len(mine),
            week=week_of(mine, zone),
        )
        for (name, camera_id), mine in grouped.items()
    ]
    return sorted(places, key=lambda place: (-place.passes, place.site or "", place.camera or "", place.connections))
