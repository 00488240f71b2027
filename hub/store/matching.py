"""Matching reads with hot lists, in the transaction that keeps them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.store import tables
from hub.store.engine import Store
from normalize.read import Read


def match(store: Store, connection: Connection, reads: Sequence[Read], keys: Sequence[str], first: int, at: int) -> int:
    """Keep the hits of new reads, with their folded keys, on the entries in force at `at` (µs); gives how many.

    The reads' ids run from `first`.
    """
    by_key: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        by_key.setdefault(key, []).append(index)
    sql = (
        "SELECT id, plate, plate_key, plate_state FROM hotlist_entries "
        f"WHERE {store.one_of('plate_key', 'keys')} AND removed_at IS NULL "
        "AND (expires_at IS NULL OR expires_at > :now)"
    )
    listed = store.rows(connection, sql, {"keys": store.as_list(list(by_key)), "now": at})
    hits = []
    for entry_id, plate, plate_key, state in listed:
        for index in by_key[plate_key]:
            read = reads[index]
            kind, state_match = compare(read.plate, read.plate_state, plate, state)
            hits.append(
                {
                    "read_id": first + index,
                    "entry_id": entry_id,
                    "kind": kind,
                    "state_match": state_match,
                    "found_at": at,
                    "verdict": "unverified",
                }
            )
    if hits:
        connection.execute(tables.hits.insert(), hits)
    return len(hits)


def compare(plate: str, state: str | None, listed: str, listed_state: str | None) -> tuple[str, str]:
    """How a read and an entry with one folded key agree: (kind, state).

    Kind is `exact` only for the same characters of the same known state; `other_state` for the same characters of
    another or an unknown state; `folded` for look-alike characters. State is `same`, `mismatch` or `unknown`. A family
    was once held at gunpoint because the characters agreed and the state did not.
    """
    if state is None or listed_state is None:
        agreed = "unknown"
    else:
        agreed = "same" if state == listed_state else "mismatch"
    if plate != listed:
        return "folded", agreed
    return ("exact" if agreed == "same" else "other_state"), agreed
