"""Pictures against the digests of what came, and the key against what is sealed under it."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from typing import Final

from sqlalchemy import select, text

from hub.connections.secrets import closed, owners
from hub.doctor.finding import Finding, look, ok, wrong
from hub.errors import HubError, NotFound
from hub.progress import Progress
from hub.settings import HubSettings
from hub.store import tables
from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.vault import Vault
from hub.words import count, named

SAMPLE: Final = 500
"""Pictures that are looked at unless all are asked for."""
_TOGETHER: Final = 500


def of_pictures(store: Store, images: ImageStore, every: bool, progress: Progress) -> Iterator[Finding]:
    """Whether the pictures that reads have are there and are what came, and whether there are others."""
    seen, missing, changed = 0, list[int](), list[int]()
    for ident, key, digest in _rows(store, every):
        try:
            data = images.get(key)
        except NotFound:
            if _still_there(store, ident):  # else it was purged meanwhile
                missing.append(ident)
        else:
            if digest is not None and sha256(data).digest() != bytes(digest):
                changed.append(ident)
        seen += 1
        progress("pictures checked", seen, None)
    of = f"Of {count(seen, 'picture')} looked at{'' if every else ' (a sample; --all looks at every one)'}"
    if missing:
        yield wrong(
            "pictures_missing", f"{of}, {len(missing)} are not there: pictures {named(list(map(str, missing)))}.",
            "See whether the folder or the bucket is the one that is meant, and mounted; else restore a backup.",
        )  # fmt: skip
    if changed:
        yield wrong(
            "pictures_changed", f"{of}, {len(changed)} are not what came: pictures {named(list(map(str, changed)))}.",
            "Nothing hands them out. Restore a backup, and have the disk looked at.",
        )  # fmt: skip
    orphans = sum(1 for _ in _orphans(store, images, every))
    if orphans:
        yield look(
            "pictures_without_read", f"{count(orphans, 'picture')} belong{'s' if orphans == 1 else ''} to no read.",
            "A crash left them, or they are being saved now; the purge removes them once their day is over.",
        )  # fmt: skip
    if not missing and not changed and not orphans:
        yield ok("pictures", f"{of}, all are there and are what came.")


def of_key(store: Store, settings: HubSettings) -> Finding:
    """Whether what is sealed opens."""
    file, sealed = settings.data / "secret.key", owners(store)
    if settings.secret_key is None and not file.exists():
        if not sealed:
            return ok("key", "Nothing is sealed, and there is no key yet.")
        reason = Vault.of_settings(settings, sealed, looks_only=True).lost or ""
        remedy = "Bring the file back. Where it is lost for good, enter the secrets of each connection anew."
        return wrong("key", f"{reason[:1].upper()}{reason[1:]}.", remedy, "alprhub connections rotate NAME")
    try:
        vault = Vault.of_settings(settings, sealed, looks_only=True)
    except HubError as broken:
        return wrong("key", f"{str(broken)[:1].upper()}{str(broken)[1:]}.", "Then look again.", "alprhub doctor")
    with store.read() as connection:
        rows = connection.execute(select(tables.connections).where(tables.connections.c.name.in_(sealed))).all()
    shut = [row.name for row in rows if closed(vault, row)]
    if shut:
        return wrong(
            "key", f"The key {vault.key_id}, of {_where(settings)}, does not open the secrets of {named(shut)}.",
            "Bring the right key back; else enter each one's secrets anew.", f"alprhub connections rotate {shut[0]}",
        )  # fmt: skip
    return ok("key", f"The key {vault.key_id} opens the secrets of {count(len(sealed), 'connection')}.")


def _where(settings: HubSettings) -> str:
    return "ALPRHUB_SECRET_KEY" if settings.secret_key is not None else f"the file {settings.data / 'secret.key'}"


def _rows(store: Store, every: bool) -> Iterator[tuple[int, str, bytes | None]]:
    """Pictures that reads have: all of them, or some that are spread over all."""
    query = "SELECT id, key, sha256 FROM images WHERE state = 'stored' AND id > :after ORDER BY id LIMIT :most"
    with store.read() as connection:
        last = connection.scalar(text("SELECT max(id) FROM images")) or 0
    stride, after = (0, 0) if every else (max(last // SAMPLE, 1), 0)
    while True:
        with store.read() as connection:
            most = _TOGETHER if every else 1
            rows = connection.execute(text(query), {"after": after, "most": most}).tuples().all()
        if not rows:
            return
        yield from rows
        after = rows[-1][0] if every else max(rows[-1][0], after + stride)


def _still_there(store: Store, ident: int) -> bool:
    with store.read() as connection:
        state = connection.scalar(select(tables.images.c.state).where(tables.images.c.id == ident))
    return state == "stored"


def _orphans(store: Store, images: ImageStore, every: bool) -> Iterator[str]:
    """Keys in the store that no row knows; of a sample, among the first of them."""
    stored = images.stored() if every else islice(images.stored(), SAMPLE)
    query = text(f"SELECT key FROM images WHERE {store.one_of('key', 'keys')}")
    while keys := list(islice(stored, _TOGETHER)):
        with store.read() as connection:
            known = set(connection.scalars(query, {"keys": store.as_list(keys)}))
        yield from (key for key in keys if key not in known)
