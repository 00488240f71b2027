"""A connection's row: found by name, in one of four states."""

from typing import Any, Final

from sqlalchemy import Connection, Row, select

from hub.absent import no_connection
from hub.errors import NotFound, Removed, Unsettled
from hub.store import tables

ACTIVE: Final = "active"
PAUSED: Final = "paused"
REMOVING: Final = "removing"
"""A removal has begun and is not over: nothing runs, the secrets are still there."""
REMOVED: Final = "removed"
"""The row stays for the reads that came by it, with digests of where it pointed; nothing else is left."""


def row_of(connection: Connection, name: str) -> Row[Any]:
    """The row of a connection that has not been removed; raises `NotFound`, and `Removed` of one that was."""
    row = any_row(connection, name)
    if row.state == REMOVED:
        raise Removed(f"{name} was removed; what certifies it: alprhub connections certificate {name}")
    return row


def settled(connection: Connection, name: str) -> Row[Any]:
    """The row of a connection that may be changed; raises `NotFound`, and `Unsettled` while it is being removed."""
    row = row_of(connection, name)
    if row.state == REMOVING:
        raise Unsettled(f"{name} is being removed: end that with alprhub connections remove {name}")
    return row


def any_row(connection: Connection, name: str) -> Row[Any]:
    """The row of a connection, removed or not; raises `NotFound`."""
    row = connection.execute(select(tables.connections).where(tables.connections.c.name == name)).one_or_none()
    if row is None:
        table = tables.connections
        there = connection.scalars(select(table.c.name).where(table.c.state != REMOVED).order_by(table.c.name)).all()
        raise NotFound(no_connection(name, there))
    return row
