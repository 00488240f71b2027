"""Saving a page: ONE transaction for plates, cameras, reads, payloads, pictures, hits, quarantine and checkpoint.

Either the whole page is kept and the checkpoint stands behind it, or nothing happened. Saving a page again changes
nothing: a read is known by (connection, vendor's id), a quarantined record by its bytes.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, func, insert, select, text

from connectors.contract import LyingFile
from hub.area import cell_of
from hub.errors import IntegrityBroken
from hub.store import tables
from hub.store.cameras import known_cameras
from hub.store.codec import compress, decompress, field_names
from hub.store.days import count_day
from hub.store.details import details_of
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.instant import to_micros
from hub.store.matching import Hit, find, keep
from hub.store.plates import plate_ids
from hub.store.taken import take
from normalize.plate import canonical, fold
from normalize.read import ImageRef, Read

_READ: Final = (
    *("id", "connection_id", "vendor_read_id", "plate_id", "plate_raw", "plate_state", "plate_confidence"),
    *("state_confidence", "camera_id", "captured_at", "zone", "received_at", "ingested_at", "latitude", "longitude"),
    *("cell", "make", "colour", "body", "obtained", "expires_at", "rule"),
)
_LEDGER: Final = ("connection_id", "vendor_read_id", "read_id")
_CANDIDATE: Final = ("read_id", "rank", "plate_id", "confidence", "captured_at", "expires_at")
MOST_CANDIDATES: Final = 5
"""Of an engine's choices so many can be searched; the record keeps them all."""
_PAYLOAD: Final = ("read_id", "kind", "part", "dictionary_id", "payload", "sha256", "details", "captured_at")


class Life(NamedTuple):
    """When a read must be gone, and the rule that says so."""

    until: datetime
    rule: str


class Accepted(NamedTuple):
    """A read on its way in, with the bytes it came from and the end of its life.

    `needed` is the longer life that it has where a hit needs it; None where a hit changes nothing.
    """

    read: Read
    kind: str
    part: int
    payload: bytes
    expires_at: datetime
    rule: str
    needed: Life | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not become a read, with its bytes and the reason."""

    kind: str
    part: int
    payload: bytes
    attachments: Mapping[str, bytes]
    field: str
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PageToSave:
    """Everything that one page brought. `obtained` is how: `pull`, `lookup`, `push` or `replay`."""

    connection_id: int
    obtained: str
    received_at: datetime
    accepted: Sequence[Accepted] = ()
    rejected: Sequence[Rejected] = ()
    born_expired: int = 0
    checkpoint: Mapping[str, Any] | None = None
    taken: Sequence[LyingFile] = ()
    run_id: int | None = None
    replayed: Sequence[int] = ()
    """Quarantine rows that this page settles."""
    policy_id: int | None = None
    """The policy that gave the ends; None where nobody asks whether it is still in force."""
    source: tuple[str, str] | None = None
    """Origin and vendor by which it gave them; None where nobody asks whether they are the connection's still."""


class PolicyMoved(Exception):
    """Another policy is in force, or over other reads, than gave a page's ends; nothing was kept.

    `pictures` are the keys of the files that were written already.
    """

    def __init__(self, pictures: Sequence[str]) -> None:
        super().__init__("another policy is in force")
        self.pictures = pictures


@dataclass(slots=True)
class Saved:
    """What became of a page: `pulled` = `stored` + `duplicates` + `quarantined` + `born_expired`.

    A run also says what became of pictures (`pictures` fetched, `pictures_gone` at the vendor, `pictures_failed` for
    now and `pictures_left` for the next run) and of standing look-ups (`plates_asked`, `plates_left` of its round).
    """

    pulled: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    born_expired: int = 0
    hits: int = 0
    wanted_images: int = field(default=0, compare=False)
    pictures: int = field(default=0, compare=False)
    pictures_gone: int = field(default=0, compare=False)
    pictures_failed: int = field(default=0, compare=False)
    pictures_left: int = field(default=0, compare=False)
    plates_asked: int = field(default=0, compare=False)
    plates_left: int = field(default=0, compare=False)

    def __iadd__(self, other: "Saved") -> "Saved":
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


def save(store: Store, images: ImageStore, page: PageToSave, now: datetime) -> Saved:
    """Keep a page, whole or not at all, and say what became of it.

    A read with a hit lives as long as reads do that a hit needs, and one whose time is over without a hit is kept with
    one only. Raises `PolicyMoved` where the ends are by a policy that is in force no more.
    """
    fresh: dict[str, Accepted] = {}
    for item in page.accepted:
        fresh.setdefault(item.read.vendor_read_id, item)
    late = {key: item for key, item in fresh.items() if item.needed is not None and item.expires_at <= now}
    if late:
        over, late = set(late), _with_hits(store, late, now)
        fresh = {key: late.get(key, item) for key, item in fresh.items() if key in late or key not in over}
    pictures = _keep_pictures(store, images, page.connection_id, fresh)
    # What was pulled is pulled again; a push does not come again, and for a replay somebody waits.
    with store.write(durable=page.obtained == "push" or bool(page.replayed)) as connection:
        in_force = None if page.policy_id is None else connection.scalar(select(func.max(tables.policies.c.id)))
        if page.policy_id != in_force or (page.source and page.source != _source(connection, page.connection_id)):
            raise PolicyMoved(pictures)
        saved = Saved(pulled=len(page.accepted) + len(page.rejected) + page.born_expired)
        known = _known(store, connection, page.connection_id, list(fresh))
        items = [item for key, item in fresh.items() if key not in known]
        keys = {item.read.plate: fold(item.read.plate) for item in items}
        hits = find(store, connection, [item.read for item in items], keys, to_micros(now))
        if late and (lost := _lost(items, hits, late)):  # an entry was taken from its list meanwhile
            items = [item for item in items if item.read.vendor_read_id not in lost]
            fresh = {key: item for key, item in fresh.items() if key not in lost}
            hits = find(store, connection, [item.read for item in items], keys, to_micros(now))
        else:
            lost = set()
        kept = sum(item.read.vendor_read_id in fresh for item in page.accepted)
        saved.stored = len(items)
        saved.duplicates = kept - len(items)
        saved.quarantined = len(page.rejected)
        saved.born_expired = page.born_expired + len(page.accepted) - kept
        if items:
            _insert(store, connection, page, items, keys, hits, now, saved)
        refused_again = _quarantine(connection, page)
        if settled := set(page.replayed) - refused_again:
            connection.execute(
                text(f"DELETE FROM quarantine WHERE {store.one_of('id', 'ids')}"),
                {"ids": store.as_list(list(settled))},
            )
        _account(connection, page, saved, now)
    images.delete(*(picture for key in lost for picture in _keys_of(page.connection_id, late[key])))
    return saved


def _source(connection: Connection, connection_id: int) -> tuple[str, str | None]:
    table = tables.connections
    row = connection.execute(select(table.c.kind, table.c.retention_vendor).where(table.c.id == connection_id)).one()
    return row.kind, row.retention_vendor


def picture_keys(page: PageToSave) -> set[str]:
    """The keys of the pictures that come with a page's reads, whether a hit needs them or not."""
    return {
        key
        for item in page.accepted
        for life in (item, item if item.needed is None else _lasting(item, item.needed))
        for key in _keys_of(page.connection_id, life)
    }


def _keys_of(connection_id: int, item: Accepted) -> list[str]:
    return [
        image_key(connection_id, item, place) for place, image in enumerate(item.read.images) if image.data is not None
    ]


def _lasting(item: Accepted, life: Life) -> Accepted:
    return item._replace(expires_at=life.until, rule=life.rule)


def _with_hits(store: Store, late: Mapping[str, Accepted], now: datetime) -> dict[str, Accepted]:
    """Those of late reads that have a hit, with the life that they have for it: asked before pictures are written."""
    items = list(late.values())
    keys = {item.read.plate: fold(item.read.plate) for item in items}
    with store.read() as connection:
        hits = find(store, connection, [item.read for item in items], keys, to_micros(now))
    found = (items[place] for place in sorted({hit.place for hit in hits}))
    return {item.read.vendor_read_id: _lasting(item, item.needed) for item in found if item.needed is not None}


def _lost(items: Sequence[Accepted], hits: Sequence[Hit], late: Container[str]) -> set[str]:
    """The ids of late reads that have no hit any more."""
    places = {hit.place for hit in hits}
    ids = (item.read.vendor_read_id for place, item in enumerate(items) if place not in places)
    return {ident for ident in ids if ident in late}


def image_key(connection_id: int, item: Accepted, index: int) -> str:
    """The key of a read's picture: day of expiry / connection / a digest of the read's id, number and kind."""
    digest = sha256(f"{connection_id}\n{item.read.vendor_read_id}\n{index}".encode()).hexdigest()[:32]
    return f"{item.expires_at:%Y/%m/%d}/{connection_id}/{digest}-{item.read.images[index].kind}.jpg"


def _keep_pictures(store: Store, images: ImageStore, connection_id: int, items: Mapping[str, Accepted]) -> list[str]:
    """Write the pictures that came with reads which are not kept yet; gives their keys.

    Pictures before rows: a file without a row is swept up later, a row without its file would be a lie. The key follows
    from the read, so a second attempt writes the same file.
    """
    with_data = {
        key: item for key, item in items.items() if item.read.images and any(image.data for image in item.read.images)
    }
    if not with_data:
        return []
    with store.read() as connection:
        known = _known(store, connection, connection_id, list(with_data))
    wanted = [
        (image_key(connection_id, item, index), image.data)
        for key, item in with_data.items()
        if key not in known
        for index, image in enumerate(item.read.images)
        if image.data is not None
    ]
    images.put_all(wanted)
    return [key for key, _ in wanted]


def _known(store: Store, connection: Connection, connection_id: int, ids: Sequence[str]) -> set[str]:
    if not ids:
        return set()
    sql = (
        "SELECT vendor_read_id FROM ledger "
        f"WHERE connection_id = :connection_id AND {store.one_of('vendor_read_id', 'ids')}"
    )
    bound = {"connection_id": connection_id, "ids": store.as_list(ids)}
    return {row[0] for row in store.rows(connection, sql, bound)}


def _insert(
    store: Store,
    connection: Connection,
    page: PageToSave,
    items: list[Accepted],
    keys: dict[str, str],
    hits: Sequence[Hit],
    now: datetime,
    saved: Saved,
) -> None:
    plates = [item.read.plate for item in items]
    others = [candidates_of(item.read) if item.read.candidates else () for item in items]
    for listed in others:
        keys.update((plate, fold(plate)) for _, plate, _ in listed if plate not in keys)
    ids_of_plates = plate_ids(store, connection, keys)
    needed = {hit.place for hit in hits}
    cameras = known_cameras(store, connection, page.connection_id, [item.read for item in items])
    words = {kind: _dictionary(connection, page.connection_id, kind, items) for kind in {item.kind for item in items}}
    first = store.allot(connection, "reads", len(items))
    received, ingested = to_micros(page.received_at), to_micros(now)
    reads, ledger, candidates, payloads, pictures = [], [], [], [], []
    for read_id, (item, plate, choices) in enumerate(zip(items, plates, others, strict=True), first):
        read = item.read
        place, vehicle, camera = read.place, read.vehicle, cameras[read.camera.id]
        until, rule = item.needed if item.needed and read_id - first in needed else (item.expires_at, item.rule)
        captured, expires = to_micros(read.captured_at), to_micros(until)
        reads.append(
            (
                read_id,
                page.connection_id,
                read.vendor_read_id,
                ids_of_plates[plate],
                read.plate_raw,
                read.state.code,
                read.plate_confidence,
                read.state_confidence,
                camera.id,
                captured,
                read.zone.value,
                received,
                ingested,
                place.latitude if place else None,
                place.longitude if place else None,
                cell_of(place.latitude, place.longitude) if place else camera.cell,
                vehicle.make.code,
                vehicle.colour.code,
                vehicle.body.code,
                page.obtained,
                expires,
                rule,
            )
        )
        ledger.append((page.connection_id, read.vendor_read_id, read_id))
        for rank, other, confidence in choices:
            candidates.append((read_id, rank, ids_of_plates[other], confidence, captured, expires))
        details = details_of(read)
        digest = sha256(item.payload).digest()
        dictionary_id, names = words[item.kind]
        payload = compress(item.payload, names)
        payloads.append((read_id, item.kind, item.part, dictionary_id, payload, digest, details, captured))
        for index, image in enumerate(read.images):
            pictures.append(_picture(read_id, image_key(page.connection_id, item, index), image))
    store.insert(connection, tables.reads, _READ, reads)
    store.insert(connection, tables.ledger, _LEDGER, ledger)
    store.insert(connection, tables.candidates, _CANDIDATE, candidates)
    store.insert(connection, tables.payloads, _PAYLOAD, payloads)
    if pictures:
        connection.execute(tables.images.insert(), pictures)
        saved.wanted_images = sum(picture["state"] == "wanted" for picture in pictures)
    keep(connection, hits, first, ingested)
    saved.hits = len(hits)


def candidates_of(read: Read) -> list[tuple[int, str, float | None]]:
    """What else the engine took the plate for: rank, plate and confidence, each plate once."""
    found: dict[str, tuple[int, float | None]] = {}
    for rank, candidate in enumerate(read.candidates[:MOST_CANDIDATES], 1):
        plate = canonical(candidate.text)
        if plate and plate != read.plate:
            found.setdefault(plate, (rank, candidate.confidence))
    return [(rank, plate, confidence) for plate, (rank, confidence) in found.items()]


def _dictionary(connection: Connection, connection_id: int, kind: str, items: Sequence[Accepted]) -> tuple[int, bytes]:
    """The id and the field names of the dictionary that a kind's payloads are compressed against."""
    table = tables.dictionaries
    where = (table.c.connection_id == connection_id) & (table.c.kind == kind)
    found = connection.execute(select(table.c.id, table.c.names).where(where)).one_or_none()
    if found is not None:
        return found.id, found.names
    names = field_names(next(item.payload for item in items if item.kind == kind))
    made = insert(table).values(connection_id=connection_id, kind=kind, names=names).returning(table.c.id)
    return connection.execute(made).scalar_one(), names


def payload_of(connection: Connection, read_id: int) -> bytes:
    """The bytes that a read came from, as they arrived; raises `IntegrityBroken` where they were changed since."""
    payloads, words = tables.payloads, tables.dictionaries
    kept = connection.execute(
        select(payloads.c.payload, payloads.c.sha256, words.c.names)
        .join(words, words.c.id == payloads.c.dictionary_id)
        .where(payloads.c.read_id == read_id)
    ).one()
    payload = decompress(kept.payload, kept.names)
    if sha256(payload).digest() != kept.sha256:
        raise IntegrityBroken(f"the payload of read {read_id} is not what arrived")
    return payload


def _picture(read_id: int, key: str, image: ImageRef) -> dict[str, Any]:
    data = image.data
    return {
        "read_id": read_id,
        "kind": image.kind.value,
        "key": key,
        "state": "wanted" if data is None else "stored",
        "url": image.url if data is None else None,
        "url_expires_at": to_micros(image.expires_at) if image.expires_at else None,
        "bytes": len(data) if data is not None else None,
        "sha256": sha256(data).digest() if data is not None else None,
    }


def _quarantine(connection: Connection, page: PageToSave) -> set[int]:
    """Keep the refused records, each once however often it comes; gives their rows."""
    rows = set()
    for item in page.rejected:
        row = connection.execute(
            text(
                "INSERT INTO quarantine (connection_id, kind, part, payload, attachments, sha256, obtained, field, "
                "reason, received_at, expires_at) VALUES (:connection_id, :kind, :part, :payload, :attachments, "
                ":sha256, :obtained, :field, :reason, :received_at, :expires_at) "
                "ON CONFLICT (connection_id, sha256, kind, part) DO UPDATE SET field = :field, reason = :reason "
                "RETURNING id"
            ),
            {
                "connection_id": page.connection_id,
                "kind": item.kind,
                "part": item.part,
                "payload": compress(item.payload),
                "attachments": compress(msgspec.msgpack.encode(dict(item.attachments))) if item.attachments else None,
                "sha256": sha256(item.payload).digest(),
                "obtained": page.obtained,
                "field": item.field,
                "reason": item.reason,
                "received_at": to_micros(page.received_at),
                "expires_at": to_micros(item.expires_at),
            },
        ).scalar_one()
        rows.add(int(row))
    return rows


def _account(connection: Connection, page: PageToSave, saved: Saved, now: datetime) -> None:
    settled = len(page.replayed)  # they were counted when they came
    counts = {
        "pulled": saved.pulled - settled,
        "stored": saved.stored,
        "duplicates": saved.duplicates,
        "quarantined": saved.quarantined - settled,
        "born_expired": saved.born_expired,
    }
    if any(counts.values()):
        count_day(connection, page.connection_id, to_micros(page.received_at), counts)
    if page.checkpoint is not None:
        connection.execute(
            text("UPDATE connections SET checkpoint = :checkpoint, checkpoint_at = :at WHERE id = :id"),
            {
                "checkpoint": msgspec.json.encode(page.checkpoint).decode(),
                "at": to_micros(now),
                "id": page.connection_id,
            },
        )
    take(connection, page.connection_id, page.taken)
    if page.run_id is not None:
        connection.execute(
            text(
                "UPDATE runs SET pulled = pulled + :pulled, stored = stored + :stored, "
                "duplicates = duplicates + :duplicates, quarantined = quarantined + :quarantined, "
                "born_expired = born_expired + :born_expired, hits = hits + :hits WHERE id = :run_id"
            ),
            {
                "pulled": saved.pulled,
                "stored": saved.stored,
                "duplicates": saved.duplicates,
                "quarantined": saved.quarantined,
                "born_expired": saved.born_expired,
                "hits": saved.hits,
                "run_id": page.run_id,
            },
        )
