"""Reads as an answer shows them: everything a person needs to judge one, and where it comes from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from hub.search.query import Cursor
from hub.store.countries import country_sql
from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.instant import from_micros

_READ: Final = {
    "id": "r.id",
    "plate": "p.plate",
    "plate_raw": "r.plate_raw",
    "plate_state": "r.plate_state",
    "plate_country": country_sql("r"),
    "captured_at": "r.captured_at",
    "zone": "r.zone",
    "camera_id": "c.id",
    "site": "c.site",
    "camera": "coalesce(c.name, c.vendor_id)",
    "connection": "n.name",
    "connector": "n.connector",
    "obtained": "r.obtained",
    "plate_confidence": "r.plate_confidence",
    "make": "r.make",
    "colour": "r.colour",
    "body": "r.body",
    "latitude": "coalesce(r.latitude, c.latitude)",
    "longitude": "coalesce(r.longitude, c.longitude)",
    "received_at": "r.received_at",
    "expires_at": "r.expires_at",
}
"""What `Found` says of a read, and where that stands."""
COLUMNS: Final = ", ".join(_READ.values())
_GRADED: Final = ("native",)
"""Connectors whose reads carry a grade: the details of all others need not be looked up for one."""
_TIMES: Final = ("captured_at", "received_at", "expires_at")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a read: what it shows, whether its bytes are here (`stored`) or not yet (`wanted`), and its key."""

    kind: str
    state: str
    key: str


@dataclass(frozen=True, slots=True)
class OnList:
    """A list that a read is a hit of, and how it agrees: `kind` and `state_match` as matching gives them."""

    hotlist: str
    kind: str
    state_match: str


@dataclass(frozen=True, slots=True)
class Reliance:
    """How far a reading may be relied on: `alert` is whether enough to alert on, `rule` what made it so or lacks."""

    alert: bool
    rule: str
    may_be_cut: bool = False


@dataclass(slots=True)
class Found:
    """One read that matched, where it comes from, and why it matched.

    `obtained` is how it came (`pull`, `push`, `lookup`, `replay`), `lag_seconds` how long after the capture.
    """

    id: int
    plate: str
    plate_raw: str
    plate_state: str | None
    plate_country: str | None
    captured_at: datetime
    zone: str
    camera_id: int
    camera: str
    site: str | None
    connection: str
    connector: str
    obtained: str
    plate_confidence: float | None
    make: str | None
    colour: str | None
    body: str | None
    latitude: float | None
    longitude: float | None
    received_at: datetime
    expires_at: datetime
    lag_seconds: float
    images: Sequence[Image]
    hits: Sequence[OnList]
    why: str
    grade: Reliance | None = None
    """None where the source has no rule for that."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Another plate that an engine took a read for; `rank` 1 is its first choice."""

    plate: str
    rank: int
    confidence: float | None


def rows_of(
    store: Store, connection: Connection, keys: Sequence[Cursor], why: Callable[[int, str, str], str]
) -> list[Found]:
    """The rows of reads, newest first; `why` gives the reason of a match from its id, plate and connector."""
    if not keys:
        return []
    ids = [key.id for key in keys]
    sql = f"""
        SELECT {COLUMNS} FROM reads r
        JOIN plates p ON p.id = r.plate_id
        JOIN cameras c ON c.id = r.camera_id
        JOIN connections n ON n.id = r.connection_id
        WHERE {store.one_of("r.id", "ids")} AND {dialect(store).in_span("r.captured_at")}
    """
    bound = {"ids": store.as_list(ids), "first": keys[-1].captured_at, "last": keys[0].captured_at}
    by_id = {row[0]: row for row in store.rows(connection, sql, bound)}
    images, hits = _images(store, connection, ids), _hits(store, connection, ids)
    place = list(_READ).index("connector")
    grades = _grades(store, connection, [ident for ident in ids if by_id[ident][place] in _GRADED])
    reads = []
    for ident in ids:
        values: dict[str, Any] = dict(zip(_READ, by_id[ident], strict=True))
        lag = (values["received_at"] - values["captured_at"]) / 1_000_000
        values |= {name: from_micros(values[name]) for name in _TIMES}
        beside = {"images": images.get(ident, ()), "hits": hits.get(ident, ()), "lag_seconds": lag}
        beside["grade"] = grades.get(ident)
        reads.append(Found(**values, **beside, why=why(ident, values["plate"], values["connector"])))
    return reads


def choices_of(store: Store, connection: Connection, ids: Sequence[int]) -> dict[int, list[Choice]]:
    """What engines also took reads for, by read, in the engine's order."""
    if not ids:
        return {}
    sql = (
        "SELECT k.read_id, p.plate, k.rank, k.confidence FROM candidates k JOIN plates p ON p.id = k.plate_id "
        f"WHERE {store.one_of('k.read_id', 'ids')} ORDER BY k.read_id, k.rank"
    )
    choices: dict[int, list[Choice]] = {}
    for ident, plate, rank, confidence in store.rows(connection, sql, {"ids": store.as_list(ids)}):
        choices.setdefault(ident, []).append(Choice(plate, rank, confidence))
    return choices


def _grades(store: Store, connection: Connection, ids: Sequence[int]) -> Mapping[int, Reliance]:
    """The grades of reads, from what they say beyond their columns."""
    if not ids:
        return {}
    sql = f"SELECT read_id, details FROM payloads WHERE {store.one_of('read_id', 'ids')}"
    rows = store.rows(connection, sql, {"ids": store.as_list(ids)})
    told = {ident: msgspec.json.decode(bytes(details)).get("grade") for ident, details in rows}
    return {ident: Reliance(**grade) for ident, grade in told.items() if grade}


def _images(store: Store, connection: Connection, ids: Sequence[int]) -> Mapping[int, Sequence[Image]]:
    sql = f"SELECT read_id, kind, state, key FROM images WHERE {store.one_of('read_id', 'ids')} ORDER BY read_id, id"
    images: dict[int, list[Image]] = {}
    for ident, *image in store.rows(connection, sql, {"ids": store.as_list(ids)}):
        images.setdefault(ident, []).append(Image(*image))
    return images


def _hits(store: Store, connection: Connection, ids: Sequence[int]) -> Mapping[int, Sequence[OnList]]:
    """Every list once for each way in which a read agrees with it, however many of its entries do."""
    sql = (
        "SELECT DISTINCT h.read_id, l.name, h.kind, h.state_match FROM hits h "
        "JOIN hotlist_entries e ON e.id = h.entry_id JOIN hotlists l ON l.id = e.hotlist_id "
        f"WHERE {store.one_of('h.read_id', 'ids')} ORDER BY h.read_id, l.name, h.kind, h.state_match"
    )
    lists: dict[int, list[OnList]] = {}
    for ident, *hit in store.rows(connection, sql, {"ids": store.as_list(ids)}):
        lists.setdefault(ident, []).append(OnList(*hit))
    return lists
