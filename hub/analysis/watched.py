"""The places where a plate passed, each with its cameras, the occasions to meet the plate there, and its traffic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from hub.analysis.chance import MeetingSpan, PlaceActivity, wall
from hub.analysis.sightings import VISIBLE, VisibleWindow, at_cameras
from hub.errors import Invalid
from hub.passes import CameraPosition, Pass, Sighting, spots
from hub.store.engine import Store

MOST_OCCASIONS: Final = 2000
SAMPLES: Final = 64
SAMPLE: Final = 600_000_000
"""µs of one look at a place's traffic."""
NOTHING: Final = PlaceActivity(0, 0, 0.0)
_GOLDEN: Final = 0.618_033_988_749_895
"""Steps of this share (the golden ratio's) spread samples evenly over a time and over the hours of the day."""


@dataclass(slots=True)
class Occasion:
    """A while around passes of the plate at one place, in which others may be met; µs, `until` not included."""

    since: int
    until: int
    reads: list[Sighting]
    others: list[Sighting] = field(default_factory=list)


@dataclass(slots=True)
class WatchedPlace:
    """Cameras that stand together, the occasions there in order of time, and what `learn` finds out about it."""

    name: str
    cameras: list[int]
    occasions: list[Occasion] = field(default_factory=list)
    spans: list[MeetingSpan] = field(default_factory=list)
    other_days: list[int] = field(default_factory=list)
    known: PlaceActivity = NOTHING


def places(
    store: Store, connection: Connection, passes: Sequence[Pass], within: int, window: VisibleWindow
) -> list[WatchedPlace]:
    """Where a plate passed, with the reads of other plates no more than `within` µs before or after it.

    One range of the index of cameras and times is read for each occasion. Raises `Invalid` where there are too many.
    """
    cameras = _cameras(connection)
    spot_of = spots(standing for standing, _ in cameras.values())
    grouped: dict[int, list[Pass]] = {}
    for passing in passes:
        grouped.setdefault(spot_of[passing.reads[0].camera_id], []).append(passing)
    places = []
    for spot, mine in grouped.items():
        members = [camera_id for camera_id in cameras if spot_of[camera_id] == spot]
        name = _name([cameras[camera_id] for camera_id in members])
        places.append(WatchedPlace(name, members, list(_occasions(mine, within))))
    if sum(len(place.occasions) for place in places) > MOST_OCCASIONS:
        raise Invalid(f"plate: has more than {MOST_OCCASIONS} occasions to meet it in that time; ask for less time")
    keys = {read.plate_key for passing in passes for read in passing.reads}
    for place in places:
        for occasion in place.occasions:
            occasion.reads.sort(key=lambda read: (read.captured_at, read.id))
            # A camera that moves reads at a place where it does not stand.
            looked = sorted({*place.cameras, *(read.camera_id for read in occasion.reads)})
            reads = at_cameras(store, connection, looked, VisibleWindow(window.now, occasion.since, occasion.until))
            occasion.others = [read for read in reads if read.plate_key not in keys]
    return places


def learn(store: Store, connection: Connection, place: WatchedPlace, base: VisibleWindow, zone: ZoneInfo) -> None:
    """Find out over what time a place gave reads, and from samples about how many; put its occasions on the wall."""
    ends = [at for newest in (False, True) for at in _ends(connection, place.cameras, base, newest)]
    met = [read.captured_at for occasion in place.occasions for read in (*occasion.reads, *occasion.others)]
    since, until = min(ends + met), max(ends + met) + 1
    length = max(1, min(SAMPLE, (until - since) // SAMPLES))
    sql = f"SELECT count(*) FROM reads r WHERE {store.one_of('r.camera_id', 'cameras')} AND {VISIBLE}"
    cameras = store.as_list(place.cameras)
    reads = 0
    for number in range(SAMPLES):
        begin = since + int(number * _GOLDEN % 1 * max(0, until - since - length))
        window = VisibleWindow(base.now, begin, begin + length)
        reads += connection.execute(text(sql), {"cameras": cameras, **window.bound()}).scalar_one()
    estimate = reads / (SAMPLES * length) * (until - since)
    place.known = PlaceActivity(wall(since, zone), wall(until, zone), max(estimate, float(len(met))))
    place.spans = [
        MeetingSpan(wall(occasion.since, zone), wall(occasion.until, zone), len(occasion.others))
        for occasion in place.occasions
    ]
    place.other_days = [span.other_days(place.known) for span in place.spans]


def _cameras(connection: Connection) -> dict[int, tuple[CameraPosition, str]]:
    rows = connection.execute(
        text("SELECT id, site, latitude, longitude, coalesce(name, vendor_id) FROM cameras ORDER BY id")
    )
    return {row[0]: (CameraPosition(*row[:4]), row[4]) for row in rows}


def _name(members: Sequence[tuple[CameraPosition, str]]) -> str:
    """The sites of a place, or its cameras where it has none."""
    sites = {standing.site for standing, _ in members if standing.site}
    return " + ".join(sorted(sites or {name for _, name in members}))


def _occasions(passes: Sequence[Pass], within: int) -> Iterator[Occasion]:
    """Passes at one place, in order of time, joined where the whiles around them overlap."""
    joined: Occasion | None = None
    for passing in passes:
        since, until = passing.first_at - within, passing.last_at + within + 1
        if joined and since < joined.until:
            joined.until = max(joined.until, until)
            joined.reads.extend(passing.reads)
            continue
        if joined:
            yield joined
        joined = Occasion(since, until, list(passing.reads))
    if joined:
        yield joined


def _ends(connection: Connection, cameras: Sequence[int], base: VisibleWindow, newest: bool) -> list[int]:
    """The first, or the last, read of each camera in a time."""
    order = "DESC" if newest else "ASC"
    sql = f"SELECT r.captured_at FROM reads r WHERE r.camera_id = :camera AND {VISIBLE}"
    sql += f" ORDER BY r.captured_at {order} LIMIT 1"
    times = [connection.scalar(text(sql), {"camera": camera, **base.bound()}) for camera in cameras]
    return [at for at in times if at is not None]
