"""`alprhub reads show | picture`: what an investigator sees of one read."""

import os
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fulldisk import Full

WHY = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1", "--case", "26-1")
NOW = datetime.now(UTC).replace(microsecond=0)
JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def ident(run: Any, joined: Any) -> int:
    """A read with a picture."""
    (joined.place / "reads").mkdir()
    at = (NOW - timedelta(hours=1)).isoformat()
    (joined.place / "reads" / "car.jpg").write_bytes(JPEG)
    (joined.place / "reads" / "day.csv").write_text(
        "read_id,plate,captured_at,camera_id,camera_name,state,make,model,color,confidence,image\n"
        f"r1,9SYN001,{at},c1,Pier & 1st,CA,Toyota,Corolla,Silver,91,car.jpg\n"
        f"r2,9SYN002,{at},c1,Pier & 1st,,,,,,\n"
    )
    assert run("sync", "drop").code == 0
    return int(run("search", "9SYN001", *WHY, "--json").json()["rows"][0]["id"])


def test_one_read_is_said_in_words(run: Any, ident: int) -> None:
    done = run("reads", "show", ident, *WHY)
    assert (done.code, done.err) == (0, "")
    said = {line[:23].strip(): line[23:].strip() for line in done.out.splitlines()}
    assert said["plate"] == "9SYN001 (91% sure)"
    assert (said["state"], said["country"]) == ("CA", "United States")
    assert said["vehicle"] == "silver Toyota Corolla"
    assert said["camera"] == "Pier & 1st"
    assert said["source"] == "drop (motorola), fetched from it"
    assert said["picture 1"] == "the whole picture: here"
    assert said["hit"] == "on no list of this hub"
    local, _, utc = said["time"].partition(" = ")
    assert local[-3:] in ("PST", "PDT")
    assert utc == f"{NOW - timedelta(hours=1):%Y-%m-%d %H:%M:%S} UTC"
    assert said["how its time is known"] == "the source wrote it with its zone"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d P[SD]T: 429\.5 .*, rule [a-z-]+", said["kept until"])


def test_a_program_gets_the_fields_of_a_search_and_more(run: Any, ident: int) -> None:
    told = run("reads", "show", ident, *WHY, "--json").json()
    found = run("search", "9SYN001", *WHY, "--json").json()["rows"][0]
    same = {name: told[name] for name in found if name != "why"}
    assert same == {name: value for name, value in found.items() if name != "why"}
    assert told["vehicle"]["model"] == "Corolla"
    assert (told["candidates"], told["hits"], told["held_for"]) == ([], [], [])
    assert told["ends_by"]


def test_a_picture_is_written_for_its_owner_alone_and_over_nothing(run: Any, ident: int, tmp_path: Path) -> None:
    out = tmp_path / "car.jpg"
    done = run("reads", "picture", ident, "--out", out, *WHY)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{out}: the whole picture of read {ident}, {len(JPEG)} bytes, SHA-256 ")
    assert out.read_bytes() == JPEG
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = run("reads", "picture", ident, "--out", out, *WHY)
    there = f"the file {str(out)!r} is there already, and nothing is written over: name another, or remove it\n"
    assert (again.code, again.err) == (65, there)


def test_a_picture_that_could_not_be_written_is_not_asked_for(run: Any, ident: int, tmp_path: Path, sql: Any) -> None:
    (tmp_path / "car.jpg").symlink_to(tmp_path / "nowhere")
    for out in (tmp_path / "car.jpg", tmp_path / "missing" / "car.jpg"):
        assert run("reads", "picture", ident, "--out", out, *WHY).code == 65
    assert sql("SELECT count(*) FROM audit_events WHERE action = 'reads.picture'") == [(0,)]


def test_a_full_disk_leaves_no_half_picture(run: Any, ident: int, tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "car.jpg"
    monkeypatch.setattr(os, "fdopen", Full)
    done = run("reads", "picture", ident, "--out", out, *WHY)
    assert (done.code, done.out, done.err) == (78, "", f"the file {str(out)!r} finds no room: the disk is full\n")
    assert not out.exists()


def test_a_picture_gets_no_name_that_says_otherwise(run: Any, ident: int, tmp_path: Path) -> None:
    done = run("reads", "picture", ident, "--out", tmp_path / "car.png", *WHY)
    assert (done.code, list(tmp_path.glob("car.*"))) == (65, [])
    assert done.err == f"--out: the picture of read {ident} is a .jpg; write it with --out {tmp_path / 'car.jpg'}\n"


def test_a_read_without_a_picture_and_a_read_that_is_not_there_are_told(run: Any, ident: int, tmp_path: Path) -> None:
    other = run("search", "9SYN002", *WHY, "--json").json()["rows"][0]["id"]
    done = run("reads", "picture", other, "--out", tmp_path / "car.jpg", *WHY)
    assert (done.code, done.err) == (66, f"read {other} has no picture: drop sent none with it\n")
    assert run("reads", "show", 424242, *WHY).code == 66


@pytest.mark.parametrize("words", [("show",), ("picture", "--out", "car.jpg")])
def test_both_ask_why(run: Any, ident: int, words: tuple[str, ...], monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    verb, *more = words
    done = run("reads", verb, ident, *more)
    assert (done.code, done.out) == (77, "")
    assert done.err.startswith("--purpose: ")
    assert not (tmp_path / "car.jpg").exists()


def test_what_is_no_number_of_a_read_is_told_where_to_find_it(run: Any) -> None:
    done = run("reads", "show", "abc")
    assert done.code == 2
    said = " ".join(done.err.replace("│", " ").split())
    assert "'abc' is not the number of a read: the first column of `alprhub search … --ids` has it" in said
