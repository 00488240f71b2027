"""What lies in a drop stops nothing else: every connector of files, among files that vanish or cannot be opened."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from connectors import drop
from connectors.contract import PullsReads, Window
from connectors.errors import AdminMustFix, BadFiles, ConnectorError, Gone, TryAgain
from connectors.places import BrokenOff, File
from connectors.places.folder import Folder
from connectors.registry import available, connector
from connectors.testing.frame import frame_at
from normalize.read import ImageKind, ImageRef

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WRITTEN = (NOW - timedelta(hours=1)).timestamp()
MAP = {"plate": "p", "captured_at": "t", "camera_id": "c"}
FIXTURES = Path(__file__).parents[1] / "vendors"
DROPS: Final[dict[str, tuple[dict[str, Any], str, bytes]]] = {
    "generic_csv": ({"map": MAP}, "{}.csv", b"p,t,c\n9SYN001,2026-06-01T08:00:00Z,1\n"),
    "generic_json": ({"map": MAP}, "{}.json", b'[{"p": "9SYN001", "t": "2026-06-01T08:00:00Z", "c": "1"}]'),
    "motorola": (
        {"zone": "UTC", "plate_column": "p", "captured_at_column": "t", "camera_id_column": "c"},
        "{}.csv",
        b"p,t,c\n9SYN001,2026-06-01T08:00:00Z,1\n",
    ),
    "boss4": (
        {"zone": "UTC", "reads_folder": "reads"},
        "{}.json",
        (FIXTURES / "boss4" / "READS_single.json").read_bytes(),
    ),
    "genetec": ({"zone": "UTC"}, "{}_lpr.xml", (FIXTURES / "genetec" / "ftp.xml").read_bytes()),
}
"""Settings, the name of a file, and a file with one read."""
Odd = Callable[[Path], object]


def _put(path: Path | bytes, body: bytes, written: float = WRITTEN) -> None:
    with open(path, "wb") as file:
        file.write(body)
    os.utime(path, (written, written))


def _pulled(key: str, root: Path) -> tuple[list[str], ConnectorError | None]:
    """The names of the files that were taken, and what was said at the end."""
    kind, settings = connector(key), DROPS[key][0]
    made: Any = kind(kind.Settings.model_validate({"place": str(root), **settings}), frame_at(NOW))
    pages, said = [], None
    with made:
        try:
            pages.extend(made.pull(Window(NOW - timedelta(hours=1), NOW)))
        except ConnectorError as failed:
            said = failed
    names = [file.name for page in pages for file in page.taken]
    assert sum(len(page.records) for page in pages) == len(names)
    return names, said


@pytest.fixture(params=list(DROPS))
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reads").mkdir()
    return tmp_path / "reads"


def _named(key: str, *names: str) -> list[str]:
    return [DROPS[key][1].format(name) for name in names]


def test_every_connector_of_files_is_among_these() -> None:
    kinds = {key: connector(key) for key in available()}
    drops = {k for k, kind in kinds.items() if "place" in kind.Settings.model_fields and issubclass(kind, PullsReads)}
    assert drops == set(DROPS)


@pytest.mark.parametrize(
    "odd",
    [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/hostname", path), lambda path: os.symlink("nowhere", path)],
    ids=["a pipe", "a folder", "a link", "a link to nowhere"],
)
def test_what_is_no_file_is_left_where_it_lies(key: str, folder: Path, odd: Odd) -> None:
    first, second, third = _named(key, "a", "b", "c")
    for name in (first, third):
        _put(folder / name, DROPS[key][2])
    odd(folder / second)
    assert _pulled(key, folder.parent) == ([first, third], None)


def test_a_name_that_is_not_utf_8_is_a_name(key: str, folder: Path) -> None:
    (other,) = _named(key, "a")
    latin = os.fsencode(DROPS[key][1]).replace(b"{}", b"caf\xe9")
    _put(folder / other, DROPS[key][2])
    _put(os.fsencode(folder) + b"/" + latin, DROPS[key][2])
    names, said = _pulled(key, folder.parent)
    assert ([os.fsencode(name) for name in names], said) == ([os.fsencode(other), latin], None)


def test_a_time_that_no_clock_showed_is_no_reason_to_stop(key: str, folder: Path) -> None:
    names = _named(key, "a", "b", "c")
    for name, written in zip(names, (WRITTEN, 13e9, -1e9), strict=True):
        _put(folder / name, DROPS[key][2], written)
    assert _pulled(key, folder.parent) == (names, None)


def test_a_file_that_vanishes_before_it_is_read_is_passed_over(
    key: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = _named(key, "a", "b", "c")
    for name in (first, second, third):
        _put(folder / name, DROPS[key][2])
    listed = Folder.files

    def files(place: Folder, where: str) -> list[File]:
        found = listed(place, where)
        (folder / second).unlink()
        return found

    monkeypatch.setattr(Folder, "files", files)
    assert _pulled(key, folder.parent) == ([first, third], None)


def test_a_file_that_vanishes_while_the_folder_is_listed_is_passed_over(
    key: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = _named(key, "a", "b")
    for name in (first, second):
        _put(folder / name, DROPS[key][2])
    scan = os.scandir

    class Left:
        """An entry of a file that is gone once somebody looks at it."""

        name = second

        def is_file(self, *, follow_symlinks: bool) -> bool:
            return True

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            raise FileNotFoundError(2, "gone", second)

    with monkeypatch.context() as leaving:
        leaving.setattr(os, "scandir", lambda path: [Left() if one.name == second else one for one in scan(path)])
        assert _pulled(key, folder.parent) == ([first], None)


@pytest.mark.parametrize("failed", [TryAgain("it is in use"), AdminMustFix("it may not be read")])
def test_a_file_that_cannot_be_read_is_told_after_the_others_were_taken(
    key: str, folder: Path, monkeypatch: pytest.MonkeyPatch, failed: ConnectorError
) -> None:
    first, second, third = _named(key, "a", "b", "c")
    for name in (first, second, third):
        _put(folder / name, DROPS[key][2])
    _refuse(monkeypatch, second, failed)
    names, said = _pulled(key, folder.parent)
    kind = TryAgain if isinstance(failed, TryAgain) else BadFiles  # what holds for one file pauses no connection
    assert (names, type(said), str(said)) == ([first, third], kind, str(failed))


def test_a_place_that_is_gone_ends_the_run_at_the_first_file(
    key: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = _named(key, "a", "b", "c")
    for name in (first, second, third):
        _put(folder / name, DROPS[key][2])
    asked = _refuse(monkeypatch, second, BrokenOff("it is gone"))
    _, said = _pulled(key, folder.parent)
    assert (str(said), asked) == ("it is gone", [first, second])


def _refuse(monkeypatch: pytest.MonkeyPatch, name: str, failed: ConnectorError) -> list[str]:
    read, asked = Folder.read, list[str]()

    def refusing(place: Folder, where: str, file: str, most: int) -> bytes:
        asked.append(file)
        if file == name:
            raise failed
        return read(place, where, file, most)

    monkeypatch.setattr(Folder, "read", refusing)
    return asked


@pytest.mark.parametrize("key", ["generic_csv", "generic_json", "motorola"])
def test_a_picture_that_is_no_file_is_gone_and_its_name_is_told_to_nobody(key: str, folder: Path) -> None:
    kind, settings = connector(key), DROPS[key][0]
    os.mkfifo(folder / "9SYN001.jpg")
    (folder / "9SYN002.jpg").mkdir()
    (folder / "9SYN003.jpg").symlink_to("/etc/hostname")
    made: Any = kind(kind.Settings.model_validate({"place": str(folder.parent), **settings}), frame_at(NOW))
    for number in (1, 2, 3, 4):
        with made.__class__(made.settings, made.frame) as one, pytest.raises((Gone, TryAgain)) as told:
            one.fetch_image(ImageRef(kind=ImageKind.FRAME, url=f"9SYN00{number}.jpg"))
        assert "9SYN" not in str(told.value)


def test_the_newest_file_may_leave_while_it_is_looked_at(
    key: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = _named(key, "old", "new")
    _put(folder / old, DROPS[key][2], WRITTEN - 60)
    _put(folder / new, DROPS[key][2])
    _refuse(monkeypatch, new, Gone("it left"))
    kind = connector(key)
    settings: Any = kind.Settings.model_validate({"place": str(folder.parent), **DROPS[key][0]})
    count, document = drop.Drop(settings, frame_at(NOW).clock, kind.info.limits).newest()
    assert (count, document and document.name) == (2, old)
