"""Whose reads a connection's are, as its row says: its kind, its vendor, and the contract that stands on it."""

from typing import Any, Final

from sqlalchemy import Row

from hub.policy.contract import SourceContract
from hub.policy.provenance import Provenance
from hub.store import tables

_TABLE: Final = tables.connections
COLUMNS: Final = (_TABLE.c.kind, _TABLE.c.retention_vendor, _TABLE.c.contract)
"""What `provenance_of` asks of a row."""


def provenance_of(row: Row[Any], vendor: str | None = None, origin: str | None = None) -> Provenance:
    """The provenance of a connection's row.

    `vendor` is that of its connector where nobody has noted one; `origin` is another kind than the row's, where that is
    asked about.
    """
    named, kind = row.retention_vendor or vendor or "", origin or row.kind
    return Provenance(kind, named, contract_of(row.contract, kind, named))


def contract_of(document: str | None, origin: str, vendor: str) -> SourceContract | None:
    """The contract of a row's JSON, for reads of this origin and vendor; None where there is none."""
    if document is None:
        return None
    contract = SourceContract.model_validate_json(document)
    return contract.model_copy(update={"origin": origin, "vendor": vendor})
