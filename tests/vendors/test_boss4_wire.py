"""BOSS4's files against a generator of them: whole ones and every temper in which they are known to arrive."""

import base64
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import drops
import pytest
from moto import mock_aws
from pydantic import ValidationError
from sqlalchemy import text

from alprhub.sandbox.world import Pass, World
from connectors import places
from connectors.contract import Document, Frame, Page, Record, Window
from connectors.errors import AdminMustFix, RecordRejected, VendorChanged
from connectors.vendors.boss4 import Boss4Connector, Boss4Settings
from hub.clock import SetClock
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.codec import decompress
from hub.wiring import open_hub
from normalize.fault import Unusable
from normalize.gate import accept
from normalize.read import ImageKind, Read
from normalize.times import Zone

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PACIFIC = ZoneInfo("America/Los_Angeles")
JPEG = b"\xff\xd8\xff\xe0synthetic\xff\xd9"
NAMES = (
    "READS_sandbox_2026-06-01_04-13-35_2026-06-01_04-17-40_2924020749.json",
    "READS_Sandbox_20260601T041740_20260601T042259_609759672.json",
)


class _Later:
    """A clock that runs ahead of the file system's, so that what was just written has lain still."""

    def __init__(self, ahead: timedelta = timedelta(minutes=5)) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def world() -> World:
    return World(31, NOW, passes=500, vendors=("flock",))


@pytest.fixture
def clock() -> _Later:
    return _Later()


@pytest.fixture
def boss(tmp_path: Path, clock: _Later) -> Boss4Connector:
    return _made(tmp_path, clock)


def _made(place: object, clock: _Later | None = None, **more: Any) -> Boss4Connector:
    told = Boss4Settings(**{"place": str(place), **more})
    return Boss4Connector(told, Frame(clock or _Later(), lambda _: None))


def _parts(degrees: float) -> tuple[int, int, float]:
    """Degrees with the sign, then minutes and seconds without one."""
    seconds = round(abs(degrees) * 3600, 3)
    whole, rest = divmod(seconds, 3600)
    return int(whole) * (-1 if degrees < 0 else 1), int(rest // 60), round(rest % 60, 3)


def _record(one: Pass) -> dict[str, Any]:
    """One read in a made-up tree: the names of the innermost fields are the known part."""
    local = one.time.astimezone(PACIFIC)
    where = {}
    for axis, degrees in (("Latitude", one.camera.latitude), ("Longitude", one.camera.longitude)):
        named = zip(("Degree", "Minute", "Second"), _parts(degrees), strict=True)
        where[axis] = {f"{axis}{part}Value": value for part, value in named}
    return {
        "LPREvent": {
            "LPREventID": one.id,
            "when": {"eventDate": f"{local:%Y-%m-%d}", "eventTime": f"{local:%H:%M:%S}"},
            "where": where,
            "seen": {
                "plate": {"VehicleLicensePlateID": one.plate},
                "LPRVehiclePlatePhoto": base64.b64encode(JPEG).decode(),
                "LPRAdditionalPhoto": [base64.b64encode(JPEG).decode()],
            },
            "by": {"LPRCameraID": str(one.camera.number), "LPRCameraName": one.camera.name},
            "agency": {"agencyName": "Marisol Beach PD", "agencyOriNumber": "CA0SYN000"},
        }
    }


def _drop(tmp_path: Path, name: str, records: Any) -> Path:
    folder = tmp_path / "boss4"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(records if isinstance(records, bytes) else json.dumps(records).encode())
    return path


def _pull(boss: Boss4Connector, before: Sequence[Page] = ()) -> list[Page]:
    return list(boss.pull(drops.window(NOW - timedelta(days=1), NOW, before)))


def _reads(boss: Boss4Connector, pages: list[Page]) -> tuple[list[Read], list[str]]:
    reads, refused = [], []
    for page in pages:
        for record in page.records:
            try:
                reads.append(boss.parse(record))
            except RecordRejected as why:
                refused.append(str(why))
    return reads, refused


def _parsed(boss: Boss4Connector, record: Any) -> Read:
    [one] = boss.unpack(Document(json.dumps([record]).encode()))
    return boss.parse(one)


# ---- files


def test_every_file_is_taken_once_and_whole(boss: Boss4Connector, world: World, tmp_path: Path) -> None:
    halves = world.passes["flock"][:250], world.passes["flock"][250:]
    for name, passes in zip(NAMES, halves, strict=True):
        _drop(tmp_path, name, [_record(one) for one in passes])
    pages = _pull(boss)
    reads, refused = _reads(boss, pages)
    assert refused == []
    assert {read.vendor_read_id for read in reads} == {one.id for one in world.passes["flock"]}
    assert drops.taken(pages) == set(NAMES)
    assert [page.records for page in _pull(boss, pages)] == [[]]
    assert max(len(page.records) for page in pages) == boss.info.limits.page_size


def test_a_read_says_what_the_record_said(boss: Boss4Connector, world: World, tmp_path: Path) -> None:
    one = world.passes["flock"][-1]
    _drop(tmp_path, NAMES[0], [_record(one)])
    [read] = _reads(boss, _pull(boss))[0]
    assert (read.plate_raw, read.captured_at) == (one.plate, one.time.replace(microsecond=0))
    assert read.zone is Zone.CONFIGURED
    assert (read.camera.id, read.camera.name) == (str(one.camera.number), one.camera.name)
    assert read.place is not None
    assert read.place.latitude == pytest.approx(one.camera.latitude, abs=1e-6)
    assert read.place.longitude == pytest.approx(one.camera.longitude, abs=1e-6)
    assert [(image.kind, image.data) for image in read.images] == [(ImageKind.PLATE, JPEG), (ImageKind.FRAME, JPEG)]


def test_a_records_payload_is_the_bytes_that_arrived(boss: Boss4Connector) -> None:
    first, second = b'{ "LPREventID":1,\t"x": "\\u00e9" }', b'{"LPREventID": 2}'
    whole = b"\xef\xbb\xbf[\n" + first + b" ,\n" + second + b"\n]\n"
    assert [record.payload for record in boss.unpack(Document(whole))] == [first, second]
    assert next(iter(boss.unpack(Document(whole[:-10])))).payload == first


def test_a_file_cut_anywhere_keeps_every_whole_read_and_the_rest_of_its_bytes(
    boss: Boss4Connector, world: World
) -> None:
    records = [_record(one) for one in world.passes["flock"][:4]]
    records[1]["note"] = 'brackets ]}, "quotes" and a \\ within text'
    whole = json.dumps(records, indent=1).encode()
    ends = [whole.index(json.dumps(one["LPREvent"]["LPREventID"]).encode()) for one in records]
    for cut in range(1, len(whole), 7):
        found = list(boss.unpack(Document(whole[:cut], name=NAMES[0])))
        assert found[-1].kind == "cut"
        kept = [boss.parse(record).vendor_read_id for record in found[:-1]]
        assert kept == [one["LPREvent"]["LPREventID"] for one in records[: len(kept)]]
        assert len(kept) >= sum(end < cut for end in ends) - 1
        # Between the pieces lie commas, blanks and the first bracket, and nothing else is missing.
        rest = whole[:cut]
        for record in found:
            assert record.payload in rest
            rest = rest.replace(record.payload, b"", 1) if record.payload else rest
        assert not rest.strip(b"[, \n")
        with pytest.raises(RecordRejected, match=f"file: {NAMES[0]} is cut short"):
            boss.parse(found[-1])


def test_what_was_cut_off_stays_in_the_page_that_is_kept(boss: Boss4Connector, world: World, tmp_path: Path) -> None:
    whole = json.dumps([_record(one) for one in world.passes["flock"][:3]]).encode()
    _drop(tmp_path, NAMES[0], whole[:-200])
    pages = _pull(boss)
    reads, refused = _reads(boss, pages)
    assert (len(reads), len(refused)) == (2, 1)
    tail: Record = pages[0].records[-1]
    assert whole[:-200].endswith(tail.payload)
    assert tail.payload.lstrip().startswith(b'{"LPREvent"')


def test_a_cut_file_that_is_sent_again_whole_is_taken_again(boss: Boss4Connector, world: World, tmp_path: Path) -> None:
    whole = json.dumps([_record(one) for one in world.passes["flock"][:3]]).encode()
    _drop(tmp_path, NAMES[0], whole[:-200])
    pages = _pull(boss)
    _drop(tmp_path, NAMES[0], whole)
    reads, refused = _reads(boss, _pull(boss, pages))
    assert (len(reads), refused) == (3, [])


def test_a_file_is_waited_for_while_it_may_still_grow(
    boss: Boss4Connector, clock: _Later, world: World, tmp_path: Path
) -> None:
    clock.ahead = timedelta()
    whole = json.dumps([_record(one) for one in world.passes["flock"][:3]]).encode()
    _drop(tmp_path, NAMES[0], whole[:500])
    [page] = _pull(boss)
    assert page.records == []
    _drop(tmp_path, NAMES[0], whole)
    clock.ahead = timedelta(minutes=5)
    [page] = _pull(boss, [page])
    assert page.records == [], "it grew since the last look, whatever its time says"
    assert len(_reads(boss, _pull(boss, [page]))[0]) == 3


def test_empty_files_and_empty_lists_give_no_reads_and_no_fault(boss: Boss4Connector, tmp_path: Path) -> None:
    _drop(tmp_path, NAMES[0], b"")
    _drop(tmp_path, NAMES[1], b"[]\n")
    pages = _pull(boss)
    assert _reads(boss, pages) == ([], [])
    assert drops.taken(pages) == set(NAMES)


def test_the_tail_of_a_cut_file_ends_in_quarantine_with_its_bytes(world: World, tmp_path: Path) -> None:
    one = world.passes["flock"][-1]
    whole = json.dumps([_record(one), _record(one)]).encode()
    cut = whole[:-200]
    path = _drop(tmp_path, NAMES[0], cut)
    os.utime(path, (NOW.timestamp() - 3600,) * 2)
    with open_hub(HubSettings(data=tmp_path / "data"), SetClock(NOW)) as hub:
        hub.connections.accounts.add(Actor("tester"), "boss", "boss4", {"place": str(tmp_path)})
        saved = hub.ingest.sync.run(Actor("tester"), "boss")
        with hub.store.read() as connection:
            [row] = connection.execute(text("SELECT field, reason, payload FROM quarantine")).all()
    assert (saved.stored, saved.quarantined) == (1, 1)
    assert row.field == "file"
    assert NAMES[0] in row.reason
    assert cut.endswith(tail := decompress(row.payload))
    assert tail.lstrip().startswith(b'{"LPREvent"')


def test_a_placeholder_that_breaks_the_json_costs_its_own_record_alone(boss: Boss4Connector, world: World) -> None:
    records = [_record(one) for one in world.passes["flock"][:3]]
    records[1]["LPREvent"]["LPREventID"] = "@"
    body = json.dumps(records).replace('"@"', "${read.id}").encode()
    found = list(boss.unpack(Document(body)))
    assert [record.kind for record in found] == ["read"] * 3
    with pytest.raises(RecordRejected, match="placeholder"):
        boss.parse(found[1])
    assert [boss.parse(found[place]).plate_raw for place in (0, 2)] == [world.passes["flock"][n].plate for n in (0, 2)]


def test_what_is_wrong_with_one_file_is_raised_after_the_others_were_taken(
    boss: Boss4Connector, world: World, tmp_path: Path
) -> None:
    _drop(tmp_path, "a.json", b"<html>Sign in</html>")
    _drop(tmp_path, "b.json", [_record(one) for one in world.passes["flock"][:3]])
    _drop(tmp_path, "note.txt", b"not reads")
    walk = boss.pull(Window(NOW, NOW))
    page = next(walk)
    assert (len(page.records), drops.taken([page])) == (3, {"b.json"})
    with pytest.raises(VendorChanged):
        next(walk)


def test_check_looks_at_the_place_and_into_the_newest_file(boss: Boss4Connector, world: World, tmp_path: Path) -> None:
    assert "no file" in boss.check()
    _drop(tmp_path, NAMES[0], [_record(one) for one in world.passes["flock"][:3]])
    assert "1 file; the newest holds 3 reads" in boss.check()
    with pytest.raises(AdminMustFix):
        _made(tmp_path / "nowhere").check()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="sandbox-drop")
        yield


def test_a_bucket_serves_as_well_as_a_folder(bucket: None, world: World) -> None:
    boss = _made("s3://sandbox-drop/hub", key_id="id", secret="k")
    with places.opened("s3://sandbox-drop/hub", places.Access(key_id="id", secret="k")) as place:
        place.write("boss4", NAMES[0], json.dumps([_record(one) for one in world.passes["flock"][:30]]).encode())
    assert len(_reads(boss, _pull(boss))[0]) == 30


def test_files_arrive_in_the_folder_that_is_set(world: World, tmp_path: Path) -> None:
    _drop(tmp_path, NAMES[0], [_record(one) for one in world.passes["flock"][:3]])
    (tmp_path / "boss4").rename(tmp_path / "county")
    boss = _made(tmp_path, reads_folder="county")
    assert len(_reads(boss, _pull(boss))[0]) == 3
    assert "'other'" in _made(tmp_path, reads_folder="other").check()


def test_a_file_that_a_link_leads_out_to_is_not_read(boss: Boss4Connector, tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text("[{}]")
    (tmp_path / "boss4").mkdir()
    os.symlink(outside, tmp_path / "boss4" / "link.json")
    assert [page.records for page in _pull(boss)] == [[]]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("place", "sftp://hub:s3cr3t@host/drop"), ("zone", "Mars/Phobos"), ("settle_seconds", -1), ("unheard", "s3cr3t")],
)
def test_settings_that_cannot_work_are_refused_without_being_quoted(setting: str, value: object) -> None:
    with pytest.raises(ValidationError, match=setting) as refused:
        Boss4Settings(**{"place": "x", setting: value})
    assert "s3cr3t" not in str(refused.value)


# ---- records


@pytest.mark.parametrize(
    ("day", "clock_shows", "utc", "zone"),
    [
        ("2026-01-31", "08:13:35", datetime(2026, 1, 31, 16, 13, 35, tzinfo=UTC), Zone.CONFIGURED),
        ("2026-07-31", "08:13:35", datetime(2026, 7, 31, 15, 13, 35, tzinfo=UTC), Zone.CONFIGURED),
        ("2026-11-01", "01:30:00", datetime(2026, 11, 1, 8, 30, tzinfo=UTC), Zone.GUESSED),
        ("2026-07-31", "08:13:35.25", datetime(2026, 7, 31, 15, 13, 35, 250_000, tzinfo=UTC), Zone.CONFIGURED),
        ("2026-07-31", "08:13:35-07:00", datetime(2026, 7, 31, 15, 13, 35, tzinfo=UTC), Zone.IN_DATA),
    ],
)
def test_times_are_the_local_clocks_of_the_coast(
    boss: Boss4Connector, world: World, day: str, clock_shows: str, utc: datetime, zone: Zone
) -> None:
    record = _record(world.passes["flock"][0])
    record["LPREvent"]["when"] = {"eventDate": day, "eventTime": clock_shows}
    read = _parsed(boss, record)
    assert (read.captured_at, read.zone) == (utc, zone)


def test_a_time_that_the_clock_change_skipped_is_refused(boss: Boss4Connector, world: World) -> None:
    record = _record(world.passes["flock"][0])
    record["LPREvent"]["when"] = {"eventDate": "2026-03-08", "eventTime": "02:30:00"}
    with pytest.raises(RecordRejected, match="eventTime: did not exist in America/Los_Angeles"):
        _parsed(boss, record)


def test_another_zone_can_be_set(world: World) -> None:
    record = _record(world.passes["flock"][0])
    record["LPREvent"]["when"] = {"eventDate": "2026-01-31", "eventTime": "08:13:35"}
    assert _parsed(_made("x", zone="UTC"), record).captured_at == datetime(2026, 1, 31, 8, 13, 35, tzinfo=UTC)


def test_a_date_in_the_future_passes_the_parser_and_not_the_gate(boss: Boss4Connector, world: World) -> None:
    record = _record(world.passes["flock"][0])
    record["LPREvent"]["when"]["eventDate"] = "2062-01-31"
    with pytest.raises(Unusable, match="captured_at: lies in the future"):
        accept(_parsed(boss, record), NOW)


@pytest.mark.parametrize(
    ("parts", "degrees"),
    [
        ((-121, 30, 0), -121.5), ((-121, 0, 36), -121.01), ((121, 30, 36), 121.51), (("-121", "30", "36.0"), -121.51),
        ((-121, None, "None"), -121.0), (("-0", 30, 0), -0.5), ((-0.0, 30, 0), -0.5),
    ],
)  # fmt: skip
def test_the_sign_of_a_position_stands_on_its_degrees_and_counts_for_all_of_it(
    boss: Boss4Connector, world: World, parts: tuple[Any, Any, Any], degrees: float
) -> None:
    record = _record(world.passes["flock"][0])
    named = zip(("Degree", "Minute", "Second"), parts, strict=True)
    record["LPREvent"]["where"]["Longitude"] = {f"Longitude{part}Value": value for part, value in named}
    place = _parsed(boss, record).place
    assert place is not None
    assert place.longitude == pytest.approx(degrees)


def test_fields_are_found_by_their_names_wherever_they_are(boss: Boss4Connector, world: World) -> None:
    one = world.passes["flock"][0]
    flat: dict[str, Any] = {}

    def flatten(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                flatten(key, inner)
        else:
            flat[f"nc:{name}"] = value

    flatten("", _record(one))
    deep: Any = _record(one)
    for level in range(200):
        deep = {"level": [deep]} if level % 2 else [{"level": deep}]
    expected = _parsed(boss, _record(one))
    assert _parsed(boss, flat) == expected
    assert _parsed(boss, {"outer": deep}) == expected


@pytest.mark.parametrize("nothing", [None, "", "None", "${read.id}"])
def test_a_read_without_an_event_id_is_known_by_camera_instant_and_plate(
    boss: Boss4Connector, world: World, nothing: str | None
) -> None:
    first, other = (_record(one) for one in world.passes["flock"][:2])
    for record in (first, other):
        record["LPREvent"]["LPREventID"] = nothing
    ids = [_parsed(boss, record).vendor_read_id for record in (first, other, first)]
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize(
    ("where", "name", "value", "says"),
    [
        (("seen", "plate"), "VehicleLicensePlateID", "None", "is empty"),
        (("seen", "plate"), "VehicleLicensePlateID", "${read.plate}", "is a placeholder"),
        (("when",), "eventDate", "None", "is missing"),
        (("when",), "eventDate", "10/11/2022", "is not a date"),
        (("when",), "eventTime", "8 o'clock", "is not a time"),
        (("where", "Latitude"), "LatitudeMinuteValue", 61, "is not between 0 and 60"),
        (("where", "Latitude"), "LatitudeDegreeValue", "north", "is not a number"),
    ],
)
def test_a_record_that_cannot_be_a_read_is_refused_by_the_name_of_its_field(
    boss: Boss4Connector, world: World, where: tuple[str, ...], name: str, value: Any, says: str
) -> None:
    record = _record(world.passes["flock"][0])
    at = record["LPREvent"]
    for step in where:
        at = at[step]
    at[name] = value
    with pytest.raises(RecordRejected, match=f"{name}: {says}"):
        _parsed(boss, record)


def test_a_field_that_says_two_things_is_refused_and_one_that_says_one_twice_is_not(
    boss: Boss4Connector, world: World
) -> None:
    one = world.passes["flock"][0]
    record = _record(one)
    record["again"] = {"VehicleLicensePlateID": one.plate}
    assert _parsed(boss, record).plate_raw == one.plate
    record["again"] = {"VehicleLicensePlateID": "9SYN999"}
    with pytest.raises(RecordRejected, match="several times") as refused:
        _parsed(boss, record)
    assert "9SYN" not in str(refused.value)


def test_a_picture_that_is_none_costs_no_read(boss: Boss4Connector, world: World) -> None:
    record = _record(world.passes["flock"][0])
    record["LPREvent"]["seen"]["LPRVehiclePlatePhoto"] = "not base64"
    record["LPREvent"]["seen"]["LPRAdditionalPhoto"] = [None, base64.b64encode(b"<html>").decode()]
    assert _parsed(boss, record).images == ()
