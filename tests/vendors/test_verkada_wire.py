"""Verkada against its stand-in and, for what no stand-in gives, against single answers."""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
import respx

from alprhub.sandbox.service import Service
from alprhub.sandbox.verkada import API_KEY, WEBHOOK_SECRET, lpr_webhook, signature, verkada_app
from alprhub.sandbox.world import World
from connectors.contract import Delta, Document, Entry, Frame, Lookup, Page, Request, Window
from connectors.errors import AdminMustFix, Gone, NotARead, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.verkada import VerkadaConnector, VerkadaSettings
from normalize.fault import Unusable
from normalize.read import ImageKind, ImageRef, Read

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=40), NOW)
API = "https://api.verkada.com"
PLATES = f"{API}/cameras/v1/analytics/lpr/license_plate_of_interest"
IMAGES = f"{API}/cameras/v1/analytics/lpr/images"


class _Clock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def world() -> World:
    return World(17, NOW, passes=600)


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def vendor(world: World, clock: _Clock) -> Iterator[Any]:
    app = verkada_app(world, clock=clock.now)
    with Service(app) as service:
        app.state.verkada.origin = service.url
        app.state.verkada.requests_a_minute = 100_000
        app.state.url = service.url
        yield app.state


def _made(clock: Any = None, slept: list[float] | None = None, **more: Any) -> VerkadaConnector:
    told = {"api_key": API_KEY, "requests_per_second": 1e6, "webhook_secret": WEBHOOK_SECRET, **more}
    sleep = (slept if slept is not None else []).append
    return VerkadaConnector(VerkadaSettings(**told), Frame(clock or _Clock(), sleep))


@pytest.fixture
def verkada(vendor: Any, clock: _Clock) -> VerkadaConnector:
    return _made(clock, base_url=vendor.url)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        router.post(f"{API}/token").respond(json={"token": "v2_synthetic"})
        yield router


def _reads(verkada: VerkadaConnector, pages: Iterator[Page]) -> list[Read]:
    return [verkada.parse(record) for page in pages for record in page.records]


def _entry(plate: str, reason: str = "Stolen vehicle", **more: Any) -> Entry:
    return Entry(plate, reason, "MB-26-1", **more)


def _delta(name: str, *entries: Entry) -> Delta:
    return Delta(name, entries, (), entries)


def _remote(verkada: VerkadaConnector, name: str) -> set[str]:
    return {entry.plate for entry in verkada.list_remote(name)}


def test_check_proves_the_key_and_counts_the_cameras(vendor: Any, verkada: VerkadaConnector) -> None:
    assert "sees 8 cameras; all of them are asked" in verkada.check()
    assert "sees 8 cameras; 1 of them are asked" in _made(base_url=vendor.url, camera_ids=("cam-1",)).check()


def test_a_wrong_key_asks_a_person_and_is_not_told(vendor: Any) -> None:
    with pytest.raises(AdminMustFix) as refused:
        _made(base_url=vendor.url, api_key="wrong-key").check()
    assert "wrong-key" not in str(refused.value)


def test_the_key_travels_to_the_token_address_alone(wire: respx.MockRouter) -> None:
    wire.get(f"{API}/cameras/v1/devices").respond(json={"cameras": []})
    _made().check()
    token, asked = (call.request for call in wire.calls)
    assert token.headers["x-api-key"] == API_KEY
    assert "x-api-key" not in asked.headers
    assert asked.headers["x-verkada-auth"] == "v2_synthetic"


def test_a_token_is_renewed_before_its_thirty_minutes_are_over(
    vendor: Any, verkada: VerkadaConnector, clock: _Clock
) -> None:
    verkada.check()
    clock.moment += timedelta(minutes=29)
    verkada.check()
    assert len(vendor.verkada.tokens) == 1
    clock.moment += timedelta(minutes=1)
    verkada.check()
    assert len(vendor.verkada.tokens) == 2
    assert 401 not in [status for _, _, status in vendor.verkada.log]


def test_a_token_that_ended_early_is_renewed_once(vendor: Any, verkada: VerkadaConnector) -> None:
    verkada.check()
    vendor.faults.expire_token = True
    verkada.check()
    assert [status for _, path, status in vendor.verkada.log if path.endswith("devices")] == [200, 401, 200]


@pytest.mark.parametrize("size", [1, 7, 200])
def test_a_window_brings_every_read_of_every_camera_once(vendor: Any, world: World, size: int) -> None:
    verkada = _made(base_url=vendor.url, page_size=size)
    pages = list(verkada.pull(WINDOW))
    reads = _reads(verkada, iter(pages))
    truth = [(one.camera.id, one.plate, one.captured_at // 1_000_000) for one in world.passes["rekor"]]
    assert sorted((read.camera.id, read.plate, int(read.captured_at.timestamp())) for read in reads) == sorted(truth)
    assert [page.checkpoint for page in pages if page.checkpoint] == [{"until": NOW.isoformat()}]
    assert pages[-1].checkpoint


def test_only_the_cameras_of_the_settings_are_asked(vendor: Any, world: World) -> None:
    chosen = world.cameras["rekor"][2].id
    verkada = _made(base_url=vendor.url, camera_ids=(chosen,))
    assert {read.camera.id for read in _reads(verkada, verkada.pull(WINDOW))} == {chosen}
    assert not [path for _, path, _ in vendor.verkada.log if path.endswith("devices")]


def test_a_camera_that_refuses_costs_no_other_and_no_checkpoint(vendor: Any, world: World) -> None:
    deaf = world.cameras["rekor"][0].id
    vendor.verkada.deaf = {deaf}
    verkada = _made(base_url=vendor.url)
    pages = verkada.pull(WINDOW)
    kept: list[Page] = []
    with pytest.raises(VendorChanged, match="name those that read plates"):
        kept.extend(pages)  # what came before the refusal is kept
    assert not [page for page in kept if page.checkpoint]
    assert {read.camera.id for read in _reads(verkada, iter(kept))} == {
        camera.id for camera in world.cameras["rekor"] if camera.id != deaf
    }


@pytest.mark.parametrize("token", [2, "2", "tok-b"])
def test_a_page_token_may_be_a_number_or_text(wire: respx.MockRouter, token: int | str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        last = "page_token" in request.url.params
        detection = {"timestamp": 1_780_000_000 + last, "license_plate": "9SYN042"}
        return httpx.Response(200, json={"detections": [detection], "next_page_token": None if last else token})

    wire.get(IMAGES).mock(side_effect=answer)
    verkada = _made(camera_ids=("cam-1",))
    assert len(_reads(verkada, verkada.pull(WINDOW))) == 2
    assert wire.calls.last.request.url.params["page_token"] == str(token)


def test_pages_that_lead_in_a_circle_stop_the_run(vendor: Any, verkada: VerkadaConnector) -> None:
    vendor.faults.repeat_cursor = True
    with pytest.raises(VendorChanged, match="same page cursor twice"):
        list(verkada.pull(WINDOW))


@pytest.mark.parametrize("body", [{}, {"detections": None}, {"detections": {}}, [], {"id": "1", "message": "no"}])
def test_an_answer_without_detections_is_no_empty_answer(wire: respx.MockRouter, body: Any) -> None:
    wire.get(IMAGES).respond(json=body)
    with pytest.raises(VendorChanged):
        list(_made(camera_ids=("cam-1",)).pull(WINDOW))


def test_a_bad_detection_costs_no_other(vendor: Any, verkada: VerkadaConnector, world: World) -> None:
    vendor.faults.malformed = 0.2
    records = [record for page in verkada.pull(WINDOW) for record in page.records]
    refusals = []
    for record in records:
        try:
            verkada.parse(record)
        except RecordRejected as told:
            refusals.append(str(told))
    assert len(records) == len(world.passes["rekor"])
    assert 0 < len(refusals) <= len(vendor.faults.bad)
    assert "9X" not in " ".join(refusals)


def test_a_throttle_is_waited_out(vendor: Any) -> None:
    slept: list[float] = []
    vendor.faults.throttle, vendor.faults.retry_seconds = 3, 4
    verkada = _made(slept=slept, base_url=vendor.url)
    verkada.check()
    verkada.check()
    assert 4 in slept


def test_an_outage_is_to_be_tried_again(vendor: Any, verkada: VerkadaConnector) -> None:
    vendor.faults.outage(requests=1000)
    with pytest.raises(TryAgain):
        verkada.check()


def test_a_web_page_with_status_200_is_not_an_answer(vendor: Any, verkada: VerkadaConnector) -> None:
    vendor.faults.html = 1
    with pytest.raises(VendorChanged, match="web page"):
        verkada.check()


def test_a_lookup_asks_every_camera_for_one_plate(vendor: Any, verkada: VerkadaConnector, world: World) -> None:
    wanted = world.wanted[0].plate
    query = Lookup(wanted.lower(), WINDOW.since, WINDOW.until, "theft")
    reads = _reads(verkada, verkada.lookup(query))
    assert len(reads) == sum(one.plate == wanted for one in world.passes["rekor"]) > 0
    assert {read.plate for read in reads} == {wanted}


@pytest.mark.parametrize("plate", ["", "9SYN*", "9SYN04?", "--"])
def test_a_lookup_of_no_full_plate_sends_nothing(wire: respx.MockRouter, plate: str) -> None:
    with pytest.raises(Unusable):
        list(_made().lookup(Lookup(plate, WINDOW.since, WINDOW.until, "theft")))
    assert not wire.calls


def test_a_webhook_and_the_detection_of_the_same_car_are_one_read(
    vendor: Any, verkada: VerkadaConnector, world: World
) -> None:
    pulled = {read.vendor_read_id for read in _reads(verkada, verkada.pull(WINDOW))}
    for older in (False, True):
        pushed = [lpr_webhook(vendor.verkada, one, older=older) for one in world.passes["rekor"]]
        [records] = [[record for body in pushed for record in verkada.unpack(Document(msgspec.json.encode(body)))]]
        assert {verkada.parse(record).vendor_read_id for record in records} == pulled


def test_a_webhook_tells_state_confidence_and_milliseconds(
    vendor: Any, verkada: VerkadaConnector, world: World
) -> None:
    one = next(one for one in world.passes["rekor"] if one.state)
    [record] = verkada.unpack(Document(msgspec.json.encode(lpr_webhook(vendor.verkada, one))))
    read = verkada.parse(record)
    assert (read.plate, read.plate_state, read.plate_confidence) == (one.plate, f"US-{one.state}", one.confidence)
    assert read.captured_at == one.time.replace(microsecond=one.captured_at // 1000 % 1000 * 1000)
    [record] = verkada.unpack(Document(msgspec.json.encode(lpr_webhook(vendor.verkada, one, older=True))))
    assert verkada.parse(record).captured_at == one.time.replace(microsecond=0)


def test_an_answer_in_a_file_belongs_to_the_one_camera_of_the_settings() -> None:
    body = b'{"detections":[{"timestamp":1780000000,"license_plate":"9SYN042"}]}'
    [record] = VerkadaConnector.offline(camera_ids=("cam-1",)).unpack(Document(body))
    assert VerkadaConnector.offline().parse(record).camera.id == "cam-1"
    [record] = VerkadaConnector.offline(camera_ids=("cam-1", "cam-2")).unpack(Document(body))
    assert VerkadaConnector.offline().parse(record).camera.id == "unnamed"


def test_a_webhook_of_another_kind_is_no_read() -> None:
    made = VerkadaConnector.offline()
    [record] = made.unpack(Document(b'{"webhook_type":"notification","data":{}}'))
    with pytest.raises(NotARead):
        made.parse(record)


BODY = b'{"webhook_type":"lpr","data":{}}'


def _signed(header: str, body: bytes = BODY) -> Request:
    return Request({"verkada-signature": header}, Document(body))


@pytest.mark.parametrize("seconds", [-60, -1, 0, 1, 60])
def test_a_signature_of_the_last_minute_is_believed(seconds: int) -> None:
    _made().verify(_signed(signature(BODY, NOW + timedelta(seconds=seconds))))


def test_the_signature_is_taken_over_body_bar_and_time() -> None:
    stamp = str(int(NOW.timestamp()))
    mac = hmac.new(WEBHOOK_SECRET.encode(), BODY + b"|" + stamp.encode(), hashlib.sha256).hexdigest()
    _made().verify(_signed(f"{stamp}|{mac}"))
    _made().verify(_signed(f"{stamp}|{mac.upper()}"))


@pytest.mark.parametrize("seconds", [-3600, -61, 61, 86_400])
def test_a_signature_of_another_minute_is_refused(seconds: int) -> None:
    with pytest.raises(AdminMustFix, match="more than a minute"):
        _made().verify(_signed(signature(BODY, NOW + timedelta(seconds=seconds))))


GOOD = signature(BODY, NOW)


@pytest.mark.parametrize(
    "header",
    ["", "|", GOOD[:-1], GOOD.replace("|", ":"), GOOD.partition("|")[2], "x" + GOOD, signature(BODY, NOW, "other"),
     f"{int(NOW.timestamp()) + 1}|{GOOD.partition('|')[2]}", "9" * 400 + "|", "²|", "\xff|\xff"],
)  # fmt: skip
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(AdminMustFix):
        _made().verify(_signed(header))


def test_a_body_that_was_changed_is_refused() -> None:
    with pytest.raises(AdminMustFix):
        _made().verify(_signed(GOOD, BODY + b" "))
    with pytest.raises(AdminMustFix):
        _made().verify(Request({}, Document(BODY)))


@pytest.mark.parametrize("stamp", ["now", "-1", "1e9", ""])
def test_a_signed_time_that_is_none_is_refused(stamp: str) -> None:
    mac = hmac.new(WEBHOOK_SECRET.encode(), BODY + b"|" + stamp.encode(), hashlib.sha256).hexdigest()
    with pytest.raises(AdminMustFix, match="more than a minute"):
        _made().verify(_signed(f"{stamp}|{mac}"))


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_nothing_pushed_is_believed(secret: str | None) -> None:
    with pytest.raises(AdminMustFix, match="no secret is set"):
        _made(webhook_secret=secret).verify(_signed(signature(BODY, NOW, "")))


def test_pictures_are_fetched_from_signed_addresses_until_they_end(
    vendor: Any, verkada: VerkadaConnector, clock: _Clock, world: World
) -> None:
    chosen = _made(clock, base_url=vendor.url, camera_ids=(world.cameras["rekor"][0].id,))
    plate, car = _reads(chosen, chosen.pull(WINDOW))[0].images
    assert (plate.kind, car.kind) == (ImageKind.PLATE, ImageKind.VEHICLE)
    assert verkada.fetch_image(plate).startswith(b"\xff\xd8")
    assert verkada.fetch_image(car) != verkada.fetch_image(plate)
    clock.moment += timedelta(hours=2)
    with pytest.raises(Gone):
        verkada.fetch_image(plate)


def test_a_picture_is_asked_for_without_the_token_and_only_from_hosts_of_the_settings(wire: respx.MockRouter) -> None:
    wire.get("https://pictures.verkada.com/a.jpg").respond(content=b"\xff\xd8\xff picture")
    made = _made()
    assert made.fetch_image(ImageRef(kind=ImageKind.PLATE, url="https://pictures.verkada.com/a.jpg"))
    assert "x-verkada-auth" not in wire.calls.last.request.headers
    for url in ("https://elsewhere.example/a.jpg", "http://pictures.verkada.com/a.jpg", "https://notverkada.com/a.jpg"):
        with pytest.raises(AdminMustFix):
            made.fetch_image(ImageRef(kind=ImageKind.PLATE, url=url))
    with pytest.raises(Gone):
        made.fetch_image(ImageRef(kind=ImageKind.PLATE))


def test_a_picture_that_is_none_is_not_kept(wire: respx.MockRouter) -> None:
    wire.get("https://pictures.verkada.com/a.jpg").respond(text="<html>")
    with pytest.raises(VendorChanged):
        _made().fetch_image(ImageRef(kind=ImageKind.PLATE, url="https://pictures.verkada.com/a.jpg"))


def test_cameras_are_listed_with_their_places(verkada: VerkadaConnector, world: World) -> None:
    told = {camera.id: (camera.name, camera.latitude, camera.longitude) for camera in verkada.cameras()}
    assert told == {one.id: (one.name, one.latitude, one.longitude) for one in world.cameras["rekor"]}


def test_a_device_without_an_id_is_a_changed_answer(wire: respx.MockRouter) -> None:
    wire.get(f"{API}/cameras/v1/devices").respond(json={"cameras": [{"name": "Gate"}]})
    with pytest.raises(VendorChanged, match="camera_id"):
        list(_made().cameras())


@pytest.mark.parametrize("count", [0, 1, 20, 21, 2500])
def test_a_list_arrives_whole_and_is_read_back(vendor: Any, verkada: VerkadaConnector, count: int) -> None:
    entries = [_entry(f"9SYN{number:04d}") for number in range(count)]
    report = verkada.push(_delta("Stolen", *entries))
    assert (report.added, report.removed) == (count, 0)
    assert _remote(verkada, "Stolen") == {entry.plate for entry in entries}
    assert len(vendor.verkada.batches) == (0 if count <= 20 else -(-count // 1000))
    again = verkada.push(_delta("Stolen", *entries))
    assert (again.added, again.removed) == (0, 0)
    report = verkada.push(_delta("Stolen"))
    assert (report.added, report.removed) == (0, count)
    assert vendor.verkada.plates == {}


def test_what_changed_is_described_anew_and_the_rest_is_left_alone(vendor: Any, verkada: VerkadaConnector) -> None:
    verkada.push(_delta("Stolen", _entry("9SYN001"), _entry("9SYN002")))
    vendor.verkada.log.clear()
    verkada.push(_delta("Stolen", _entry("9SYN001", "Missing person"), _entry("9SYN002")))
    assert [method for method, _, _ in vendor.verkada.log if method != "GET"] == ["PATCH"]
    assert vendor.verkada.plates["9SYN001"]["description"] == "Missing person MB-26-1 [Stolen]"


def test_two_lists_of_ours_share_a_plate(vendor: Any, verkada: VerkadaConnector) -> None:
    verkada.push(_delta("Stolen", _entry("9SYN001"), _entry("9SYN002")))
    verkada.push(_delta("Missing", _entry("9SYN002", "Missing person"), _entry("9SYN003")))
    assert _remote(verkada, "Stolen") == {"9SYN001", "9SYN002"}
    assert _remote(verkada, "Missing") == {"9SYN002", "9SYN003"}
    verkada.push(_delta("Missing", _entry("9SYN002", "Missing person")))
    verkada.push(_delta("Stolen"))
    assert set(vendor.verkada.plates) == {"9SYN002"}
    assert _remote(verkada, "Missing") == {"9SYN002"}
    verkada.push(_delta("Missing"))
    assert vendor.verkada.plates == {}


def test_what_somebody_entered_by_hand_is_left_alone_and_told(vendor: Any, verkada: VerkadaConnector) -> None:
    by_hand = {"creation_time": 1, "license_plate": "9SYN001", "description": "The mayor's car"}
    vendor.verkada.plates["9SYN001"] = dict(by_hand)
    with pytest.raises(AdminMustFix, match="1 plates of the list are at Verkada by somebody's hand") as told:
        verkada.push(_delta("Stolen", _entry("9SYN001"), _entry("9SYN002")))
    assert "9SYN" not in str(told.value)
    assert vendor.verkada.plates["9SYN001"] == by_hand
    assert _remote(verkada, "Stolen") == {"9SYN002"}
    verkada.push(_delta("Stolen"))
    assert vendor.verkada.plates == {"9SYN001": by_hand}


def test_an_expired_entry_never_arrives_and_leaves_with_the_next_push(
    vendor: Any, verkada: VerkadaConnector, clock: _Clock
) -> None:
    ends = _entry("9SYN001", expires_at=NOW + timedelta(hours=1))
    gone = _entry("9SYN002", expires_at=NOW)
    verkada.push(_delta("Stolen", ends, gone))
    assert set(vendor.verkada.plates) == {"9SYN001"}
    clock.moment += timedelta(hours=1)
    assert verkada.push(_delta("Stolen", ends, gone)).removed == 1
    assert vendor.verkada.plates == {}


def test_a_plate_of_two_states_is_held_once_and_without_a_state(verkada: VerkadaConnector) -> None:
    entries = (_entry("9SYN001", state="US-CA"), _entry("9SYN001", state="US-NV"))
    verkada.push(_delta("Stolen", *entries))
    assert [(entry.plate, entry.state) for entry in verkada.list_remote("Stolen")] == [("9SYN001", None)]
    assert set(verkada.as_held(entries)) == {("9SYN001", None)}


def test_a_list_whose_name_could_be_taken_for_a_mark_is_refused(verkada: VerkadaConnector) -> None:
    with pytest.raises(AdminMustFix, match="square brackets"):
        verkada.push(_delta("Stolen [1]", _entry("9SYN001")))
    with pytest.raises(AdminMustFix, match="square brackets"):
        verkada.list_remote("Stolen [1]")


def test_a_plate_is_sent_once_where_its_arrival_is_unknown(wire: respx.MockRouter) -> None:
    wire.get(PLATES).respond(json={"license_plate_of_interest": [], "next_page_token": ""})
    sent = wire.post(PLATES).mock(side_effect=httpx.ReadTimeout("slow"))
    with pytest.raises(TryAgain):
        _made().push(_delta("Stolen", _entry("9SYN001")))
    assert sent.call_count == 1


def test_a_plate_that_is_gone_already_is_no_failure(wire: respx.MockRouter) -> None:
    held = {"license_plate": "9SYN001", "description": "Stolen vehicle MB-26-1 [Stolen]"}
    wire.get(PLATES).respond(json={"license_plate_of_interest": [held]})
    wire.delete(PLATES).respond(404, json={"id": "1", "message": "not found", "data": None})
    assert _made().push(_delta("Stolen")).removed == 1


def test_a_list_in_another_shape_is_not_an_empty_one(wire: respx.MockRouter) -> None:
    wire.get(PLATES).respond(json={"plates": []})
    with pytest.raises(VendorChanged):
        list(_made().list_remote("Stolen"))
