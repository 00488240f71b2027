"""Who was at several scenes: plates that passed a place within a window, at all of them or at least at so many."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from hub.absent import absent
from hub.analysis.sightings import TABLES, VISIBLE, AskedSource, SourceCopy, VisibleWindow, copy_of, found, told_by
from hub.area import Area
from hub.errors import Invalid, NotFound
from hub.passes import Sighting
from hub.store.engine import Store

FEWEST: Final = 2
MOST: Final = 10
LONGEST: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class AtCamera:
    """The cameras of a name or of a vendor's id, whatever connection they belong to."""

    camera: str


@dataclass(frozen=True, slots=True)
class AtSite:
    """The cameras of a site."""

    site: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A place and a window of time, `since` included and `until` not."""

    place: Area | AtCamera | AtSite
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AtScene:
    """What was read at a scene: distinct plates (look-alikes count as one), and the reads of each connection."""

    scene: Scene
    plates: int
    connections: list[AskedSource]


@dataclass(frozen=True, slots=True)
class Common:
    """A plate (all spellings of one key) that was at several scenes: its reads of each, in the order of the scenes."""

    plates: tuple[str, ...]
    plate_states: tuple[str, ...]
    scenes: int
    reads: tuple[tuple[SourceCopy, ...], ...]


@dataclass(frozen=True, slots=True)
class Scenes:
    """The plates that were at `at_least` of the scenes, those at most scenes first; `left_out` more are not listed."""

    at_least: int
    scenes: tuple[AtScene, ...]
    plates: tuple[Common, ...]
    left_out: int


def check(scenes: Sequence[Scene], at_least: int | None) -> int:
    """At how many scenes a plate must have been; raises `Invalid` for scenes that cannot be asked about."""
    if not FEWEST <= len(scenes) <= MOST:
        raise Invalid(f"scenes: must be {FEWEST} to {MOST}")
    for number, scene in enumerate(scenes, 1):
        if scene.since >= scene.until:
            raise Invalid(f"scene {number}: since: must lie before until")
        if scene.until - scene.since > LONGEST:
            raise Invalid(f"scene {number}: until: lies more than {LONGEST.days} days after since")
        if scene in scenes[: number - 1]:
            raise Invalid(f"scene {number}: is there twice")
    if at_least is None:
        return len(scenes)
    if not FEWEST <= at_least <= len(scenes):
        raise Invalid(f"at_least: must lie between {FEWEST} and the number of scenes")
    return at_least


def common(
    store: Store, connection: Connection, scenes: Sequence[Scene], at_least: int, limit: int, now: datetime
) -> Scenes:
    """The plates of scenes; first which, scene by scene, then their reads."""
    windows = [VisibleWindow.of(now, scene.since, scene.until) for scene in scenes]
    places = [list(_reads_of(store, connection, number, scene.place)) for number, scene in enumerate(scenes, 1)]
    keys = [_keys(connection, place, window) for place, window in zip(places, windows, strict=True)]
    counted = Counter(key for present in keys for key in present)
    chosen = sorted((key for key, times in counted.items() if times >= at_least), key=lambda key: (-counted[key], key))
    listed = chosen[:limit]
    at_scenes = tuple(
        AtScene(scene, len(present), _sources(connection, place, window))
        for scene, present, place, window in zip(scenes, keys, places, windows, strict=True)
    )
    reads: dict[str, list[list[Sighting]]] = {key: [[] for _ in scenes] for key in listed}
    mine = {"keys": store.as_list(listed)}
    for number, (place, window) in enumerate(zip(places, windows, strict=True)):
        for condition, bound in place if listed else ():
            both = f"{condition} AND {store.one_of('p.plate_key', 'keys')}"
            for read in found(connection, both, {**bound, **mine}, window):
                reads[read.plate_key][number].append(read)
    return Scenes(at_least, at_scenes, tuple(map(_common, reads.values())), len(chosen) - len(listed))


def _common(reads: list[list[Sighting]]) -> Common:
    every = [read for at_scene in reads for read in at_scene]
    spelled = Counter(read.plate for read in every)
    return Common(
        plates=tuple(sorted(spelled, key=lambda plate: (-spelled[plate], plate))),
        plate_states=tuple(sorted({read.plate_state for read in every if read.plate_state})),
        scenes=sum(map(bool, reads)),
        reads=tuple(
            tuple(map(copy_of, sorted(at_scene, key=lambda read: (read.captured_at, read.id)))) for at_scene in reads
        ),
    )


def _reads_of(
    store: Store, connection: Connection, number: int, place: Area | AtCamera | AtSite
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Conditions that split the reads of a place into disjoint parts; each is answered by an index."""
    if isinstance(place, AtCamera | AtSite):
        cameras = _named(connection, number, place)
        yield store.one_of("r.camera_id", "cameras"), {"cameras": store.as_list(cameras)}
        return
    inside, bound = place.condition("c.latitude", "c.longitude")
    cameras = connection.scalars(text(f"SELECT c.id FROM cameras c WHERE {inside}"), bound).all()
    # A read without a place of its own was read where its camera stands.
    if cameras:
        here = store.one_of("r.camera_id", "cameras")
        yield f"r.latitude IS NULL AND {here}", {"cameras": store.as_list(cameras)}
    inside, bound = place.condition("r.latitude", "r.longitude")
    cells = place.cells()
    if cells is not None:
        inside = f"{store.one_of('r.cell', 'cells')} AND {inside}"
        bound["cells"] = store.as_list(cells)
    yield f"r.latitude IS NOT NULL AND {inside}", bound


def _named(connection: Connection, number: int, place: AtCamera | AtSite) -> Sequence[int]:
    """The cameras of a name; raises `NotFound`: a mistyped name would look like nobody having been there."""
    if isinstance(place, AtSite):
        word, name, make = "site", place.site, "alprhub cameras site says where a camera stands"
        meant, called = "site = :name", "site"
    else:
        word, name, make = "camera", place.camera, ""
        meant, called = "name = :name OR vendor_id = :name", "coalesce(name, vendor_id)"
    cameras = connection.scalars(text(f"SELECT id FROM cameras WHERE {meant}"), {"name": name}).all()
    if not cameras:
        every = f"SELECT DISTINCT {called} AS called FROM cameras WHERE {called} <> '' ORDER BY called"
        raise NotFound(f"scene {number}: {absent(word, name, connection.scalars(text(every)).all(), make)}")
    return cameras


def _keys(connection: Connection, place: list[tuple[str, dict[str, Any]]], window: VisibleWindow) -> set[str]:
    keys: set[str] = set()
    for condition, bound in place:
        sql = (
            f"SELECT plate_key FROM plates WHERE id IN (SELECT r.plate_id FROM reads r WHERE {condition} AND {VISIBLE})"
        )
        keys.update(connection.scalars(text(sql), {**bound, **window.bound()}))
    return keys


def _sources(
    connection: Connection, place: list[tuple[str, dict[str, Any]]], window: VisibleWindow
) -> list[AskedSource]:
    """What each connection gave of a scene, by name."""
    given: dict[str, tuple[int, int, int]] = {}
    for condition, bound in place:
        sql = f"SELECT n.name, count(*), min(r.captured_at), max(r.captured_at) FROM {TABLES} WHERE {condition}"
        rows = connection.execute(text(f"{sql} AND {VISIBLE} GROUP BY n.name"), {**bound, **window.bound()})
        for name, reads, first, last in rows:
            before = given.get(name, (0, first, last))
            given[name] = (before[0] + reads, min(before[1], first), max(before[2], last))
    return told_by(connection, given)
