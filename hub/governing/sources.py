"""`Sources`: where every connection's reads come from, as its row says: no connector needs to be here to know it."""

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Final

import msgspec
from sqlalchemy import func, select, update

from hub.errors import AdminMustAct, NotFound
from hub.policy.contract import SourceContract, Use
from hub.policy.provenance import Provenance
from hub.ports import Kinds
from hub.proposals import Action
from hub.store import tables
from hub.store.engine import Store
from hub.store.provenance import COLUMNS, contract_of, kinds_changed, provenance_of

_TABLE: Final = tables.connections


class Sources:
    """The provenance of connections, removed ones too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> Mapping[int, Provenance]:
        """The provenance of every connection whose vendor is known, by id; of the others nothing may be said."""
        query = select(_TABLE.c.id, *COLUMNS)
        with self._store.read() as connection:
            rows = connection.execute(query.where(_TABLE.c.retention_vendor.is_not(None))).all()
        return {row.id: provenance_of(row) for row in rows}

    def of(self, connection_id: int) -> Provenance:
        """That of one connection; raises `AdminMustAct` where its vendor is not known."""
        with self._store.read() as connection:
            row = connection.execute(select(_TABLE).where(_TABLE.c.id == connection_id)).one()
        if row.retention_vendor is None:
            raise AdminMustAct(
                f"nobody knows yet how long reads of {row.name} may be kept: start any command of the hub once where"
                f" its connector {row.connector!r} is installed and allowed"
            )
        return provenance_of(row)

    def forbidding(self, use: Use) -> Mapping[str, str]:
        """The connections whose contracts forbid a use, by name, each with the clause that does; removed ones too."""
        query = select(_TABLE.c.name, *COLUMNS).where(_TABLE.c.contract.is_not(None)).order_by(_TABLE.c.name)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        contracts = {row.name: provenance_of(row).contract for row in rows}
        clauses = {name: contract.forbids(use) for name, contract in contracts.items() if contract is not None}
        return {name: clause for name, clause in clauses.items() if clause is not None}

    def known_since(self, vendor: str) -> int:
        """When the hub first had a connection to a vendor (µs), removed ones too."""
        first = select(func.min(_TABLE.c.added_at)).where(_TABLE.c.retention_vendor == vendor)
        with self._store.read() as connection:
            return int(connection.scalar(first) or 0)

    def kinds_changed(self) -> int:
        """How often a source became one of another kind by two people."""
        with self._store.read() as connection:
            return kinds_changed(connection)

    def former(self, vendor: str) -> list[tuple[int, Provenance]]:
        """The kinds that sources of a vendor had before they became one whose reads may live longer, and until when
        (µs)."""
        table = tables.approvals
        query = select(table.c.carried_out_at, table.c.content).where(table.c.action == str(Action.KIND))
        with self._store.read() as connection:
            rows = connection.execute(query.where(table.c.carried_out_at.is_not(None))).all()
        changes = [(row.carried_out_at, msgspec.json.decode(row.content)) for row in rows]
        return [(at, Provenance(was["before"], vendor)) for at, was in changes if was["vendor"] == vendor]

    def former_contracts(self, connection_id: int, source: Provenance) -> list[tuple[int, Provenance]]:
        """What a connection's reads were under contracts that are in force no more, and until when (µs)."""
        table = tables.contracts
        query = select(table.c.document, table.c.set_at).where(table.c.connection_id == connection_id)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(table.c.id)).all()
        ended = pairwise(rows)
        return [
            (then.set_at, source._replace(contract=contract_of(row.document, source.origin, source.vendor)))
            for row, then in ended
        ]

    def contracts(self) -> list[SourceContract]:
        """The contracts that are in force, of connections that are not removed too."""
        query = select(*COLUMNS).where(_TABLE.c.contract.is_not(None)).order_by(_TABLE.c.id)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        return [contract for row in rows if (contract := provenance_of(row).contract) is not None]

    def unknown(self) -> Mapping[int, str]:
        """The names, by id, of the connections of which nobody has said yet whose retention holds."""
        query = select(_TABLE.c.id, _TABLE.c.name).where(_TABLE.c.retention_vendor.is_(None)).order_by(_TABLE.c.name)
        with self._store.read() as connection:
            return dict(connection.execute(query).tuples().all())

    def learn(self, kinds: Kinds) -> Collection[str]:
        """Note the vendor of connections that were added before it was noted; gives the names of those still unknown.

        A connection stays unknown where this process does not have its connector.
        """
        query = select(_TABLE.c.id, _TABLE.c.name, _TABLE.c.connector).where(_TABLE.c.retention_vendor.is_(None))
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        vendors = {row.id: vendor for row in rows if (vendor := _vendor(kinds, row.connector)) is not None}
        if vendors:
            with self._store.write() as connection:
                for ident, vendor in vendors.items():
                    still = (_TABLE.c.id == ident) & _TABLE.c.retention_vendor.is_(None)
                    connection.execute(update(_TABLE).where(still).values(retention_vendor=vendor))
        return [row.name for row in rows if row.id not in vendors]


def _vendor(kinds: Kinds, key: str) -> str | None:
    """The vendor whose retention holds for a connector's reads; None where this process does not have it."""
    try:
        return kinds.kind(key).info.retention_vendor
    except NotFound:
        return None
