"""Plates and the index on their inside, kept in step: what is in the table is in the index, and nothing else."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, text

from hub.store import tables
from hub.store.bulk import insert_many
from hub.store.engine import Store

MARK: Final = "$$"
"""What follows a plate in SQLite's index (migration 0002)."""
_MERGE: Final = -200
"""Index pages that one step of a merge rewrites."""


def plate_ids(store: Store, connection: Connection, keys: Mapping[str, str]) -> dict[str, int]:
    """The ids of plates, given with their folded keys; those that are not there yet are added."""
    sql = f"SELECT plate, id FROM plates WHERE {store.one_of('plate', 'plates')}"
    ids: dict[str, int] = dict(store.rows(connection, sql, {"plates": store.as_list(list(keys))}))
    missing = [plate for plate in keys if plate not in ids]
    if missing:
        first = store.allot(connection, "plates", len(missing))
        rows = [(first + n, plate, keys[plate]) for n, plate in enumerate(missing)]
        store.insert(connection, tables.plates, ("id", "plate", "plate_key"), rows)
        if store.is_sqlite:
            inside = [(row[0], row[1] + MARK) for row in rows]
            insert_many(connection, "plates_inside", ("rowid", "text"), inside)
        ids.update((plate, first + n) for n, plate in enumerate(missing))
    return ids


def remove_unread(store: Store, connection: Connection, ids: Iterable[int]) -> None:
    """Remove plates that no read and no candidate has any more, from the table and from the index."""
    gone = connection.execute(
        text(
            f"SELECT id, plate FROM plates WHERE {store.one_of('id', 'ids')} "
            f"AND {no_row('reads WHERE reads.plate_id = plates.id')} "
            f"AND {no_row('candidates WHERE candidates.plate_id = plates.id')}"
        ),
        {"ids": store.as_list(sorted(ids))},
    ).all()
    if not gone:
        return
    if store.is_sqlite:
        connection.exec_driver_sql(
            "INSERT INTO plates_inside (plates_inside, rowid, text) VALUES ('delete', ?, ?)",
            [(row.id, row.plate + MARK) for row in gone],
        )
    connection.execute(
        text(f"DELETE FROM plates WHERE {store.one_of('id', 'ids')}"), {"ids": store.as_list([row.id for row in gone])}
    )


def no_row(of: str) -> str:
    """SQL that holds where a table (and a condition on it) has no row, looked up for each plate by itself.

    `NOT EXISTS` says the same, but PostgreSQL answers it for a thousand plates by going through every read there is.
    """
    return f"(SELECT 1 FROM {of} LIMIT 1) IS NULL"


def forget_removed(store: Store) -> None:
    """Rewrite what SQLite's index still remembers of removed plates: it marks them as gone and keeps their trigrams.

    In small steps, each a transaction of its own, so that no writer waits long.
    """
    while store.is_sqlite:
        with store.write(durable=False) as connection:
            before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
            connection.exec_driver_sql(f"INSERT INTO plates_inside (plates_inside, rank) VALUES ('merge', {_MERGE})")
            # Fewer than two changed rows is how the index says that nothing was left to merge.
            if connection.exec_driver_sql("SELECT total_changes()").scalar_one() - before < 2:
                return
