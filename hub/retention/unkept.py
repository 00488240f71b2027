"""`Unkept`: what was pushed and is no read yet must be gone in its time too, also where nobody can read it.

A push may live as long as policy lets the longest-lived read of its connection, from its receipt. A batch that was set
aside lives as long as the shortest-lived of the connections that it may be of.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import select

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock, sure
from hub.errors import Busy, IntegrityBroken, PolicyRefused
from hub.governing.in_force import Governing
from hub.governing.sources import Sources
from hub.people import Actor
from hub.policy.profile import Expiry, Profile
from hub.policy.provenance import Provenance
from hub.retention.certificates import certify, digest_of
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.spool import Pushed, Spool

log: Final = logging.getLogger("alprhub.retention")

NOBODYS: Final = (0, "not known")
"""Who stands in the certificate of what nobody can read."""
REMOVAL: Final = "removal"
"""What stands for a rule where a connection was removed with its reads."""


class _Owner(NamedTuple):
    """A connection as far as it says when what it pushed is over."""

    ident: int
    name: str
    kind: Provenance | None
    removed: bool
    """Whether it was removed with its reads, or is being: nothing of it may stay."""

    @property
    def mark(self) -> bytes:
        """How it stands in a batch."""
        return msgspec.msgpack.encode(self.name) + msgspec.msgpack.encode(self.ident)


class _Group(NamedTuple):
    """What is certified together: a connection's, by a rule."""

    ident: int
    name: str
    rule: str
    clause: str


class Unkept:
    """Destroys what is over of what a spool holds."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        governing: Governing,
        sources: Sources,
        folder: Path,
    ) -> None:
        """Pushes of a connection stay while `sources` do not know whose reads they are."""
        self._store = store
        self._audit = audit
        self._clock = clock
        self._governing = governing
        self._sources = sources
        self._folder = folder

    def purge(self, actor: Actor) -> int:
        """Destroy what is over where no receiver is up, which does that itself; gives how much, as `destroy` does."""
        if not self._folder.is_dir():
            return 0
        try:
            spool = Spool(self._folder)
        except Busy:
            return 0
        try:
            return self.destroy(actor, spool)
        finally:
            spool.close()

    def destroy(self, actor: Actor, spool: Spool) -> int:
        """Destroy what is over of a spool that the caller owns, certified; gives how many pushes and broken batches.

        What the disk does not let go of is said in the log, and tried again the next time.
        """
        if not spool.batches() and not spool.set_aside():
            return 0
        now = sure(self._clock)
        policy_id, profile = self._governing.now()
        over = _Over(self._owners(), profile, now)
        gone = 0
        for destroy, files in ((self._destroy_pushes, spool.batches()), (self._destroy_aside, spool.set_aside())):
            for file in files:
                try:
                    gone += destroy(actor, spool, file, over, policy_id)
                except OSError as refused:  # nothing is certified of it, and the rest need not wait for it
                    log.error("%s must be gone and cannot be deleted: %s", file, refused.strerror)
        return gone

    def _destroy_pushes(self, actor: Actor, spool: Spool, batch: Path, over: "_Over", policy_id: int | None) -> int:
        try:
            pushes = spool.read(batch)
        except (FileNotFoundError, IntegrityBroken):
            return 0  # gone meanwhile, or set aside now
        rest, groups, gone = list[Pushed](), defaultdict[_Group, list[str]](list), 0
        for pushed in pushes:
            end = over.of_push(pushed)
            if end is None:
                rest.append(pushed)
                continue
            group = _Group(pushed.connection_id, pushed.connection, end.rule, end.clause)
            groups[group].append(sha256(pushed.body).hexdigest())
            gone += 1
        if gone:
            with self._certified(actor, groups, policy_id, over.now):
                spool.leave(batch, rest) if rest else spool.done(batch)
        return gone

    def _destroy_aside(self, actor: Actor, spool: Spool, file: Path, over: "_Over", policy_id: int | None) -> int:
        body, received = file.read_bytes(), datetime.fromtimestamp(file.stat().st_mtime, UTC)
        end = over.of_bytes(body, received)
        if end is None:
            return 0
        group = _Group(*NOBODYS, end.rule, end.clause)
        with self._certified(actor, {group: [sha256(body).hexdigest()]}, policy_id, over.now):
            spool.done(file)
        return 1

    @contextmanager
    def _certified(
        self, actor: Actor, groups: Mapping["_Group", list[str]], policy_id: int | None, now: datetime
    ) -> Iterator[None]:
        """Destroy inside the block, as the last thing of the transaction that certifies it."""
        with self._store.write() as connection:
            for group, digests in groups.items():
                certify(
                    connection, actor, (group.ident, group.name), (group.rule, group.clause), policy_id, to_micros(now),
                    {"quarantined": len(digests)}, digest_of(digests),
                )  # fmt: skip
                self._audit.record(
                    actor, Act.RETENTION_PUSHES, Outcome.DESTROYED, target=group.name, results=len(digests),
                    within=connection, rule=group.rule,
                )  # fmt: skip
            yield

    def _owners(self) -> list[_Owner]:
        accounts, removals, kinds = tables.connections, tables.removals, self._sources.all()
        columns = (accounts.c.id, accounts.c.name, removals.c.reads)
        with self._store.read() as connection:
            rows = connection.execute(
                select(*columns).outerjoin(removals, removals.c.connection_id == accounts.c.id)
            ).all()
        return [_Owner(row.id, row.name, kinds.get(row.id), row.reads == "purge") for row in rows]


class _Over:
    """What is over at an instant."""

    def __init__(self, owners: list[_Owner], profile: Profile, now: datetime) -> None:
        self._owners = owners
        self._by_key = {(owner.ident, owner.name): owner for owner in owners}
        self._profile = profile
        self.now = now

    def of_push(self, pushed: Pushed) -> Expiry | None:
        """What ended a push; None where it is not over, or nobody can say."""
        owner = self._by_key.get((pushed.connection_id, pushed.connection))
        received = from_micros(pushed.received_at)
        return self._ended([owner] if owner else self._owners, received, gone=owner is not None and owner.removed)

    def of_bytes(self, body: bytes, received: datetime) -> Expiry | None:
        """The rule that ends a batch that cannot be read: of the connections whose marks are still in it, else of
        all."""
        marked = [owner for owner in self._owners if owner.mark in body]
        return self._ended(marked or self._owners, received, gone=bool(marked) and all(mark.removed for mark in marked))

    def _ended(self, owners: list[_Owner], received: datetime, gone: bool) -> Expiry | None:
        if gone:
            return Expiry(self.now, REMOVAL, "")
        ends = [end for owner in owners if owner.kind and (end := self._longest(owner.kind, received))]
        first = min(ends, default=None)
        return first if first is not None and first.at <= self.now else None

    def _longest(self, kind: Provenance, received: datetime) -> Expiry | None:
        """The end of the longest-lived read that can have been received then: one that a hit needs."""
        try:
            return max(self._profile.expiry(*kind, received, linked=linked) for linked in (False, True))
        except PolicyRefused:
            return None
