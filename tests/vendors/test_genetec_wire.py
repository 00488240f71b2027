"""Genetec: pushes of four forms, dropped files, and the hot lists that Security Center watches."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import drops
import pytest
from moto import mock_aws
from pydantic import ValidationError

from connectors import places
from connectors.contract import Delta, Document, Entry, Frame, Page, Proof, Request, Window
from connectors.errors import AdminMustFix, Gone, NotARead, RecordRejected, VendorChanged
from connectors.vendors import genetec
from connectors.vendors.genetec import GenetecConnector, GenetecSettings
from normalize.read import Read
from normalize.times import Zone
from normalize.word import Known

FIXTURES = Path(__file__).parent / "genetec"
WINDOW = Window(datetime(2026, 5, 12, tzinfo=UTC), datetime(2026, 5, 13, tzinfo=UTC))


class _Later:
    """A clock that runs ahead of the file system's, so that what was just written has lain still."""

    def __init__(self, ahead: timedelta = timedelta(minutes=5)) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def _made(clock: _Later | None = None, **settings: Any) -> GenetecConnector:
    return GenetecConnector(GenetecSettings(**settings), Frame(clock or _Later(), lambda _: None))


def _one(body: bytes | str | dict[str, Any], **settings: Any) -> Read:
    made = _made(**settings)
    sent = json.dumps(body) if isinstance(body, dict) else body
    [record] = made.unpack(Document(sent.encode() if isinstance(sent, str) else sent))
    return made.parse(record)


def _fixture(name: str, **settings: Any) -> Read:
    return _one((FIXTURES / name).read_bytes(), **settings)


def _sharp(*analytics: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"Id": "g", "PlateRead": "9SYN001", "SourceUrl": "S1", "Timestamp": "2026-05-12T08:42:45"}
    return {**told, "PlateAnalytics": list(analytics), **more}


# ---- pushes


def test_a_sharps_json_has_no_offset_and_its_xml_has() -> None:
    assert _fixture("sharp.json").zone is Zone.GUESSED
    configured = _fixture("sharp.json", zone="America/Toronto")
    assert (configured.zone, configured.captured_at.hour) == (Zone.CONFIGURED, 12)
    assert _fixture("sharp_xml.xml", zone="America/Toronto").zone is Zone.IN_DATA


def test_one_read_in_json_and_in_xml_is_one_read() -> None:
    ids = {_fixture(name).vendor_read_id for name in ("sharp.json", "sharp_xml.xml", "sharp_xml_namespaces.xml")}
    assert ids == {"0a1b2c3d-0000-4000-8000-00000000c0de"}


@pytest.mark.parametrize(("name", "day"), [("ftp.xml", 12), ("ftp_rearranged.xml", 12), ("webhook.json", 2)])
def test_years_first_and_days_first_are_both_understood(name: str, day: int) -> None:
    read = _fixture(name)
    assert (read.captured_at.year, read.captured_at.month, read.captured_at.day) == (2026, 5, day)
    assert read.zone is Zone.IN_DATA


def test_a_month_that_is_none_is_refused_and_not_turned_round() -> None:
    with pytest.raises(RecordRejected, match="DateUtc"):
        _fixture("webhook_month_first.json")


@pytest.mark.parametrize(
    ("score", "value", "share"),
    [(1, "91", 0.91), (1.0, 91, 0.91), (1, "-", None), (-1.0, "91", None), (1, "", None), (1, None, None)],
)
def test_confidence_is_the_value_of_its_key_and_never_its_score(score: float, value: object, share: float) -> None:
    assert _one(_sharp({"Key": "Confidence Score", "Score": score, "Value": value})).plate_confidence == share


@pytest.mark.parametrize(("said", "share"), [("0.95", 0.95), (0.95, 0.95), ("1", 1.0), ("", None), ("-", None)])
def test_the_confidence_of_an_ingested_read_is_text_from_0_to_1(said: object, share: float) -> None:
    body = {"ReferenceReadId": "1", "ReferenceCameraId": "c", "Plate": "9SYN001", "Confidence": said}
    assert _one({**body, "ReadTimeUtc": "2026-05-12T14:30:26.703Z"}).plate_confidence == share


def test_a_confidence_on_another_scale_does_not_pass_for_certainty() -> None:
    body = {"ReferenceReadId": "1", "ReferenceCameraId": "c", "Plate": "9SYN001", "Confidence": "95"}
    with pytest.raises(RecordRejected, match="Confidence: is outside 0-1"):
        _one({**body, "ReadTimeUtc": "2026-05-12T14:30:26.703Z"})


def test_what_could_not_be_told_is_unknown_and_not_absent() -> None:
    read = _fixture("sharp_unknowns.json")
    assert (read.state.known, read.vehicle.body.known, read.place) == (Known.UNKNOWN, Known.UNKNOWN, None)
    assert _fixture("sharp_bare.json").state.known is Known.ABSENT


def test_the_region_set_decides_what_a_bare_state_means() -> None:
    state = {"Key": "State Name", "Score": 1, "Value": "ON"}
    assert _one(_sharp(state, {"Key": "Context", "Score": 1, "Value": "CA"})).plate_state == "CA-ON"
    assert _one(_sharp(state)).plate_state == "CA-ON"
    assert _one(_sharp(state, {"Key": "Context", "Score": 1, "Value": "Europe"})).plate_state == "CA-ON"


def test_equal_ids_of_two_cameras_are_two_reads() -> None:
    body = {"ReferenceReadId": "1", "Plate": "9SYN001", "ReadTimeUtc": "2026-05-12T14:30:26Z"}
    assert (
        _one({**body, "ReferenceCameraId": "a"}).vendor_read_id
        != _one({**body, "ReferenceCameraId": "b"}).vendor_read_id
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("permit_list.csv", "is a delimited list of plates"), ("words.txt", "neither JSON nor XML"),
        ("other.xml", "neither a Sharp's read nor"), ("web_sdk_answer.json", "none of the forms"),
        ("empty_list.json", "is empty"), ("entities.xml", "not XML"), ("ftp_cut_short.xml", "cut short"),
    ],
)  # fmt: skip
def test_what_is_no_read_is_never_taken_for_no_reads(name: str, says: str) -> None:
    with pytest.raises(VendorChanged, match=says):
        list(_made().unpack(Document((FIXTURES / name).read_bytes())))


def test_a_template_that_was_not_filled_in_is_refused() -> None:
    with pytest.raises(RecordRejected, match="Plate: is a placeholder"):
        _fixture("ftp_template.xml")
    with pytest.raises(NotARead):
        _fixture("ftp_without_plate.xml")


def test_a_push_is_believed_only_with_the_secret() -> None:
    made, document = _made(webhook_secret="right"), Document(b"{}")
    made.verify(Request({"x-alprhub-key": "right"}, document))
    made.verify(Request({"authorization": "Basic bWU6cmlnaHQ="}, document))
    for headers in ({}, {"x-alprhub-key": "wrong"}, {"authorization": "Basic bWU6d3Jvbmc="}):
        with pytest.raises(AdminMustFix):
            made.verify(Request(headers, document))
    with pytest.raises(AdminMustFix):
        _made().verify(Request({"x-alprhub-key": ""}, document))


# ---- files


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="sandbox-drop")
        yield


def _ftp(number: int) -> bytes:
    text = (FIXTURES / "ftp.xml").read_text().replace("0000c0d8", f"{number:08}")
    return text.replace("9SYN108", f"9SYN{number:03}").encode()


def _put(place: str, *files: tuple[str, bytes]) -> None:
    with places.opened(place, places.Access(key_id="id", secret="k")) as there:
        for name, body in files:
            there.write("reads", name, body)


def _pull(made: GenetecConnector, before: Sequence[Page] = ()) -> list[Page]:
    pages = list(made.pull(drops.window(WINDOW.since, WINDOW.until, before)))
    assert pages[-1].checkpoint is not None
    return pages


def _outcomes(made: GenetecConnector, pages: list[Page]) -> tuple[set[str], list[str]]:
    plates, refused = set(), []
    for record in (record for page in pages for record in page.records):
        try:
            plates.add(made.parse(record).plate)
        except RecordRejected as why:
            refused.append(str(why))
    return plates, refused


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_every_file_is_taken_once(kind: str, bucket: None, tmp_path: Path) -> None:
    place = str(tmp_path) if kind == "folder" else "s3://sandbox-drop/sharps"
    sent = [(f"SHARPV00001_{number}_lpr.xml", _ftp(number)) for number in range(25)]
    _put(place, *sent, ("note.txt", b"no read"))
    made = _made(place=place, key_id="id", secret="k")
    pages = _pull(made)
    assert _outcomes(made, pages) == ({f"9SYN{number:03}" for number in range(25)}, [])
    assert _outcomes(made, _pull(made, pages)) == (set(), [])
    _put(place, ("SHARPV00001_99_lpr.xml", _ftp(99)))
    assert _outcomes(made, _pull(made, pages)) == ({"9SYN099"}, [])
    assert "26 files" in made.check()


def test_many_files_come_in_pages_that_each_say_what_was_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        _put(str(tmp_path), (f"SHARPV00001_{number:02}_lpr.xml", _ftp(number)))
    info = GenetecConnector.info
    monkeypatch.setattr(GenetecConnector, "info", replace(info, limits=replace(info.limits, page_size=10)))
    made = _made(place=str(tmp_path))
    pages = _pull(made)
    assert [(len(page.records), len(page.taken)) for page in pages] == [(10, 10), (10, 10), (5, 5)]
    rest = _pull(made, pages[:1])
    assert sum(len(page.records) for page in rest) == 15


def test_a_file_that_is_no_read_is_refused_alone_and_stops_nothing(tmp_path: Path) -> None:
    _put(str(tmp_path), ("a_lpr.xml", _ftp(1)[:300]))
    _put(str(tmp_path), ("b_lpr.xml", (FIXTURES / "ftp_template.xml").read_bytes()))
    _put(str(tmp_path), ("c_lpr.xml", _ftp(3)))
    made = _made(place=str(tmp_path))
    plates, refused = _outcomes(made, _pull(made))
    assert plates == {"9SYN003"}
    assert [why.partition(":")[0] for why in refused] == ["record", "Plate"]


def test_a_file_is_waited_for_while_it_may_still_grow(tmp_path: Path) -> None:
    clock = _Later(timedelta())
    made = _made(clock, place=str(tmp_path))
    _put(str(tmp_path), ("a_lpr.xml", _ftp(1)))
    [page] = _pull(made)
    assert (page.records, drops.taken([page]), set((page.checkpoint or {})["waiting"])) == ([], set(), {"a_lpr.xml"})
    clock.ahead = timedelta(minutes=1)
    assert _outcomes(made, _pull(made, [page])) == ({"9SYN001"}, [])


def test_a_file_that_was_written_anew_with_as_many_bytes_is_read(tmp_path: Path) -> None:
    made = _made(place=str(tmp_path))
    _put(str(tmp_path), ("a_lpr.xml", _ftp(1)))
    pages = _pull(made)
    _put(str(tmp_path), ("a_lpr.xml", _ftp(2)))
    os.utime(tmp_path / "reads" / "a_lpr.xml", (datetime.now(UTC).timestamp() - 300,) * 2)
    assert _outcomes(made, _pull(made, pages)) == ({"9SYN002"}, [])


def test_a_pushed_and_a_dropped_copy_are_one_read() -> None:
    dropped = (FIXTURES / "ftp.xml").read_text().replace("c0d8", "c0de")
    assert _one(dropped).vendor_read_id == _fixture("sharp.json").vendor_read_id


def test_without_a_place_nothing_is_pulled_and_no_list_is_taken(tmp_path: Path) -> None:
    assert list(_made(webhook_secret="right").pull(WINDOW)) == []
    assert "reads come" in _made(webhook_secret="right").check()
    for call in (lambda: _made().check(), lambda: _made().push(_delta([])), lambda: _made().list_remote("x")):
        with pytest.raises(AdminMustFix, match="place"):
            call()
    with pytest.raises(AdminMustFix):
        _made(place=str(tmp_path / "nowhere")).check()


def test_a_place_holds_no_password() -> None:
    with pytest.raises(ValidationError) as refused:
        GenetecSettings(place="sftp://me:hidden-password@files.example/x")
    assert "hidden-password" not in str(refused.value)


# ---- hot lists


def _delta(entries: list[Entry], name: str = "Stolen") -> Delta:
    return Delta(name, entries, [], entries)


def _file(root: Path) -> Path:
    [path] = (root / "hotlists").iterdir()
    return path


def test_a_list_is_written_as_security_center_reads_it(tmp_path: Path) -> None:
    until = datetime(2099, 7, 1, 12, tzinfo=UTC)
    entries = [
        Entry("9SYN301", "Stolen; vehicle", "C-1", "US-CA", alert="high", expires_at=until),
        Entry("9SYN302", "Wanted\r\nperson", "C-2", "CA-ON"),
        Entry("9SYN303", "Old tag", "C-3", alert="low"),
        Entry("9SYN304", "Gone", "C-4", expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
    ]
    made = _made(place=str(tmp_path))
    assert made.push(_delta(entries)).added == 4
    assert _file(tmp_path).read_bytes().decode().split("\r\n") == [
        "9SYN301;CA;Stolen vehicle;;2099-07-01;0;C-1",
        "9SYN302;ON;Wanted person;;;50;C-2",
        "9SYN303;;Old tag;;;100;C-3",
        "",
    ]
    held = {(one.plate, one.state) for one in made.list_remote("Stolen")}
    assert held == {("9SYN301", "US-CA"), ("9SYN302", "CA-ON"), ("9SYN303", None)}
    assert held == set(made.as_held(entries[:3]))
    assert len(genetec.ATTRIBUTES) == 7


@pytest.mark.parametrize(("delimiter", "sign"), [(":", ":"), (",", ","), ("Tab", "\t")])
def test_every_delimiter_that_security_center_knows_can_be_written(tmp_path: Path, delimiter: str, sign: str) -> None:
    made = _made(place=str(tmp_path), delimiter=delimiter)
    made.push(_delta([Entry("9SYN301", f"a{sign}b", "C-1", "US-NV")]))
    assert _file(tmp_path).read_text() == sign.join(("9SYN301", "NV", "a b", "", "", "50", "C-1")) + "\n"
    assert [(one.plate, one.state) for one in made.list_remote("Stolen")] == [("9SYN301", "US-NV")]


def test_the_same_list_again_touches_nothing_and_another_order_neither(tmp_path: Path) -> None:
    made = _made(place=str(tmp_path))
    entries = [Entry(f"9SYN3{n:02}", "r", "c", "US-CA") for n in range(9)]
    made.push(_delta(entries))
    before = _file(tmp_path).stat().st_mtime_ns
    made.push(_delta(entries[::-1]))
    assert _file(tmp_path).stat().st_mtime_ns == before
    made.push(_delta(entries[:4]))
    assert len(list(made.list_remote("Stolen"))) == 4
    made.push(_delta([]))
    assert list(made.list_remote("Stolen")) == []


def test_what_is_edited_in_security_desk_is_seen_and_written_over(tmp_path: Path) -> None:
    made = _made(place=str(tmp_path))
    made.push(_delta([Entry("9SYN301", "r", "c", "US-CA")]))
    path = _file(tmp_path)
    path.write_bytes(path.read_bytes() + b"9SYN399;NY;added by hand;;;;\r\n\r\n")
    assert {one.plate for one in made.list_remote("Stolen")} == {"9SYN301", "9SYN399"}
    made.push(_delta([Entry("9SYN301", "r", "c", "US-CA")]))
    assert {one.plate for one in made.list_remote("Stolen")} == {"9SYN301"}


def test_a_list_of_which_a_row_cannot_be_read_is_not_read_in_part(tmp_path: Path) -> None:
    made = _made(place=str(tmp_path))
    made.push(_delta([Entry("9SYN301", "r", "c", "US-CA")]))
    _file(tmp_path).write_text("9SYN301;CA\n9SYN302\n")
    with pytest.raises(VendorChanged, match="line 2"):
        made.list_remote("Stolen")


def test_lists_with_names_alike_do_not_share_a_file(tmp_path: Path) -> None:
    made = _made(place=str(tmp_path))
    for number, name in enumerate(("Stolen", "stolen!", "???"), start=1):
        made.push(_delta([Entry(f"9SYN3{n:02}", "r", "c") for n in range(number)], name))
    assert [len(list(made.list_remote(name))) for name in ("Stolen", "stolen!", "???")] == [1, 2, 3]
    with pytest.raises(Gone):
        made.list_remote("other")


def test_a_file_that_lies_there_is_never_called_proof_that_it_was_loaded() -> None:
    assert GenetecConnector.proof is Proof.ACCEPTED
