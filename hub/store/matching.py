"""Matching reads with hot lists, in the transaction that keeps them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from hub.hits import Compared, compare
from hub.store import tables
from hub.store.engine import Store
from hub.store.entries import STANDING
from hub.store.visible import LISTED
from normalize.read import Read


class Hit(NamedTuple):
    """A read and an entry that agree (`compare`); `place` is the read's index among those that were asked about."""

    place: int
    entry_id: int
    kind: str
    state_match: str


def find(store: Store, connection: Connection, reads: Sequence[Read], keys: Mapping[str, str], at: int) -> list[Hit]:
    """The hits of reads on the entries in force at `at` (µs); `keys` are the folded keys of their plates."""
    by_key: dict[str, list[int]] = {}
    for place, read in enumerate(reads):
        by_key.setdefault(keys[read.plate], []).append(place)
    if not by_key:
        return []
    sql = (
        "SELECT id, plate, plate_key, plate_state, plate_country FROM hotlist_entries "
        f"WHERE {store.one_of('plate_key', 'keys')} AND {STANDING} AND {LISTED}"
    )
    listed = store.rows(connection, sql, {"keys": store.as_list(list(by_key)), "now": at})
    return [
        Hit(place, entry_id, *compare(as_compared(reads[place]), Compared(plate, state, country)))
        for entry_id, plate, plate_key, state, country in listed
        for place in by_key[plate_key]
    ]


def as_compared(read: Read) -> Compared:
    """What of a read is compared with an entry."""
    return Compared(read.plate, read.plate_state, read.plate_country)


def keep(connection: Connection, hits: Sequence[Hit], first: int, at: int) -> None:
    """Keep hits that were found at `at` (µs), of reads whose ids run from `first`."""
    if not hits:
        return
    rows = [
        {
            "read_id": first + hit.place, "entry_id": hit.entry_id, "kind": hit.kind, "state_match": hit.state_match,
            "found_at": at, "verdict": "unverified",
        }
        for hit in hits
    ]  # fmt: skip
    connection.execute(tables.hits.insert(), rows)
