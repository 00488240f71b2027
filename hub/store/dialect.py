"""What the two databases say in different words: `sqlite` and `postgresql` have one function for each, of one name."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Connection

from hub.store import postgresql, sqlite
from hub.store.engine import Store

_Bound = dict[str, Any]


class Dialect(Protocol):
    """The SQL that only one of the databases understands, or that only one of them answers fast."""

    NAME: str
    SORTS_FEW: bool
    """Whether it sorts all reads of a few plates faster than it asks for some of them twice."""
    IN_MONTHS: bool
    """Whether reads lie in partitions, one a month, that can be emptied whole."""

    PASSES: int
    """In how many turns reads that lie together get other ends, so that those of a page are not written all at once."""
    PLACE: str
    """The column that says where on its page a read lies, for `pass_of`."""

    def pass_of(self, place: Any) -> int:
        """In which of the turns (0 and on) a read gets its end."""

    def pattern(self, text: str) -> str:
        """A plate pattern as `fits` wants it bound."""

    def fits(self, column: str, parameter: str) -> str:
        """Whether a column of plates fits the pattern that is bound."""

    def fits_unindexed(self, column: str, parameter: str) -> str:
        """`fits` without an index: a range or the trigrams of the pattern would select more rows than what leads."""

    def unindexed(self, column: str) -> str:
        """A column of ids that is compared without its index, where another column leads to the rows."""

    def in_ranges(self, ranges: Sequence[tuple[str, str]], condition: str) -> tuple[str, _Bound]:
        """Plates `p` from the first text of a range up to the other, itself left out, that fulfil a condition too.

        `:most` must be bound: PostgreSQL takes as many of each range, in order.
        """

    def inside(self, store: Store, connection: Connection, pattern: str) -> tuple[str, _Bound]:
        """Plates `p` that fit the pattern bound as `:pattern`, by what is known of their inside."""

    def in_span(self, column: str) -> str:
        """Names the time of rows that are found by their ids: `:first` to `:last`, both included.

        On PostgreSQL it prunes partitions; SQLite has none, and its planner would look rows up by time.
        """

    def each_text(self, parameter: str) -> str:
        """The texts that are bound by `Store.as_list`, as the one column of a SELECT."""


def dialect(store: Store) -> Dialect:
    """The words of a store's database."""
    return sqlite if store.is_sqlite else postgresql
