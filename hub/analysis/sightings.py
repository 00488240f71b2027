"""The reads that analysis works on: of whole plates or of cameras, visible ones only, by index."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from hub.errors import Invalid
from hub.passes import Pass, Sighting, passes
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.visible import visible_sql
from normalize.plate import canonical, fold

MOST_READS: Final = 20_000
"""Of one plate; what has more is asked for in parts."""
EVER: Final = 2**62
FIELDS: Final = """
    r.id, p.plate, p.plate_key, r.plate_state, r.captured_at, r.expires_at, n.name AS connection, r.camera_id,
    coalesce(c.name, c.vendor_id) AS camera, c.site, coalesce(r.latitude, c.latitude) AS latitude,
    coalesce(r.longitude, c.longitude) AS longitude
"""
TABLES: Final = """
    reads r JOIN plates p ON p.id = r.plate_id JOIN cameras c ON c.id = r.camera_id
    JOIN connections n ON n.id = r.connection_id
"""
VISIBLE: Final = f"{visible_sql('r', off_index=True)} AND r.captured_at >= :since AND r.captured_at < :until"


@dataclass(frozen=True, slots=True)
class SourceCopy:
    """One connection's read, which lives exactly as long as its own `expires_at`; degrees or None."""

    id: int
    plate: str
    plate_state: str | None
    captured_at: datetime
    camera: str
    site: str | None
    connection: str
    latitude: float | None
    longitude: float | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AskedSource:
    """What one connection gave: none is not the same as not asked, so every connection is listed, with its state."""

    connection: str
    state: str
    reads: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class VisibleWindow:
    """The reads that may be looked at: visible at `now`, captured from `since` until before `until`; µs."""

    now: int
    since: int
    until: int

    @classmethod
    def of(cls, now: datetime, since: datetime | None, until: datetime | None) -> "VisibleWindow":
        """The window of two instants, each of which may be open; raises `Invalid`."""
        if since and until and since >= until:
            raise Invalid("since: must lie before until")
        return cls(to_micros(now), to_micros(since) if since else -EVER, to_micros(until) if until else EVER)

    def bound(self) -> dict[str, Any]:
        """What `VISIBLE` binds."""
        return {"now": self.now, "since": self.since, "until": self.until}


@dataclass(frozen=True, slots=True)
class AskedPlate:
    """A plate that a person typed: canonical, and whether its look-alikes are meant as well."""

    plate: str
    alike: bool

    @classmethod
    def parse(cls, typed: str, alike: bool) -> "AskedPlate":
        """The plate; raises `Invalid` for none, for a pattern, and for a place as scenes take it."""
        signs = set(unicodedata.normalize("NFKC", typed))
        if signs & {"?", "*"}:
            raise Invalid("plate: must be a whole plate, without ? and *")
        if ":" in signs:
            raise Invalid(
                "plate: no plate has a colon; who was at a camera or a site: alprhub scenes --scene"
                " camera:NAME,SINCE,UNTIL"
            )
        plate = canonical(typed)
        if not plate:
            raise Invalid("plate: needs at least one letter or digit")
        return cls(plate, alike)

    @property
    def mode(self) -> str:
        """As an answer tells it."""
        return "look-alike" if self.alike else "exact"

    @property
    def key(self) -> str:
        """What it shares with its look-alikes."""
        return fold(self.plate)


def passes_of(store: Store, connection: Connection, wanted: AskedPlate, window: VisibleWindow) -> list[Pass]:
    """The passes of a plate in order of time; raises `Invalid` where it has too many reads."""
    column, value = ("plate_key", wanted.key) if wanted.alike else ("plate", wanted.plate)
    ids = connection.scalars(text(f"SELECT id FROM plates WHERE {column} = :plate"), {"plate": value}).all()
    if not ids:
        return []
    bound = {"plates": store.as_list(ids)}
    reads = list(found(connection, store.one_of("r.plate_id", "plates"), bound, window, MOST_READS + 1))
    if len(reads) > MOST_READS:
        raise Invalid(f"plate: has more than {MOST_READS} reads in that time; ask for less time")
    return passes(reads)


def at_cameras(store: Store, connection: Connection, cameras: Sequence[int], window: VisibleWindow) -> list[Sighting]:
    """Every visible read of some cameras in a window."""
    bound = {"cameras": store.as_list(cameras)}
    return list(found(connection, store.one_of("r.camera_id", "cameras"), bound, window))


def found(
    connection: Connection, condition: str, bound: Mapping[str, Any], window: VisibleWindow, limit: int = EVER
) -> Iterator[Sighting]:
    """The visible reads of a window that fulfil a condition over `reads r` and `plates p`, in no order."""
    sql = f"SELECT {FIELDS} FROM {TABLES} WHERE {condition} AND {VISIBLE} LIMIT :limit"
    rows = connection.execute(text(sql), {**bound, **window.bound(), "limit": limit})
    return (Sighting(*row) for row in rows)


def copy_of(read: Sighting) -> SourceCopy:
    """A read as it is handed out."""
    return SourceCopy(
        id=read.id,
        plate=read.plate,
        plate_state=read.plate_state,
        captured_at=from_micros(read.captured_at),
        camera=read.camera,
        site=read.site,
        connection=read.connection,
        latitude=read.latitude,
        longitude=read.longitude,
        expires_at=from_micros(read.expires_at),
    )


def sources(connection: Connection, reads: Iterable[Sighting]) -> list[AskedSource]:
    """What each connection gave, by name."""
    times: dict[str, list[int]] = {}
    for read in reads:
        times.setdefault(read.connection, []).append(read.captured_at)
    return told_by(connection, {name: (len(given), min(given), max(given)) for name, given in times.items()})


def told_by(connection: Connection, given: Mapping[str, tuple[int, int, int]]) -> list[AskedSource]:
    """Every connection, by name, with how many reads it gave, the first and the last (µs)."""
    answers = []
    for name, state in connection.execute(text("SELECT name, state FROM connections ORDER BY name")):
        reads, first, last = given.get(name, (0, None, None))
        at = (None if instant is None else from_micros(instant) for instant in (first, last))
        answers.append(AskedSource(name, state, reads, *at))
    return answers
