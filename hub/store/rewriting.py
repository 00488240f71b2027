"""Rewriting a kept read in its place: the only way in which anything but its end ever changes.

A read keeps its id, its payload and its pictures. On PostgreSQL it moves to the month of its new time, and its payload
with it.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, text, update

from hub.area import cell_of
from hub.errors import IntegrityBroken
from hub.store import tables
from hub.store.cameras import known_cameras
from hub.store.codec import decompress
from hub.store.countries import country_sql
from hub.store.details import details_of
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.matching import Hit
from hub.store.plates import plate_ids, remove_unread
from hub.store.reads import CandidateRow, candidates_of
from hub.store.visible import visible_sql
from normalize.origin import country_of
from normalize.plate import fold
from normalize.read import Read

_COLUMNS: Final = (
    f"r.id, r.vendor_read_id, r.plate_id, l.plate, r.plate_raw, r.plate_state, {country_sql('r')}, r.plate_confidence, "
    "r.state_confidence, "
    "c.vendor_id AS camera, r.captured_at, r.zone, r.received_at, r.ingested_at, r.latitude, r.longitude, r.make, "
    "r.colour, r.body, r.expires_at, r.rule, r.held, r.floor_at, p.kind, p.part, p.payload, p.sha256, p.details, "
    "d.names"
)
# The time belongs to the key: on PostgreSQL it names the month that a row lies in.
_COLUMNS_OF_A_READ: Final = (
    *("vendor_read_id", "plate_id", "camera_id", "cell", "expires_at", "rule", "plate_raw", "plate_state"),
    *("plate_country", "plate_confidence", "state_confidence", "captured_at", "zone", "latitude", "longitude"),
    *("make", "colour", "body"),
)
_REWRITTEN: Final = (
    f"UPDATE reads SET {', '.join(f'{name} = :{name}' for name in _COLUMNS_OF_A_READ)} "
    "WHERE id = :id AND captured_at = :before"
)
_MOVED: Final = (
    "UPDATE payloads SET captured_at = :captured_at, details = :details WHERE read_id = :id AND captured_at = :before"
)
_RENAMED: Final = (
    "UPDATE ledger SET vendor_read_id = :new WHERE connection_id = :connection_id AND vendor_read_id = :old"
)


class KeptRead(NamedTuple):
    """A read as it is kept, with the bytes that it came from."""

    id: int
    vendor_read_id: str
    plate_id: int
    plate: str
    plate_raw: str
    plate_state: str | None
    plate_country: str | None
    plate_confidence: float | None
    state_confidence: float | None
    camera: str
    captured_at: int
    zone: str
    received_at: int
    ingested_at: int
    latitude: float | None
    longitude: float | None
    make: str | None
    colour: str | None
    body: str | None
    expires_at: int
    rule: str
    held: bool
    floor_at: int | None
    kind: str
    part: int
    payload: bytes
    sha256: bytes
    details: bytes
    names: bytes

    def record(self) -> bytes:
        """The bytes as they arrived; raises `IntegrityBroken` where they were changed since."""
        payload = decompress(self.payload, self.names)
        if sha256(payload).digest() != self.sha256:
            raise IntegrityBroken(f"the payload of read {self.id} is not what arrived")
        return payload


class Rewrite(NamedTuple):
    """What a kept read shall say, and the end (µs) that it shall have, by which rule."""

    kept: KeptRead
    read: Read
    until: int
    rule: str


class KnownHit(NamedTuple):
    """A hit that is kept, with the plate, state and country of its entry."""

    id: int
    read_id: int
    entry_id: int
    verdict: str
    plate: str
    plate_state: str | None
    plate_country: str | None


def kept_reads(
    store: Store, connection: Connection, connection_id: int, after: int, now: int, since: int | None, most: int
) -> list[KeptRead]:
    """The next visible reads of a connection after an id, in the order of their ids."""
    newer = "" if since is None else "AND r.captured_at >= :since"
    sql = (
        f"SELECT {_COLUMNS} FROM reads r JOIN payloads p ON p.read_id = r.id AND p.captured_at = r.captured_at "
        "JOIN dictionaries d ON d.id = p.dictionary_id JOIN plates l ON l.id = r.plate_id "
        "JOIN cameras c ON c.id = r.camera_id "
        f"WHERE r.connection_id = :connection_id AND r.id > :after AND {visible_sql('r')} {newer} "
        f"ORDER BY r.id LIMIT {most}"
    )
    bound = {"connection_id": connection_id, "after": after, "now": now}
    rows = store.rows(connection, sql, bound if since is None else {**bound, "since": since})
    return [KeptRead(*row) for row in rows]


def needed(store: Store, connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those reads that a case or an event needs."""
    sql = f"SELECT read_id FROM links WHERE {store.one_of('read_id', 'ids')}"
    return {row[0] for row in store.rows(connection, sql, {"ids": store.as_list(list(ids))})}


def hits_of(store: Store, connection: Connection, ids: Sequence[int]) -> list[KnownHit]:
    """The hits of reads."""
    sql = (
        "SELECT h.id, h.read_id, h.entry_id, h.verdict, e.plate, e.plate_state, e.plate_country FROM hits h "
        f"JOIN hotlist_entries e ON e.id = h.entry_id WHERE {store.one_of('h.read_id', 'ids')}"
    )
    return [KnownHit(*row) for row in store.rows(connection, sql, {"ids": store.as_list(list(ids))})]


def rewrite(store: Store, connection: Connection, connection_id: int, some: Sequence[Rewrite]) -> None:
    """Let reads say what they shall, each in its place, with everything that hangs on what they say but their hits."""
    if not some:
        return
    choices = {rewrite.kept.id: candidates_of(rewrite.read) for rewrite in some}
    plates = {rewrite.read.plate for rewrite in some}
    plates.update(plate for listed in choices.values() for _, plate, _ in listed)
    plate_of = plate_ids(store, connection, {plate: fold(plate) for plate in plates})
    cameras = known_cameras(store, connection, connection_id, [rewrite.read for rewrite in some])
    ids = [rewrite.kept.id for rewrite in some]
    of_them = {"ids": store.as_list(ids)}
    before = {rewrite.kept.plate_id for rewrite in some}
    gone = f"DELETE FROM candidates WHERE {store.one_of('read_id', 'ids')} RETURNING plate_id"
    before.update(connection.scalars(text(gone), of_them))
    candidates, reads, payloads, renamed = [], [], [], []
    for rewrite in some:
        kept, read, camera = rewrite.kept, rewrite.read, cameras[rewrite.read.camera.id]
        captured, place = to_micros(read.captured_at), read.place
        here = {"id": kept.id, "before": kept.captured_at}
        reads.append({
            **here, "vendor_read_id": read.vendor_read_id, "plate_id": plate_of[read.plate], "camera_id": camera.id,
            "cell": cell_of(place.latitude, place.longitude) if place else camera.cell, "expires_at": rewrite.until,
            "rule": rewrite.rule, **_columns(read),
        })  # fmt: skip
        payloads.append({**here, "captured_at": captured, "details": details_of(read)})
        if read.vendor_read_id != kept.vendor_read_id:
            renamed.append({"connection_id": connection_id, "old": kept.vendor_read_id, "new": read.vendor_read_id})
        for rank, plate, confidence in choices[kept.id]:
            candidates.append(CandidateRow(kept.id, rank, plate_of[plate], confidence, captured, rewrite.until))
    for sql, rows in ((_REWRITTEN, reads), (_MOVED, payloads), (_RENAMED, renamed)):
        if rows:
            connection.execute(text(sql), rows)
    store.insert(connection, tables.candidates, CandidateRow._fields, candidates)
    remove_unread(store, connection, before)


def rewrite_hits(
    connection: Connection,
    at: int,
    gone: Sequence[KnownHit],
    changed: Sequence[tuple[KnownHit, str, str]],
    fresh: Sequence[tuple[int, Hit]],
) -> None:
    """Remove hits, give others their kind and state, and keep fresh ones of reads (by id), found at `at` (µs)."""
    table = tables.hits
    for former in gone:
        connection.execute(delete(table).where(table.c.id == former.id))
    for hit, kind, state in changed:
        connection.execute(update(table).where(table.c.id == hit.id).values(kind=kind, state_match=state))
    for read_id, new_hit in fresh:
        connection.execute(
            table.insert().values(
                read_id=read_id, entry_id=new_hit.entry_id, kind=new_hit.kind, state_match=new_hit.state_match,
                found_at=at, verdict="unverified",
            )
        )  # fmt: skip


def differs(kept: KeptRead, read: Read) -> set[str]:
    """What a read says otherwise than it is kept: `time`, `plate`, `state`, `country`, `camera`, `place`, `other`."""
    columns, place = _columns(read), read.place
    differences = set[str]()
    if columns["captured_at"] != kept.captured_at:
        differences.add("time")
    if read.plate != kept.plate:
        differences.add("plate")
    if columns["plate_state"] != kept.plate_state:
        differences.add("state")
    if columns["plate_country"] != kept.plate_country:
        differences.add("country")
    if read.camera.id != kept.camera:
        differences.add("camera")
    if (place.latitude if place else None, place.longitude if place else None) != (kept.latitude, kept.longitude):
        differences.add("place")
    others = ("plate_raw", "plate_confidence", "state_confidence", "zone", "make", "colour", "body")
    if (
        any(columns[name] != getattr(kept, name) for name in others)
        or details_of(read) != kept.details
        or read.vendor_read_id != kept.vendor_read_id
    ):
        differences.add("other")
    return differences


def _columns(read: Read) -> dict[str, Any]:
    """The columns of `reads` that hold what a read says by itself."""
    place, vehicle = read.place, read.vehicle
    return {
        "plate_raw": read.plate_raw,
        "plate_state": read.state.code,
        "plate_country": country_of(read.state.code, read.country.code),
        "plate_confidence": read.plate_confidence,
        "state_confidence": read.state_confidence,
        "captured_at": to_micros(read.captured_at),
        "zone": read.zone.value,
        "latitude": place.latitude if place else None,
        "longitude": place.longitude if place else None,
        "make": vehicle.make.code,
        "colour": vehicle.colour.code,
        "body": vehicle.body.code,
    }
