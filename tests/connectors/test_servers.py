"""SFTP servers as they are sold: without posix-rename, without types in their listings, silent, with files in use."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paramiko
import pytest
from sftpserver import PASSWORD, Sftp

from connectors.contract import Window
from connectors.errors import AdminMustFix, ConnectorError, Gone, TryAgain
from connectors.places import Access, BrokenOff, DropPlace, opened
from connectors.testing.frame import frame_at
from connectors.vendors.generic_csv import GenericCsvConnector

Start = Callable[..., AbstractContextManager[Sftp]]
ROWS = b"Plate,When\n9SYN001,2026-06-01T08:00:00Z\n"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    (tmp_path / "drop" / "reads").mkdir(parents=True)

    @contextmanager
    def started(**odd: Any) -> Iterator[Sftp]:
        server = Sftp(tmp_path, **odd)
        try:
            yield server
        finally:
            server.stop()

    return started


def _opened(server: Sftp, below: str = "") -> AbstractContextManager[DropPlace]:
    return opened(server.address + below, Access(secret=PASSWORD, host_key=server.known))


def _unsupported(*_: Any) -> int:
    return paramiko.SFTP_OP_UNSUPPORTED


def _there(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / "drop" / "hot").iterdir()}


def _replaces(disk: Any, old: str, new: str) -> int:
    disk._path(old).replace(disk._path(new))
    return paramiko.SFTP_OK


@pytest.mark.parametrize("odd", [{}, {"rename": _replaces}], ids=["renames over nothing", "renames over anything"])
def test_a_server_without_posix_rename_takes_a_file_and_the_one_after_it(
    start: Start, tmp_path: Path, odd: dict[str, Any]
) -> None:
    with start(posix_rename=_unsupported, **odd) as server:
        for body in (b"first", b"second", b"third"):
            with _opened(server) as place:
                place.write("hot", "list.csv", body)
            assert _there(tmp_path) == {"list.csv": body}


def test_what_cannot_take_its_place_leaves_the_old_file_and_no_half_one(start: Start, tmp_path: Path) -> None:
    def moves_only_aside(disk: Any, old: str, new: str) -> int:
        if old.endswith("list.csv.part"):
            return paramiko.SFTP_FAILURE
        return _replaces(disk, old, new)

    with start(posix_rename=_unsupported, rename=moves_only_aside) as server:
        (tmp_path / "drop" / "hot").mkdir()
        (tmp_path / "drop" / "hot" / "list.csv").write_bytes(b"old")
        with _opened(server) as place, pytest.raises(TryAgain, match=r"list\.csv' is refused by the server"):
            place.write("hot", "list.csv", b"new")
    assert _there(tmp_path) == {"list.csv": b"old"}


def test_what_does_not_arrive_whole_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    def stat(disk: Any, path: str) -> Any:
        told = disk._safely(lambda: paramiko.SFTPAttributes.from_stat(disk._path(path).stat()))
        if path.endswith(".part") and isinstance(told, paramiko.SFTPAttributes):
            told.st_size = 1
        return told

    with start(stat=stat) as server, _opened(server) as place, pytest.raises(TryAgain):
        place.write("hot", "list.csv", b"new")
    assert _there(tmp_path) == {}


def test_the_folders_above_a_file_are_made_as_in_a_folder_of_this_machine(start: Start, tmp_path: Path) -> None:
    with start() as server, _opened(server, "/deep/er") as place:
        place.write("hot/taken", "list.csv", b"x")
    assert (tmp_path / "drop" / "deep" / "er" / "hot" / "taken" / "list.csv").read_bytes() == b"x"


def test_a_place_that_is_not_there_is_not_an_empty_one(start: Start) -> None:
    with start() as server:
        with _opened(server, "/none") as place, pytest.raises(AdminMustFix, match="does not exist at the SFTP server"):
            place.files("reads")
        with _opened(server) as place:
            assert place.files("later") == []


def _without_mode(told: paramiko.SFTPAttributes) -> paramiko.SFTPAttributes:
    told.st_mode = None
    return told


def _without_type(told: paramiko.SFTPAttributes) -> paramiko.SFTPAttributes:
    told.st_mode = (told.st_mode or 0) & 0o777
    return told


def _without_anything(told: paramiko.SFTPAttributes) -> paramiko.SFTPAttributes:
    told.st_mode = told.st_size = told.st_mtime = told.st_atime = None
    return told


def _as_listed(kind: str) -> Callable[[paramiko.SFTPAttributes], paramiko.SFTPAttributes]:
    """Nothing but the line that people read, which tells folders in its own way."""

    def listed(told: paramiko.SFTPAttributes) -> paramiko.SFTPAttributes:
        name, is_folder = os.fsdecode(told.filename), bool((told.st_mode or 0) & 0o040000)
        lines = {
            "unix": f"{'d' if is_folder else '-'}rw-r--r-- 1 hub hub 40 Jun 01 08:00 {name}",
            "windows": f"06-01-26 08:00AM {'<DIR>' if is_folder else '40'} {name}",
        }
        told.st_mode = None
        told.asbytes = lines[kind].encode  # type: ignore[method-assign]
        return told

    return listed


@pytest.mark.parametrize(
    "listed",
    [_without_mode, _without_type, _without_anything, _as_listed("unix"), _as_listed("windows")],
    ids=["no mode", "no type", "nothing", "as ls lists it", "as dir lists it"],
)
def test_exports_are_found_whatever_a_listing_leaves_out(
    start: Start, tmp_path: Path, listed: Callable[..., Any]
) -> None:
    folder = tmp_path / "drop" / "reads"
    for number in range(3):
        (folder / f"{number}.csv").write_bytes(ROWS)
        os.utime(folder / f"{number}.csv", (0, 1_780_000_000 + number))
    with start(listed=staticmethod(listed)) as server:
        with _opened(server) as place:
            assert [(file.name, file.size) for file in place.files("reads")] == [
                (f"{number}.csv", len(ROWS)) for number in range(3)
            ]
        pages = list(_connector(server).pull(_window()))
    assert sum(len(page.records) for page in pages) == 3
    assert [file.name for page in pages for file in page.taken] == ["0.csv", "1.csv", "2.csv"]


@pytest.mark.parametrize("kind", ["unix", "windows"])
def test_a_folder_is_told_from_a_file_by_the_line_that_people_read(start: Start, tmp_path: Path, kind: str) -> None:
    (tmp_path / "drop" / "reads" / "folder.csv").mkdir()
    with start(listed=staticmethod(_as_listed(kind))) as server, _opened(server) as place:
        assert place.files("reads") == []


@pytest.mark.parametrize("says_in_stat", [True, False])
def test_a_folder_that_nobody_can_tell_from_a_file_stops_nothing_else(
    start: Start, tmp_path: Path, says_in_stat: bool
) -> None:
    def stat(disk: Any, path: str) -> Any:
        told = paramiko.SFTPAttributes.from_stat(disk._path(path).stat())
        return told if says_in_stat else _without_mode(told)

    (tmp_path / "drop" / "reads" / "folder.csv").mkdir()
    (tmp_path / "drop" / "reads" / "zz.csv").write_bytes(ROWS)
    os.utime(tmp_path / "drop" / "reads" / "zz.csv", (0, 1_780_000_000))
    with start(listed=staticmethod(_without_mode), stat=stat) as server:
        pages = list(_connector(server).pull(_window()))
    assert [file.name for page in pages for file in page.taken] == ["zz.csv"]


def test_a_pipe_is_not_waited_for(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "drop" / "reads" / "x.jpg")
    with start() as server, _opened(server) as place:
        assert place.files("reads") == []
        with pytest.raises(Gone):
            place.read("reads", "x.jpg", 10)


def test_one_file_that_the_server_refuses_stops_no_other(start: Start, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "drop" / "reads" / f"{name}.csv").write_bytes(ROWS)
        os.utime(tmp_path / "drop" / "reads" / f"{name}.csv", (0, 1_780_000_000))
    pages = []
    with start(refused=("b.csv",)) as server:
        with pytest.raises(TryAgain, match=r"b\.csv' is refused by the server, which does not say why"):
            pages.extend(_connector(server).pull(_window()))
        with pytest.raises(ConnectorError, match="is refused"), _opened(server) as place:
            place.read("reads", "b.csv", 100)
    assert [file.name for page in pages for file in page.taken] == ["a.csv", "c.csv"]


def test_a_file_that_goes_on_beyond_its_size_is_given_up_at_the_limit(start: Start, tmp_path: Path) -> None:
    (tmp_path / "drop" / "reads" / "a.csv").write_bytes(bytes(200_000))

    def stat(disk: Any, path: str) -> Any:
        told = paramiko.SFTPAttributes.from_stat(disk._path(path).stat())
        told.st_size = None if path.endswith(".csv") else told.st_size
        return told

    with start(stat=stat) as server, _opened(server) as place, pytest.raises(AdminMustFix, match="larger than 70,000"):
        place.read("reads", "a.csv", 70_000)


def test_a_server_that_falls_silent_is_given_up(start: Start) -> None:
    over = threading.Event()
    with start(list_folder=lambda *_: over.wait(10) and []) as server:
        place_of = opened(server.address, Access(secret=PASSWORD, host_key=server.known), timedelta(seconds=0.2))
        with place_of as place, pytest.raises(BrokenOff, match=r"did not come whole within 0 s"):
            place.files("reads")
        over.set()


def test_a_server_that_is_gone_ends_the_run_at_once(start: Start, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "drop" / "reads" / f"{name}.csv").write_bytes(ROWS)
    with start() as server, _opened(server) as place:
        for transport in server._open:
            transport.close()
        with pytest.raises(BrokenOff, match="the connection broke off"):
            place.files("reads")


def _connector(server: Sftp) -> GenericCsvConnector:
    told = {
        "place": server.address, "secret": PASSWORD, "host_key": server.known,
        "map": {"plate": "Plate", "captured_at": "When", "camera_id": "=mast-1"},
    }  # fmt: skip
    return GenericCsvConnector(GenericCsvConnector.Settings.model_validate(told), frame_at(NOW))


NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _window() -> Window:
    return Window(NOW - timedelta(hours=1), NOW)
