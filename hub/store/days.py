"""What became of each day's records: counted in the transaction that keeps them, and in the one that removes them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, TextClause, text

MICROS: Final = 86_400_000_000
"""Of one day."""
COUNTED: Final = ("pulled", "stored", "duplicates", "quarantined", "born_expired", "purged")


def count_day(connection: Connection, connection_id: int, received_at: int, counts: Mapping[str, int]) -> None:
    """Add to the counts of the day (UTC) on which something was received (µs); the names are those of `COUNTED`.

    On every day `pulled` = `stored` + `duplicates` + `quarantined` + `born_expired`; a replay takes away from
    `quarantined` what it settles.
    """
    bound = {"connection_id": connection_id, "day": received_at // MICROS, **counts}
    connection.execute(_adding(tuple(counts)), bound)


@lru_cache
def _adding(names: tuple[str, ...]) -> TextClause:
    if unknown := set(names) - set(COUNTED):
        raise ValueError(f"days count no {', '.join(sorted(unknown))}")
    columns, values = ", ".join(names), ", ".join(f":{name}" for name in names)
    added = ", ".join(f"{name} = days.{name} + :{name}" for name in names)
    return text(
        f"INSERT INTO days (connection_id, day, {columns}) VALUES (:connection_id, :day, {values}) "
        f"ON CONFLICT (connection_id, day) DO UPDATE SET {added}"
    )
