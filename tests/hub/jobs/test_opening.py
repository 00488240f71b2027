"""The schedules wait where a hub cannot be opened now, and say so once."""

import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hub.errors import AdminMustAct
from hub.jobs.opening import opened_in_time

FULL = OSError(errno.ENOSPC, "No space left on device", "/data/x")
LOCKED = OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))
DENIED = PermissionError(errno.EACCES, "Permission denied", "/data/x")


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPRHUB_DATA", str(tmp_path))
    monkeypatch.delenv("ALPRHUB_DATABASE_URL", raising=False)


class Door:
    """A hub that cannot be opened so many times."""

    def __init__(self, failed: Exception, times: int) -> None:
        self.failed, self.times = failed, times

    @contextmanager
    def __call__(self) -> Iterator[Any]:
        self.times -= 1
        if self.times >= 0:
            raise self.failed
        yield "a hub"


@pytest.mark.parametrize(("failed", "says"), [(FULL, "the disk is full"), (LOCKED, "is held by another program")])
def test_a_full_disk_and_a_database_that_is_held_are_waited_for_and_told_once(
    failed: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        door = Door(failed, 3)
        assert opened_in_time(stack, threading.Event(), timedelta(0), door) == "a hub"
    first, last = caplog.messages
    assert says in first
    assert last == "the hub could be opened, and the schedules begin"


def test_who_is_told_to_end_meanwhile_ends() -> None:
    stop = threading.Event()
    stop.set()
    with ExitStack() as stack:
        assert opened_in_time(stack, stop, timedelta(days=1), Door(FULL, 9)) is None


@pytest.mark.parametrize("failed", [DENIED, AdminMustAct("a setting is wrong")])
def test_what_does_not_pass_by_itself_ends_it_at_once(failed: Exception) -> None:
    with ExitStack() as stack, pytest.raises(type(failed)):
        opened_in_time(stack, threading.Event(), timedelta(0), Door(failed, 1))
