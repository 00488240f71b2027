"""`TakenFiles`: which files of a drop were taken, and which could not be, one row a file."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, text, update

from connectors.batches import batched
from connectors.contract import LyingFile
from hub.store import tables
from hub.store.engine import Store

BATCH: Final = 1000
_TABLE: Final = tables.taken_files
_TAKE: Final = text(
    "INSERT INTO taken_files (connection_id, name, size, modified, fault)"
    " VALUES (:connection_id, :name, :size, :modified, :fault) ON CONFLICT (connection_id, name)"
    " DO UPDATE SET size = excluded.size, modified = excluded.modified, fault = excluded.fault"
)


def take(connection: Connection, connection_id: int, files: Sequence[LyingFile]) -> None:
    """Remember that files were taken as they are, in the transaction that keeps what they held."""
    if files:
        connection.execute(_TAKE, [_row(connection_id, file) for file in files])


def bad_files(connection: Connection, connection_id: int) -> list[str]:
    """What is wrong with each file that lay there and could not be taken, by the names of the files."""
    found = select(_TABLE.c.fault).where(_TABLE.c.connection_id == connection_id, _TABLE.c.fault.is_not(None))
    return [str(fault) for fault in connection.scalars(found.order_by(_TABLE.c.name))]


class TakenFiles:
    """The files of one connection, for one window."""

    def __init__(self, store: Store, connection_id: int) -> None:
        self._store = store
        self._connection_id = connection_id
        self._left = list[bytes]()
        self._lying = dict[str, LyingFile]()
        self._bad = dict[bytes, tuple[int, int | None, str]]()
        self._untimed = list[LyingFile]()

    def fresh(self, lying: Sequence[LyingFile]) -> Sequence[LyingFile]:
        """Of all the files that lie there, those that were not taken as they are."""
        with self._store.read() as connection:
            query = select(_TABLE.c.name, _TABLE.c.size, _TABLE.c.modified, _TABLE.c.fault)
            rows = connection.execute(query.where(_TABLE.c.connection_id == self._connection_id)).all()
        known = {bytes(row.name): (row.size, row.modified) for row in rows if row.fault is None}
        self._bad = {bytes(row.name): (row.size, row.modified, row.fault) for row in rows if row.fault is not None}
        self._lying = {file.name: file for file in lying}
        fresh, here = [], set[bytes]()
        for file in lying:
            name = _name(file)
            here.add(name)
            if known.get(name) == (file.size, None):  # it was taken when times were not remembered
                self._untimed.append(file)
            elif known.get(name) != (file.size, file.modified):
                fresh.append(file)
        self._left = [name for name in (*known, *self._bad) if name not in here]
        return fresh

    def cannot(self, faults: Mapping[str, str]) -> bool:
        """Remember what is wrong with files by their names; whether any of it is news.

        One that is whole now, or needed no more, is forgotten.
        """
        now = {_name(file): (file, faults[file.name]) for file in self._lying.values() if file.name in faults}
        new = [_row(self._connection_id, file, fault) for name, (file, fault) in now.items()
               if self._bad.get(name) != (file.size, file.modified, fault)]  # fmt: skip
        over = [name for name in self._bad if name not in now]
        if new or over:
            of_it = (_TABLE.c.connection_id == self._connection_id) & _TABLE.c.fault.is_not(None)
            with self._store.write() as connection:
                for names in batched(over, BATCH):
                    of_these = delete(_TABLE).where(of_it, _TABLE.c.name == bindparam("file"))
                    connection.execute(of_these, [{"file": name} for name in names])
                if new:
                    connection.execute(_TAKE, new)
        return bool(new)

    def settle(self) -> None:
        """Forget the files that lie there no more, since names would else be kept for ever."""
        this_file = (_TABLE.c.connection_id == self._connection_id) & (_TABLE.c.name == bindparam("file"))
        for names in batched(self._left, BATCH):
            with self._store.write() as connection:
                connection.execute(delete(_TABLE).where(this_file), [{"file": name} for name in names])
        for files in batched(self._untimed, BATCH):
            with self._store.write() as connection:
                timed = update(_TABLE).where(this_file).values(modified=bindparam("at"))
                connection.execute(timed, [{"file": _name(file), "at": file.modified} for file in files])
        self._left, self._untimed = [], []


def _row(connection_id: int, file: LyingFile, fault: str | None = None) -> dict[str, Any]:
    return {
        "connection_id": connection_id, "name": _name(file), "size": file.size, "modified": file.modified,
        "fault": fault,
    }  # fmt: skip


def _name(file: LyingFile) -> bytes:
    """The bytes of its name: not every file system's names are text."""
    return file.name.encode("utf-8", "surrogateescape")
