"""`alprhub read`: plates in pictures, here and now."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alprhub.sandbox.pictures import write_pictures

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn cars, one broken picture, one video that is none, and a note that nobody asked about."""
    folder = tmp_path_factory.mktemp("street")
    write_pictures(folder, [("9XBC123", AT), ("9XKL482", AT.replace(hour=9))], seed=7)
    whole = next(folder.iterdir()).read_bytes()
    (folder / "broken.jpg").write_bytes(whole[:2000])
    (folder / "film.mp4").write_bytes(b"no film")
    (folder / "notes.txt").write_text("nothing")
    return folder


@pytest.mark.parametrize("ready", [False])
def test_a_folder_gives_its_reads_and_what_was_refused(run: Any, street: Path, store: Path) -> None:
    done = run("read", street, "--json")
    told = done.json()
    assert done.code == 0
    assert {"engine", "reads", "refused"} <= set(told)
    assert told["engine"]
    assert [(row["file"], row["plate"]) for row in told["reads"]] == [
        ("pier-1_20260601T080000.000Z.jpg", "9XBC123"),
        ("pier-1_20260601T090000.000Z.jpg", "9XKL482"),
    ]
    for row in told["reads"]:
        assert 0.5 < row["confidence"] <= 1
        x, y, width, height = row["box"]
        assert 0 <= x < x + width <= 1280
        assert 0 <= y < y + height <= 720
    assert {item["file"] for item in told["refused"]} == {"broken.jpg", "film.mp4"}
    assert all(item["reason"] for item in told["refused"])
    assert not store.exists()  # nothing is stored


def test_people_get_a_table_and_a_warning(run: Any, street: Path) -> None:
    done = run("read", street / "pier-1_20260601T080000.000Z.jpg", street / "broken.jpg")
    assert done.code == 0
    assert done.out.startswith("engine: ")
    assert "9XBC123" in done.out
    assert "refused: " in done.out


@pytest.mark.parametrize("name", ["notes.txt", "broken.jpg"])
def test_a_file_that_is_no_picture_is_refused_by_name(run: Any, street: Path, name: str) -> None:
    told = run("read", street / name, "--json").json()
    assert (told["reads"], [item["file"] for item in told["refused"]]) == ([], [name])


def test_an_empty_folder_has_no_plates(run: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = run("read", tmp_path / "empty", "--json").json()
    assert (told["reads"], told["refused"]) == ([], [])
    assert "no plates" in run("read", tmp_path / "empty").out


def test_a_path_that_is_not_there_is_named(run: Any, tmp_path: Path) -> None:
    done = run("read", tmp_path / "missing.jpg", "--json")
    assert (done.code, done.out) == (66, "")
    assert done.err == f"the file or folder {str(tmp_path / 'missing.jpg')!r} is not there\n"
