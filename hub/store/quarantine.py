"""Refused records on their way into quarantine."""

from hashlib import sha256

import msgspec
from sqlalchemy import Connection, text

from hub.store.codec import compress
from hub.store.instant import to_micros
from hub.store.page import PageToSave


def keep_refused(connection: Connection, page: PageToSave) -> set[int]:
    """Keep the refused records, each once however often it comes; gives their rows."""
    rows = set()
    for item in page.rejected:
        row = connection.execute(
            text(
                "INSERT INTO quarantine (connection_id, kind, part, payload, attachments, sha256, obtained, field, "
                "reason, received_at, expires_at) VALUES (:connection_id, :kind, :part, :payload, :attachments, "
                ":sha256, :obtained, :field, :reason, :received_at, :expires_at) "
                "ON CONFLICT (connection_id, sha256, kind, part) DO UPDATE SET field = :field, reason = :reason "
                "RETURNING id"
            ),
            {
                "connection_id": page.connection_id,
                "kind": item.kind,
                "part": item.part,
                "payload": compress(item.payload),
                "attachments": compress(msgspec.msgpack.encode(dict(item.attachments))) if item.attachments else None,
                "sha256": sha256(item.payload).digest(),
                "obtained": page.obtained,
                "field": item.field,
                "reason": item.reason,
                "received_at": to_micros(page.received_at),
                "expires_at": to_micros(item.expires_at),
            },
        ).scalar_one()
        rows.add(int(row))
    return rows
