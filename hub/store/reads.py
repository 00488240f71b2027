"""Reads on their way in: each with its row, its place in the ledger, what else it may say, its payload and pictures."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, select

from hub.area import cell_of
from hub.store import tables
from hub.store.cameras import known_cameras
from hub.store.codec import compress_all, field_names
from hub.store.details import details_of
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.matching import Hit
from hub.store.page import Accepted, PageToSave
from hub.store.pictures import image_key, picture_row
from hub.store.plates import plate_ids
from normalize.origin import country_of
from normalize.plate import canonical, fold
from normalize.read import Place, Read
from normalize.vehicle import UNSEEN

MOST_CANDIDATES: Final = 5
"""Of an engine's choices so many can be searched; the record keeps them all."""


class ReadRow(NamedTuple):
    """A row of `reads`; times are in microseconds."""

    id: int
    connection_id: int
    vendor_read_id: str
    plate_id: int
    plate_raw: str
    plate_state: str | None
    plate_country: str | None
    plate_confidence: float | None
    state_confidence: float | None
    camera_id: int
    captured_at: int
    zone: str
    received_at: int
    ingested_at: int
    latitude: float | None
    longitude: float | None
    cell: int | None
    make: str | None
    colour: str | None
    body: str | None
    obtained: str
    expires_at: int
    rule: str
    floor_at: int


class LedgerRow(NamedTuple):
    """A row of `ledger`."""

    connection_id: int
    vendor_read_id: str
    read_id: int


class CandidateRow(NamedTuple):
    """A row of `candidates`; times are in microseconds."""

    read_id: int
    rank: int
    plate_id: int
    confidence: float | None
    captured_at: int
    expires_at: int


class PayloadRow(NamedTuple):
    """A row of `payloads`; the time is in microseconds."""

    read_id: int
    kind: str
    part: int
    dictionary_id: int
    payload: bytes
    sha256: bytes
    details: bytes
    captured_at: int


def insert_reads(
    store: Store,
    connection: Connection,
    page: PageToSave,
    items: Sequence[Accepted],
    keys: dict[str, str],
    hits: Sequence[Hit],
    at: int,
) -> tuple[int, int]:
    """Keep reads that are not there yet, and gives the first of their ids and how many pictures are to be fetched.

    Their ids follow each other. `keys` are the folded keys of their plates; those with a hit live as long as it needs.
    """
    plates = [item.read.plate for item in items]
    others = [candidates_of(item.read) if item.read.candidates else () for item in items]
    for listed in others:
        keys.update((plate, fold(plate)) for _, plate, _ in listed if plate not in keys)
    ids_of_plates = plate_ids(store, connection, keys)
    needed = {hit.place for hit in hits}
    cameras = known_cameras(store, connection, page.connection_id, [item.read for item in items])
    first = store.allot(connection, "reads", len(items))
    connection_id, obtained, received = page.connection_id, page.obtained, to_micros(page.received_at)
    reads, ledger, candidates, proofs, pictures = [], [], [], [], []
    # Rows are plain tuples in the order of `ReadRow` and its like, which take four times as long to be made.
    for read_id, (item, plate, choices) in enumerate(zip(items, plates, others, strict=True), first):
        read = item.read
        ident, place, camera = read.vendor_read_id, read.place, cameras[read.camera.id]
        until, rule = item.needed if item.needed and read_id - first in needed else (item.expires_at, item.rule)
        captured, expires = to_micros(read.captured_at), to_micros(until)
        state, vehicle = read.state.code, read.vehicle
        reads.append((
            read_id, connection_id, ident, ids_of_plates[plate], read.plate_raw,
            state, country_of(state, read.country.code), read.plate_confidence, read.state_confidence,
            camera.id, captured, read.zone.value, received, at,
            *((None, None, camera.cell) if place is None else _where(place)),
            *((None, None, None) if vehicle is UNSEEN else (vehicle.make.code, vehicle.colour.code, vehicle.body.code)),
            obtained, expires, rule, to_micros(item.floor_at) if item.floor_at else 0,
        ))  # fmt: skip
        ledger.append((connection_id, ident, read_id))
        for rank, other, confidence in choices:
            candidates.append((read_id, rank, ids_of_plates[other], confidence, captured, expires))
        proofs.append((sha256(item.payload).digest(), details_of(read), captured))
        for index, image in enumerate(read.images):
            pictures.append(picture_row(read_id, image_key(connection_id, item, index), image))
    page.go_on_meanwhile()
    store.insert(connection, tables.reads, ReadRow._fields, reads)
    store.insert(connection, tables.ledger, LedgerRow._fields, ledger)
    store.insert(connection, tables.candidates, CandidateRow._fields, candidates)
    small = _compressed(connection, connection_id, items)
    payloads = [
        (read_id, item.kind, item.part, *packed, *proof)
        for read_id, (item, packed, proof) in enumerate(zip(items, small, proofs, strict=True), first)
    ]
    store.insert(connection, tables.payloads, PayloadRow._fields, payloads)
    if pictures:
        connection.execute(tables.images.insert(), pictures)
    return first, sum(picture["state"] == "wanted" for picture in pictures)


def _where(place: Place) -> tuple[float, float, int]:
    return place.latitude, place.longitude, cell_of(place.latitude, place.longitude)


def candidates_of(read: Read) -> list[tuple[int, str, float | None]]:
    """What else the engine took the plate for: rank, plate and confidence, each plate once."""
    best: dict[str, tuple[int, float | None]] = {}
    for rank, candidate in enumerate(read.candidates[:MOST_CANDIDATES], 1):
        plate = canonical(candidate.text)
        if plate and plate != read.plate:
            best.setdefault(plate, (rank, candidate.confidence))
    return [(rank, plate, confidence) for plate, (rank, confidence) in best.items()]


def _compressed(connection: Connection, connection_id: int, items: Sequence[Accepted]) -> list[tuple[int, bytes]]:
    """The payloads of reads, each with the id of the dictionary that it is compressed against."""
    of_kind: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        of_kind.setdefault(item.kind, []).append(place)
    small = [(0, b"")] * len(items)
    for kind, places in of_kind.items():
        ident, names = _dictionary(connection, connection_id, kind, items)
        for place, payload in zip(places, compress_all([items[at].payload for at in places], names), strict=True):
            small[place] = (ident, payload)
    return small


def _dictionary(connection: Connection, connection_id: int, kind: str, items: Sequence[Accepted]) -> tuple[int, bytes]:
    """The id and the field names of the dictionary that a kind's payloads are compressed against."""
    table = tables.dictionaries
    where = (table.c.connection_id == connection_id) & (table.c.kind == kind)
    row = connection.execute(select(table.c.id, table.c.names).where(where)).one_or_none()
    if row is not None:
        return row.id, row.names
    names = field_names(next(item.payload for item in items if item.kind == kind))
    new = insert(table).values(connection_id=connection_id, kind=kind, names=names).returning(table.c.id)
    return connection.execute(new).scalar_one(), names
