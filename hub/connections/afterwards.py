"""`Afterwards`: what the end of a connection means for its reads, told before anybody ends it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from hub.connections.agreed import in_words
from hub.connections.row import REMOVED, REMOVING, any_row
from hub.errors import PolicyRefused
from hub.governing.in_force import Governing
from hub.policy.provenance import Provenance
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros
from hub.store.provenance import provenance_of
from hub.words import count, moment


@dataclass(frozen=True, slots=True)
class Afterlife:
    """The reads of a connection that ends.

    `begun` says whether its removal was begun already, `over` whether it is over. `keeping` says what becomes of its
    reads where they stay, `purging` where they go.
    """

    connection: str
    reads: int
    begun: bool
    over: bool
    keeping: str
    purging: str


class Afterwards:
    """Says what a removal would leave."""

    def __init__(self, store: Store, governing: Governing) -> None:
        self._store = store
        self._governing = governing

    def of(self, name: str) -> Afterlife:
        """What the end of a connection means for its reads, or meant; changes nothing. Raises `NotFound`."""
        ledger = tables.ledger
        with self._store.read() as connection:
            row = any_row(connection, name)
            of_it = select(func.count()).where(ledger.c.connection_id == row.id)
            reads = int(connection.scalar(of_it) or 0)
        return Afterlife(
            connection=name,
            reads=reads,
            begun=row.state in (REMOVING, REMOVED),
            over=row.state == REMOVED,
            keeping=self._keeping(name, reads, row.id, provenance_of(row)),
            purging=(
                f"{count(reads, 'read')} of {name} {'goes' if reads == 1 else 'go'} now, but what a hold or a floor of"
                " the policy keeps"
            ),
        )

    def _keeping(self, name: str, reads: int, ident: int, source: Provenance) -> str:
        if not reads:
            return f"{name} has no reads that could stay"
        profile = self._governing.profile()
        try:
            rule = profile.rule_for(*source)
            lives = f"{rule.keep.words()} each, by rule {rule.id} ({rule.clause}) of {profile.name}"
        except PolicyRefused:
            lives = f"without end, since no rule of {profile.name} says how long"
        agreed = (
            "" if source.contract is None else f" and what was agreed with their source ({in_words(source.contract)})"
        )
        newest = self._newest_end(ident)
        until = "" if newest is None else f", the newest until {moment(newest, self._governing.zone)}"
        return (
            f"{count(reads, 'read')} of {name} {'lives' if reads == 1 else 'live'} on as until now: {lives}{agreed}"
            f"{until}. Every later policy counts for them too, as do holds"
        )

    def _newest_end(self, ident: int) -> datetime | None:
        """When the newest read of any of its cameras ends."""
        cameras, reads = tables.cameras, tables.reads
        ends = []
        with self._store.read() as connection:
            for camera in connection.scalars(select(cameras.c.id).where(cameras.c.connection_id == ident)).all():
                of_it = select(reads.c.expires_at).where(reads.c.camera_id == camera)
                ends.append(connection.scalar(of_it.order_by(reads.c.captured_at.desc()).limit(1)))
        return from_micros(max(known)) if (known := [end for end in ends if end is not None]) else None
