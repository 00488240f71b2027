"""AXIS License Plate Verifier: its log, its pictures, its block list and its pushes, over answers as documented."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from connectors.contract import Delta, Document, Entry, Frame, Request, Window
from connectors.errors import AdminMustFix, Gone, NotARead, TryAgain, VendorChanged
from connectors.vendors.axis import APP, MOST_EVENTS, AxisConnector, AxisSettings
from normalize.read import ImageKind, ImageRef, Read
from normalize.times import Zone
from normalize.word import Known

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CAMERA = "http://camera.example"
FIXTURES = Path(__file__).parent / "axis"
JPEG = b"\xff\xd8\xff\xe0 a picture"
LOG = FIXTURES / "events.xml"


class _Clock:
    def now(self) -> datetime:
        return NOW


def _made(**more: Any) -> AxisConnector:
    told = {"base_url": CAMERA, "user": "hub", "password": "open-sesame", "webhook_secret": "agreed", **more}
    return AxisConnector(AxisSettings(**told), Frame(_Clock(), lambda _: None))


@pytest.fixture
def axis(monkeypatch: pytest.MonkeyPatch) -> AxisConnector:
    made = _made()
    monkeypatch.setattr(made._http._pace, "wait", lambda: None)
    return made


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def _record(name: str, axis: AxisConnector | None = None, **changed: Any) -> Read:
    """The read of an example with some of its fields changed."""
    body = (FIXTURES / name).read_bytes()
    if changed:
        body = json.dumps(json.loads(body) | changed).encode()
    made = axis or _made()
    [record] = made.unpack(Document(body))
    return made.parse(record)


def _hash(*words: str) -> str:
    return hashlib.md5(":".join(words).encode()).hexdigest()


class _Digest:
    """A camera that wants digest and counts the logins that it turned away."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer, self.turned_away, self.asked = answer, 0, list[str]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        told = dict(re.findall(r'(\w+)="?([^",]+)', request.headers.get("authorization", "")))
        challenge = httpx.Response(401, headers={"WWW-Authenticate": 'Digest realm="AXIS", nonce="n1", qop="auth"'})
        if not told:
            return challenge
        told_who, where = _hash("hub", "AXIS", "open-sesame"), _hash(request.method, told["uri"])
        if told["response"] != _hash(told_who, "n1", told["nc"], told["cnonce"], "auth", where):
            self.turned_away += 1
            return challenge
        return self.answer


def test_the_camera_takes_a_digest_login(wire: respx.MockRouter) -> None:
    lists = httpx.Response(200, json=json.loads((FIXTURES / "lists.json").read_text()))
    camera = _Digest(lists)
    wire.get(f"{CAMERA}{APP}list_mgmt.cgi").mock(side_effect=camera)
    assert "took the login" in _made().check()
    assert camera.turned_away == 0


def test_a_wrong_password_asks_a_person_and_is_not_told(wire: respx.MockRouter) -> None:
    camera = _Digest(httpx.Response(200, json={}))
    wire.get(f"{CAMERA}{APP}list_mgmt.cgi").mock(side_effect=camera)
    with pytest.raises(AdminMustFix) as refused:
        _made(password="open-wheat").check()
    assert "open-wheat" not in str(refused.value)
    assert camera.turned_away == 1


def test_a_camera_that_only_pushes_needs_no_address_and_a_schedule_does_it_no_harm() -> None:
    made = _made(base_url="")
    assert "pushes" in made.check()
    assert list(made.pull(Window(NOW - timedelta(hours=1), NOW))) == []


def test_a_window_is_asked_for_hour_by_hour_in_microseconds(wire: respx.MockRouter, axis: AxisConnector) -> None:
    asked = wire.get(f"{CAMERA}{APP}events.cgi").mock(return_value=httpx.Response(200, content=b"<events></events>"))
    pages = list(axis.pull(Window(NOW - timedelta(minutes=150), NOW)))
    spans = [
        (int(c.request.url.params["timestampfrom"]), int(c.request.url.params["timestampto"])) for c in asked.calls
    ]
    assert [until - since for since, until in spans] == [3_600_000_000, 3_600_000_000, 1_800_000_000]
    assert spans[0][0] == int((NOW - timedelta(minutes=150)).timestamp()) * 1_000_000
    assert [page.checkpoint for page in pages][-1] == {"until": NOW.isoformat()}
    assert not [record for page in pages for record in page.records]


def test_every_event_of_the_log_is_kept_in_its_own_bytes(wire: respx.MockRouter, axis: AxisConnector) -> None:
    wire.get(f"{CAMERA}{APP}events.cgi").mock(return_value=httpx.Response(200, content=LOG.read_bytes()))
    [page] = axis.pull(Window(NOW - timedelta(minutes=30), NOW))
    assert len(page.records) == 5
    assert all(record.payload in LOG.read_bytes() for record in page.records)
    assert all(record.payload.startswith(b"<event>") for record in page.records)


@pytest.mark.slow
def test_an_hour_as_full_as_the_camera_stops_the_run(wire: respx.MockRouter, axis: AxisConnector) -> None:
    full = b"<events>" + b"<event/>" * MOST_EVENTS + b"</events>"
    wire.get(f"{CAMERA}{APP}events.cgi").mock(return_value=httpx.Response(200, content=full))
    with pytest.raises(VendorChanged, match="keeps no more"):
        list(axis.pull(Window(NOW - timedelta(minutes=30), NOW)))


@pytest.mark.parametrize(
    "body",
    [b"<html><body>Login</body></html>", b"<events><event><LPR>", b"", b"OK", b"<vcount><total>1</total></vcount>"],
)
def test_what_is_no_log_is_never_no_reads(wire: respx.MockRouter, axis: AxisConnector, body: bytes) -> None:
    wire.get(f"{CAMERA}{APP}events.cgi").mock(return_value=httpx.Response(200, content=body))
    with pytest.raises(VendorChanged):
        list(axis.pull(Window(NOW - timedelta(minutes=30), NOW)))


def test_a_silent_camera_is_asked_again_later(wire: respx.MockRouter, axis: AxisConnector) -> None:
    wire.get(f"{CAMERA}{APP}events.cgi").mock(side_effect=httpx.ReadTimeout)
    with pytest.raises(TryAgain):
        list(axis.pull(Window(NOW - timedelta(minutes=30), NOW)))


def test_new_update_and_lost_of_a_car_are_one_read() -> None:
    reads = [_record(name) for name in ("new.json", "update.json", "lost.multipart")]
    assert len({read.vendor_read_id for read in reads}) == 1
    assert [read.plate for read in reads] == ["9SYN042", "9SYN04Z", "9SYN04Z"]


def test_the_same_number_after_a_restart_is_another_car() -> None:
    later = str(int((NOW + timedelta(hours=9)).timestamp() * 1000))
    assert _record("new.json").vendor_read_id != _record("new.json", capture_timestamp=later).vendor_read_id


def test_the_same_number_at_another_camera_is_another_car() -> None:
    other = _record("new.json", camera_info={"SerialNumber": "00408CSYN002"})
    assert other.vendor_read_id != _record("new.json").vendor_read_id


def test_the_log_and_a_push_of_a_car_are_one_read() -> None:
    axis = _made(camera_id="00:40:8C:SY:N0:01")
    body = LOG.read_bytes().replace(b"<CAR_ID>42628<", b"<CAR_ID>512<")
    first = next(iter(axis.unpack(Document(body))))
    assert axis.parse(first).vendor_read_id == _record("new.json").vendor_read_id


def test_lost_with_nothing_more_to_say_is_no_read() -> None:
    with pytest.raises(NotARead):
        _record("lost_without_plate.json")


@pytest.mark.parametrize("name", ["heartbeat.txt", "heartbeat_in_json.json"])
def test_a_heartbeat_is_no_read_and_no_error_in_either_kind_of_quotes(name: str) -> None:
    with pytest.raises(NotARead):
        _record(name)


@pytest.mark.parametrize(
    ("gone", "at"),
    [
        ((), "2026-06-01T15:15:00.250Z"),
        (("capture_timestamp",), "2026-06-01T15:15:00.250Z"),
        (("capture_timestamp", "capture_ts"), "2026-06-01T15:15:00.250083Z"),
        (("capture_timestamp", "capture_ts", "frame_timestamp"), "2026-06-01T08:15:00.250Z"),
    ],
)
@pytest.mark.parametrize("empty", ["0", "", None])
def test_the_best_of_four_times_counts(gone: tuple[str, ...], at: str, empty: str | None) -> None:
    read = _record("new.json", **dict.fromkeys(gone, empty))
    assert read.captured_at == datetime.fromisoformat(at)
    assert read.zone is (Zone.GUESSED if len(gone) == 3 else Zone.IN_DATA)


def test_local_text_uses_the_zone_of_the_settings() -> None:
    read = _record("local_time_only.json", _made(zone="America/Los_Angeles"))
    assert read.captured_at == datetime(2026, 6, 1, 15, 15, 0, 250_000, UTC)
    assert read.zone is Zone.CONFIGURED


@pytest.mark.parametrize(
    ("said", "zone", "at", "known"),
    [
        ("2023-12-12 16:12:04 EET", None, "2023-12-12T14:12:04Z", Zone.IN_DATA),
        ("2026-06-01 16:12:04 UTC", "America/Denver", "2026-06-01T16:12:04Z", Zone.IN_DATA),
        ("2026-01-01 08:00:00 CST", None, "2026-01-01T14:00:00Z", Zone.GUESSED),
        ("2026-01-01 08:00:00 CST", "America/Chicago", "2026-01-01T14:00:00Z", Zone.CONFIGURED),
        ("2026-01-01 08:00:00 CST", "Asia/Shanghai", "2026-01-01T00:00:00Z", Zone.CONFIGURED),
        ("2026-11-01 01:30:00 PDT", "America/Los_Angeles", "2026-11-01T08:30:00Z", Zone.CONFIGURED),
        ("2026-11-01 01:30:00 PST", "America/Los_Angeles", "2026-11-01T09:30:00Z", Zone.CONFIGURED),
        ("2026-06-01 08:00:00 XYZT", "America/Denver", "2026-06-01T14:00:00Z", Zone.CONFIGURED),
        ("2026-06-01 08:00:00", None, "2026-06-01T08:00:00Z", Zone.GUESSED),
    ],
)
def test_an_abbreviated_zone_is_read_where_it_is_clear(said: str, zone: str | None, at: str, known: Zone) -> None:
    axis = _made(zone=zone)
    body = f"<events><event><MOD_TS>{said}</MOD_TS><CAR_ID>1</CAR_ID><LPR>9SYN1</LPR></event></events>"
    [record] = axis.unpack(Document(body.encode()))
    read = axis.parse(record)
    assert (read.captured_at, read.zone) == (datetime.fromisoformat(at), known)


def test_confidence_is_the_plates_and_not_the_vehicles() -> None:
    first = next(iter(_made().unpack(Document(LOG.read_bytes()))))
    assert _made().parse(first).plate_confidence == pytest.approx(0.701837122440338)
    assert _record("new.json").plate_confidence == pytest.approx(0.812345)
    assert _record("new.json", plateConfidence="").plate_confidence is None
    assert _record("new.json", plateConfidence=0.25).plate_confidence == 0.25


def test_a_second_reading_is_a_candidate_and_a_blank_is_none() -> None:
    first = next(iter(_made().unpack(Document(LOG.read_bytes()))))
    assert [one.text for one in _made().parse(first).candidates] == ["M 9SYN01", "H9SYN01"]
    assert _record("update.json").candidates == ()


def test_marks_on_letters_are_kept_beside_the_plate() -> None:
    read = _record("older.json")
    assert (read.plate_raw, read.plate, read.candidates) == ("TÖL9SYN1", "TOL9SYN1", ())


@pytest.mark.parametrize(
    ("country", "iso", "code", "region", "state", "nation"),
    [
        ("USA", "", "CA", "California", "US-CA", "US"),
        ("USA", "US-NV", "", "", "US-NV", "US"),
        ("USA", "", "", "New Mexico", "US-NM", "US"),
        ("USA", "", "", "", None, "US"),
        ("CAN", "CA-ON", "ON", "Ontario", "CA-ON", "CA"),
        ("MEX", "", "BCN", "Baja California", "MX-BCN", "MX"),
        ("MEX", "", "CA", "", None, "MX"),
        ("DEU", "", "CA", "Calw", None, "DE"),
        ("DEU", "DE-BY", "M", "München", None, "DE"),
        (None, "US-CA", None, None, "US-CA", "US"),
        (None, "DE-BY", None, None, None, "DE"),
        (None, None, "CA", None, None, None),
        ("XX", "", "CA", "", None, None),
        ("XX", "", "", "", None, None),
        ("", "", "", "", None, None),
    ],
)
def test_a_region_is_a_state_only_where_its_country_has_states(
    country: str | None, iso: str | None, code: str | None, region: str | None, state: str | None, nation: str | None
) -> None:
    told = {"plateCountry": country, "plateISO3166-2": iso, "plateRegionCode": code, "plateRegion": region}
    read = _record("new.json", **told)
    assert (read.plate_state, read.plate_country) == (state, nation)
    assert read.country.said == (country or ("DE-BY" if iso == "DE-BY" else None))
    if country == "XX":
        assert read.country.known is Known.UNKNOWN
    if country == "DEU":
        assert read.state.said == region


@pytest.mark.parametrize("word", ["in", "out", "unknown"])
def test_in_and_out_are_never_degrees(word: str) -> None:
    assert _record("new.json", carMoveDirection=word).direction is None


def test_boxes_of_three_kinds_are_left_in_the_payload() -> None:
    [record, *_] = _made().unpack(Document((FIXTURES / "onvif.xml").read_bytes()))
    assert b"coordinates_left" in record.payload
    assert _made().parse(record).plate == "9SYN077"


def test_pictures_come_with_a_push_in_either_form() -> None:
    parted, encoded = _record("lost.multipart"), _record("new.json")
    assert [(image.kind, bool(image.data)) for image in parted.images if image.data] == [
        (ImageKind.VEHICLE, True), (ImageKind.PLATE, True),
    ]  # fmt: skip
    assert [image.kind for image in encoded.images if image.data] == [ImageKind.PLATE]


def test_a_push_is_understood_with_and_without_its_content_type() -> None:
    body = (FIXTURES / "lost.multipart").read_bytes()
    axis = _made()
    bare = list(axis.unpack(Document(body)))
    told = list(axis.unpack(Document(body, "multipart/form-data; boundary=------------------------axis4f1c2d")))
    assert bare == told
    assert bare[0].payload in body


def test_a_push_without_event_and_pictures_is_no_push_of_the_cameras() -> None:
    body = b'--x9x9\r\nContent-Disposition: form-data; name="image"\r\n\r\nwords\r\n--x9x9--\r\n'
    with pytest.raises(VendorChanged, match="without an event"):
        list(_made().unpack(Document(body, "multipart/form-data; boundary=x9x9")))


def test_pictures_on_the_camera_are_fetched_with_the_login(wire: respx.MockRouter) -> None:
    axis = _made()
    camera = _Digest(httpx.Response(200, content=JPEG))
    wire.get(url__startswith=f"{CAMERA}{APP}tools.cgi").mock(side_effect=camera)
    [image] = [image for image in _record("new.json", axis).images if image.url]
    assert image.kind is ImageKind.FRAME
    assert axis.fetch_image(image) == JPEG
    assert camera.asked[-1].endswith("action=getImage&name=2/20260601081500_250000roi_9SYN042_700101.jpg")


def test_blanks_in_the_logs_addresses_are_taken_out() -> None:
    axis = _made()
    first = next(iter(axis.unpack(Document(LOG.read_bytes()))))
    assert [(image.kind, image.url) for image in axis.parse(first).images] == [
        (ImageKind.PLATE, f"{APP}tools.cgi?action=getImage&name=53/20260601181204_601572lp_M9SYN01_8565355.jpg"),
        (ImageKind.FRAME, f"{APP}tools.cgi?action=getImage&name=51/20260601181204_259638roi_M9SYN01_8565354.jpg"),
    ]


@pytest.mark.parametrize(
    "url", ["http://elsewhere.example/x.jpg", f"{APP}config.cgi", f"{APP}tools.cgi?action=getImage&name=../x"]
)
def test_no_event_can_send_the_hub_to_another_address(url: str) -> None:
    assert not [image for image in _record("new.json", imagesURI=[url]).images if image.url]


def test_pictures_of_another_camera_are_not_looked_for_at_this_one() -> None:
    assert not [image for image in _record("new.json", _made(camera_id="00408CSYN777")).images if image.url]


def test_a_picture_that_rolled_over_is_gone(wire: respx.MockRouter, axis: AxisConnector) -> None:
    wire.get(url__startswith=f"{CAMERA}{APP}tools.cgi").mock(return_value=httpx.Response(404))
    url = f"{APP}tools.cgi?action=getImage&name=1/x.jpg"
    with pytest.raises(Gone):
        axis.fetch_image(ImageRef(kind=ImageKind.FRAME, url=url))
    with pytest.raises(Gone):
        axis.fetch_image(ImageRef(kind=ImageKind.FRAME))


def _request(key: str = "", **headers: str) -> Request:
    return Request(headers, Document(b"{}"), key)


def test_a_push_proves_itself_by_header_or_address(axis: AxisConnector) -> None:
    axis.verify(_request(**{"x-alprhub-key": "agreed"}))
    axis.verify(_request(key="agreed"))
    for other in (_request(), _request(key="guessed"), _request(**{"x-alprhub-key": "guessed"})):
        with pytest.raises(AdminMustFix):
            axis.verify(other)
    with pytest.raises(AdminMustFix):
        _made(webhook_secret=None).verify(_request(key="agreed"))


class _BlockList:
    """The camera's block list behind its programs."""

    def __init__(self, rows: list[str], *, deaf: bool = False) -> None:
        self.rows, self.deaf, self.words = rows, deaf, set[str]()

    def show(self, _request: httpx.Request) -> httpx.Response:
        rows = "".join(f"<s>{row}</s>" for row in self.rows)
        return httpx.Response(200, content=f'<?xml version="1.0"?><bw_list mode="block">{rows}</bw_list>'.encode())

    def change(self, request: httpx.Request) -> httpx.Response:
        told = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        self.words.add(told["list"])
        if not self.deaf and told["api"] == "addplate":
            self.rows.append(told["plate"])
        elif not self.deaf:
            self.rows = [row for row in self.rows if row.partition(",")[0] != told["plate"]]
        return httpx.Response(200, content=b"OK")

    def at(self, wire: respx.MockRouter) -> "_BlockList":
        wire.get(f"{CAMERA}{APP}block_list.cgi").mock(side_effect=self.show)
        wire.get(f"{CAMERA}{APP}api.cgi").mock(side_effect=self.change)
        return self


def _entry(plate: str, **more: Any) -> Entry:
    return Entry(plate, "stolen", "C-1", **more)


def _delta(*entries: Entry, name: str = "patrol, north") -> Delta:
    return Delta(name, entries, (), entries)


def test_a_list_is_made_to_agree_and_reads_back(wire: respx.MockRouter, axis: AxisConnector) -> None:
    held = _BlockList(["M 9SYN00,09-29-2023,gate keeper"]).at(wire)
    first = axis.push(_delta(_entry("9SYN01", state="US-CA"), _entry("9SYN02")))
    assert (first.added, first.removed) == (2, 0)
    second = axis.push(_delta(_entry("9SYN02"), _entry("9SYN03")))
    assert (second.added, second.removed) == (1, 1)
    again = axis.push(_delta(_entry("9SYN02"), _entry("9SYN03")))
    assert (again.added, again.removed) == (0, 0)
    found = {(one.plate, one.state) for one in axis.list_remote("patrol, north")}
    assert found == set(axis.as_held([_entry("9SYN02"), _entry("9SYN03")])) == {("9SYN02", None), ("9SYN03", None)}
    assert held.rows[0] == "M 9SYN00,09-29-2023,gate keeper"
    assert held.words == {"blocklist"}


def test_two_hot_lists_share_the_block_list_without_harm(wire: respx.MockRouter, axis: AxisConnector) -> None:
    _BlockList([]).at(wire)
    axis.push(_delta(_entry("9SYN01"), name="one"))
    axis.push(_delta(_entry("9SYN02"), name="two"))
    axis.push(_delta(name="two"))
    assert [one.plate for one in axis.list_remote("one")] == ["9SYN01"]
    assert not list(axis.list_remote("two"))


def test_nobody_elses_entry_is_touched_and_that_is_said(wire: respx.MockRouter, axis: AxisConnector) -> None:
    held = _BlockList(["9SYN 00,,gate keeper"]).at(wire)
    with pytest.raises(AdminMustFix, match="1 entries"):
        axis.push(_delta(_entry("9SYN00"), _entry("9SYN01")))
    assert held.rows[0] == "9SYN 00,,gate keeper"
    assert [one.plate for one in axis.list_remote("patrol, north")] == ["9SYN01"]


def test_what_has_expired_never_reaches_the_camera(wire: respx.MockRouter, axis: AxisConnector) -> None:
    held = _BlockList([]).at(wire)
    axis.push(_delta(_entry("9SYN01", expires_at=NOW), _entry("9SYN02", expires_at=NOW + timedelta(days=1))))
    assert [row.partition(",")[0] for row in held.rows] == ["9SYN02"]


def test_no_reason_and_no_case_number_leave_for_the_camera(wire: respx.MockRouter, axis: AxisConnector) -> None:
    held = _BlockList([]).at(wire)
    axis.push(_delta(_entry("9SYN01")))
    assert held.rows == ["9SYN01,,alprhub/patrol%2C%20north"]


def test_a_camera_that_does_nothing_is_found_out_by_reading_back(wire: respx.MockRouter, axis: AxisConnector) -> None:
    _BlockList([], deaf=True).at(wire)
    axis.push(_delta(_entry("9SYN01")))
    assert not list(axis.list_remote("patrol, north"))


@pytest.mark.parametrize(
    "body", [b"<html></html>", b'<bw_list mode="allow"><s>A</s></bw_list>', b"<bw_list><s>,,x</s></bw_list>", b""]
)
def test_what_is_not_the_block_list_is_not_taken_for_an_empty_one(
    wire: respx.MockRouter, axis: AxisConnector, body: bytes
) -> None:
    wire.get(f"{CAMERA}{APP}block_list.cgi").mock(return_value=httpx.Response(200, content=body))
    with pytest.raises(VendorChanged):
        list(axis.list_remote("patrol, north"))


def test_a_web_page_is_no_answer_to_a_change(wire: respx.MockRouter, axis: AxisConnector) -> None:
    _BlockList([]).at(wire)
    wire.get(f"{CAMERA}{APP}api.cgi").mock(return_value=httpx.Response(200, content=b"<html>Sign in</html>"))
    with pytest.raises(VendorChanged):
        axis.push(_delta(_entry("9SYN01")))
