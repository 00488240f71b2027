"""Hikvision cameras: logins that must not lock us out, plates asked for, the list that is replaced whole, pushes."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import respx

from connectors.contract import Delta, Document, Entry, Frame, Record, Request, Window
from connectors.errors import AdminMustFix, NotARead, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.hikvision import HikvisionConnector, HikvisionSettings
from normalize.read import ImageKind, Read
from normalize.times import Zone
from normalize.word import ABSENT, Known, Word

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CAMERA = "http://camera.example"
PLATES = "/ISAPI/Traffic/channels/1/vehicleDetect/plates"
AUDIT = "/ISAPI/Traffic/channels/1/licensePlateAuditData"
FIXTURES = Path(__file__).parent / "hikvision"
HEAD = "No.,Plate No.,Group(0BlockList,1AllowList),Effective Start Date,Effective End Date,CardID"
DONE = '<ResponseStatus xmlns="http://www.isapi.org/ver20/XMLSchema"><statusCode>1</statusCode></ResponseStatus>'
LOCKED_AFTER = 5


class _Clock:
    def now(self) -> datetime:
        return NOW


def _hash(*words: str) -> str:
    return hashlib.md5(":".join(words).encode()).hexdigest()


class _Camera:
    """A camera on a real port: digest, a lock after five wrong logins, plates, and a list that a PUT replaces."""

    def __init__(self) -> None:
        self.password, self.realm, self.nonces = "open-sesame", "IP Camera(SYN01)", 0
        self.wrong, self.requests = 0, 0
        self.methods, self.bodies = list[str](), list[bytes]()
        self.plates: list[tuple[datetime, str]] = []
        self.most, self.zone = 1000, ZoneInfo("UTC")
        self.file = f"\ufeff{HEAD}\r\n".encode()
        self.refuse: bytes | None = None
        self.forget = ""

    def logged_in(self, method: str, header: str) -> bool:
        told = dict(re.findall(r'(\w+)="?([^",]+)', header))
        if not told:
            return False
        who, where = _hash("hub", self.realm, self.password), _hash(method, told.get("uri", ""))
        right = _hash(who, told["nonce"], told["nc"], told["cnonce"], "auth", where)
        if told["response"] == right and told["nonce"] == f"n{self.nonces}" and self.wrong < LOCKED_AFTER:
            return True
        self.wrong += 1
        return False

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        self.methods.append(method)
        self.bodies.append(body)
        if path.startswith(PLATES):
            return self.refuse or self._told(body)
        if method == "GET":
            return self.file
        if self.refuse:
            return self.refuse
        rows = body.decode("utf-8-sig").split("\r\n")
        self.file = "\r\n".join(row for row in rows if not self.forget or self.forget not in row).encode("utf-8-sig")
        return DONE.encode()

    def _told(self, body: bytes) -> bytes:
        found = re.search(rb"<picTime>(\d{8}T\d{6})([+-])(\d{1,2})(\d\d)</picTime>", body)
        assert found, body
        local, sign, hours, minutes = (each.decode() for each in found.groups())
        offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
        after = datetime.strptime(local, "%Y%m%dT%H%M%S").replace(tzinfo=UTC) - offset
        rows = [(at, plate) for at, plate in sorted(self.plates) if at > after][: self.most]
        told = "".join(
            f"<Plate><captureTime>{at.astimezone(self.zone):%Y%m%d%H%M%S}000</captureTime><plateNumber>{plate}</plateNumber>"
            f"<picName>{at:%Y%m%d%H%M%S}{plate}</picName></Plate>"
            for at, plate in rows
        )
        return f'<Plates version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">{told}</Plates>'.encode()


def _handler(camera: _Camera) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each body waits 40 ms for the head to be confirmed

        def _serve(self) -> None:
            camera.requests += 1
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if not camera.logged_in(self.command, self.headers.get("authorization", "")):
                camera.nonces += 1
                self._send(401, b"", f'Digest qop="auth", realm="{camera.realm}", nonce="n{camera.nonces}"')
                return
            self._send(200, camera.answer(self.command, self.path, body), "")

        def _send(self, status: int, body: bytes, challenge: str) -> None:
            self.send_response(status)
            if challenge:
                self.send_header("WWW-Authenticate", challenge)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _serve

        def log_message(self, *_: Any) -> None:
            """Nothing is written to the console."""

    return Handler


@pytest.fixture
def camera() -> Iterator[Any]:
    made: Any = _Camera()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def _made(url: str = CAMERA, **more: Any) -> HikvisionConnector:
    told = {"user": "hub", "password": "open-sesame", "hot_list": "patrol", "webhook_secret": "agreed", **more}
    made = HikvisionConnector(HikvisionSettings(base_url=url, **told), Frame(_Clock(), lambda _: None))
    made._http._pace.wait = lambda: None  # type: ignore[method-assign]
    return made


def _parsed(body: bytes, made: HikvisionConnector | None = None) -> Read:
    made = made or _made()
    [record] = made.unpack(Document(body))
    return made.parse(record)


def _record(name: str) -> Read:
    return _parsed((FIXTURES / name).read_bytes())


def _changed(name: str, old: str, new: str, **settings: Any) -> Read:
    text = (FIXTURES / name).read_text()
    assert old in text
    return _parsed(text.replace(old, new).encode(), _made(**settings))


# Logins


def test_a_login_by_digest_opens_the_camera(camera: Any) -> None:
    assert "took the login" in _made(camera.url).check()
    assert camera.wrong == 0


def test_a_wrong_password_costs_one_login_however_often_it_is_asked(camera: Any) -> None:
    made = _made(camera.url, password="open-wheat")
    for ask in (made.check, made.check, lambda: list(made.pull(Window(NOW - timedelta(hours=1), NOW)))):
        with pytest.raises(AdminMustFix) as refused:
            ask()
        assert "open-wheat" not in str(refused.value)
    with pytest.raises(AdminMustFix):
        list(made.list_remote("patrol"))
    assert camera.wrong == 1
    assert camera.requests == 2


def test_a_password_that_changes_in_mid_run_costs_one_login(camera: Any) -> None:
    made = _made(camera.url)
    made.check()
    made.check()
    camera.password = "changed"
    for _ in range(3):
        with pytest.raises(AdminMustFix):
            made.check()
    assert camera.wrong == 1


def test_a_challenge_that_grew_old_costs_no_login(camera: Any) -> None:
    made = _made(camera.url)
    made.check()
    camera.nonces += 1
    made.check()
    assert camera.wrong == 0


# Asking for plates


def _passes(camera: Any, count: int, step: timedelta = timedelta(seconds=20)) -> set[str]:
    camera.plates = [(NOW - timedelta(hours=1) + number * step, f"9SYN{number:03d}") for number in range(count)]
    return {plate for _, plate in camera.plates}


@pytest.mark.parametrize("most", [7, 50, 1000])
@pytest.mark.parametrize("zone", [None, "America/New_York", "Asia/Kolkata"])
def test_a_window_brings_every_plate_whatever_one_answer_holds(camera: Any, most: int, zone: str | None) -> None:
    camera.most, camera.zone = most, ZoneInfo(zone or "UTC")
    told = _passes(camera, 100)
    made = _made(camera.url, zone=zone)
    pages = list(made.pull(Window(NOW - timedelta(hours=2), NOW)))
    reads = [made.parse(record) for page in pages for record in page.records]
    assert {read.plate for read in reads} == told
    assert {read.captured_at for read in reads} == {at for at, _ in camera.plates}
    assert len({read.vendor_read_id for read in reads}) == len(reads) == 100
    assert [page.checkpoint for page in pages if page.checkpoint] == [{"until": NOW.isoformat()}]


def test_several_plates_of_one_second_at_the_edge_of_an_answer_are_kept(camera: Any) -> None:
    camera.most = 5
    told = _passes(camera, 12, timedelta(seconds=0.5))
    made = _made(camera.url)
    reads = [made.parse(one) for page in made.pull(Window(NOW - timedelta(hours=2), NOW)) for one in page.records]
    assert {read.plate for read in reads} == told


def test_a_busy_road_does_not_keep_a_run_from_ending(camera: Any) -> None:
    camera.plates = [(NOW + timedelta(seconds=number), f"9SYN{number:03d}") for number in range(5)]
    assert len(list(_made(camera.url).pull(Window(NOW - timedelta(hours=1), NOW)))) == 1


def test_the_firmware_decides_the_method_and_the_form_of_the_time(wire: respx.MockRouter) -> None:
    asked = wire.get(f"{CAMERA}{PLATES}").mock(return_value=httpx.Response(200, content=b"<Plates/>"))
    _made(method="GET", cursor="iso", zone="America/New_York").check()
    assert asked.calls.last.request.content == (b"<AfterTime><picTime>2026-06-01T07:59:00-04:00</picTime></AfterTime>")
    posted = wire.post(f"{CAMERA}{PLATES}").mock(return_value=httpx.Response(200, content=b"<Plates/>"))
    _made(zone="America/New_York").check()
    assert posted.calls.last.request.content == b"<AfterTime><picTime>20260601T075900-400</picTime></AfterTime>"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"statusCode":6,"statusString":"Invalid Content"}', VendorChanged),
        (b'{"statusCode":"4","subStatusCode":"notSupport"}', AdminMustFix),
        (
            b"<ResponseStatus><statusCode>4</statusCode><subStatusCode>notSupport</subStatusCode></ResponseStatus>",
            AdminMustFix,
        ),
        (
            b"<ResponseStatus><statusCode>3</statusCode><statusString>Device Error</statusString></ResponseStatus>",
            VendorChanged,
        ),
        (b"<html><body>Login</body></html>", VendorChanged),
        (b"<Plates><Plate>", VendorChanged),
        (DONE.encode(), VendorChanged),
        (b"", VendorChanged),
        (b"OK", VendorChanged),
    ],
)
def test_a_refusal_with_status_200_is_never_no_plates(
    wire: respx.MockRouter, body: bytes, error: type[Exception]
) -> None:
    wire.post(f"{CAMERA}{PLATES}").mock(return_value=httpx.Response(200, content=body))
    with pytest.raises(error):
        list(_made().pull(Window(NOW - timedelta(hours=1), NOW)))


def test_a_device_that_cannot_do_it_asks_a_person(wire: respx.MockRouter) -> None:
    wire.post(f"{CAMERA}{PLATES}").mock(return_value=httpx.Response(403, content=b"<ResponseStatus/>"))
    with pytest.raises(AdminMustFix):
        _made().check()


def test_a_silent_camera_is_asked_again_later(wire: respx.MockRouter) -> None:
    wire.post(f"{CAMERA}{PLATES}").mock(side_effect=httpx.ReadTimeout)
    with pytest.raises(TryAgain):
        _made().check()


@pytest.mark.parametrize(
    ("said", "zone", "at", "known"),
    [
        ("20260601151500450", None, "2026-06-01T15:15:00.45Z", Zone.GUESSED),
        ("20260601T1515004500", None, "2026-06-01T15:15:00.45Z", Zone.GUESSED),
        ("20260601081500", "America/Los_Angeles", "2026-06-01T15:15:00Z", Zone.CONFIGURED),
        ("20260601T101500-500", None, "2026-06-01T15:15:00Z", Zone.IN_DATA),
        ("20260601T101500-0500", "Asia/Tokyo", "2026-06-01T15:15:00Z", Zone.IN_DATA),
        ("2026-06-01T15:15:00Z", None, "2026-06-01T15:15:00Z", Zone.IN_DATA),
        ("2026-06-01T17:15:00+02", None, "2026-06-01T15:15:00Z", Zone.IN_DATA),
    ],
)
def test_capture_times_are_read_in_every_form(said: str, zone: str | None, at: str, known: Zone) -> None:
    body = f"<Plates><Plate><captureTime>{said}</captureTime><plateNumber>9SYN1</plateNumber></Plate></Plates>"
    read = _parsed(body.encode(), _made(zone=zone))
    assert (read.captured_at, read.zone) == (datetime.fromisoformat(at), known)


# Pushes


def test_an_events_offset_counts_and_a_pictures_local_time_does_not() -> None:
    read = _record("anpr.multipart")
    assert (read.captured_at, read.zone) == (datetime(2026, 6, 1, 15, 15, tzinfo=UTC), Zone.IN_DATA)
    bare = _changed("bare.xml", "08:15:00.5-07:00", "08:15:00", zone="America/Los_Angeles")
    assert (bare.captured_at, bare.zone) == (datetime(2026, 6, 1, 15, 15, tzinfo=UTC), Zone.CONFIGURED)


@pytest.mark.parametrize(("said", "told"), [("97", 0.97), ("0", 0.0), ("100", 1.0), ("", None)])
def test_confidence_is_out_of_a_hundred(said: str, told: float | None) -> None:
    assert _changed("bare.xml", "<confidenceLevel>97<", f"<confidenceLevel>{said}<").plate_confidence == told


@pytest.mark.parametrize("word", ["unknown", "车牌", ""])
def test_a_vehicle_without_a_plate_is_no_read(word: str) -> None:
    with pytest.raises(NotARead):
        _changed("no_plate.xml", "<licensePlate>unknown<", f"<licensePlate>{word}<")


def test_an_empty_plate_with_confidence_is_looked_at_by_a_person() -> None:
    with pytest.raises(RecordRejected) as refused:
        _changed("bare.xml", "<licensePlate>9SYN043<", "<licensePlate><")
    assert not isinstance(refused.value, NotARead)


@pytest.mark.parametrize("said", ["KZ", "DE", "CA", "US"])
def test_a_countrys_two_letters_are_never_a_state(said: str) -> None:
    read = _changed("bare.xml", "<countryAbbreviation>KZ<", f"<countryAbbreviation>{said}<")
    assert (read.plate_state, read.state) == (None, ABSENT)
    assert (read.plate_country, read.country.said) == (said, said)


def test_a_country_number_is_kept_as_it_is_and_none_is_unknown() -> None:
    assert _record("other_part_names.multipart").country == Word(said="3", known=Known.UNMAPPED)
    assert _record("anpr.multipart").country.known is Known.UNKNOWN


def test_an_event_that_is_sent_again_is_the_same_read() -> None:
    assert _record("bare.xml").vendor_read_id == _record("sent_again.xml").vendor_read_id


def test_without_a_uuid_the_id_is_made_of_what_stays_the_same() -> None:
    again = _changed("without_uuid_and_offset.xml", "<activePostCount>1<", "<activePostCount>9<")
    assert again.vendor_read_id == _record("without_uuid_and_offset.xml").vendor_read_id
    later = _changed("without_uuid_and_offset.xml", "T08:15:00<", "T08:15:01<")
    assert later.vendor_read_id != again.vendor_read_id


def test_events_of_other_kinds_are_no_reads() -> None:
    with pytest.raises(NotARead):
        _record("videoloss.xml")


@pytest.mark.parametrize(
    ("said", "told"), [("whiteList", "allowList"), ("allowList", "allowList"), ("blockList", "blockList")]
)
def test_one_list_has_one_name_however_it_is_written(said: str, told: str) -> None:
    assert [one.list_name for one in _changed("bare.xml", "whiteList", said).matches] == [told]


def test_a_plate_on_no_list_is_no_match() -> None:
    assert _record("anpr.multipart").matches == ()


@pytest.mark.parametrize("name", ["vehileModel", "vehicleModel"])
def test_keys_count_with_their_slips_and_without(name: str) -> None:
    told = f"<vehicleLogoRecog>1036</vehicleLogoRecog><{name}>7</{name}>"
    read = _changed("bare.xml", "<color>white</color>", f"<color>white</color>{told}")
    assert (read.vehicle.model, read.vehicle.make.said, read.vehicle.make.code) == ("7", "1036", None)


@pytest.mark.parametrize(
    ("east", "north", "place"),
    [
        ("E", "N", (37.3541, 121.9552)), ("W", "N", (37.3541, -121.9552)), ("W", "S", (-37.3541, -121.9552)),
        ("", "N", None), ("w", "n", (37.3541, -121.9552)), ("X", "N", None),
    ],
)  # fmt: skip
def test_degrees_minutes_and_seconds_need_their_letters(
    east: str, north: str, place: tuple[float, float] | None
) -> None:
    text = (FIXTURES / "bare.xml").read_text()
    text = text.replace("<longitudeType>W", f"<longitudeType>{east}").replace(
        "<latitudeType>S", f"<latitudeType>{north}"
    )
    found = _parsed(text.encode()).place
    assert (found and (found.latitude, found.longitude)) == place


def test_no_read_is_lost_over_a_position_that_cannot_be() -> None:
    assert _record("without_uuid_and_offset.xml").place is None
    assert _changed("bare.xml", "<degree>121<", "<degree>somewhere<").place is None


@pytest.mark.parametrize("word", ["forward", "reverse", "unknown"])
def test_forward_and_reverse_are_never_degrees(word: str) -> None:
    assert _changed("bare.xml", "<direction>reverse<", f"<direction>{word}<").direction is None


@pytest.mark.parametrize("name", ["ANPR", "aNPR"])
def test_the_json_form_says_the_same_in_texts(name: str) -> None:
    told = json.loads((FIXTURES / "event.json").read_text())
    told[name] = told.pop("aNPR")
    for body in (told, {"EventNotificationAlert": told}):
        read = _parsed(json.dumps(body).encode())
        assert (read.plate, read.plate_confidence, read.vehicle.colour.code) == ("9SYN046", 0.88, "WHI")


@pytest.mark.parametrize(
    "namespace", ["", ' xmlns="http://www.hikvision.com/ver20/XMLSchema"', ' xmlns="urn:psialliance-org"']
)
def test_names_count_whatever_their_namespace(namespace: str) -> None:
    own = ' xmlns="http://www.isapi.org/ver20/XMLSchema"'
    assert _changed("bare.xml", own, namespace).plate == "9SYN043"


def test_parts_may_have_any_name() -> None:
    assert [image.kind for image in _record("anpr.multipart").images] == [ImageKind.PLATE, ImageKind.FRAME]
    assert [image.kind for image in _record("other_part_names.multipart").images] == [
        ImageKind.PLATE, ImageKind.VEHICLE,
    ]  # fmt: skip


def test_a_push_is_understood_with_and_without_its_content_type() -> None:
    body = (FIXTURES / "anpr.multipart").read_bytes()
    bare, told = (list(_made().unpack(Document(body, kind))) for kind in ("", "multipart/form-data; boundary=boundary"))
    assert bare == told
    assert bare[0].payload in body


def test_a_push_proves_itself_by_header_or_address() -> None:
    made = _made()
    made.verify(Request({"x-alprhub-key": "agreed"}, Document(b"")))
    made.verify(Request({}, Document(b""), "agreed"))
    with pytest.raises(AdminMustFix):
        made.verify(Request({}, Document(b""), "guessed"))


# The device's list


def _file(*rows: str) -> bytes:
    return "\r\n".join([f"\ufeff{HEAD}", *rows, ""]).encode()


def _entry(plate: str, **more: Any) -> Entry:
    return Entry(plate, "stolen", "C-1", **more)


def _delta(*entries: Entry, name: str = "patrol") -> Delta:
    return Delta(name, entries, (), entries)


RESIDENT = "1,9SYN900,1,2026-01-01,2099-12-31,09809876"
GUEST = '2,9SYN901,1,2026-01-01,2026-12-31,"card, blue"'


def test_a_list_is_written_with_mark_and_line_ends_and_reads_back(camera: Any) -> None:
    made = _made(camera.url)
    report = made.push(_delta(_entry("9SYN01"), _entry("9SYN02", expires_at=NOW + timedelta(days=2))))
    assert (report.added, report.removed) == (2, 0)
    assert camera.file == _file("1,9SYN01,0,2026-06-01,2099-12-31,", "2,9SYN02,0,2026-06-01,2026-06-03,")
    found = {(one.plate, one.state) for one in made.list_remote("patrol")}
    assert found == {("9SYN01", None), ("9SYN02", None)} == set(made.as_held([_entry("9SYN01"), _entry("9SYN02")]))


def test_entries_of_other_groups_go_back_as_they_came(camera: Any) -> None:
    camera.file = _file(RESIDENT, GUEST, "3,9SYN01,0,2026-01-01,2026-12-31,", "4,9SYN902,2,2026-01-01,2026-12-31,")
    made = _made(camera.url)
    report = made.push(_delta(_entry("9SYN02")))
    assert (report.added, report.removed) == (1, 1)
    assert camera.file == _file(
        RESIDENT, GUEST, "3,9SYN902,2,2026-01-01,2026-12-31,", "4,9SYN02,0,2026-06-01,2099-12-31,"
    )
    assert [one.plate for one in made.list_remote("patrol")] == ["9SYN02"]


def test_an_empty_hot_list_leaves_the_other_groups(camera: Any) -> None:
    camera.file = _file(RESIDENT, "2,9SYN01,0,2026-01-01,2026-12-31,")
    made = _made(camera.url)
    assert made.push(_delta()).removed == 1
    assert camera.file == _file(RESIDENT)
    assert not list(made.list_remote("patrol"))


def test_pushing_twice_changes_nothing(camera: Any) -> None:
    camera.file = _file(RESIDENT)
    made = _made(camera.url)
    made.push(_delta(_entry("9SYN01")))
    once = camera.file
    report = made.push(_delta(_entry("9SYN01")))
    assert (report.added, report.removed, camera.file) == (0, 0, once)


def test_a_plate_of_another_group_stays_there_and_that_is_said(camera: Any) -> None:
    camera.file = _file(RESIDENT)
    made = _made(camera.url)
    with pytest.raises(AdminMustFix, match="1 entries stand in another group"):
        made.push(_delta(_entry("9SYN900"), _entry("9SYN01")))
    assert camera.file == _file(RESIDENT, "2,9SYN01,0,2026-06-01,2099-12-31,")


def test_a_device_that_loses_other_peoples_entries_is_found_out(camera: Any) -> None:
    camera.file = _file(RESIDENT)
    camera.forget = "9SYN900"
    with pytest.raises(VendorChanged, match="lost entries"):
        _made(camera.url).push(_delta(_entry("9SYN01")))


@pytest.mark.parametrize("hot_list", [None, "another"])
def test_only_the_hot_list_of_the_settings_may_replace_the_group(camera: Any, hot_list: str | None) -> None:
    made = _made(camera.url, hot_list=hot_list)
    with pytest.raises(AdminMustFix, match="one hot list"):
        made.push(_delta(_entry("9SYN01")))
    with pytest.raises(AdminMustFix, match="one hot list"):
        list(made.list_remote("patrol"))
    assert camera.requests == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"statusCode":4,"subStatusCode":"overLimit"}', AdminMustFix),
        (b"<ImportResult><errorCode>overLimit</errorCode></ImportResult>", AdminMustFix),
        (b'{"statusCode":6,"statusString":"Invalid Content"}', VendorChanged),
        (b"<ResponseStatus><statusCode>3</statusCode></ResponseStatus>", VendorChanged),
        (b"<html>Sign in</html>", VendorChanged),
    ],
)
def test_a_refused_list_with_status_200_is_a_failure(camera: Any, body: bytes, error: type[Exception]) -> None:
    camera.refuse = body
    with pytest.raises(error):
        _made(camera.url).push(_delta(_entry("9SYN01")))


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        b'{"statusCode":1}',
        DONE.encode(),
        b"No.,Plate,Group\r\n1,9SYN1,0\r\n",
        f"{HEAD}\r\n1,9SYN1,0\r\n".encode(),
        f'{HEAD}\r\n1,"9SYN1,0,2026-01-01,2026-01-02,'.encode(),
        f"{HEAD}\r\n1,,0,2026-01-01,2026-01-02,\r\n".encode(),
        b"\xff\xfe\x00",
    ],
)
def test_a_list_that_cannot_be_read_whole_is_never_written_back(camera: Any, body: bytes) -> None:
    camera.file = body
    with pytest.raises(VendorChanged):
        _made(camera.url).push(_delta(_entry("9SYN01")))
    assert "PUT" not in camera.methods


def test_what_has_expired_never_reaches_the_device(camera: Any) -> None:
    _made(camera.url).push(_delta(_entry("9SYN01", expires_at=NOW)))
    assert b"9SYN01" not in camera.file


def test_no_reason_and_no_case_number_leave_for_the_device(camera: Any) -> None:
    _made(camera.url).push(_delta(_entry("9SYN01")))
    assert b"stolen" not in camera.file
    assert b"C-1" not in camera.file


def test_a_record_may_hold_what_another_wire_sent() -> None:
    for kind in ("asked", "xml", "json"):
        with pytest.raises(RecordRejected):
            _made().parse(Record(kind, b"neither"))
