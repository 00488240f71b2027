"""Files that a person names: new ones are whole or not there, and nothing is written over."""

import os
from pathlib import Path
from typing import Any

import pytest
from fulldisk import Full
from happenings import happenings

from alprhub.cli import files
from hub.errors import AdminMustAct, Invalid


def test_a_link_is_there_although_it_leads_nowhere(tmp_path: Path) -> None:
    link = tmp_path / "out.json"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(Invalid, match="is there already, and nothing is written over"):
        files.must_be_new(link)


def test_a_file_is_made_whole(tmp_path: Path) -> None:
    with happenings() as steps:
        files.put(tmp_path / "out.json", b"whole")
    steps.assert_in_order("fsync out.json~", "link out.json", f"fsync folder {tmp_path.name}")
    assert (tmp_path / "out.json").read_bytes() == b"whole"


def test_a_file_that_finds_no_room_is_not_there_and_needs_an_admin(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "fdopen", Full)
    with pytest.raises(AdminMustAct, match=r"out\.json' finds no room: the disk is full"):
        files.put(tmp_path / "out.json", b"whole")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_somebody_else_makes_meanwhile_is_theirs(tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out.json"
    monkeypatch.setattr(files, "must_be_new", lambda file: file.write_text("another's"))
    with pytest.raises(Invalid, match="is there already"):
        files.put(out, b"ours")
    assert out.read_text() == "another's"


def test_a_file_that_is_interrupted_is_not_there(tmp_path: Path, monkeypatch: Any) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fdopen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.put(tmp_path / "out.json", b"whole")
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_name_is_not_utf8_is_told_as_that(run: Any) -> None:
    done = run("hotlists", "import", "wanted", "/tmp/no-\udcff.csv")
    assert done.code == 66
    assert done.err == (
        "the file '/tmp/no-\\xff.csv' is not there"
        " (its name is not UTF-8: type it in a terminal that is set to UTF-8)\n"
    )
