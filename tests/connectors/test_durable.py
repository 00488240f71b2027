"""One way to make a file durable: every step of it, in its order, and nothing half done whatever fails."""

import errno
import os
import stat
from pathlib import Path

import pytest
from happenings import happenings

from connectors.durable import create, make_folder, place, remove, replace, settle_folder


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_the_name_before_anybody_is_answered(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"old")
    with happenings() as steps:
        replace(tmp_path / "a.txt", b"new")
    assert steps == ["fsync a.txt~", "rename a.txt", f"fsync folder {tmp_path.name}"]
    assert (tmp_path / "a.txt").read_bytes() == b"new"


def test_a_file_is_whole_when_the_disk_is_asked_to_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, really = [], os.fsync

    def sized(file: int) -> None:
        sizes.append(os.fstat(file).st_size)
        really(file)

    monkeypatch.setattr(os, "fsync", sized)
    replace(tmp_path / "a.txt", b"12345")
    assert sizes[0] == 5


def test_many_files_of_a_folder_wait_for_their_names_once(tmp_path: Path) -> None:
    with happenings() as steps:
        for name in ("a", "b"):
            place(tmp_path / name, b"x")
        settle_folder(tmp_path)
    assert steps == ["fsync a~", "rename a", "fsync b~", "rename b", f"fsync folder {tmp_path.name}"]


def test_a_new_file_is_whole_before_it_has_a_name_and_is_never_one_that_was_there(tmp_path: Path) -> None:
    with happenings() as steps:
        create(tmp_path / "key", b"first", 0o600)
    assert steps == ["fsync key~", "link key", "unlink key~", f"fsync folder {tmp_path.name}"]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        create(tmp_path / "key", b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("key", b"first")]


def test_a_new_file_does_not_write_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create(tmp_path / "link", b"x")
    assert not (tmp_path / "elsewhere").exists()


def test_a_memory_stick_without_links_gets_new_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with happenings() as steps:
        create(tmp_path / "key", b"first")
    assert steps == ["fsync key~", "rename key", f"fsync folder {tmp_path.name}"]
    with pytest.raises(FileExistsError):
        create(tmp_path / "key", b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("key", b"first")]


def test_a_new_folder_has_its_name_on_the_disk_and_so_has_each_above_it(tmp_path: Path) -> None:
    with happenings() as steps:
        make_folder(tmp_path / "2026" / "07", 0o700)
        make_folder(tmp_path / "2026" / "07", 0o700)
    assert steps == ["mkdir 2026", f"fsync folder {tmp_path.name}", "mkdir 07", "fsync folder 2026"]
    assert stat.S_IMODE((tmp_path / "2026" / "07").stat().st_mode) == 0o700


def test_what_is_removed_does_not_come_back(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x")
    with happenings() as steps:
        remove([tmp_path / "a", tmp_path / "b"])
        remove([tmp_path / "a", tmp_path / "none" / "c"])
    folder = f"fsync folder {tmp_path.name}"
    assert steps == ["unlink a", "unlink b", folder, folder]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_whatever_fails_the_old_file_stands_and_nothing_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        replace(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_a_share_that_cannot_promise_a_name_still_takes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.fsync

    def on_a_share(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        really(file)

    monkeypatch.setattr(os, "fsync", on_a_share)
    replace(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_disk_that_fails_at_the_name_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.fsync

    def broken(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        really(file)

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        replace(tmp_path / "a", b"x")
