"""The Vigilant drop folder: exports in every state of disrepair, and hot lists loaded by the documented rules."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alprhub.sandbox import Faults, MotorolaDrop
from alprhub.sandbox.motorola import COLUMNS, Style, record_id
from alprhub.sandbox.world import World

ZONE = ZoneInfo("America/Los_Angeles")
HEADER = "Hot Plate,State,Alert,Note\n"


@pytest.fixture
def drop(tmp_path: Path, world: World) -> MotorolaDrop:
    return MotorolaDrop(tmp_path, world, Faults(seed=7))


def rows_of(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding=encoding))))


def put(drop: MotorolaDrop, name: str, text: str | bytes) -> Path:
    path = drop.hotlists / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


class TestExports:
    def test_hold_every_pass_once_in_one_file_a_local_day(self, drop: MotorolaDrop, world: World) -> None:
        paths = drop.export_days()
        rows = [row for path in paths for row in rows_of(path)]
        assert {row["Record ID"]: row["Plate"] for row in rows} == {
            record_id(one): one.plate for one in world.passes["motorola"]
        }
        assert len(rows) == len(world.passes["motorola"])
        for path in paths:
            days = {row["Timestamp"][6:10] + row["Timestamp"][:2] + row["Timestamp"][3:5] for row in rows_of(path)}
            assert path.name == f"reads_{days.pop()}.csv"
            assert not days

    @pytest.mark.parametrize(("times", "form"), [("12h", "%m/%d/%Y %I:%M:%S %p"), ("iso", "%Y-%m-%dT%H:%M:%S")])
    def test_tell_local_time_without_its_zone(self, drop: MotorolaDrop, world: World, times: str, form: str) -> None:
        passes = world.passes["motorola"][-20:]
        rows = rows_of(drop.export(passes, "a.csv", Style(times=times)))  # type: ignore[arg-type]
        for row, one in zip(rows, passes, strict=True):
            local = datetime.strptime(row["Timestamp"], form).replace(tzinfo=ZONE)
            assert local.astimezone(UTC) == one.time.replace(microsecond=0)

    def test_appear_only_when_they_are_complete(self, drop: MotorolaDrop, world: World) -> None:
        drop.export(world.passes["motorola"][:5], "a.csv")
        assert [path.name for path in drop.reads.iterdir()] == ["a.csv"]

    def test_can_be_still_growing(self, drop: MotorolaDrop, world: World) -> None:
        passes = world.passes["motorola"][:20]
        path, finish = drop.export_growing(passes, "a.csv")
        whole = drop.render(passes)
        assert path.read_bytes() == whole[: len(whole) // 2]
        finish()
        assert path.read_bytes() == whole

    def test_can_come_again_under_another_name(self, drop: MotorolaDrop, world: World) -> None:
        path = drop.export(world.passes["motorola"][:5], "a.csv")
        assert drop.repeat(path, "b.csv").read_bytes() == path.read_bytes()

    def test_can_lack_a_header_or_be_cut_in_the_last_line(self, drop: MotorolaDrop, world: World) -> None:
        passes = world.passes["motorola"][:5]
        whole = drop.render(passes).decode().splitlines(keepends=True)
        assert drop.render(passes, Style(header=False)).decode().splitlines(keepends=True) == whole[1:]
        cut = drop.render(passes, Style(cut_last_line=True)).decode().splitlines(keepends=True)
        assert cut[:-1] == whole[:-1]
        assert whole[-1].startswith(cut[-1])
        assert len(cut[-1]) < len(whole[-1]) - 2

    def test_can_have_rows_of_the_wrong_length(self, drop: MotorolaDrop, world: World) -> None:
        raw = drop.render(world.passes["motorola"][:5], Style(wrong_columns=2)).decode()
        lengths = [len(row) for row in csv.reader(io.StringIO(raw))]
        assert lengths == [len(COLUMNS)] + [len(COLUMNS) + 1] * 2 + [len(COLUMNS)] * 3

    def test_can_come_in_other_encodings_and_line_ends(self, drop: MotorolaDrop, world: World) -> None:
        passes = world.passes["motorola"][:3]
        plain = drop.render(passes)
        assert drop.render(passes, Style(bom=True)) == b"\xef\xbb\xbf" + plain
        assert drop.render(passes, Style(crlf=True)) == plain.replace(b"\n", b"\r\n")
        western = drop.render(passes, Style(encoding="cp1252"))
        assert western.decode("cp1252") == plain.decode("utf-8")
        with pytest.raises(UnicodeDecodeError):
            western.decode("utf-8")

    def test_suffer_the_faults_of_records(self, drop: MotorolaDrop, world: World) -> None:
        passes = world.passes["motorola"][:200]
        whole = drop.render(passes).decode().splitlines()
        drop.faults.malformed = drop.faults.duplicate = 0.2
        lines = drop.render(passes).decode().splitlines()
        assert len(lines) > len(whole)
        good = [line for line, one in zip(whole[1:], passes, strict=True) if not drop.faults.is_bad(record_id(one))]
        assert set(lines) & set(whole) == set(good) | {whole[0]}
        assert set(drop.faults.bad) == {record_id(one) for one in passes if drop.faults.is_bad(record_id(one))}


class TestHotLists:
    def test_leave_the_folder_and_a_receipt_behind(self, drop: MotorolaDrop) -> None:
        text = HEADER + "9XAB123,CA,Stolen,x\n9xab124,nv,Wanted,\n"
        put(drop, "list.csv", text)
        receipts = drop.load()
        assert [path.name for path in drop.hotlists.iterdir() if path.is_file()] == ["list.csv.receipt.json"]
        assert (drop.taken / "list.csv").read_text() == text
        receipt = json.loads((drop.hotlists / "list.csv.receipt.json").read_text())
        assert receipt == receipts[0] == {
            "file": "list.csv", "sha256": hashlib.sha256(text.encode()).hexdigest(), "rows": 2,
            "loaded_at": "2025-06-01T12:00:00+00:00", "rejected": [],
        }  # fmt: skip
        assert drop.active == {("9XAB123", "CA"), ("9XAB124", "NV")}
        assert drop.records["9XAB123", "CA"].more == {"Note": "x"}
        assert drop.load() == []

    def test_loaded_completely_make_what_is_missing_inactive_and_keep_it(self, drop: MotorolaDrop) -> None:
        put(drop, "1.csv", HEADER + "9XAB123,CA,Stolen,\n9XAB124,CA,Stolen,\n")
        put(drop, "2.csv", HEADER + "9XAB124,CA,Stolen,\n")
        drop.load()
        assert drop.active == {("9XAB124", "CA")}
        assert not drop.records["9XAB123", "CA"].active

    def test_loaded_incrementally_add_or_remove(self, drop: MotorolaDrop) -> None:
        put(drop, "1.csv", HEADER + "9XAB123,CA,Stolen,\n")
        put(drop, "2-add.csv", HEADER + "9XAB124,CA,Stolen,\n")
        put(drop, "3-remove.csv", HEADER + "9XAB123,CA,Stolen,\n9XAB999,CA,Stolen,\n")
        drop.load()
        assert drop.active == {("9XAB124", "CA")}
        assert len(drop.records) == 2
        put(drop, "4.csv", HEADER + "9XAB125,CA,Stolen,\n")
        drop.load(mode="add")
        assert drop.active == {("9XAB124", "CA"), ("9XAB125", "CA")}

    @pytest.mark.parametrize(
        "row", [",CA,Stolen,x", "9XAB123,,Stolen,x", "9XAB123,California,Stolen,x", "9XAB123,CA,,x", "9XAB123,CA",
                "9XAB123,CA,Stolen,x,y"],
    )  # fmt: skip
    def test_lose_a_bad_row_and_say_which(self, drop: MotorolaDrop, row: str) -> None:
        put(drop, "list.csv", HEADER + f"9XAB124,CA,Stolen,x\n{row}\n9XAB125,CA,Stolen,x\n")
        receipt = drop.load()[0]
        assert receipt["rows"] == 2
        assert [problem["row"] for problem in receipt["rejected"]] == [2]
        assert drop.active == {("9XAB124", "CA"), ("9XAB125", "CA")}

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("Plate,State,Alert\n9XAB123,CA,Stolen\n", "Hot Plate"),
            ("Hot Plate,Alert\n9XAB123,Stolen\n", "State"),
            ("", "Hot Plate, State, Alert"),
            (HEADER.encode() + b"9XAB123,CA,Stolen,\xf1\n", "UTF-8"),
            (HEADER + "x" * 30_000_000, "30 MB"),
        ],
        ids=["no plate", "no state", "empty", "encoding", "size"],
    )
    def test_are_refused_as_a_whole_and_change_nothing(
        self, drop: MotorolaDrop, text: str | bytes, reason: str
    ) -> None:
        put(drop, "1.csv", HEADER + "9XAB123,CA,Stolen,\n")
        put(drop, "2.csv", text)
        receipt = drop.load()[1]
        assert receipt["rows"] == 0
        assert receipt["rejected"][0]["row"] == 0
        assert reason in receipt["rejected"][0]["reason"]
        assert drop.active == {("9XAB123", "CA")}

    def test_still_being_written_are_left_alone(self, drop: MotorolaDrop) -> None:
        for name in (".list.csv", "list.csv.tmp", "list.csv.part"):
            put(drop, name, HEADER)
        assert drop.load() == []
        assert len([path for path in drop.hotlists.iterdir() if path.is_file()]) == 3
