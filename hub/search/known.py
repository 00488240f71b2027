"""A question narrows only by names that the store knows: a misspelt name never gives an empty answer."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, select

from hub.absent import absent, no_connection
from hub.errors import NotFound
from hub.search.query import Query
from hub.store import tables
from hub.store.engine import Store

_CONNECTIONS, _CAMERAS = tables.connections.c, tables.cameras.c


def check_names(store: Store, query: Query) -> None:
    """Raise `NotFound` for a connection, camera or site that nothing has, naming the nearest.

    What was removed is known as long as it has a row: its reads stay until their time is up.
    """
    with store.read() as connection:
        for name in query.connections:
            if not _any(connection, name, _CONNECTIONS.name):
                raise NotFound(no_connection(name, _names(connection, _CONNECTIONS.name)))
        for name in query.cameras:
            if not _any(connection, name, _CAMERAS.name, _CAMERAS.vendor_id):
                both = {*_names(connection, _CAMERAS.name), *_names(connection, _CAMERAS.vendor_id)}
                raise NotFound(absent("camera", name, sorted(both)))
        for name in query.sites:
            if not _any(connection, name, _CAMERAS.site):
                there = _names(connection, _CAMERAS.site)
                raise NotFound(absent("site", name, there, "alprhub cameras site says where a camera stands"))


def _any(connection: Connection, name: str, *columns: Column[Any]) -> bool:
    return any(connection.scalar(select(1).where(column == name).limit(1)) for column in columns)


def _names(connection: Connection, column: Column[Any]) -> Sequence[str]:
    return connection.scalars(select(column).where(column.is_not(None)).distinct().order_by(column)).all()
