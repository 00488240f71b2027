"""A spool: whoever is told that a push is kept finds it on the disk, whatever the disk does meanwhile."""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Semaphore
from typing import Any

import msgspec
import pytest
from happenings import happenings

from hub.errors import Busy, IntegrityBroken
from hub.store.spool import Pushed, Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, reserve=0)
    yield spool
    spool.close()


def pushed(number: int) -> Pushed:
    return Pushed("feed", number, 0, "application/json", b"{}")


def on_disk(spool: Spool) -> list[int]:
    return [one.connection_id for batch in spool.batches() for one in spool.read(batch)]


class Announced:
    """A lock that lets it be known that somebody comes for it."""

    def __init__(self, came: Semaphore) -> None:
        self._lock, self._came = Lock(), came

    def __enter__(self) -> None:
        self._came.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "broken"), MemoryError(), RuntimeError()])
@pytest.mark.parametrize("stuck", [False, True], ids=["", "and nothing can be deleted"])
def test_of_pushes_that_gathered_none_is_told_that_it_is_kept_where_their_batch_is_not(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, failure: Exception, stuck: bool
) -> None:
    came, first_writes, go_on = Semaphore(0), Event(), Event()
    monkeypatch.setattr(spool, "_writing", Announced(came))
    fsync, unlink, calls = os.fsync, Path.unlink, iter(range(1000))

    def fsyncing(descriptor: int) -> None:
        call = next(calls)
        if call == 0:
            first_writes.set()
            assert go_on.wait(60)
        if call == 2:  # the file and the folder of the first batch are through
            raise failure
        fsync(descriptor)

    def unlinking(path: Path, missing_ok: bool = False) -> None:
        if stuck and path.suffix == ".part":
            raise OSError(errno.EROFS, "read-only")
        unlink(path, missing_ok)

    def put(number: int) -> bool:
        try:
            spool.put(pushed(number))
        except OSError:
            return False
        return True

    monkeypatch.setattr(os, "fsync", fsyncing)
    monkeypatch.setattr(Path, "unlink", unlinking)
    with ThreadPoolExecutor(6) as threads:
        puts = [threads.submit(put, 0)]
        assert first_writes.wait(60)
        puts += [threads.submit(put, number) for number in range(1, 6)]
        for _ in range(6):
            assert came.acquire(timeout=60)
        go_on.set()
        told = [number for number, one in enumerate(puts) if one.result()]
    assert (told, on_disk(spool)) == ([0], [0])
    assert put(6)
    assert on_disk(spool) == [0, 6]


def test_pushes_that_gather_while_another_is_written_are_one_batch(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    came, first_writes, go_on = Semaphore(0), Event(), Event()
    monkeypatch.setattr(spool, "_writing", Announced(came))
    fsync, calls = os.fsync, iter(range(1000))

    def fsyncing(descriptor: int) -> None:
        if next(calls) == 0:
            first_writes.set()
            assert go_on.wait(60)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsyncing)
    with ThreadPoolExecutor(6) as threads:
        puts = [threads.submit(spool.put, pushed(0))]
        assert first_writes.wait(60)
        puts += [threads.submit(spool.put, pushed(number)) for number in range(1, 6)]
        for _ in range(6):
            assert came.acquire(timeout=60)
        go_on.set()
        for one in puts:
            one.result()
    assert [len(spool.read(batch)) for batch in spool.batches()] == [1, 5]


def test_who_ends_the_process_in_the_middle_leaves_nobody_told_that_a_push_is_kept(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", ended)
        with pytest.raises(KeyboardInterrupt):
            spool.put(pushed(1))
    spool.put(pushed(2))
    assert on_disk(spool) == [2]


def test_a_batch_whose_folder_could_not_be_flushed_is_never_written_over(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, calls = os.fsync, iter(range(1000))

    def not_the_folder(descriptor: int) -> None:
        if next(calls) == 1:
            raise OSError(errno.EIO, "the folder is not flushed")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", not_the_folder)
    with pytest.raises(OSError, match="not flushed"):
        spool.put(pushed(1))
    (read_by_the_keeper,) = spool.batches()
    spool.put(pushed(2))
    spool.done(read_by_the_keeper)
    assert on_disk(spool) == [2]


def test_a_batch_is_on_the_disk_and_named_before_its_sender_hears_so(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def fsyncing(descriptor: int) -> None:
        order.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    def renaming(path: Path, target: Path) -> Path:
        order.append("name")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", fsyncing)
    monkeypatch.setattr(Path, "replace", renaming)
    spool.put(pushed(1))
    assert order == ["file", "name", "folder"]


def test_a_batch_is_whole_when_the_disk_is_asked_to_keep_it(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, fsync = [], os.fsync

    def sized(descriptor: int) -> None:
        sizes.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sized)
    spool.put(pushed(1))
    (batch,) = spool.batches()
    assert sizes[0] == batch.stat().st_size > 0


def test_what_is_left_of_a_batch_is_on_the_disk_and_named_before_the_rest_counts_as_kept(spool: Spool) -> None:
    spool.put(pushed(1))
    (batch,) = spool.batches()
    with happenings() as steps:
        spool.leave(batch, [pushed(2)])
    assert steps == [f"fsync {batch.name}~", f"rename {batch.name}", f"fsync folder {batch.parent.name}"]
    assert on_disk(spool) == [2]


def damaged(body: bytes) -> Any:
    return lambda batch: batch.write_bytes(body)


@pytest.mark.parametrize(
    "damage",
    [
        damaged(b""),
        damaged(b"\xc1 something else"),
        damaged(msgspec.msgpack.encode([("feed", 1, 0, "x", b"")]).replace(b"feed", b"\xff\xfe\xfd\xfc")),
    ],
    ids=["empty", "no message", "no UTF-8"],
)
def test_a_batch_that_is_damaged_is_set_aside_and_holds_up_no_other(spool: Spool, damage: Any) -> None:
    for number in range(2):
        spool.put(pushed(number))
    first, second = spool.batches()
    damage(first)
    with pytest.raises(IntegrityBroken):
        spool.read(first)
    assert (spool.batches(), [one.stem for one in spool.set_aside()]) == ([second], [first.stem])


def test_files_of_somebody_else_keep_no_spool_from_starting(tmp_path: Path) -> None:
    for name in ("zzz.batch", "².batch", "notes.txt"):
        (tmp_path / name).write_bytes(b"a stranger's")
    spool = Spool(tmp_path, reserve=0)
    spool.put(pushed(1))
    read = []
    for batch in spool.batches():
        with suppress(IntegrityBroken):
            read += spool.read(batch)
    assert (read, len(spool.set_aside())) == ([pushed(1)], 2)
    spool.close()


def test_a_batch_that_is_set_aside_is_never_written_over(tmp_path: Path) -> None:
    for _ in range(3):
        spool = Spool(tmp_path, reserve=0)
        spool.put(pushed(1))
        (batch,) = spool.batches()
        batch.write_bytes(b"damaged")
        with pytest.raises(IntegrityBroken):
            spool.read(batch)
        spool.close()
    assert len(spool.set_aside()) == 3


def test_who_starts_waits_for_one_who_has_the_folder_for_a_moment_and_not_for_ever(tmp_path: Path) -> None:
    first, waits = Spool(tmp_path, reserve=0), list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            first.close()

    Spool(tmp_path, reserve=0, patience=5, sleep=sleep).close()
    assert len(waits) == 3
    first, waits = Spool(tmp_path, reserve=0), []
    with pytest.raises(Busy, match="another process takes pushes into the folder"):
        Spool(tmp_path, reserve=0, patience=2, sleep=waits.append)
    assert len(waits) == 2
    with pytest.raises(Busy):
        Spool(tmp_path, reserve=0, sleep=waits.append)
    assert len(waits) == 2
    first.close()
