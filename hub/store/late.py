"""Reads whose time is over when they come, and which only a hit can keep."""

from collections.abc import Container, Mapping, Sequence

from hub.store.engine import Store
from hub.store.matching import Hit, find
from hub.store.page import Accepted
from normalize.plate import fold


def with_hits(store: Store, late: Mapping[str, Accepted], now: int) -> dict[str, Accepted]:
    """The late reads that have a hit, with the life that the hit gives them: asked before pictures are written."""
    items = list(late.values())
    keys = {item.read.plate: fold(item.read.plate) for item in items}
    with store.read() as connection:
        hits = find(store, connection, [item.read for item in items], keys, now)
    matched = (items[place] for place in sorted({hit.place for hit in hits}))
    return {item.read.vendor_read_id: item.lasting(item.needed) for item in matched if item.needed is not None}


def without_hits(items: Sequence[Accepted], hits: Sequence[Hit], late: Container[str]) -> set[str]:
    """The ids of late reads that have no hit any more: an entry was taken from its list meanwhile."""
    places = {hit.place for hit in hits}
    ids = (item.read.vendor_read_id for place, item in enumerate(items) if place not in places)
    return {ident for ident in ids if ident in late}


def left_out(items: Sequence[Accepted], hits: Sequence[Hit], lost: Container[str]) -> tuple[list[Accepted], list[Hit]]:
    """The reads without those that are lost (they have no hits), and the hits by the new places of the rest."""
    kept = [place for place, item in enumerate(items) if item.read.vendor_read_id not in lost]
    now_at = {place: at for at, place in enumerate(kept)}
    return [items[place] for place in kept], [hit._replace(place=now_at[hit.place]) for hit in hits]
