"""`Ids`: which reads a question means, by their ids, for services that act on them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from hub.search.coverage import asked
from hub.search.query import Cursor, Query
from hub.search.reads import Search
from hub.search.rows import Found, rows_of
from hub.store.engine import Store
from hub.store.instant import to_micros


class Ids:
    """Finds reads for a caller that holds the question; puts nothing on record itself."""

    def __init__(self, store: Store, search: Search) -> None:
        self._store = store
        self._search = search

    def meant(self, query: Query, after: str | None) -> Iterator[tuple[int, str]]:
        """The ids of the visible reads that a query means behind `after`, newest first, each with its place."""
        for row in self._search.every(replace(query, after=Cursor.parse(after) if after else None)):
            yield row.id, Cursor(to_micros(row.captured_at), row.id).text()

    def asked(self, query: Query) -> dict[str, str]:
        """The connections that a question asks, each with how it stands."""
        return asked(self._search.covered(query))

    def shown(self, connection: Connection, keys: Sequence[tuple[int, int]]) -> list[Found]:
        """Held reads by capture time (µs) and id, past their time or not, as rows of an answer."""
        return rows_of(self._store, connection, [Cursor(*key) for key in keys], _held)


def _held(_ident: int, _plate: str, _connector: str) -> str:
    """Why a held read is shown."""
    return "held"
