"""Dahua's cameras: a camera with digest to be searched, pushes of every form, and clocks of every kind."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from connectors.contract import Document, Frame, Page, Request, Window
from connectors.errors import AdminMustFix, NotARead, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.dahua import DahuaConnector, DahuaSettings
from connectors.vendors.dahua import connector as search
from normalize.read import ImageKind, Read
from normalize.times import Zone

FIXTURES = Path(__file__).parent / "dahua"
NOW = datetime(2026, 5, 12, 14, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=2), NOW)
PASSWORD = "synthetic-password"


class _Clock:
    def now(self) -> datetime:
        return NOW


class _Camera:
    """A camera that asks for digest and answers searches by its own wall clock."""

    def __init__(self) -> None:
        self.files: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.instead: dict[str, tuple[int, bytes]] = {}
        self.open: set[str] = set()
        self.found: list[tuple[str, str]] = []
        self.miscounts = self.repeats = False
        camera = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each body waits 40 ms for the head to be confirmed

            def do_GET(self) -> None:
                known = camera.knows(self.headers.get("Authorization", ""))
                status, body = camera.answer(self.path) if known else (401, b"")
                self.send_response(status)
                if not known:
                    self.send_header("WWW-Authenticate", 'Digest realm="Login to SYN", nonce="n1", qop="auth"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def knows(self, header: str) -> bool:
        told = dict(re.findall(r'(\w+)="?([^",]+)"?', header))
        if not header.startswith("Digest "):
            return False

        def h(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        first, second = h(f"{told['username']}:{told['realm']}:{PASSWORD}"), h(f"GET:{told['uri']}")
        middle = f"{told['nonce']}:{told['nc']}:{told['cnonce']}:{told['qop']}"
        return told["response"] == h(f"{first}:{middle}:{second}")

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        action = query["action"]
        if action in self.instead:
            return self.instead[action]
        if action == "factory.create":
            self.open.add("77")
            return 200, b"result=77\r\n"
        assert query["object"] == "77"
        if action == "findFile":
            since, until = query["condition.StartTime"], query["condition.EndTime"]
            self.found = [one for one in self.files if since <= one[0] <= until]
            return 200, b"OK\r\n"
        if action == "close":
            self.open.discard("77")
            return 200, b"OK\r\n"
        count = int(query["count"])
        told = self.found[:count]
        if not self.repeats:
            self.found = self.found[count:]
        lines = [f"found={len(told) + self.miscounts}"]
        for index, (at, plate) in enumerate(told):
            lines += [f"items[{index}].Channel=0", f"items[{index}].StartTime={at}", f"items[{index}].Type=jpg"]
            lines.append(f"items[{index}].Summary.TrafficCar.PlateNumber={plate}")
        return 200, "\r\n".join([*lines, ""]).encode()


@pytest.fixture
def camera() -> Iterator[_Camera]:
    made = _Camera()
    yield made
    made.server.shutdown()
    made.server.server_close()


def _made(**settings: Any) -> DahuaConnector:
    return DahuaConnector(DahuaSettings(**settings), Frame(_Clock(), lambda _: None))


@pytest.fixture
def searched(camera: _Camera) -> DahuaConnector:
    return _made(base_url=camera.url, password=PASSWORD, zone="America/Chicago")


def _fixture(made: DahuaConnector, name: str) -> list[Read]:
    reads = []
    for record in made.unpack(Document((FIXTURES / name).read_bytes(), name=name)):
        try:
            reads.append(made.parse(record))
        except RecordRejected:
            continue
    return reads


def _reads(made: DahuaConnector, pages: list[Page]) -> list[Read]:
    reads = []
    for page in pages:
        for record in page.records:
            try:
                reads.append(made.parse(record))
            except NotARead:
                continue
    return reads


# ---- the search


def test_check_logs_in_by_digest_and_leaves_no_search_open(camera: _Camera, searched: DahuaConnector) -> None:
    assert "took the login" in searched.check()
    assert not camera.open


def test_a_wrong_password_asks_a_person_and_is_not_told(camera: _Camera) -> None:
    with pytest.raises(AdminMustFix) as refused:
        _made(base_url=camera.url, password="wrong-password", zone="UTC").check()
    assert "wrong-password" not in str(refused.value)


def test_a_window_is_asked_for_by_the_cameras_own_clock_and_page_by_page(
    camera: _Camera, searched: DahuaConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_FILES", 10)
    camera.files = [(f"2026-05-12 08:{n:02}:00", f"9SYN{n:03}" if n % 5 else "") for n in range(35)]
    camera.files += [("2026-05-12 13:00:00", "9SYN901"), ("2026-05-12 06:00:00", "9SYN902")]
    pages = list(searched.pull(WINDOW))
    reads = _reads(searched, pages)
    assert {read.plate for read in reads} == {f"9SYN{n:03}" for n in range(35) if n % 5}
    assert {read.zone for read in reads} == {Zone.CONFIGURED}
    assert reads[0].captured_at == datetime(2026, 5, 12, 13, 1, tzinfo=UTC)
    assert [page.checkpoint for page in pages] == [None] * 4 + [{"until": NOW.isoformat()}]
    assert not camera.open
    [find] = [path for path in camera.asked if "findFile&" in path]
    assert "condition.StartTime=2026-05-12%2007%3A00%3A00" in find
    assert "condition.Types[0]=jpg" in find


def test_the_hour_that_a_wall_clock_shows_twice_is_asked_for_whole(camera: _Camera, searched: DahuaConnector) -> None:
    camera.files = [("2026-11-01 01:50:00", "9SYN001"), ("2026-11-01 01:05:00", "9SYN002")]
    window = Window(datetime(2026, 11, 1, 6, 45, tzinfo=UTC), datetime(2026, 11, 1, 7, 10, tzinfo=UTC))
    assert {read.plate for read in _reads(searched, list(searched.pull(window)))} == {"9SYN001", "9SYN002"}


def test_an_empty_window_is_no_read_and_a_claim(camera: _Camera, searched: DahuaConnector) -> None:
    assert [len(page.records) for page in searched.pull(WINDOW)] == [0]
    assert not camera.open


def test_without_a_zone_the_history_is_not_asked_for(camera: _Camera) -> None:
    with pytest.raises(AdminMustFix, match="time zone"):
        list(_made(base_url=camera.url, password=PASSWORD).pull(WINDOW))
    assert camera.asked == []


def test_a_camera_that_only_pushes_is_not_searched() -> None:
    assert list(_made(webhook_secret="right").pull(WINDOW)) == []
    assert "reads come" in _made(webhook_secret="right").check()
    with pytest.raises(AdminMustFix, match="neither"):
        _made().check()


@pytest.mark.parametrize(
    ("action", "answer", "error"),
    [
        ("factory.create", (200, b"<html>Log in</html>"), VendorChanged),
        ("factory.create", (400, b"Error\r\n"), VendorChanged),
        ("findFile", (200, b"Error\r\nErrorID=2\r\n"), VendorChanged),
        ("findNextFile", (200, b"Error\r\n"), VendorChanged),
        ("findNextFile", (200, b"<html></html>"), VendorChanged),
        ("findNextFile", (200, b""), VendorChanged),
        ("findNextFile", (200, b"found=2\r\nitems[0].Channel=0\r\n"), VendorChanged),
        ("findNextFile", (500, b""), TryAgain),
    ],
)
def test_an_answer_that_is_none_stops_the_run_and_closes_the_search(
    camera: _Camera, searched: DahuaConnector, action: str, answer: tuple[int, bytes], error: type[Exception]
) -> None:
    camera.instead[action] = answer
    with pytest.raises(error):
        list(searched.pull(WINDOW))
    assert not camera.open


def test_files_that_are_told_twice_or_miscounted_stop_the_run(camera: _Camera, searched: DahuaConnector) -> None:
    camera.files = [("2026-05-12 08:00:00", "9SYN001")]
    camera.repeats = True
    with pytest.raises(VendorChanged, match="twice"):
        list(searched.pull(WINDOW))
    camera.repeats, camera.miscounts = False, True
    with pytest.raises(VendorChanged, match="counts other files"):
        list(searched.pull(WINDOW))


# ---- pushes


def test_a_push_is_believed_only_with_the_secret_in_its_address_header_or_password() -> None:
    made = _made(webhook_secret="right")
    document = Document((FIXTURES / "tollgate.json").read_bytes())
    made.verify(Request({}, document, key="right"))
    made.verify(Request({"authorization": "Basic " + base64.b64encode(b"cam:right").decode()}, document))
    for request in (Request({}, document), Request({"authorization": 'Digest username="cam"'}, document, key="no")):
        with pytest.raises(AdminMustFix):
            made.verify(request)
    with pytest.raises(AdminMustFix):
        _made().verify(Request({}, document))


@pytest.mark.parametrize("name", ["tollgate.json", "keep_alive.json", "device_info.json"])
def test_every_push_is_answered_with_a_result_that_ends_the_sending_and_opens_nothing(name: str) -> None:
    reply = _made().reply(Request({}, Document((FIXTURES / name).read_bytes())))
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert json.loads(reply.body) == {"Result": True, "Message": "Success"}


def test_a_second_delivery_is_the_same_read_and_another_zone_does_not_change_that() -> None:
    ids = [_fixture(_made(zone=zone), "tollgate.json")[0].vendor_read_id for zone in (None, None, "Asia/Kolkata")]
    assert len(set(ids)) == 1


def test_joined_pictures_are_told_apart() -> None:
    [read] = _fixture(_made(), "tollgate.json")
    kinds = [image.kind for image in read.images]
    assert kinds == [ImageKind.FRAME, ImageKind.VEHICLE, ImageKind.PLATE, ImageKind.PLATE]
    for image in read.images:
        assert image.data is not None
        assert image.data.startswith(b"\xff\xd8\xff")
        assert image.data.count(b"\xff\xd8\xff") == 1
        assert image.data.endswith(b"\xff\xd9")


def test_a_thumbnail_inside_a_picture_does_not_cut_it() -> None:
    inner = b"\xff\xd8\xff\xe0thumbnail\xff\xd9"
    whole = b"\xff\xd8\xff\xe1" + inner + b"the rest\xff\xd9"
    body = {"Picture": {"Plate": {"PlateNumber": "9SYN001"}, "NormalPic": {"Content": base64.b64encode(whole).decode()},
            "SnapInfo": {"AccurateTime": "2026-05-12 08:15:30", "DeviceID": "gate-1"}}}  # fmt: skip
    made = _made()
    [record] = made.unpack(Document(json.dumps(body).encode()))
    assert made.parse(record).images[0].data == whole


@pytest.mark.parametrize(("said", "share"), [(90, 0.9), ("90", 0.9), (0, 0.0), (160, None), (204, None), (-1, None)])
def test_a_confidence_beyond_the_known_scale_tells_nothing_and_costs_nothing(said: object, share: float) -> None:
    body = {"Picture": {"Plate": {"PlateNumber": "9SYN001", "Confidence": said},
            "SnapInfo": {"AccurateTime": "2026-05-12 08:15:30", "DeviceID": "gate-1"}}}  # fmt: skip
    made = _made()
    [record] = made.unpack(Document(json.dumps(body).encode()))
    assert made.parse(record).plate_confidence == share


@pytest.mark.parametrize("word", ["Unknow", "unknow", "Unknown", "unknown", "", None])
def test_every_word_for_an_unread_plate_is_no_read(word: str | None) -> None:
    body = {"Picture": {"Plate": {"PlateNumber": word}, "SnapInfo": {"DeviceID": "gate-1"}}}
    made = _made()
    [record] = made.unpack(Document(json.dumps(body).encode()))
    with pytest.raises(NotARead):
        made.parse(record)


def test_a_region_is_no_state_since_it_may_be_a_country() -> None:
    [read] = _fixture(_made(), "tollgate.json")
    assert (read.plate_state, read.state.said) == (None, "IN")


# ---- clocks and events


def test_the_time_zone_number_of_a_push_is_no_offset() -> None:
    [guessed] = _fixture(_made(), "tollgate.json")
    [configured] = _fixture(_made(zone="Asia/Kolkata"), "tollgate.json")
    assert (guessed.zone, guessed.captured_at.hour) == (Zone.GUESSED, 8)
    assert configured.zone is Zone.CONFIGURED
    assert configured.captured_at == datetime(2026, 5, 12, 2, 45, 30, 250_000, tzinfo=UTC)


def test_the_real_utc_of_an_event_is_believed_and_its_utc_is_the_wall_clock() -> None:
    reads = _fixture(_made(zone="Asia/Bangkok"), "events_rpc.json")
    assert [read.zone for read in reads] == [Zone.IN_DATA] * 3 + [Zone.CONFIGURED]
    assert reads[0].captured_at == reads[3].captured_at == datetime(2026, 5, 12, 8, 20, 11, 305_000, tzinfo=UTC)


def test_a_utc_alone_without_a_zone_is_a_guess() -> None:
    reads = _fixture(_made(), "events.txt")
    assert {read.zone for read in reads} == {Zone.GUESSED}


def test_a_wall_clock_reading_that_a_clock_change_skipped_is_refused() -> None:
    made = _made(zone="America/Chicago")
    skipped = int(datetime(2026, 3, 8, 2, 30, tzinfo=UTC).timestamp())
    text = f"Events[0].UTC={skipped}\nEvents[0].TrafficCar.PlateNumber=9SYN001\nEvents[0].TrafficCar.MachineName=V1\n"
    [record] = made.unpack(Document(text.encode(), "text/plain"))
    with pytest.raises(RecordRejected, match="did not exist"):
        made.parse(record)


def test_the_snaps_of_one_group_are_one_read_and_another_reading_stays_beside_it() -> None:
    first, second, misread, _ = _fixture(_made(), "events_rpc.json")
    assert first.vendor_read_id == second.vendor_read_id != misread.vendor_read_id
    assert first.pass_id == second.pass_id == misread.pass_id


def test_the_objects_text_is_the_plate_only_where_the_object_is_one() -> None:
    plates = [read.plate_raw for read in _fixture(_made(), "events_rpc.json")]
    assert plates == ["9SYN048", "9SYN048", "9SYNO49", "9SYN050"]


def test_the_confidence_of_a_vehicle_or_an_object_is_never_the_plates() -> None:
    assert {read.plate_confidence for read in _fixture(_made(), "events_rpc.json")} == {None}


def test_a_camera_without_a_name_has_the_one_of_the_settings() -> None:
    assert [read.camera.id for read in _fixture(_made(), "events.txt")][2] == "unnamed"
    reads = _fixture(_made(camera_id="north gate"), "events.txt")
    assert [read.camera.id for read in reads] == ["V1SYN", "V1SYN", "north gate"]


def test_the_parts_of_a_stream_keep_their_pictures_with_or_without_a_content_type() -> None:
    body, made = (FIXTURES / "stream.multipart").read_bytes(), _made()
    for kind in ("", "multipart/x-mixed-replace; boundary=myboundary"):
        beat, event = made.unpack(Document(body, kind))
        with pytest.raises(NotARead):
            made.parse(beat)
        assert len(made.parse(event).images) == 2


def test_each_record_is_the_bytes_that_arrived() -> None:
    body, made = (FIXTURES / "events.txt").read_bytes(), _made(zone=ZoneInfo("UTC"))
    assert b"".join(record.payload for record in made.unpack(Document(body, "text/plain"))) == body
    push = (FIXTURES / "tollgate.json").read_bytes()
    assert [record.payload for record in made.unpack(Document(push))] == [push]
