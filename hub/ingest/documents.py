"""Whole documents that no record could be made of: kept in quarantine as they came, and unpacked again on replay."""

from dataclasses import replace
from typing import Any, Final

from connectors.contract import Connector, Document, Record
from connectors.errors import VendorChanged

KIND: Final = "whole document"
MOST: Final = 1 << 16
"""Bytes that are kept of an answer that is none: it is asked for again, so they are there to be looked at."""
_TYPE, _REASON = "content-type", "reason"
_PACKED: Final = "application/x-packed; how="


def still_packed(document: Document, how: str) -> Document:
    """A pushed document that could not be unpacked, marked so that its quarantine says why."""
    return replace(document, content_type=f"{_PACKED}{how[:40]}")


def records_of(connector: Connector[Any], document: Document) -> list[Record]:
    """The records of a document, or the document itself as one that will be refused; raises nothing."""
    kind = document.content_type
    try:
        if kind.startswith(_PACKED):
            raise VendorChanged(f"is packed ({kind.removeprefix(_PACKED)}) in a way that cannot be undone here")
        return list(connector.records(document))
    except VendorChanged as changed:
        reason = str(changed)
    except Exception:  # a fault of the connector's must not cost what a vendor will not send again
        reason = "could not be unpacked: its connector has a defect"
    attachments = {_TYPE: document.content_type.encode(), _REASON: reason.encode()}
    return [Record(KIND, document.body, 0, attachments)]


def answer_of(changed: VendorChanged) -> Record | None:
    """What came in place of an answer, its beginning at least, as a record that will be refused; None without bytes."""
    if not changed.body:
        return None
    return Record(KIND, changed.body[:MOST], 0, {_TYPE: b"", _REASON: str(changed).encode()})


def why_refused(record: Record) -> str | None:
    """Why a document has no records; None for a record of any other kind."""
    return record.attachments[_REASON].decode() if record.kind == KIND else None


def again(connector: Connector[Any], record: Record) -> list[Record]:
    """What a quarantined record is today: itself, or the records of the document that it is."""
    if record.kind != KIND:
        return [record]
    return records_of(connector, Document(record.payload, record.attachments[_TYPE].decode()))
