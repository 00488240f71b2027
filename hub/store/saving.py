"""Saving a page: ONE transaction for plates, cameras, reads, payloads, pictures, hits, quarantine and checkpoint.

Either the whole page is kept and the checkpoint stands behind it, or nothing happened. Saving a page again changes
nothing: a read is known by (connection, vendor's id), a quarantined record by its bytes.
"""

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, func, select, text

from hub.policy.provenance import Provenance
from hub.store import tables
from hub.store.days import count_day
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.instant import to_micros
from hub.store.late import left_out, with_hits, without_hits
from hub.store.ledger import known
from hub.store.matching import find, keep
from hub.store.page import Accepted, PageToSave, PolicyMoved, Saved
from hub.store.pictures import keep_pictures, keys_of
from hub.store.provenance import COLUMNS, kinds_changed, provenance_of
from hub.store.quarantine import keep_refused
from hub.store.reads import insert_reads
from hub.store.taken import take
from hub.store.tombstones import buried
from normalize.plate import fold

# Made once: to build a question takes longer than to ask it.
_IN_FORCE: Final = select(func.max(tables.policies.c.id))
_SOURCE: Final = select(*COLUMNS).where(tables.connections.c.id == bindparam("id"))


def save(store: Store, images: ImageStore, page: PageToSave, now: datetime) -> Saved:
    """Keep a page, whole or not at all, and say what became of it.

    A read with a hit lives as long as policy lets reads live that a hit needs. A read whose time is over already is
    kept only if it has a hit, and one that was destroyed before its time is not. Raises `PolicyMoved` where the ends
    are by a policy that is in force no more.
    """
    at = to_micros(now)
    fresh: dict[str, Accepted] = {}
    for item in page.accepted:
        fresh.setdefault(item.read.vendor_read_id, item)
    late = {key: item for key, item in fresh.items() if item.needed is not None and item.expires_at <= now}
    if late:
        over, late = set(late), with_hits(store, late, at)
        fresh = {key: late.get(key, item) for key, item in fresh.items() if key in late or key not in over}
    pictures = keep_pictures(store, images, page.connection_id, fresh)
    lost: set[str] = set()
    # What was pulled is pulled again; a push does not come again, and for a replay somebody waits.
    with store.write(durable=page.obtained != "pull" or bool(page.replayed)) as connection:
        if not _by_the_policy_in_force(connection, page):
            raise PolicyMoved(pictures)
        saved = Saved(pulled=len(page.accepted) + len(page.rejected) + page.born_expired)
        gone: list[Accepted] = []
        if page.source is not None and (away := buried(connection, page.source[1] or "", list(fresh.values()), at)):
            gone = [fresh.pop(key) for key in away]
        there = known(store, connection, page.connection_id, list(fresh))
        items = [item for key, item in fresh.items() if key not in there]
        keys = {item.read.plate: fold(item.read.plate) for item in items}
        hits = find(store, connection, [item.read for item in items], keys, at)
        if late and (lost := without_hits(items, hits, late)):
            items, hits = left_out(items, hits, lost)
            fresh = {key: item for key, item in fresh.items() if key not in lost}
        kept = sum(item.read.vendor_read_id in fresh for item in page.accepted)
        saved.stored = len(items)
        saved.duplicates = kept - len(items)
        saved.quarantined = len(page.rejected)
        saved.born_expired = page.born_expired + len(page.accepted) - kept
        if items:
            first, saved.wanted_images = insert_reads(store, connection, page, items, keys, hits, at)
            keep(connection, hits, first, at)
            saved.hits = len(hits)
        page.go_on_meanwhile()
        refused_again = keep_refused(connection, page)
        if settled := set(page.replayed) - refused_again:
            connection.execute(
                text(f"DELETE FROM quarantine WHERE {store.one_of('id', 'ids')}"),
                {"ids": store.as_list(list(settled))},
            )
        _account(connection, page, saved, at)
    unkept = [*(late[key] for key in lost), *gone]
    images.delete(*(picture for item in unkept for picture in keys_of(page.connection_id, item)))
    return saved


def _by_the_policy_in_force(connection: Connection, page: PageToSave) -> bool:
    """Whether the page's ends still come from the policy in force and from what is known of whose reads they are."""
    in_force = None if page.policy_id is None else connection.scalar(_IN_FORCE)
    if page.policy_id != in_force or page.source is None:
        return page.policy_id == in_force
    # A source that was of another kind, and is of this one again, has a promise from between.
    return page.source == _source(connection, page.connection_id) and page.kinds_changed == kinds_changed(connection)


def _source(connection: Connection, connection_id: int) -> Provenance:
    return provenance_of(connection.execute(_SOURCE, {"id": connection_id}).one())


def _account(connection: Connection, page: PageToSave, saved: Saved, at: int) -> None:
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
                "at": at,
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
