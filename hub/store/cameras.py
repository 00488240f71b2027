"""Cameras as reads name them: each gets its row with the first read of it."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from connectors.cameras import likeness
from hub.area import cell_of
from hub.store import tables
from hub.store.engine import Store
from normalize.read import Read


class KnownCamera(NamedTuple):
    """A camera's row and the cell it stands in."""

    id: int
    cell: int | None


def known_cameras(
    store: Store, connection: Connection, connection_id: int, reads: Sequence[Read]
) -> dict[str, KnownCamera]:
    """The cameras of reads, by the vendor's id; new ones are added, and a new name replaces the old one.

    An id in another spelling (case, blanks, a MAC address) is of the camera that is known already.
    """
    read_of = {read.camera.id: read for read in reads}
    known = connection.execute(
        text(
            "SELECT vendor_id, id, name, latitude, longitude FROM cameras "
            f"WHERE connection_id = :connection_id AND {store.one_of('vendor_id', 'ids')}"
        ),
        {"connection_id": connection_id, "ids": store.as_list(list(read_of))},
    ).all()
    cameras = {row.vendor_id: KnownCamera(row.id, _cell(row.latitude, row.longitude)) for row in known}
    for row in known:
        new_name = read_of[row.vendor_id].camera.name
        if new_name and new_name != row.name:
            connection.execute(text("UPDATE cameras SET name = :name WHERE id = :id"), {"name": new_name, "id": row.id})
    missing = [vendor_id for vendor_id in read_of if vendor_id not in cameras]
    if missing:
        others = _in_other_spellings(connection, connection_id)
        new = {likeness(vendor_id): vendor_id for vendor_id in reversed(missing) if likeness(vendor_id) not in others}
        first = store.allot(connection, "cameras", len(new)) if new else 0
        rows = []
        for camera_id, vendor_id in enumerate(new.values(), first):
            read = read_of[vendor_id]
            at = (read.place.latitude, read.place.longitude) if read.place else (None, None)
            rows.append((camera_id, connection_id, vendor_id, read.camera.name, *at))
            others[likeness(vendor_id)] = KnownCamera(camera_id, _cell(*at))
        cameras |= {vendor_id: others[likeness(vendor_id)] for vendor_id in missing}
        columns = ("id", "connection_id", "vendor_id", "name", "latitude", "longitude")
        if rows:
            store.insert(connection, tables.cameras, columns, rows)
    return cameras


def _in_other_spellings(connection: Connection, connection_id: int) -> dict[str, KnownCamera]:
    """Every camera of a connection by what the spellings of its id have in common; of several the first."""
    known = connection.execute(
        text("SELECT vendor_id, id, latitude, longitude FROM cameras WHERE connection_id = :id ORDER BY id DESC"),
        {"id": connection_id},
    )
    return {likeness(row.vendor_id): KnownCamera(row.id, _cell(row.latitude, row.longitude)) for row in known}


def _cell(latitude: float | None, longitude: float | None) -> int | None:
    return None if latitude is None or longitude is None else cell_of(latitude, longitude)
