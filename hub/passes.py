"""Passes: what several cameras, of several vendors, made of one car going by. Pure: no store, no clock.

Two cameras stand together when they are one camera, have the same site, or are no more than `METRES` apart. Reads of
one `plate_key` belong to one pass when each two of them stand together and lie no more than `SECONDS` apart. A pass
can therefore not grow: a car that is parked in front of a camera makes a new one every `SECONDS`.

A pass keeps every copy of the read with its own `expires_at`: joining them never lends one the life of another.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import asin, cos, floor, radians, sin, sqrt
from typing import Final, NamedTuple

SECONDS: Final = 20.0
"""How far two vendors' clocks, and two cameras of one crossing, may set reads of one car apart."""
METRES: Final = 100.0
EARTH: Final = 6_371_009.0
"""Mean radius in metres."""
_SECOND: Final = 1_000_000


class CameraPosition(NamedTuple):
    """Where a camera stood when it saw something; degrees of WGS 84, None where nobody knows."""

    camera_id: int
    site: str | None
    latitude: float | None
    longitude: float | None


class Sighting(NamedTuple):
    """One read, as far as analysis needs it. Instants are µs; the place is the read's, or else its camera's."""

    id: int
    plate: str
    plate_key: str
    plate_state: str | None
    captured_at: int
    expires_at: int
    connection: str
    camera_id: int
    camera: str
    site: str | None
    latitude: float | None
    longitude: float | None

    @property
    def standing(self) -> CameraPosition:
        """Where it was made."""
        return CameraPosition(self.camera_id, self.site, self.latitude, self.longitude)


@dataclass(frozen=True, slots=True)
class Pass:
    """The reads of one car going by, in order of time; never empty."""

    reads: tuple[Sighting, ...]

    @property
    def first_at(self) -> int:
        """The instant of its first read, µs."""
        return self.reads[0].captured_at

    @property
    def last_at(self) -> int:
        """The instant of its last read, µs."""
        return self.reads[-1].captured_at

    @property
    def read_ids(self) -> tuple[int, ...]:
        """Every copy."""
        return tuple(read.id for read in self.reads)

    @property
    def connections(self) -> tuple[str, ...]:
        """Who told of it, by name."""
        return tuple(sorted({read.connection for read in self.reads}))

    @property
    def cameras(self) -> tuple[str, ...]:
        """Which cameras saw it, by name."""
        return tuple(sorted({read.camera for read in self.reads}))

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites of its cameras that have one, by name."""
        return tuple(sorted({read.site for read in self.reads if read.site}))

    @property
    def plate_states(self) -> tuple[str, ...]:
        """The states that were read; empty where none was."""
        return tuple(sorted({read.plate_state for read in self.reads if read.plate_state}))


def passes(reads: Iterable[Sighting], seconds: float = SECONDS, metres: float = METRES) -> list[Pass]:
    """Every read in exactly one pass, in order of their first reads; the order in which reads are given is no matter.

    Each read joins the earliest pass that it fits. Takes n log n for n reads, and for each read a look at the different
    places of the passes that are open around it.
    """
    span = round(seconds * _SECOND)
    by_key: dict[str, _Open] = {}
    for read in sorted(reads, key=_when):
        by_key.setdefault(read.plate_key, _Open(span, metres)).take(read)
    ordered = [Pass(tuple(draft.reads)) for passing in by_key.values() for draft in passing.made]
    return sorted(ordered, key=lambda passing: _when(passing.reads[0]))


def together(one: CameraPosition, other: CameraPosition, metres: float = METRES) -> bool:
    """Whether two cameras stand together."""
    if one.camera_id == other.camera_id or (one.site and one.site == other.site):
        return True
    apart = distance(one, other)
    return apart is not None and apart <= metres


def distance(one: CameraPosition | Sighting, other: CameraPosition | Sighting) -> float | None:
    """Metres between two places along the Earth's surface; None where one of them is not known."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    south, north = radians(one.latitude), radians(other.latitude)
    rise, turn = sin((north - south) / 2), sin(radians(other.longitude - one.longitude) / 2)
    return 2 * EARTH * asin(min(1.0, sqrt(rise * rise + cos(south) * cos(north) * turn * turn)))


def spots(cameras: Iterable[CameraPosition], metres: float = METRES) -> dict[int, int]:
    """The spot of each camera, by camera id; a spot is named by the least id in it.

    Cameras that stand together share a spot, and so do those that are linked by others: counting spots never counts
    one place twice.
    """
    leads: dict[int, int] = {}
    seen: dict[Hashable, list[CameraPosition]] = {}
    for camera in sorted(cameras, key=lambda position: position.camera_id):
        leads[camera.camera_id] = camera.camera_id
        for near in {other for key in _around(camera, metres) for other in seen.get(key, ())}:
            if together(camera, near, metres):
                one, other = _lead(leads, camera.camera_id), _lead(leads, near.camera_id)
                leads[max(one, other)] = min(one, other)
        for key in _own(camera, metres):
            seen.setdefault(key, []).append(camera)
    return {camera_id: _lead(leads, camera_id) for camera_id in leads}


def _lead(leads: dict[int, int], camera_id: int) -> int:
    while leads[camera_id] != camera_id:
        leads[camera_id] = leads[leads[camera_id]]
        camera_id = leads[camera_id]
    return camera_id


def _when(read: Sighting) -> tuple[int, int]:
    return read.captured_at, read.id


class _PassDraft:
    """A pass that is being put together; `places` are the different ones among its reads."""

    def __init__(self, number: int, read: Sighting) -> None:
        self.number = number
        self.reads = [read]
        self.places = {read.standing}


class _Open:
    """The passes of one plate, in order, and which of them are open where."""

    def __init__(self, span: int, metres: float) -> None:
        self.made: list[_PassDraft] = []
        self._span = span
        self._metres = metres
        self._at: dict[Hashable, deque[_PassDraft]] = {}

    def take(self, read: Sighting) -> None:
        """Put a read into its pass; reads must come in order of time."""
        here = read.standing
        for draft in self._near(here, read.captured_at - self._span):
            if all(together(here, place, self._metres) for place in draft.places):
                draft.reads.append(read)
                draft.places.add(here)
                return
        draft = _PassDraft(len(self.made), read)
        self.made.append(draft)
        for key in _own(here, self._metres):
            self._at.setdefault(key, deque()).append(draft)

    def _near(self, here: CameraPosition, since: int) -> list[_PassDraft]:
        """The passes begun no earlier than `since` close to a place, the earliest first."""
        nearby: dict[int, _PassDraft] = {}
        for key in _around(here, self._metres):
            drafts = self._at.get(key)
            if not drafts:
                continue
            while drafts and drafts[0].reads[0].captured_at < since:
                drafts.popleft()
            nearby.update((draft.number, draft) for draft in drafts)
        return [nearby[number] for number in sorted(nearby)]


def _own(here: CameraPosition, metres: float) -> Iterator[Hashable]:
    """What a place is looked up by."""
    yield here.camera_id
    if here.site:
        yield here.site
    if (cell := _cell(here, metres)) is not None:
        yield cell


def _around(here: CameraPosition, metres: float) -> Iterator[Hashable]:
    """What everything is looked up by that may stand together with a place."""
    yield here.camera_id
    if here.site:
        yield here.site
    if (cell := _cell(here, metres)) is not None:
        x, y, z = cell
        yield from product((x - 1, x, x + 1), (y - 1, y, y + 1), (z - 1, z, z + 1))


def _cell(here: CameraPosition, metres: float) -> tuple[int, int, int] | None:
    """A cube of space around a place: neither poles nor the 180th meridian are special there.

    Its edge is a little longer than `metres`, so that rounding never hides a neighbour beyond the next cube.
    """
    if here.latitude is None or here.longitude is None:
        return None
    north, east = radians(here.latitude), radians(here.longitude)
    size = (metres * 1.01 + 0.01) / EARTH
    x, y, z = cos(north) * cos(east), cos(north) * sin(east), sin(north)
    return floor(x / size), floor(y / size), floor(z / size)
