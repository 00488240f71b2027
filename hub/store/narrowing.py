"""Where PostgreSQL looks for reads by their ends: it notes of every few pages between which ends those on them lie.

A read that gets another end, or goes, leaves that wider than it is, and whoever asks what is over would look there in
vain. So it is noted anew, page by page, after whatever changes the ends of very many, and where a purge has been.
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hub.store.engine import Store

PATIENCE: Final = "4s"
"""How long it waits for the server's own tidying of a month; without it the next purge looks at more than is due."""
_NO_LOCK: Final = "55P03"
_INDEXES: Final = """
SELECT i.indrelid::regclass::text, i.indexrelid::bigint
FROM pg_partition_tree('ix_reads_expires_at') AS t JOIN pg_index AS i ON i.indexrelid = t.relid WHERE t.isleaf
ORDER BY 1
"""
_FORGET: Final = """
SELECT brin_desummarize_range(CAST(CAST(:index AS oid) AS regclass), page) FROM generate_series(
  0, pg_relation_size(CAST(:month AS regclass)) / CAST(current_setting('block_size') AS bigint), 16) AS page
"""
_NOTE: Final = "SELECT brin_summarize_new_values(CAST(CAST(:index AS oid) AS regclass))"


def narrow(store: Store, month: str | None = None) -> None:
    """Note it anew for a table of reads, or for all of them; does nothing on SQLite.

    Takes no turn to write, and nobody waits for it. A table that the server itself tidies for too long is left out.
    """
    if store.is_sqlite:
        return
    with store.read() as connection:
        indexes = connection.execute(text(_INDEXES)).tuples().all()
    for name, index in indexes:
        if month in (None, name):
            try:
                with store.beside() as connection:
                    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
                    connection.execute(text(_FORGET), {"index": index, "month": name})
                    connection.execute(text(_NOTE), {"index": index})
            except OperationalError as failed:
                if getattr(failed.orig, "sqlstate", None) != _NO_LOCK:
                    raise
