"""What a process asks of the disk and of SQLite, in the order in which it asks: one line a step, as `fsync a.jpg`."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from hub.store.engine import Store

_CHANGES = re.compile(r"\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+(\w+)", re.IGNORECASE)
_FULL = 2
_PARTIAL = re.compile(r"^\.(.+)\.\d+-\d+\.part$")


class Happenings(list[str]):
    """The steps: `fsync F`, `fsync folder F`, `rename F`, `link F`, `unlink F`, `mkdir F`, `rmdir F`, and what a
    test notes.

    A commit is `commit full audit,reads` where SQLite waits for the disk, `commit normal reads` where it does not, with
    the tables that it changed. A file that is written beside another is `F~`.
    """

    def assert_in_order(self, *patterns: str) -> None:
        """Each pattern (`rename *.jpg`) is a step, and each comes after the one before it."""
        at = -1
        for pattern in patterns:
            later = [place for place, step in enumerate(self) if place > at and fnmatchcase(step, pattern)]
            assert later, f"no {pattern!r} after {self[at] if at >= 0 else 'the start'!r} in\n" + "\n".join(self)
            at = later[0]

    def before(self, pattern: str) -> "Happenings":
        """The steps before the first that a pattern meets."""
        first = next(place for place, step in enumerate(self) if fnmatchcase(step, pattern))
        return Happenings(self[:first])

    def like(self, pattern: str) -> list[str]:
        """The steps that a pattern meets."""
        return [step for step in self if fnmatchcase(step, pattern)]


@contextmanager
def happenings(*stores: Store) -> Iterator[Happenings]:
    """Record what is asked of the disk, and of these stores, meanwhile."""
    steps = Happenings()
    with pytest.MonkeyPatch.context() as patch:
        _files(steps, patch)
        with ExitStack() as recorded:
            for store in stores:
                recorded.enter_context(_commits(steps, store))
            yield steps


def _files(steps: Happenings, patch: pytest.MonkeyPatch) -> None:
    def record(name: str, said: str, which: int) -> None:
        really = getattr(os, name)

        def recorded(*paths: Any, **more: Any) -> Any:
            answer = really(*paths, **more)
            steps.append(f"{said} {_name(os.fspath(paths[which]))}")
            return answer

        patch.setattr(os, name, recorded)

    for name, said, which in (
        ("rename", "rename", 1), ("replace", "rename", 1), ("link", "link", 1), ("unlink", "unlink", 0),
        ("remove", "unlink", 0), ("mkdir", "mkdir", 0), ("rmdir", "rmdir", 0),
    ):  # fmt: skip
        record(name, said, which)
    really = os.fsync

    def fsync(file: int) -> None:
        really(file)
        folder = "folder " if stat.S_ISDIR(os.fstat(file).st_mode) else ""
        steps.append(f"fsync {folder}{_name(os.readlink(f'/proc/self/fd/{file}'))}")

    patch.setattr(os, "fsync", fsync)


@contextmanager
def _commits(steps: Happenings, store: Store) -> Iterator[None]:
    changed: dict[int, set[str]] = {}

    def begun(connection: Connection) -> None:
        tables = changed[id(connection)] = set()

        def traced(sql: str) -> None:
            if change := _CHANGES.match(sql):
                tables.add(change[1])

        connection.connection.driver_connection.set_trace_callback(traced)  # type: ignore[union-attr]

    def ends(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(None)
        waits = driver.execute("PRAGMA synchronous").fetchone()[0] == _FULL
        steps.append(f"commit {'full' if waits else 'normal'} {','.join(sorted(changed.pop(id(connection))))}")

    listening = (("begin", begun), ("commit", ends))
    engines = {store._writer, store._appender}
    for engine in engines:
        for name, listener in listening:
            event.listen(engine, name, listener)
    try:
        yield
    finally:
        for engine in engines:
            for name, listener in listening:
                event.remove(engine, name, listener)


def _name(path: str | bytes) -> str:
    name = Path(os.fsdecode(path)).name
    partial = _PARTIAL.match(name)
    return f"{partial[1]}~" if partial else name
