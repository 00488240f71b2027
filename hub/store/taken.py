"""`TakenFiles`: which files of a drop were taken, one row a file."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, text, update

from connectors.batches import batched
from connectors.contract import LyingFile
from hub.store import tables
from hub.store.engine import Store

BATCH: Final = 1000
_TABLE: Final = tables.taken_files
_TAKE: Final = text(
    "INSERT INTO taken_files (connection_id, name, size, modified) VALUES (:connection_id, :name, :size, :modified)"
    " ON CONFLICT (connection_id, name) DO UPDATE SET size = excluded.size, modified = excluded.modified"
)


def take(connection: Connection, connection_id: int, files: Sequence[LyingFile]) -> None:
    """Remember that files were taken as they are, in the transaction that keeps what they held."""
    if files:
        connection.execute(_TAKE, [_row(connection_id, file) for file in files])


class TakenFiles:
    """The files of one connection, for one window."""

    def __init__(self, store: Store, connection_id: int) -> None:
        self._store = store
        self._connection_id = connection_id
        self._left = list[bytes]()
        self._untimed = list[LyingFile]()

    def fresh(self, lying: Sequence[LyingFile]) -> Sequence[LyingFile]:
        """Of all the files that lie there, those that were not taken as they are."""
        with self._store.read() as connection:
            query = select(_TABLE.c.name, _TABLE.c.size, _TABLE.c.modified)
            rows = connection.execute(query.where(_TABLE.c.connection_id == self._connection_id)).all()
        known = {bytes(row.name): (row.size, row.modified) for row in rows}
        fresh, here = [], set[bytes]()
        for file in lying:
            name = _name(file)
            here.add(name)
            if known.get(name) == (file.size, None):  # it was taken when times were not remembered
                self._untimed.append(file)
            elif known.get(name) != (file.size, file.modified):
                fresh.append(file)
        self._left = [name for name in known if name not in here]
        return fresh

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


def _row(connection_id: int, file: LyingFile) -> dict[str, Any]:
    return {"connection_id": connection_id, "name": _name(file), "size": file.size, "modified": file.modified}


def _name(file: LyingFile) -> bytes:
    """The bytes of its name: not every file system's names are text."""
    return file.name.encode("utf-8", "surrogateescape")
