"""Which of a vendor's reads are kept: the one answer to "is this read here already"."""

from collections.abc import Collection

from sqlalchemy import Connection

from hub.store.engine import Store


def known(store: Store, connection: Connection, connection_id: int, ids: Collection[str]) -> set[str]:
    """Those of a vendor's ids that some read of the connection has."""
    if not ids:
        return set()
    sql = (
        "SELECT vendor_read_id FROM ledger "
        f"WHERE connection_id = :connection_id AND {store.one_of('vendor_read_id', 'ids')}"
    )
    bound = {"connection_id": connection_id, "ids": store.as_list(sorted(ids))}
    return {row[0] for row in store.rows(connection, sql, bound)}
