"""Motorola's drop folder against the other side of it: exports of every temper, lists and receipts."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import drops
import pytest
from moto import mock_aws
from pydantic import ValidationError

from alprhub.sandbox.motorola import MotorolaDrop, Style, record_id
from alprhub.sandbox.world import World
from connectors import places
from connectors.contract import Delta, Document, Entry, Frame, Info, Limits, Page, Window
from connectors.errors import AdminMustFix, BadFiles, Gone, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.motorola import MotorolaConnector, MotorolaSettings
from connectors.vendors.motorola import connector as lists
from normalize.read import ImageKind, ImageRef, Read
from normalize.times import Zone

WORLD_NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
COLUMNS = {
    "plate_column": "Plate", "captured_at_column": "Timestamp", "camera_id_column": "Camera",
    "read_id_column": "Record ID", "camera_name_column": "Site", "zone": "America/Los_Angeles",
    "time_format": "%m/%d/%Y %I:%M:%S %p",
}  # fmt: skip


class _Later:
    """A clock that runs ahead of the file system's, so that what was just written has lain still."""

    def __init__(self, ahead: timedelta = timedelta(minutes=5)) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def world() -> World:
    return World(17, WORLD_NOW, passes=600)


@pytest.fixture
def drop(tmp_path: Path, world: World) -> MotorolaDrop:
    return MotorolaDrop(tmp_path, world)


@pytest.fixture
def clock() -> _Later:
    return _Later()


def _made(place: object, clock: _Later | None = None, **more: Any) -> MotorolaConnector:
    told = MotorolaSettings(**{"place": str(place), **COLUMNS, **more})
    return MotorolaConnector(told, Frame(clock or _Later(), lambda _: None))


@pytest.fixture
def vigilant(tmp_path: Path, clock: _Later) -> MotorolaConnector:
    return _made(tmp_path, clock)


def _pull(vigilant: MotorolaConnector, before: Sequence[Page] = ()) -> list[Page]:
    return list(vigilant.pull(drops.window(WORLD_NOW - timedelta(days=1), WORLD_NOW, before)))


def _reads(vigilant: MotorolaConnector, pages: list[Page]) -> tuple[list[Read], list[str]]:
    reads, refused = [], []
    for page in pages:
        for record in page.records:
            try:
                reads.append(vigilant.parse(record))
            except RecordRejected as why:
                refused.append(str(why))
    return reads, refused


def test_every_export_is_taken_once_and_whole(vigilant: MotorolaConnector, drop: MotorolaDrop, world: World) -> None:
    paths = drop.export_days()
    pages = _pull(vigilant)
    reads, refused = _reads(vigilant, pages)
    assert refused == []
    assert {read.vendor_read_id for read in reads} == {record_id(one) for one in world.passes["motorola"]}
    assert drops.taken(pages) == {path.name for path in paths}
    assert [page.records for page in _pull(vigilant, pages)] == [[]]


def test_a_read_says_what_the_row_said(vigilant: MotorolaConnector, drop: MotorolaDrop, world: World) -> None:
    one = next(one for one in world.passes["motorola"] if one.state == "CA")
    drop.export([one], "a.csv")
    [read] = _reads(vigilant, _pull(vigilant))[0]
    assert read.plate_raw == one.plate
    assert read.plate_state == "US-CA"
    assert read.captured_at == one.time.replace(microsecond=0)
    assert read.zone is Zone.CONFIGURED
    assert (read.camera.id, read.camera.name) == (one.camera.name, "Peñasco Pier")
    assert read.place is not None
    assert read.place.latitude == one.camera.latitude
    assert read.plate_confidence == pytest.approx(one.confidence, abs=0.001)
    assert read.vehicle.make.said == one.vehicle.make


@pytest.mark.parametrize(
    "style",
    [
        Style(encoding="cp1252"), Style(bom=True, crlf=True), Style(zone="America/Denver"), Style(times="iso"),
    ],
)  # fmt: skip
def test_exports_of_every_style_say_the_same(tmp_path: Path, drop: MotorolaDrop, world: World, style: Style) -> None:
    drop.export(world.passes["motorola"][:50], "a.csv", style)
    time_format = "iso" if style.times == "iso" else COLUMNS["time_format"]
    vigilant = _made(tmp_path, zone=style.zone, time_format=time_format)
    reads, refused = _reads(vigilant, _pull(vigilant))
    assert refused == []
    expected = {(record_id(one), one.time.replace(microsecond=0)) for one in world.passes["motorola"][:50]}
    assert {(read.vendor_read_id, read.captured_at) for read in reads} == expected
    assert {read.camera.name for read in reads} == {"Peñasco Pier"}


def test_broken_rows_are_told_and_cost_nothing_else(
    vigilant: MotorolaConnector, drop: MotorolaDrop, world: World
) -> None:
    drop.export(world.passes["motorola"][:50], "a.csv", Style(wrong_columns=3, cut_last_line=True))
    reads, refused = _reads(vigilant, _pull(vigilant))
    assert len(reads) == 46
    assert sorted(refused)[-1].startswith("row: is cut short")
    assert sum("has 13 cells, the header has 12" in why for why in refused) == 3


def test_bad_rows_are_refused_one_by_one(vigilant: MotorolaConnector, drop: MotorolaDrop, world: World) -> None:
    drop.faults.malformed = 0.3
    drop.export(world.passes["motorola"], "a.csv")
    reads, refused = _reads(vigilant, _pull(vigilant))
    assert len(reads) + len(refused) == len(world.passes["motorola"])
    good = {record_id(one) for one in world.passes["motorola"]} - set(drop.faults.bad)
    assert good <= {read.vendor_read_id for read in reads}
    assert refused


def test_a_file_is_waited_for_while_it_may_still_grow(
    vigilant: MotorolaConnector, drop: MotorolaDrop, clock: _Later, world: World
) -> None:
    clock.ahead = timedelta()
    _, finish = drop.export_growing(world.passes["motorola"][:40], "a.csv")
    [page] = _pull(vigilant)
    assert (page.records, drops.taken([page]), set((page.checkpoint or {})["waiting"])) == ([], set(), {"a.csv"})
    finish()
    clock.ahead = timedelta(minutes=5)
    [page] = _pull(vigilant, [page])
    assert page.records == [], "it grew since the last look, whatever its time says"
    assert len(_reads(vigilant, _pull(vigilant, [page]))[0]) == 40


def test_a_file_that_grew_after_it_was_taken_is_taken_again(
    vigilant: MotorolaConnector, drop: MotorolaDrop, world: World
) -> None:
    _, finish = drop.export_growing(world.passes["motorola"][:40], "a.csv")
    pages = _pull(vigilant)
    finish()
    again, refused = _reads(vigilant, _pull(vigilant, pages))
    assert (len(again), refused) == (40, [])


def test_the_same_rows_under_another_name_have_the_same_ids(tmp_path: Path, drop: MotorolaDrop, world: World) -> None:
    drop.repeat(drop.export(world.passes["motorola"][:20], "a.csv"), "b.csv")
    vigilant = _made(tmp_path, read_id_column="no such column")
    reads, _ = _reads(vigilant, _pull(vigilant))
    assert len(reads) == 40
    assert len({read.vendor_read_id for read in reads}) == 20


def test_large_exports_come_in_pages(
    tmp_path: Path, drop: MotorolaDrop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.export(world.passes["motorola"][:50], "a.csv")
    drop.export(world.passes["motorola"][:20], "b.csv")
    _limited(monkeypatch, Limits(page_size=20))
    pages = _pull(_made(tmp_path))
    assert [len(page.records) for page in pages] == [20, 20, 20, 10]
    assert [drops.taken([page]) for page in pages] == [set(), set(), {"a.csv"}, {"b.csv"}]


def _limited(monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
    info = MotorolaConnector.info
    told = Info(info.key, info.name, info.company, info.evidence, info.retention_vendor, limits=limits)
    monkeypatch.setattr(MotorolaConnector, "info", told)


def test_what_is_wrong_with_one_file_is_raised_after_the_others_were_taken(
    tmp_path: Path, drop: MotorolaDrop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.export(world.passes["motorola"][:5], "a.csv", Style(header=False))
    drop.export(world.passes["motorola"][5:15], "b.csv")
    drop.export(world.passes["motorola"], "c.csv")
    _limited(monkeypatch, Limits(body_bytes=10_000))
    taken: list[Page] = []
    with pytest.raises(
        VendorChanged,
        match=r"a\.csv': its first line is a row of data",
    ):
        taken.extend(_made(tmp_path).pull(Window(WORLD_NOW, WORLD_NOW)))
    (drop.reads / "a.csv").unlink()
    walk = _made(tmp_path).pull(Window(WORLD_NOW, WORLD_NOW))
    first = next(walk)
    assert len(first.records) == 10
    with pytest.raises(BadFiles, match=r"c\.csv' is larger"):
        list(walk)


def test_empty_and_foreign_files_are_harmless(vigilant: MotorolaConnector, drop: MotorolaDrop) -> None:
    (drop.reads / "empty.CSV").write_bytes(b"")
    (drop.reads / "note.txt").write_text("not an export")
    pages = _pull(vigilant)
    assert _reads(vigilant, pages) == ([], [])
    assert drops.taken(pages) == {"empty.CSV"}


def test_a_time_that_the_clock_change_skipped_is_refused(vigilant: MotorolaConnector) -> None:
    body = b"Plate,Timestamp,Camera\n9SYN001,03/08/2026 02:30:00 AM,M1\n9SYN002,11/01/2026 01:30:00 AM,M1\n"
    records = list(vigilant.unpack(Document(body)))
    with pytest.raises(RecordRejected, match="Timestamp: did not exist"):
        vigilant.parse(records[0])
    assert vigilant.parse(records[1]).zone is Zone.GUESSED


@pytest.mark.parametrize(("text", "zone"), [("2026-06-01 10:00 +0200", Zone.IN_DATA), ("2026-06-01 10:00", None)])
def test_a_pattern_may_carry_its_offset(text: str, zone: Zone | None) -> None:
    vigilant = _made("x", time_format="%Y-%m-%d %H:%M %z")
    [record] = vigilant.unpack(Document(f"Plate,Timestamp,Camera\n9SYN001,{text},M1\n".encode()))
    if zone is None:
        with pytest.raises(RecordRejected, match="time format"):
            vigilant.parse(record)
    else:
        read = vigilant.parse(record)
        assert (read.captured_at, read.zone) == (datetime(2026, 6, 1, 8, tzinfo=UTC), zone)


def test_check_looks_at_the_place_and_the_newest_header(
    vigilant: MotorolaConnector, drop: MotorolaDrop, world: World, tmp_path: Path
) -> None:
    assert "no export" in vigilant.check()
    drop.export(world.passes["motorola"][:7], "a.csv")
    assert "1 export; the newest has 7 rows" in vigilant.check()
    with pytest.raises(VendorChanged):
        _made(tmp_path, plate_column="LP").check()
    with pytest.raises(AdminMustFix):
        _made(tmp_path / "nowhere").check()


def test_pictures_lie_beside_the_export(vigilant: MotorolaConnector, drop: MotorolaDrop) -> None:
    (drop.reads / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (drop.reads.parent / "secret.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (drop.reads / "b.jpg").write_bytes(b"no picture")
    assert vigilant.fetch_image(ImageRef(kind=ImageKind.FRAME, url="a.jpg")) == b"\xff\xd8\xff\xe0"
    for url, error in (("../secret.jpg", Gone), ("none.jpg", Gone), (None, Gone), ("b.jpg", VendorChanged)):
        with pytest.raises(error):
            vigilant.fetch_image(ImageRef(kind=ImageKind.FRAME, url=url))


# ---- hot lists


def _entries(count: int, **more: Any) -> list[Entry]:
    told: dict[str, Any] = {"reason": 'Stolen, "blue"', "case_number": "SB-1", "state": "US-CA", **more}
    return [Entry(f"9S{number:05d}", **told) for number in range(count)]


def _complete(entries: list[Entry], name: str = "Sandbox list") -> Delta:
    return Delta(name, entries, [], entries)


def _held(vigilant: MotorolaConnector) -> set[tuple[str, str | None]]:
    return {(one.plate, one.state) for one in vigilant.list_remote("Sandbox list")}


def test_a_list_counts_as_arrived_once_its_receipt_is_there(vigilant: MotorolaConnector, drop: MotorolaDrop) -> None:
    with pytest.raises(Gone):
        vigilant.list_remote("Sandbox list")
    entries = [
        *_entries(50),
        Entry("9SCA", "r", "c", "CA-ON", alert="high", expires_at=_Later().now() + timedelta(days=1)),
    ]
    vigilant.push(_complete(entries))
    with pytest.raises(TryAgain, match="no receipt"):
        vigilant.list_remote("Sandbox list")
    drop.load()
    assert drop.active == {(entry.plate, (entry.state or "")[3:]) for entry in entries[:50]} | {("9SCA", "ON")}
    assert drop.records["9SCA", "ON"].alert == "High"
    assert drop.records["9S00000", "CA"].more["Reason"] == 'Stolen, "blue"'
    assert _held(vigilant) == {(entry.plate, entry.state) for entry in entries}


def test_the_same_list_again_writes_nothing(vigilant: MotorolaConnector, drop: MotorolaDrop) -> None:
    entries = _entries(50)
    vigilant.push(_complete(entries))
    vigilant.push(_complete(entries[::-1]))
    assert len(drop.load()) == 1
    vigilant.push(_complete(entries))
    assert drop.load() == []


def test_an_old_receipt_proves_nothing_new(vigilant: MotorolaConnector, drop: MotorolaDrop) -> None:
    first, second = _entries(5), _entries(3)
    for entries in (first, second):
        vigilant.push(_complete(entries))
        drop.load()
    vigilant.push(_complete(first))
    with pytest.raises(TryAgain):
        vigilant.list_remote("Sandbox list")
    drop.load()
    assert len(_held(vigilant)) == len(drop.active) == 5


def test_several_waiting_files_are_loaded_in_the_order_of_the_pushes(
    vigilant: MotorolaConnector, drop: MotorolaDrop
) -> None:
    for count in (1, 9, 4, 7, 2):
        vigilant.push(_complete(_entries(count)))
    drop.load()
    assert len(_held(vigilant)) == len(drop.active) == 2


def test_changes_alone_add_up(tmp_path: Path, drop: MotorolaDrop) -> None:
    vigilant = _made(tmp_path, list_mode="incremental")
    entries = _entries(10)
    vigilant.push(_complete(entries))
    drop.load()
    changed = Entry("9S00005", "Missing person", "SB-2", "US-CA")
    change = Delta("Sandbox list", [changed], entries[3:6], [*entries[:3], *entries[6:], changed])
    vigilant.push(change)
    assert len(drop.load()) == 2
    vigilant.push(change)
    assert drop.load() == []
    assert _held(vigilant) == {(plate, f"US-{state}") for plate, state in drop.active}
    assert len(drop.active) == 8


def test_expired_entries_stay_here(vigilant: MotorolaConnector, drop: MotorolaDrop) -> None:
    vigilant.push(
        _complete([Entry("9SOLD", "r", "c", "US-CA", expires_at=WORLD_NOW - timedelta(days=999)), *_entries(1)])
    )
    drop.load()
    assert {plate for plate, _ in drop.active} == {"9S00000"}


def test_rows_that_the_loader_refused_are_not_called_arrived(tmp_path: Path, drop: MotorolaDrop) -> None:
    vigilant = _made(tmp_path)
    vigilant.push(_complete([Entry("9SNOST", "r", "c"), *_entries(2)]))
    [receipt] = drop.load()
    assert len(receipt["rejected"]) == 1
    assert {plate for plate, _ in _held(vigilant)} == {"9S00000", "9S00001"}
    _made(tmp_path, unknown_state="XX").push(_complete([Entry("9SNOST", "r", "c")]))
    drop.load()
    assert _held(vigilant) == {("9SNOST", None)}


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "0" * 64}, {"file": "other.csv"}, {"rows": 1}, {"rejected": [{"row": 0, "reason": "no"}]},
        {"rejected": "many"}, None,
    ],
)  # fmt: skip
def test_a_receipt_that_does_not_fit_is_an_error(
    vigilant: MotorolaConnector, drop: MotorolaDrop, change: dict[str, Any] | None
) -> None:
    vigilant.push(_complete(_entries(3)))
    [receipt] = drop.load()
    path = drop.hotlists / f"{receipt['file']}.receipt.json"
    path.write_text("{" if change is None else json.dumps({**receipt, **change}))
    with pytest.raises(VendorChanged):
        vigilant.list_remote("Sandbox list")


def test_lists_with_names_alike_do_not_mix(vigilant: MotorolaConnector, drop: MotorolaDrop) -> None:
    for name, count in (("Sandbox list", 1), ("sandbox-list", 2), ("???", 3)):
        vigilant.push(_complete(_entries(count), name))
    drop.load("add")
    counts = [len(list(vigilant.list_remote(name))) for name in ("Sandbox list", "sandbox-list", "???")]
    assert counts == [1, 2, 3]


def test_a_list_above_the_vendors_limit_asks_a_person(
    vigilant: MotorolaConnector, drop: MotorolaDrop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LARGEST_LIST", 1000)
    with pytest.raises(AdminMustFix, match="1000 bytes"):
        vigilant.push(_complete(_entries(100)))
    assert drop.load() == []


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="sandbox-drop")
        yield


@pytest.mark.slow
def test_a_bucket_serves_as_well_as_a_folder(bucket: None, drop: MotorolaDrop, world: World) -> None:
    vigilant = _made("s3://sandbox-drop/vigilant", key_id="id", secret="k")
    with places.opened("s3://sandbox-drop/vigilant", places.Access(key_id="id", secret="k")) as place:
        place.write("reads", "a.csv", drop.render(world.passes["motorola"][:30]))
        assert len(_reads(vigilant, _pull(vigilant))[0]) == 30
        vigilant.push(_complete(_entries(4)))
        [file] = place.files("hotlists")
        (drop.hotlists / file.name).write_bytes(place.read("hotlists", file.name, 10_000))
        [receipt] = drop.load()
        place.write("hotlists", f"{file.name}.receipt.json", json.dumps(receipt).encode())
    assert len(_held(vigilant)) == 4


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("place", "sftp://hub:s3cr3t@host/drop"), ("encoding", "s3cr3t"), ("encoding", "hex"), ("delimiter", '"'),
        ("delimiter", ""), ("zone", "Mars/Phobos"), ("settle_seconds", -1), ("unheard", "s3cr3t"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_without_being_quoted(setting: str, value: object) -> None:
    with pytest.raises(ValidationError, match=setting) as refused:
        MotorolaSettings(**{"place": "x", setting: value})
    assert "s3cr3t" not in str(refused.value)


def test_a_file_without_its_columns_is_told_with_its_header_and_the_settings_that_map_it(
    tmp_path: Path, drop: MotorolaDrop
) -> None:
    drop.reads.mkdir(parents=True, exist_ok=True)
    (drop.reads / "day.csv").write_text("Tag,Timestamp,Camera\n9SYN042,06/01/2026 03:00:00 AM,pier\n")
    with pytest.raises(VendorChanged) as told:
        _made(tmp_path).check()
    assert str(told.value) == (
        "day.csv: the header lacks the column Plate; it has Tag, Timestamp, Camera."
        " Where a column has another name, say which: --set plate_column=COLUMN"
    )


def test_exports_without_a_header_are_read_by_the_numbers_of_their_columns(vigilant: MotorolaConnector) -> None:
    columns = {"plate_column": "2", "captured_at_column": "1", "camera_id_column": "3", "state_column": "4"}
    made = _made("x", **columns, time_format="iso")
    body = b"2026-06-01T08:00:00Z,9SYN042,pier,CA,\n2026-06-01T08:00:01Z,9SYN043,pier,,\n"
    reads = [made.parse(record) for record in made.unpack(Document(body))]
    assert [(read.plate, read.camera.id, read.plate_state) for read in reads] == [
        ("9SYN042", "pier", "US-CA"), ("9SYN043", "pier", None),
    ]  # fmt: skip
    with pytest.raises(VendorChanged, match="or the settings call each that is needed by its number, from 1"):
        list(vigilant.unpack(Document(body)))


@pytest.mark.parametrize(("row", "field"), [(b"9SY\x81001,pier", "plate_raw"), (b"9SYN001,p\x81er", "camera.id")])
def test_a_plate_or_a_camera_with_a_character_that_cannot_be_read_is_refused(row: bytes, field: str) -> None:
    made = _made("x", plate_column="plate", camera_id_column="camera", captured_at_column="time", time_format="iso")
    body = b"plate,camera,time\n" + row + b",2026-06-01T08:00:00Z\n"
    (record,) = made.unpack(Document(body))
    with pytest.raises(RecordRejected, match=f"{field}: holds a character that arrived damaged"):
        made.parse(record)
