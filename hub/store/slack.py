"""What SQLite leaves behind in its pages: `blank` overwrites it.

`secure_delete` overwrites a row where it lies. When SQLite evens out neighbouring pages it moves rows and leaves their
old bytes in the middle of a page, between the list of its rows and the first of them; a row that is deleted later stays
there as a copy that nothing points to. `VACUUM` would write the whole file anew and hold up the writer meanwhile; this
reads it once and writes zeros where there is something.

Nothing that SQLite reads is touched, so a run that is killed anywhere leaves a whole database.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

_HEADER: Final = {13: 8, 10: 8, 5: 12, 2: 12}
"""Length of a page's header by its first byte: leaves and inner pages of tables and indexes.

https://www.sqlite.org/fileformat2.html#b_tree_pages
"""
_MOST_PAGES: Final = 0x0200_0000
"""Beyond it the first byte of an overflow page, the highest of a page number, might be taken for one of these."""
_AT_ONCE: Final = 64 << 20
"""Bytes that are looked through while the writer waits."""
_ATTEMPTS: Final = 20
PATIENCE_S: Final = 1.0
"""So long it waits for readers of an old moment, and writers wait with it."""
_descriptors: dict[tuple[int, int], int] = {}


def blank(path: Path, turn: Callable[[], AbstractContextManager[None]] = nullcontext) -> bool:
    """Overwrite what is left in the unused middle of every page; gives whether all of the file was looked through.

    It is not where readers kept the write-ahead log from being emptied: the next call tries again. `turn` is how to be
    next to write, in pieces between which others come.
    """
    # A connection of its own, whose pages go with it. Those that others remember are void once it has committed.
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
    try:
        size, pages = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_size", "page_count"))
        if pages >= _MOST_PAGES:
            return False
        step = max(_AT_ONCE // size, 1)
        for first in range(0, pages, step):
            with turn():
                if not _blank_some(connection, path, size, range(first, first + step)):
                    return False
        return True
    finally:
        connection.close()


def _blank_some(connection: sqlite3.Connection, path: Path, size: int, pages: range) -> bool:
    """Overwrite in some pages, while nobody writes and all that was written is in the file itself."""
    log = path.with_name(f"{path.name}-wal")
    for _ in range(_ATTEMPTS):
        if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            return False  # a reader takes too long
        connection.execute("BEGIN IMMEDIATE")
        try:
            if log.exists() and log.stat().st_size:
                continue  # somebody wrote in between
            if _overwrite(_descriptor(path), size, pages):
                # What other connections remember of these pages is void after a commit that changed something.
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                connection.execute(f"PRAGMA user_version = {(version + 1) % 0x7FFF_FFFF}")
            connection.execute("COMMIT")
            return True
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    return False


def _overwrite(descriptor: int, size: int, pages: range) -> bool:
    """Write zeros into the middle of those pages where something is left; gives whether there was any."""
    zeros, changed = bytes(size), False
    some = os.pread(descriptor, size * len(pages), size * pages.start)
    for begin in range(0, len(some) - size + 1, size):
        head = begin + (100 if pages.start == begin == 0 else 0)  # the file's own header lies before the first
        length = _HEADER.get(some[head])
        if length is None:  # overflow or free: SQLite overwrites these itself
            continue
        first = head + length + 2 * int.from_bytes(some[head + 3 : head + 5])
        last = begin + (int.from_bytes(some[head + 5 : head + 7]) or 1 << 16)
        if not first < last <= begin + size:
            continue
        if some[first:last] != zeros[: last - first]:
            os.pwrite(descriptor, zeros[: last - first], size * pages.start + first)
            changed = True
    if changed:
        os.fsync(descriptor)
    return changed


def _descriptor(path: Path) -> int:
    """The file, opened once and never closed: closing it would take SQLite's locks from the whole process."""
    told = path.stat()
    key = told.st_dev, told.st_ino
    if key not in _descriptors:
        _descriptors[key] = os.open(path, os.O_RDWR)
    return _descriptors[key]
