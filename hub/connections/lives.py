"""What connections ask of whoever knows how long reads live, and what of theirs is held."""

from typing import Protocol

from sqlalchemy import and_, func, select, text

from hub.policy.provenance import Provenance
from hub.store import tables
from hub.store.engine import Store


class EndsOfReads(Protocol):
    """The ends of a connection's reads."""

    def effect(self, connection_id: int, source: Provenance) -> tuple[int, int]:
        """How many visible reads there are, and how many of them would end now if they were of this kind."""

    def follow(self, connection_id: int, source: Provenance) -> int:
        """Let reads live no longer than those of this kind do; gives how many changed."""

    def finish(self, connection_id: int, source: Provenance) -> int:
        """End them all now, or as soon as policy and holds allow it; gives how many changed."""


def held(store: Store, connection_id: int, most: int) -> tuple[int, list[int]]:
    """How many of a connection's reads are held, and the ids of the first of them."""
    reads = tables.reads
    # Written as bare `held`, because that is the condition of the partial index.
    of_it = and_(text("held"), reads.c.connection_id == connection_id)
    with store.read() as connection:
        count = connection.scalar(select(func.count()).select_from(reads).where(of_it)) or 0
        names = connection.scalars(select(reads.c.id).where(of_it).order_by(reads.c.id).limit(most)).all()
    return count, list(names)
