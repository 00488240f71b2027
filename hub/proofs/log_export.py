"""`LogExport`: events of the audit log as a file that proves itself to whoever has the log's public key.

The first line has the checkpoint and the hashes of what is left out; each other line is an event as it was written.
`hub.transparency.checker` reads it, with nothing but Python.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, select

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.errors import IntegrityBroken, NotFound
from hub.people import Actor
from hub.proofs.checkpoints import Checkpoints
from hub.store import tables
from hub.store.engine import Store
from hub.transparency.checker import FORMAT
from hub.transparency.tree import Frontier

_BATCH: Final = 5000
_EVENTS: Final = tables.audit
_NEXT: Final = (
    select(_EVENTS.c.id, _EVENTS.c.leaf)
    .where(_EVENTS.c.id > bindparam("after"), _EVENTS.c.id <= bindparam("last"))
    .order_by(_EVENTS.c.id)
    .limit(_BATCH)
)
_DOCUMENTS: Final = _NEXT.with_only_columns(_EVENTS.c.id, _EVENTS.c.document)


class Piece(NamedTuple):
    """The root of a full subtree of 2 ** `height` events."""

    height: int
    root: bytes


class LogExport:
    """Writes events with what proves them."""

    def __init__(self, store: Store, audit: Audit, checkpoints: Checkpoints) -> None:
        self._store = store
        self._audit = audit
        self._checkpoints = checkpoints

    def events(
        self, actor: Actor, limit: int = 100, action: str | None = None, who: str | None = None
    ) -> list[dict[str, Any]]:
        """The newest events, newest first: all, or those of an action, or of who acted; on record before they leave."""
        self._audit.record(actor, Act.AUDIT_LIST, Outcome.DONE, limit=limit, of=action, by=who)
        return self._audit.events(limit, action, who)

    def lines(self, actor: Actor, first: int = 1, last: int | None = None) -> Iterator[bytes]:
        """The lines of events `first` to `last` (from 1; None: the newest), on record before the first one.

        Raises `NotFound` where there are none such.
        """
        signed = self._checkpoints.sign()
        until = signed.size if last is None else last
        if not 1 <= first <= until <= signed.size:
            raise NotFound(f"there are no events {first:,} to {until:,}: the audit log has {signed.size:,}")
        self._audit.record(actor, Act.AUDIT_EXPORT, Outcome.ASKED, first=first, last=until, size=signed.size)
        with self._store.read_log() as connection:
            head = {
                "format": FORMAT, "checkpoint": signed.note, "first": first, "events": until - first + 1,
                "before": [_shown(piece) for piece in _pieces(connection, 0, first - 1)],
                "after": [_shown(piece) for piece in _pieces(connection, until, signed.size)],
            }  # fmt: skip
            yield msgspec.json.encode(head) + b"\n"
            after = first - 1
            while rows := connection.execute(_DOCUMENTS, {"after": after, "last": until}).all():
                for row in rows:
                    yield row.document.encode() + b"\n"
                after = rows[-1].id
        self._audit.record(actor, Act.AUDIT_EXPORT, Outcome.DONE, results=until - first + 1, first=first, last=until)


def _pieces(connection: Connection, begin: int, end: int) -> Iterator[Piece]:
    """The largest full subtrees that the leaves from `begin` to `end` (without it) come to, from left to right."""
    leaves = _leaves(connection, begin, end)
    while begin < end:
        height = (end - begin).bit_length() - 1
        if begin:
            height = min(height, (begin & -begin).bit_length() - 1)
        tree = Frontier()
        for _ in range(1 << height):
            if (leaf := next(leaves, None)) is None:
                raise IntegrityBroken("an event is missing in the audit log: alprhub audit verify says which")
            tree.append(leaf)
        yield Piece(height, tree.root)
        begin += 1 << height


def _leaves(connection: Connection, begin: int, end: int) -> Iterator[bytes]:
    after = begin
    while rows := connection.execute(_NEXT, {"after": after, "last": end}).all():
        yield from (bytes(row.leaf) for row in rows)
        after = rows[-1].id


def _shown(piece: Piece) -> tuple[int, str]:
    return piece.height, b64encode(piece.root).decode()
