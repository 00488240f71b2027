"""`Verification`: whether the audit log is what was written: each event as it was and in its place, none less or more.

What somebody changes in a row is found by its hash, and what is taken out, put in or moved by the places. Whoever has
the database's password can make all hashes anew; then the log is no longer the one of the checkpoints that others
keep, and the hashes that they keep with them say from which event on.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Row, bindparam, select

from hub.store import tables
from hub.store.audit_rows import head
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.transparency.checkpoint import Checkpoint
from hub.transparency.tree import WIDTH, Frontier, leaf_hash

BATCH: Final = 5000
MOST: Final = 100
"""Faults that are named; more are counted alone."""


class LogFault(NamedTuple):
    """What is wrong with the log: a code, the number of the event (from 1; None: of no one event), and words."""

    code: str
    event: int | None
    said: str


class Copy(NamedTuple):
    """What somebody else keeps of a log: hashes of leaves, one after the other, from the event `first` on (from 1)."""

    first: int
    leaves: bytes


class Verified(NamedTuple):
    """What a verification came to: how many events there are, their root, what is wrong, and how many faults."""

    size: int
    root: bytes
    faults: Sequence[LogFault]
    many: int

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.many


class _Spoken(msgspec.Struct):
    """What a document says that stands in columns too."""

    index: int
    event_id: str
    at: str
    actor: str
    action: str
    outcome: str


_BEFORE_ALL: Final = -(1 << 63)
_DECODER: Final = msgspec.json.Decoder(_Spoken)
_EVENTS: Final = tables.audit
_AFTER: Final = select(_EVENTS).where(_EVENTS.c.id > bindparam("after")).order_by(_EVENTS.c.id).limit(BATCH)


class Verification:
    """Goes through the whole log once."""

    def __init__(self, store: Store, checkpoints: Sequence[Checkpoint] = (), copies: Sequence[Copy] = ()) -> None:
        self._store = store
        self._due = sorted(checkpoints, key=lambda checkpoint: checkpoint.size)
        self._copies = copies
        self._tree = Frontier()
        self._faults: list[LogFault] = []
        self._count = 0
        self._astray = False
        self._differs = False
        """Whether it is known to be another log than others keep, by what is missing or by what they keep."""

    def run(self) -> Verified:
        """Hold every event against its hash, its place, and what others keep of it."""
        self._meet()
        with self._store.read_log() as connection:
            after = _BEFORE_ALL
            while rows := connection.execute(_AFTER, {"after": after}).all():
                for row in rows:
                    self._see(row)
                after = int(rows[-1].id)
            kept = head(connection)
        if kept.size > self._tree.size:
            self._missing(self._tree.size + 1, kept.size)
        elif kept.size < self._tree.size:
            self._fault("added", kept.size + 1, f"event {kept.size + 1:,} and what follows was added behind the log")
        elif kept.roots != self._tree.roots and not self._count:
            self._fault("root", None, "the hashes of the events do not lead to the root that the log keeps")
        for checkpoint in self._due:
            self._fault(
                "cut", self._tree.size + 1,
                f"a checkpoint of {checkpoint.size:,} events was signed, and the log has {self._tree.size:,}",
            )  # fmt: skip
        return Verified(self._tree.size, self._tree.root, tuple(self._faults), self._count)

    def _see(self, row: Row[Any]) -> None:
        if self._astray:
            return
        number = self._tree.size + 1
        if row.id > number:
            self._missing(number, row.id - 1)
            if row.id - number > MOST:  # nobody took out so many one by one: what follows is no log of this one's
                self._astray = True
                return
            while self._tree.size < row.id - 1:
                self._grow(bytes(WIDTH))
        elif row.id < number:
            self._fault("added", row.id, f"event {row.id:,} stands where none was written")
            return
        if wrong := _wrong(row):
            self._fault("changed", row.id, f"event {row.id:,} was changed: {wrong}")
        self._grow(row.leaf if isinstance(row.leaf, bytes) and len(row.leaf) == WIDTH else bytes(WIDTH))

    def _grow(self, leaf: bytes) -> None:
        number = self._tree.size + 1
        for copy in self._copies:
            at = (number - copy.first) * WIDTH
            if 0 <= at < len(copy.leaves) and copy.leaves[at : at + WIDTH] != leaf and not self._differs:
                self._differs = True
                self._fault("other", number, f"event {number:,} is not the one whose hash was handed over")
        self._tree.append(leaf)
        self._meet()

    def _meet(self) -> None:
        """Hold the tree as it is now against the checkpoints of its size."""
        while self._due and self._due[0].size == self._tree.size:
            checkpoint = self._due.pop(0)
            if checkpoint.root != self._tree.root and not self._differs:
                self._differs = True
                self._fault(
                    "checkpoint", None,
                    f"the first {checkpoint.size:,} events are not those over which a checkpoint was signed",
                )  # fmt: skip

    def _missing(self, first: int, last: int) -> None:
        self._differs = True
        which = f"event {first:,} is" if first == last else f"events {first:,} to {last:,} are"
        self._fault("missing", first, f"{which} missing")

    def _fault(self, code: str, event: int | None, said: str) -> None:
        self._count += 1
        if len(self._faults) < MOST:
            self._faults.append(LogFault(code, event, said))


def _wrong(row: Row[Any]) -> str | None:
    """What of a row is not as it was written; None where all is."""
    if not (isinstance(row.document, str) and isinstance(row.leaf, bytes) and len(row.leaf) == WIDTH):
        return "what it says, or its hash"
    document = row.document.encode()
    if leaf_hash(document) != row.leaf:
        return "what it says, or its hash"
    try:
        said = _DECODER.decode(document)
        at = to_micros(datetime.fromisoformat(said.at))
    except (msgspec.DecodeError, ValueError):
        return "it is no event"
    if said.index != row.id - 1:
        return f"it was written as event {said.index + 1:,}"
    for name, wanted in (("event_id", said.event_id), ("at", at), ("actor", said.actor), ("action", said.action),
                         ("outcome", said.outcome)):  # fmt: skip
        if getattr(row, name) != wanted:
            return f"the column {name}"
    return None
