"""`alprhub export`: what was found, in a file that can be told from any other."""

import csv
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

WHY = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1", "--case", "26-1")


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened, strict=True))


def test_an_export_is_what_a_search_finds_and_its_last_line_tells_the_file_apart(
    run: Any, filled: Any, tmp_path: Path
) -> None:
    out = tmp_path / "reads.csv"
    done = run("export", "9SYN*", *WHY, "--out", out)
    assert (done.code, done.err) == (0, "")
    body = out.read_bytes()
    assert done.out.splitlines()[-1] == f"{out}: 2 rows, {len(body)} bytes, SHA-256 {sha256(body).hexdigest()}"
    found = run("search", "9SYN*", *WHY, "--json").json()["rows"]
    assert [(row["id"], row["plate"], row["captured_at"]) for row in rows_of(out)] == [
        (str(row["id"]), row["plate"], row["captured_at"]) for row in found
    ]


@pytest.mark.parametrize("form", ["jsonl", "geojson"])
def test_json_prints_the_manifest_and_nothing_else(run: Any, filled: Any, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"reads.{form}"
    told = run("export", "9SYN001", "--format", form, "--since", "2026-01-01", *WHY, "--out", out, "--json").json()
    assert told == json.loads(Path(f"{out}.manifest.json").read_text())
    assert (told["format"], told["rows"], told["file"], told["case_number"]) == (form, 1, out.name, "26-1")
    assert told["query"] == {"plates": ["9SYN001"], "mode": "pattern", "since": "2026-01-01T08:00:00Z"}
    assert b"9SYN001" in out.read_bytes()


def test_an_export_tells_which_source_could_not_answer(run: Any, filled: Any, tmp_path: Path) -> None:
    assert run("connections", "pause", "drop", "--reason", "the drop is down").code == 0
    done = run("export", "9SYN*", *WHY, "--out", tmp_path / "reads.csv")
    assert done.out.startswith("drop: is paused; what it had since then is not here")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("9SYN0O1", "--mode", "look-alike"), ["9SYN001"]),
        (("--camera", "pier", "--connection", "drop"), ["9SYN001", "9SYN002"]),
        (("9SYN*", "--camera", "pier", "--color", "red"), []),
        (("9SYN*", "--until", "2026-01-01"), []),
    ],
)
def test_an_export_takes_the_options_of_a_search(
    run: Any, filled: Any, tmp_path: Path, words: tuple[str, ...], found: list[str]
) -> None:
    out = tmp_path / "reads.csv"
    assert run("export", *words, *WHY, "--out", out).code == 0
    assert sorted(row["plate"] for row in rows_of(out)) == found


def test_an_export_is_on_record_when_it_is_asked_and_when_it_is_answered(
    run: Any, filled: Any, tmp_path: Path, sql: Any
) -> None:
    told = run("export", "9SYN*", *WHY, "--out", tmp_path / "reads.csv", "--json").json()
    kept = sql("SELECT outcome, results, purpose, case_number, detail FROM audit_events ORDER BY id DESC LIMIT 2")
    assert [row[:4] for row in kept] == [
        ("done", 2, "stolen_vehicle", "26-1"),
        ("asked", None, "stolen_vehicle", "26-1"),
    ]
    asked = {"query": told["query"], "format": "csv", "sources": {"drop": "included"}}
    assert json.loads(kept[0][4]) == {**asked, "sha256": told["sha256"]}


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (("9SYN*", "--reason", "a stolen car"), 77, "--purpose: "),
        (("9SYN*", "--purpose", "stolen_vehicle", "--reason", "test"), 77, "--reason: "),
        (WHY, 65, "a question needs what narrows it"),
        (("9SYN*", *WHY, "--since", "soon"), 65, "--since: "),
    ],
)
def test_a_refused_export_leaves_nothing(
    run: Any, filled: Any, tmp_path: Path, words: tuple[str, ...], code: int, named: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    done = run("export", *words, "--out", folder / "reads.csv")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(named)
    assert done.err.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_a_file_that_exists_and_a_folder_that_does_not_are_told_as_out(run: Any, filled: Any, tmp_path: Path) -> None:
    out = tmp_path / "reads.csv"
    out.write_text("another's")
    done = run("export", "9SYN*", *WHY, "--out", out)
    there = f"the file {str(out)!r} is there already, and nothing is written over: name another, or remove it\n"
    assert (done.code, done.out, done.err) == (65, "", there)
    assert out.read_text() == "another's"
    done = run("export", "9SYN*", *WHY, "--out", tmp_path / "missing" / "reads.csv")
    missing = f"the folder {str(tmp_path / 'missing')!r} for 'reads.csv' is not there: make it, or name another\n"
    assert (done.code, done.out, done.err) == (65, "", missing)
    assert run("export", "9SYN*", *WHY).code == 2


def test_a_name_that_says_otherwise_is_refused_with_the_remedy(run: Any, filled: Any, tmp_path: Path) -> None:
    done = run("export", "9SYN*", *WHY, "--format", "csv", "--out", tmp_path / "reads.json")
    assert (done.code, done.out) == (65, "")
    assert f"write it with --out {tmp_path / 'reads.csv'}" in done.err
    assert not list(tmp_path.glob("reads.*"))


def test_the_format_follows_the_ending(run: Any, filled: Any, tmp_path: Path) -> None:
    told = run("export", "9SYN*", *WHY, "--out", tmp_path / "reads.geojson", "--json").json()
    assert told["format"] == "geojson"


def test_pictures_come_in_an_archive(run: Any, joined: Any, tmp_path: Path) -> None:
    (joined.place / "reads").mkdir()
    (joined.place / "reads" / "car.jpg").write_bytes(b"\xff\xd8\xff a car")
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    (joined.place / "reads" / "day.csv").write_text(
        f"read_id,plate,captured_at,camera_id,image\nr1,9SYN001,{at},c1,car.jpg\nr2,9SYN002,{at},c1,\n"
    )
    assert run("sync", "drop").code == 0
    out = tmp_path / "case.zip"
    done = run("export", "9SYN*", *WHY, "--pictures", "--out", out)
    assert (done.code, done.err) == (0, "")
    assert "1 picture\n" in done.out
    told = json.loads(Path(f"{out}.manifest.json").read_text())
    with ZipFile(out) as archive:
        assert sorted(archive.namelist()) == sorted([told["pictures"][0]["file"], "reads.csv"])
        assert archive.read(told["pictures"][0]["file"]) == b"\xff\xd8\xff a car"


def test_an_archive_without_pictures_says_what_to_add(run: Any, filled: Any, tmp_path: Path) -> None:
    done = run("export", "9SYN*", *WHY, "--out", tmp_path / "reads.zip")
    assert (done.code, list(tmp_path.glob("reads.zip*"))) == (65, [])
    assert done.err == "--out: reads.zip is an archive, for reads with their pictures: add --pictures\n"
