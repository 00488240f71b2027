"""Plate Recognizer's pushes as they arrive, and ParkPow against its stand-in and against single answers."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
import respx
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from alprhub.sandbox.parkpow import TOKEN, image_done, parkpow_app, push, recognition
from alprhub.sandbox.service import Service
from alprhub.sandbox.world import World
from connectors.contract import Document, Frame, Page, Record, Request, Window
from connectors.errors import AdminMustFix, Gone, NotARead, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.platerecognizer import PlateRecognizerConnector, PlateRecognizerSettings
from normalize.read import ImageKind, ImageRef, Read
from normalize.times import Zone

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=40), NOW)
VISITS = "https://app.parkpow.com/api/v1/visit-list/"
JPEG = b"\xff\xd8\xff\xe0 a frame that nobody took"
SECRET = "s3cret-of-the-hook"


class _Clock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(scope="module")
def world() -> World:
    return World(19, NOW, passes=400)


@pytest.fixture
def vendor(world: World) -> Iterator[Any]:
    app = parkpow_app(world, clock=lambda: NOW)
    with Service(app) as service:
        app.state.url = f"{service.url}/api/v1"
        yield app.state


def _made(slept: list[float] | None = None, **more: Any) -> PlateRecognizerConnector:
    told = {"parkpow_token": TOKEN, "requests_per_second": 1e6, **more}
    sleep = (slept if slept is not None else []).append
    return PlateRecognizerConnector(PlateRecognizerSettings(**told), Frame(_Clock(), sleep))


@pytest.fixture
def parkpow(vendor: Any) -> PlateRecognizerConnector:
    return _made(parkpow_url=vendor.url)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def _reads(made: Any, pages: Iterator[Page]) -> list[Read]:
    return [made.parse(record) for page in pages for record in page.records]


def _read_of(event: dict[str, Any], **settings: Any) -> Read:
    made = PlateRecognizerConnector.offline(**settings)
    [record] = made.unpack(Document(msgspec.json.encode(event)))
    return made.parse(record)


class _Hook:
    """A customer's receiver, which keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked(scope, receive)
        document = Document(await asked.body(), asked.headers["content-type"])
        self.requests.append(Request(dict(asked.headers), document))
        await JSONResponse({})(scope, receive, send)


@pytest.fixture
def hook() -> Iterator[tuple[_Hook, str]]:
    made = _Hook()
    with Service(made) as service:
        yield made, service.url


def test_pushes_arrive_as_forms_with_and_without_pictures(hook: tuple[_Hook, str], world: World) -> None:
    one, two = world.passes["rekor"][:2]
    made = _made(webhook_secret=SECRET)
    headers = {"x-alprhub-key": SECRET}
    assert push(hook[1], recognition(one), headers, upload=JPEG, plate_img=JPEG + b"!") == 200
    assert push(hook[1], recognition(one, two), headers, upload=JPEG, plate_img=JPEG) == 200
    assert push(hook[1], recognition(one), headers) == 200
    told = []
    for request in hook[0].requests:
        made.verify(request)
        told.append([made.parse(record) for record in made.unpack(request.document)])
    assert [len(reads) for reads in told] == [1, 2, 1]
    assert {image.kind: image.data for image in told[0][0].images} == {
        ImageKind.FRAME: JPEG, ImageKind.PLATE: JPEG + b"!",
    }  # fmt: skip
    assert [[image.kind for image in read.images] for read in told[1]] == [[ImageKind.FRAME], [ImageKind.FRAME]]
    assert told[2][0].vendor_read_id == told[1][0].vendor_read_id == told[0][0].vendor_read_id
    assert [read.plate for read in told[1]] == [one.plate, two.plate]


def test_a_form_is_known_without_its_content_type(hook: tuple[_Hook, str], world: World) -> None:
    one = world.passes["rekor"][0]
    push(hook[1], recognition(one), {}, upload=JPEG)
    push(hook[1], recognition(one), {})
    made = PlateRecognizerConnector.offline()
    for request in hook[0].requests:
        [record] = made.unpack(Document(request.document.body))
        [same] = made.unpack(request.document)
        assert record == same
        assert record.payload == msgspec.json.encode(recognition(one))


def test_a_push_without_the_secret_is_refused(hook: tuple[_Hook, str], world: World) -> None:
    push(hook[1], recognition(world.passes["rekor"][0]), {"x-alprhub-key": "another"})
    [request] = hook[0].requests
    for made in (_made(webhook_secret=SECRET), _made()):
        with pytest.raises(AdminMustFix):
            made.verify(request)


def test_the_header_may_be_the_one_that_stream_is_told_to_send() -> None:
    made = _made(webhook_header="Authorization", webhook_secret=f"Token {SECRET}")
    made.verify(Request({"authorization": f"Token {SECRET}"}, Document(b"{}")))


def test_a_plate_is_told_with_all_that_came_with_it(world: World) -> None:
    one = next(one for one in world.passes["rekor"] if one.state)
    read = _read_of(recognition(one))
    assert (read.plate, read.plate_raw, read.plate_state) == (one.plate, one.plate.lower(), f"US-{one.state}")
    assert (read.plate_confidence, read.state_confidence) == (one.confidence, one.state_confidence)
    assert (read.captured_at, read.zone) == (one.time, Zone.IN_DATA)
    assert read.camera.id == f"camera-{one.camera.number}"
    assert (read.direction, read.direction_of) == (one.number * 37 % 360, "picture")
    assert read.vehicle.make.said == one.vehicle.make
    assert read.candidates[0].text == one.plate.lower()


def test_what_names_no_camera_gets_the_camera_of_the_settings(world: World) -> None:
    event = image_done(world.passes["rekor"][0])
    assert _read_of(event).camera.id == "unnamed"
    assert _read_of(event, unnamed_camera="gate").camera.id == "gate"
    for nothing in ("null", "None", "", None):
        event["data"]["camera_id"] = nothing
        assert _read_of(event, unnamed_camera="gate").camera.id == "gate"


def _at(**times: str | None) -> Read:
    result = {"plate": "9syn042", "score": 0.9}
    return _read_of({"camera_id": "c", "results": [result], **times}, zone=ZoneInfo("America/Los_Angeles"))


@pytest.mark.parametrize(
    ("times", "hour", "zone"),
    [
        ({"timestamp": "2026-03-01T10:00:00Z"}, 10, Zone.IN_DATA),
        ({"timestamp": "2026-03-01T10:00:00.123456+01:00"}, 9, Zone.IN_DATA),
        ({"timestamp": "2026-03-01 10:00:00+00:00"}, 10, Zone.IN_DATA),
        ({"timestamp": "2026-03-01 10:00:00.5"}, 18, Zone.CONFIGURED),
        ({"timestamp": "2026-03-01T10:00:00Z", "timestamp_local": "2026-03-01T02:00:00-08:00"}, 10, Zone.IN_DATA),
        ({"timestamp": "2026-03-01T10:00:00Z", "timestamp_local": "2026-03-01T02:00:00Z"}, 10, Zone.IN_DATA),
        ({"timestamp": "2026-03-01T10:00:00Z", "timestamp_local": "2026-03-01 10:00:00-0800"}, 18, Zone.IN_DATA),
        ({"timestamp": "2026-03-01 10:00:00", "timestamp_local": "2026-03-01 10:00:00+0100"}, 9, Zone.IN_DATA),
        ({"timestamp": "2026-03-01T10:00:00Z", "timestamp_camera": "2026-03-01T11:00:00Z"}, 10, Zone.IN_DATA),
        ({"timestamp": None, "timestamp_camera": "2026-03-01T11:00:00Z"}, 11, Zone.IN_DATA),
        ({"timestamp": "2026-03-01T10:00:00Z", "timestamp_local": "soon+01:00"}, 10, Zone.IN_DATA),
    ],
)  # fmt: skip
def test_a_time_is_read_with_whatever_zone_it_has(times: dict[str, str | None], hour: int, zone: Zone) -> None:
    read = _at(**times)
    assert (read.captured_at.hour, read.zone) == (hour, zone)


def test_a_time_that_a_clock_change_skipped_is_refused() -> None:
    with pytest.raises(RecordRejected, match="timestamp: did not exist"):
        _at(timestamp="2026-03-08 02:30:00")


@pytest.mark.parametrize(
    ("code", "known"),
    [("us-ca", "US-CA"), ("ca-on", "CA-ON"), ("mx-jal", "MX-JAL"), ("de", None), ("ca", None), ("in", None),
     ("", None), ("au-nsw", None), (None, None)],
)  # fmt: skip
def test_a_region_is_a_state_only_with_a_hyphen(code: str | None, known: str | None) -> None:
    result = {"plate": "9syn042", "score": 0.9, "region": {"code": code, "score": 0.5}}
    assert _read_of({"timestamp": "2026-03-01T10:00:00Z", "results": [result]}).plate_state == known


def test_an_event_without_plates_is_no_read() -> None:
    made = PlateRecognizerConnector.offline()
    for results in ([], [{"plate": None, "vehicle": {"type": "Sedan"}}], [{"vehicle": {"type": "Sedan"}}]):
        [record] = made.unpack(Document(msgspec.json.encode({"timestamp": "2026-03-01T10:00:00Z", "results": results})))
        with pytest.raises(NotARead):
            made.parse(record)


def test_a_line_of_csv_is_the_read_of_its_webhook(world: World) -> None:
    out = io.StringIO()
    columns = ("plate", "score", "dscore", "model_make", "color", "vehicle", "region", "candidates", "direction")
    writer = csv.DictWriter(out, ["timestamp", "file", *columns])
    writer.writeheader()
    passes = world.passes["rekor"][:50]
    for one in passes:
        data = recognition(one)["data"]
        cells = {name: data["results"][0][name] for name in columns}
        writer.writerow({"timestamp": data["timestamp_local"], "file": f"/{data['filename']}", **cells})
    made = PlateRecognizerConnector.offline()
    lines = [made.parse(record) for record in made.unpack(Document(out.getvalue().encode(), "text/csv"))]
    assert lines == [_read_of(recognition(one)) for one in passes]


@pytest.mark.parametrize("cell", ["[" * 2000, "{" + "-" * 3000 + "1}", "[1e999]", "{'a': __import__('os')}", "[b'x']"])
def test_a_hostile_cell_costs_its_line(cell: str) -> None:
    made = PlateRecognizerConnector.offline()
    cells = {"timestamp": "2026-03-01 10:00:00+00:00", "plate": "9syn042", "vehicle": cell}
    with pytest.raises(RecordRejected):
        made.parse(Record("csv", msgspec.json.encode(cells)))


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"{}", b'{"detail":"Invalid token."}', b'{"usage":{},"total_calls":1}', b'"json"', b"a=b",
     b"timestamp,file\n1,2", b"--x\r\ncontent-disposition: form-data; name=json\r\n\r\n{}"],
)  # fmt: skip
def test_what_is_none_of_the_vendors_is_refused_whole(body: bytes) -> None:
    with pytest.raises(VendorChanged):
        list(PlateRecognizerConnector.offline().unpack(Document(body)))


def test_check_says_what_it_could_not_check() -> None:
    told = _made(parkpow_token=None).check()
    assert "No ParkPow token is set" in told
    assert "Webhooks are not" in told
    assert "Webhooks are taken" in _made(parkpow_token="", webhook_secret=SECRET).check()


def test_check_proves_the_token(parkpow: PlateRecognizerConnector) -> None:
    assert "took the token" in parkpow.check()


@pytest.mark.parametrize("token", [None, ""])
def test_an_account_that_only_sends_is_not_harmed_by_a_schedule(wire: respx.MockRouter, token: str | None) -> None:
    assert list(_made(parkpow_token=token).pull(WINDOW)) == []
    assert not wire.calls


def test_a_wrong_token_asks_a_person_and_is_not_told(vendor: Any) -> None:
    with pytest.raises(AdminMustFix) as refused:
        _made(parkpow_url=vendor.url, parkpow_token="wrong-token").check()
    assert "wrong-token" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 7, 399, 400, 1000])
def test_a_window_brings_every_visit_once(
    vendor: Any, parkpow: PlateRecognizerConnector, world: World, size: int
) -> None:
    vendor.parkpow.page_size = size
    pages = list(parkpow.pull(WINDOW))
    reads = _reads(parkpow, iter(pages))
    assert [read.plate for read in reads] == [one.plate for one in world.passes["rekor"]]
    assert [read.captured_at for read in reads] == [one.time for one in world.passes["rekor"]]
    assert [page.checkpoint for page in pages] == [None] * -(-400 // size) + [{"until": NOW.isoformat()}]


def test_a_shorter_window_brings_its_visits_alone(parkpow: PlateRecognizerConnector, world: World) -> None:
    window = Window(NOW - timedelta(days=9, minutes=7), NOW - timedelta(days=2))
    reads = _reads(parkpow, parkpow.pull(window))
    inside = [one for one in world.passes["rekor"] if window.since <= one.time <= window.until]
    assert [read.plate for read in reads] == [one.plate for one in inside]


def test_the_answer_of_2020_brings_the_same_visits(vendor: Any, parkpow: PlateRecognizerConnector) -> None:
    today = _reads(parkpow, parkpow.pull(WINDOW))
    vendor.parkpow.as_in_2020 = True
    old = _made(parkpow_url=vendor.url, zone=ZoneInfo("UTC"))
    then = _reads(old, old.pull(WINDOW))
    assert [read.vendor_read_id for read in then] == [read.vendor_read_id for read in today]
    assert [read.captured_at for read in then] == [read.captured_at for read in today]
    assert {read.zone for read in then} == {Zone.CONFIGURED}


def test_the_end_of_a_visit_is_a_read_of_its_own(vendor: Any, parkpow: PlateRecognizerConnector, world: World) -> None:
    one = world.passes["rekor"][-1]
    vendor.parkpow.left = {one.id: one.time + timedelta(minutes=9)}
    start, end = _reads(parkpow, parkpow.pull(WINDOW))[-2:]
    assert (start.vendor_read_id, end.vendor_read_id) == (f"visit-{one.number}-start", f"visit-{one.number}-end")
    assert end.captured_at - start.captured_at == timedelta(minutes=9)
    assert end.plate == start.plate


def test_a_bad_visit_costs_no_other(vendor: Any, parkpow: PlateRecognizerConnector, world: World) -> None:
    vendor.faults.malformed = 0.2
    records = [record for page in parkpow.pull(WINDOW) for record in page.records]
    refused = 0
    for record in records:
        try:
            parkpow.parse(record)
        except RecordRejected:
            refused += 1
    assert len(records) == len(world.passes["rekor"])
    assert 0 < refused <= len(vendor.faults.bad)


def test_pages_that_lead_in_a_circle_stop_the_run(vendor: Any, parkpow: PlateRecognizerConnector) -> None:
    vendor.faults.repeat_cursor = True
    with pytest.raises(VendorChanged, match="same page cursor twice"):
        list(parkpow.pull(WINDOW))


def test_a_next_page_without_a_number_stops_the_run(wire: respx.MockRouter) -> None:
    wire.get(VISITS).respond(json={"results": [], "next": "https://app.parkpow.com/api/v1/visit-list/?cursor=x"})
    with pytest.raises(VendorChanged, match="names no page"):
        list(_made().pull(WINDOW))


def test_the_address_of_the_next_page_leads_nowhere_else(wire: respx.MockRouter) -> None:
    pages = [{"results": [], "next": "https://elsewhere.example/?page=2"}, {"results": [], "next": None}]
    asked = wire.get(VISITS).mock(side_effect=[httpx.Response(200, json=page) for page in pages])
    assert len(list(_made().pull(WINDOW))) == 3
    assert [call.request.url.params["page"] for call in asked.calls] == ["1", "2"]
    assert {call.request.headers["authorization"] for call in asked.calls} == {f"Token {TOKEN}"}


@pytest.mark.parametrize("body", [{}, {"results": None}, {"detail": "no"}, {"results": {}}, "none"])
def test_an_answer_without_visits_is_no_empty_answer(wire: respx.MockRouter, body: Any) -> None:
    wire.get(VISITS).respond(json=body)
    with pytest.raises(VendorChanged):
        list(_made().pull(WINDOW))


def test_a_throttle_is_waited_out_for_a_second(wire: respx.MockRouter) -> None:
    throttled = {"detail": "Request was throttled. Expected available in 1 second.", "status_code": 429}
    answers = [httpx.Response(429, json=throttled), httpx.Response(200, json={"results": [], "next": None})]
    wire.get(VISITS).mock(side_effect=answers)
    slept: list[float] = []
    assert list(_made(slept, requests_per_second=1.0).pull(WINDOW))
    assert sum(slept) >= 1


def test_an_outage_is_to_be_tried_again(vendor: Any, parkpow: PlateRecognizerConnector) -> None:
    vendor.faults.outage(requests=1000)
    with pytest.raises(TryAgain):
        list(parkpow.pull(WINDOW))


def test_a_picture_of_a_visit_is_asked_for_without_the_token(wire: respx.MockRouter) -> None:
    made = _made(image_hosts=("pictures.example",))
    for url in ("https://app.parkpow.com/media/a.jpg", "https://pictures.example/a.jpg"):
        wire.get(url).respond(content=JPEG)
        assert made.fetch_image(ImageRef(kind=ImageKind.FRAME, url=url)) == JPEG
        assert "authorization" not in wire.calls.last.request.headers
    with pytest.raises(AdminMustFix):
        made.fetch_image(ImageRef(kind=ImageKind.FRAME, url="https://elsewhere.example/a.jpg"))
    wire.get("https://pictures.example/b.jpg").respond(404)
    for gone in (ImageRef(kind=ImageKind.FRAME, url="https://pictures.example/b.jpg"), ImageRef(kind=ImageKind.FRAME)):
        with pytest.raises(Gone):
            made.fetch_image(gone)
