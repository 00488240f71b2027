"""`alprhub connectors`: what there is, and what becomes of a file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from alprhub.sandbox.pictures import plate_jpeg

VENDORS = Path(__file__).parents[2] / "vendors"
UTC_WITH_Z = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_every_connector_is_listed_with_what_it_can_do(run: Any) -> None:
    rows = {row["key"]: row for row in run("connectors", "list", "--json").json()}
    assert {"flock", "rekor", "motorola", "native"} <= set(rows)
    assert rows["flock"]["abilities"][0] == "looks_up_plates"
    assert all(row["evidence"] in ("documents", "samples", "live") and row["known_limits"] for row in rows.values())
    shown = run("connectors", "list").out
    assert "pulls reads" in shown
    assert "from documents" in shown
    assert "_" not in shown.replace("generic_", "").replace("nj_snap", "")


@pytest.mark.parametrize(
    "file", ["flock/lookup.json", "rekor/group.json", "motorola/export.csv", "native/sighting.json"]
)
def test_the_reads_of_a_file_are_shown_in_one_shape(run: Any, file: str) -> None:
    path = VENDORS / file
    path = path if path.exists() else next(iter(sorted(path.parent.glob("*.csv"))))
    told = run("connectors", "parse", path.parent.name, path, "--json").json()
    assert set(told) == {"reads", "left_out", "quarantined"}
    assert told["reads"]
    for read in told["reads"]:
        assert {"plate", "plate_raw", "plate_key", "plate_state", "captured_at", "vendor_read_id", "camera"} <= set(
            read
        )
        assert read["plate"].startswith("9SYN") or read["plate"]
        assert read["plate_state"] is None or re.fullmatch(r"[A-Z]{2}-[A-Z]{2,3}", read["plate_state"])
        assert UTC_WITH_Z.fullmatch(read["captured_at"])


def test_what_would_be_quarantined_names_field_and_reason(run: Any, tmp_path: Path) -> None:
    (tmp_path / "two.json").write_text('[{"capturedAt": "soon", "plate": {"plate": "9SYN001"}, "id": "a"}, 7]')
    done = run("connectors", "parse", "flock", tmp_path / "two.json", "--json")
    assert (done.code, done.json()["reads"]) == (0, [])
    assert [set(item) for item in done.json()["quarantined"]] == [{"reason", "field"}] * 2
    assert done.json()["quarantined"][0] == {"field": "capturedAt", "reason": "is not an ISO 8601 time"}
    shown = run("connectors", "parse", "flock", tmp_path / "two.json").out
    assert "could not be read: capturedAt: is not an ISO 8601 time" in shown


@pytest.mark.parametrize(
    ("plate", "at", "field"),
    [("9SYN001", "2099-06-01T08:00:00Z", "captured_at"), ("9" * 40, "2020-06-01T08:00:00Z", "plate_raw")],
)
def test_what_the_hub_would_not_keep_is_shown_as_no_read(
    run: Any, tmp_path: Path, plate: str, at: str, field: str
) -> None:
    (tmp_path / "one.json").write_text(f'[{{"capturedAt": "{at}", "plate": {{"plate": "{plate}"}}, "id": "a"}}]')
    mapped = '{"map": {"records": "", "plate": "plate.plate", "captured_at": "capturedAt", "camera_id": "id"}}'
    (tmp_path / "map.json").write_text(mapped)
    given = ("--settings", tmp_path / "map.json", "--json")
    told = run("connectors", "parse", "generic_json", tmp_path / "one.json", *given).json()
    assert (told["reads"], [item["field"] for item in told["quarantined"]]) == ([], [field])


def test_what_is_no_read_is_told_apart_from_what_could_not_be_read(run: Any, tmp_path: Path) -> None:
    records = [
        {"plate": "9SYN001", "captured_at": "2026-06-01T08:00:00Z", "camera_id": "c", "camera_name": "Ga\x00te"},
        {"plate": "", "captured_at": "2026-06-01T08:00:00Z", "camera_id": "c"},
        {"plate": "9SYN002", "camera_id": "c"},
    ]
    (tmp_path / "three.json").write_text(json.dumps(records))
    told = run("connectors", "parse", "generic_webhook", tmp_path / "three.json", "--json").json()
    assert [read["damaged"] for read in told["reads"]] == [["characters that could not be read"]]
    assert told["left_out"] == [{"field": "plate", "reason": "is empty: no plate was read"}]
    assert [item["field"] for item in told["quarantined"]] == ["captured_at"]
    shown = run("connectors", "parse", "generic_webhook", tmp_path / "three.json").out
    assert "arrived damaged: 9SYN001: characters that could not be read" in shown
    assert "left out, since it tells of no read: plate: is empty: no plate was read" in shown
    assert "could not be read: captured_at: is missing or empty" in shown


def test_a_file_that_tells_of_no_read_is_no_error(run: Any, tmp_path: Path) -> None:
    (tmp_path / "beat.json").write_text('{"data_type": "heartbeat"}')
    done = run("connectors", "parse", "rekor", tmp_path / "beat.json")
    assert (done.code, "left out, since it tells of no read: data_type" in done.out) == (0, True)


def test_a_table_for_people_names_the_camera(run: Any) -> None:
    shown = run("connectors", "parse", "native", VENDORS / "native" / "sighting.json").out
    assert "9SYN042" in shown
    assert " pier-1 " in shown


@pytest.mark.parametrize("key", ["flock", "rekor", "motorola", "native"])
@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\xff\xfe\x80binary", b"[]", b"7", b'"text"', b'{"a": ', b"<html>down</html>", b"[" * 100_000],
)
def test_a_file_that_is_nothing_of_the_vendors_is_no_error_of_ours(
    run: Any, tmp_path: Path, key: str, body: bytes
) -> None:
    (tmp_path / "some.bin").write_bytes(body)
    done = run("connectors", "parse", key, tmp_path / "some.bin", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json()["reads"] == []
    assert all(item["field"] and item["reason"] for item in done.json()["quarantined"])


def test_a_picture_goes_through_the_native_reader(run: Any, tmp_path: Path) -> None:
    (tmp_path / "car.jpg").write_bytes(plate_jpeg("9XBC123", seed=7))
    (tmp_path / "cut.jpg").write_bytes(plate_jpeg("9XBC123", seed=7)[:9000])
    (read,) = run("connectors", "parse", "native", tmp_path / "car.jpg", "--json").json()["reads"]
    assert (read["plate"], read["plate_state"], read["zone"]) == ("9XBC123", None, "guessed")
    (item,) = run("connectors", "parse", "native", tmp_path / "cut.jpg", "--json").json()["quarantined"]
    assert item == {"field": "file", "reason": "cut.jpg: the picture is truncated or damaged"}


def test_a_setting_that_parsing_needs_can_be_given(run: Any, tmp_path: Path) -> None:
    row = {"best_uuid": "u-1", "best_plate": "9SYN001", "camera_id": 7, "epoch_time_start": "2026-06-01T08:00:00"}
    (tmp_path / "found.json").write_text(json.dumps([{"fields": row}]))
    times = []
    for more in ([], ["--set", "zone=America/Los_Angeles"]):
        (read,) = run("connectors", "parse", "rekor", tmp_path / "found.json", *more, "--json").json()["reads"]
        times.append((read["captured_at"][:19], read["zone"]))
    assert times == [("2026-06-01T08:00:00", "guessed"), ("2026-06-01T15:00:00", "configured")]


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["atlantis", "file"], 66, "atlantis"),
        (["rekor", "missing"], 66, "the file 'missing' is not there"),
        (["rekor", "."], 65, "is a folder"),
        (["rekor", "file", "--set=zone=Atlantis"], 65, "zone"),
        (["rekor", "file", "--set=zoen=UTC"], 65, "zoen"),
        (["rekor", "file", "--set=zone"], 65, "name=value"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("[]")
    done = run("connectors", "parse", *words, "--json")
    assert (done.code, done.out) == (code, "")
    assert named in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("ready", [False])
def test_looking_at_connectors_makes_no_store(run: Any, store: Path) -> None:
    run("connectors", "list")
    run("connectors", "parse", "flock", VENDORS / "flock" / "lookup.json")
    assert not store.exists()


def test_what_an_account_needs_is_said_without_adding_one(run: Any) -> None:
    told = {row["setting"]: row for row in run("connectors", "settings", "motorola", "--json").json()}
    assert [name for name, row in told.items() if row["required"]] == ["place", "zone"]
    assert [name for name, row in told.items() if row["secret"]] == ["secret", "private_key"]
    assert told["file_pattern"]["default"] == "*.csv"
    assert "Of times without an offset." in run("connectors", "settings", "motorola").out
    assert run("connectors", "settings", "atlantis").code == 66


def test_a_file_that_is_nothing_of_the_vendors_ends_as_input_that_does_not_do(run: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Sir")
    done = run("connectors", "parse", "rekor", tmp_path / "letter.txt")
    assert (done.code, "could not be read: document" in done.out + done.err) == (65, True)
