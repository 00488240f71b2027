"""The bytes that reads came from, as the hub keeps them."""

from sqlalchemy import text

from hub.store.rewriting import kept_reads
from hub.wiring import Hub


def payload_of(hub: Hub, read_id: int) -> bytes:
    """The bytes of a read as they arrived; raises `IntegrityBroken` where they were changed since."""
    with hub.store.read() as connection:
        ident = connection.scalar(text("SELECT connection_id FROM reads WHERE id = :id"), {"id": read_id})
        return kept_reads(hub.store, connection, int(ident or 0), read_id - 1, 0, None, 1)[0].record()
