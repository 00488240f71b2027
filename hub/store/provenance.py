"""Whose reads a connection's are, as its row says: its kind, its vendor, and the contract that stands on it."""

from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from hub.policy.contract import SourceContract
from hub.policy.provenance import Provenance
from hub.proposals import Action
from hub.store import tables

_TABLE: Final = tables.connections
COLUMNS: Final = (_TABLE.c.kind, _TABLE.c.retention_vendor, _TABLE.c.contract)
"""What `provenance_of` asks of a row."""
_KINDS_CHANGED: Final = select(func.count()).where(
    (tables.approvals.c.action == str(Action.KIND)) & tables.approvals.c.carried_out_at.is_not(None)
)
"""Asked with each page, so made once."""


def provenance_of(row: Row[Any], vendor: str | None = None, origin: str | None = None) -> Provenance:
    """The provenance of a connection's row.

    `vendor` is that of its connector where nobody has noted one; `origin` is another kind than the row's, where that is
    asked about.
    """
    named, kind = row.retention_vendor or vendor or "", origin or row.kind
    return Provenance(kind, named, contract_of(row.contract, kind, named))


def kinds_changed(connection: Connection) -> int:
    """How often a source became one of another kind by two people: what was promised meanwhile hangs on it."""
    return connection.scalar(_KINDS_CHANGED) or 0


def contract_of(document: str | None, origin: str, vendor: str) -> SourceContract | None:
    """The contract of a row's JSON, for reads of this origin and vendor; None where there is none."""
    if document is None:
        return None
    contract = SourceContract.model_validate_json(document)
    return contract.model_copy(update={"origin": origin, "vendor": vendor})
