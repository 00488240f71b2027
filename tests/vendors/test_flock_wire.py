"""Flock against its stand-in and, for what no stand-in gives, against single answers."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest
import respx
import yaml

from alprhub.sandbox.flock import CLIENT_ID, CLIENT_SECRET, alert_body, flock_app, read_body, sources_of
from alprhub.sandbox.service import Service
from alprhub.sandbox.world import World
from connectors.contract import Delta, Document, Entry, Frame, Lookup, Page, Record, Request
from connectors.errors import AdminMustFix, Gone, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.flock import STATES, FlockConnector, FlockSettings
from normalize.fault import Unusable
from normalize.read import ImageKind, ImageRef, Read

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
API = "https://api.flocksafety.com/api/v3"
TOKEN = "https://api.flocksafety.com/oauth/token"


class _Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def world() -> World:
    return World(11, NOW, passes=1200)


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def vendor(world: World, clock: _Clock) -> Iterator[Any]:
    app = flock_app(world, clock=clock.now)
    with Service(app) as service:
        app.state.url = service.url
        yield app.state


def _settings(**more: Any) -> FlockSettings:
    told = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "requests_per_second": 1e6, **more}
    return FlockSettings(**told)


def _at(vendor: Any, clock: _Clock, slept: list[float] | None = None, **more: Any) -> FlockConnector:
    addresses = {"base_url": f"{vendor.url}/api/v3", "token_url": f"{vendor.url}/oauth/token"}
    wait = (slept if slept is not None else []).append
    return FlockConnector(_settings(**{**addresses, **more}), Frame(clock, wait))


@pytest.fixture
def flock(vendor: Any, clock: _Clock) -> FlockConnector:
    return _at(vendor, clock)


@pytest.fixture
def alone(clock: _Clock) -> FlockConnector:
    """A connector whose wire is respx."""
    return FlockConnector(_settings(), Frame(clock, lambda _: None))


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        router.post(TOKEN).respond(200, json={"access_token": "t", "token_type": "Bearer", "expires_in": 3600})
        yield router


def _question(plate: str, **more: Any) -> Lookup:
    told: dict[str, Any] = {"reason": "Stolen vehicle", "case_number": "SB-26-0001", **more}
    return Lookup(plate, NOW - timedelta(days=27), NOW, **told)


def _reads(flock: FlockConnector, pages: Iterator[Page]) -> list[Read]:
    return [flock.parse(record) for page in pages for record in page.records]


def _entries(count: int, **more: Any) -> list[Entry]:
    told: dict[str, Any] = {"reason": "Stolen", "case_number": "SB-1", "state": "US-CA", **more}
    return [Entry(f"9S{number:05d}", **told) for number in range(count)]


def _complete(entries: list[Entry], name: str = "Sandbox list") -> Delta:
    return Delta(name, entries, [], entries)


def test_check_says_what_the_account_sees(flock: FlockConnector) -> None:
    assert flock.check() == "Flock took the client, which sees 0 custom hot lists."


def test_check_of_a_wrong_client_asks_a_person(vendor: Any, clock: _Clock) -> None:
    wrong = _at(vendor, clock, client_id="nobody")
    with pytest.raises(AdminMustFix):
        wrong.check()


def test_check_of_a_client_without_hot_lists_still_works(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.get(f"{API}/hotlists").respond(403, json={"error": "missing scope"})
    wire.get(f"{API}/devices").respond(200, json={"results": [], "totalItems": 0, "totalPages": 0})
    assert "no right to custom hot lists" in alone.check()
    wire.get(f"{API}/devices").respond(401)
    with pytest.raises(AdminMustFix):
        alone.check()


def test_a_lookup_brings_every_read_of_the_plate(flock: FlockConnector, world: World, vendor: Any) -> None:
    wanted = world.wanted[0]
    reads = _reads(flock, flock.lookup(_question(wanted.plate)))
    since = NOW - timedelta(days=27)
    expected = {one.id for one in world.passes["flock"] if one.plate == wanted.plate and one.time >= since}
    assert {read.vendor_read_id for read in reads} == expected
    assert [read.captured_at for read in reads] == sorted(read.captured_at for read in reads)
    assert vendor.flock.lookups[-1]["reason"] == "Stolen vehicle"
    assert vendor.flock.lookups[-1]["caseNumber"] == "SB-26-0001"


def _page_of(number: int, following: str | None) -> dict[str, Any]:
    read = {
        "id": str(number),
        "capturedAt": "2026-05-30T10:00:00Z",
        "device": {"id": "1"},
        "plate": {"plate": "9SYN001", "confidence": 1},
    }
    return {"results": [read], "nextPageId": following, "totalItems": 3}


def test_page_ids_are_followed_and_quoted(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.post(f"{API}/reads/lookup").respond(200, json=_page_of(1, "a/b?c"))
    wire.get(f"{API}/reads/lookup/page/a%2Fb%3Fc").respond(200, json=_page_of(2, "last"))
    wire.get(f"{API}/reads/lookup/page/last").respond(200, json=_page_of(3, None))
    assert [read.vendor_read_id for read in _reads(alone, alone.lookup(_question("9SYN001")))] == ["1", "2", "3"]


def test_a_page_id_that_repeats_is_an_error(vendor: Any, flock: FlockConnector, world: World) -> None:
    vendor.faults.repeat_cursor = True
    with pytest.raises(VendorChanged, match="twice"):
        list(flock.lookup(_question(world.wanted[0].plate)))


def test_an_answer_without_results_is_no_empty_answer(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.post(f"{API}/reads/lookup").respond(200, json={"totalItems": 0})
    with pytest.raises(VendorChanged, match="results"):
        list(alone.lookup(_question("9SYN001")))


@pytest.mark.parametrize("plate", ["9SYN*", "9SYN?01", "%", "9SYN_1", "[A]", "", "  ", "-"])
def test_wildcards_never_leave(alone: FlockConnector, wire: respx.MockRouter, plate: str) -> None:
    with pytest.raises(Unusable, match="plate"):
        alone.lookup(_question(plate))
    assert not wire.calls


def test_a_lookup_without_a_reason_never_leaves(alone: FlockConnector, wire: respx.MockRouter) -> None:
    with pytest.raises(Unusable, match="reason"):
        alone.lookup(_question("9SYN001", reason=" "))
    assert not wire.calls


def test_bad_records_are_refused_one_by_one(flock: FlockConnector, world: World, vendor: Any) -> None:
    vendor.faults.malformed = 0.5
    good, bad = 0, 0
    for wanted in world.wanted:
        for page in flock.lookup(_question(wanted.plate)):
            for record in page.records:
                try:
                    good += bool(flock.parse(record).plate)
                except RecordRejected as refused:
                    bad += bool(refused.reason)
    assert good > 5
    assert bad > 5


def test_a_throttle_is_waited_out(vendor: Any, clock: _Clock, world: World) -> None:
    slept: list[float] = []
    vendor.faults.throttle = 2
    assert _reads(_at(vendor, clock, slept), _at(vendor, clock, slept).lookup(_question(world.wanted[0].plate)))
    assert any(wait >= 0.5 for wait in slept)


def test_a_revoked_token_is_renewed(vendor: Any, flock: FlockConnector) -> None:
    flock.check()
    vendor.faults.expire_token = True
    assert flock.check()


def test_a_token_without_an_end_is_not_trusted(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.post(TOKEN).respond(200, json={"access_token": "t"})
    with pytest.raises(VendorChanged, match="expires_in"):
        alone.check()


def test_the_token_is_asked_for_as_documented(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.get(f"{API}/hotlists").respond(200, json=[])
    alone.check()
    request = wire.calls[0].request
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"grant_type=client_credentials" in request.content
    assert b"audience=com.flocksafety.integrations" in request.content
    assert "authorization" not in request.headers


def test_a_hot_list_arrives_whole_and_a_repeat_changes_nothing(flock: FlockConnector) -> None:
    entries = _entries(7001, expires_at=NOW + timedelta(days=3, microseconds=7), note="call first")
    assert flock.push(_complete(entries)).added == 7001
    held = list(flock.list_remote("Sandbox list"))
    assert {(one.plate, one.state) for one in held} == {(flock.held_form(entry.plate), "US-CA") for entry in entries}
    assert all(one.remote_id for one in held)
    again = flock.push(_complete(entries))
    assert (again.added, again.removed) == (0, 0)


def test_what_left_the_list_leaves_the_vendor_and_what_changed_is_changed(vendor: Any, flock: FlockConnector) -> None:
    entries = _entries(3100)
    flock.push(_complete(entries))
    later = [*_entries(2, reason="Missing person"), *entries[2:3090]]
    report = flock.push(Delta("Sandbox list", later[:2], entries[3090:], later))
    assert (report.added, report.removed) == (2, 10)
    held = next(iter(vendor.flock.hotlists.values())).entries.values()
    assert len(held) == 3090
    assert sum(entry["reason"] == "Missing person" for entry in held) == 2


def test_expired_entries_are_neither_sent_nor_left(vendor: Any, clock: _Clock, flock: FlockConnector) -> None:
    entries = [*_entries(2, expires_at=NOW + timedelta(hours=1)), Entry("9SOLD", "r", "c", expires_at=NOW)]
    assert flock.push(_complete(entries)).added == 2
    clock.at += timedelta(hours=2)
    assert flock.push(_complete(entries)).removed == 2
    assert list(flock.list_remote("Sandbox list")) == []


def test_one_plate_in_flocks_spelling_is_sent_once(vendor: Any, flock: FlockConnector) -> None:
    vendor.flock.refuse_duplicate_batch = True
    twins = [Entry("9SYNO1", "r", "c", "US-CA"), Entry("9SYN01", "r", "c", "US-NV"), Entry("9SYN02", "r", "c", "CA-ON")]
    flock.push(_complete(twins[2:]))
    flock.push(_complete(twins))
    held = {(one.plate, one.state) for one in flock.list_remote("Sandbox list")}
    assert held == {("9SYN01", None), ("9SYN02", None)}


def test_a_list_that_is_not_there_is_gone(flock: FlockConnector) -> None:
    with pytest.raises(Gone):
        flock.list_remote("nobody's")


def test_two_lists_of_one_name_ask_a_person(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.get(f"{API}/hotlists").respond(200, json=[{"id": "1", "name": "x"}, {"id": "2", "name": "x"}])
    with pytest.raises(AdminMustFix, match="two hot lists"):
        alone.list_remote("x")


def test_a_list_is_deleted_and_a_list_that_is_gone_is_no_error(vendor: Any, flock: FlockConnector) -> None:
    flock.push(_complete(_entries(3)))
    flock.drop_list("Sandbox list")
    flock.drop_list("Sandbox list")
    assert vendor.flock.hotlists == {}


def test_every_subscription_is_revoked_and_a_repeat_finds_none(vendor: Any, flock: FlockConnector) -> None:
    for ident in ("one", "two"):
        vendor.flock.subscriptions[ident] = {"id": ident, "credentials": {"scheme": "none"}, "enabled": False}
    assert list(flock.subscriptions()) == ["one", "two"]
    assert (flock.unsubscribe(), flock.unsubscribe()) == (2, 0)
    assert vendor.flock.subscriptions == {}


def test_subscriptions_that_a_client_may_not_see_ask_a_person(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.get(f"{API}/integrations/lpr/alerts/subscriptions").respond(403, json={"error": "Forbidden"})
    with pytest.raises(AdminMustFix, match="Forbidden"):
        alone.unsubscribe()


def test_the_organisations_limit_asks_a_person(vendor: Any, flock: FlockConnector) -> None:
    vendor.flock.entry_limit = 10
    with pytest.raises(AdminMustFix, match="413"):
        flock.push(_complete(_entries(11)))


def test_an_add_that_may_have_arrived_is_not_sent_again(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.get(f"{API}/hotlists").respond(200, json=[{"id": "1", "name": "Sandbox list"}])
    wire.get(f"{API}/hotlists/1/entries").respond(200, json={"entries": [], "totalResults": 0, "nextPage": None})
    add = wire.post(f"{API}/hotlists/1/entries/addBatch").mock(side_effect=httpx.ReadTimeout("late"))
    with pytest.raises(TryAgain):
        alone.push(_complete(_entries(1)))
    assert add.call_count == 1


def test_cameras_are_listed_page_by_page(flock: FlockConnector, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.vendors.flock.connector.DEVICES_PAGE", 3)
    cameras = {camera.id: camera for camera in flock.cameras()}
    assert set(cameras) == {camera.id for camera in world.cameras["flock"]}
    first = world.cameras["flock"][0]
    assert (cameras[first.id].latitude, cameras[first.id].longitude) == (first.latitude, first.longitude)


def test_devices_that_are_no_cameras_are_left_out(alone: FlockConnector, wire: respx.MockRouter) -> None:
    devices = [{"id": "1", "type": "audio"}, {"id": "2", "type": "camera", "name": "F", "location": {}}]
    wire.get(f"{API}/devices").respond(200, json={"results": devices, "totalPages": 1})
    assert [camera.id for camera in alone.cameras()] == ["2"]
    wire.get(f"{API}/devices").respond(200, json={"results": [{"type": "camera"}], "totalPages": 1})
    with pytest.raises(VendorChanged, match="id"):
        list(alone.cameras())


def test_an_alert_and_its_picture(vendor: Any, flock: FlockConnector, world: World, clock: _Clock) -> None:
    wanted = world.wanted[0]
    flock.push(_complete([Entry(wanted.plate, "Stolen", "SB-1", "US-CA")]))
    one = max((one for one in world.passes["flock"] if one.plate == wanted.plate), key=lambda one: one.captured_at)
    body = msgspec.json.encode(alert_body(vendor.flock, one, sources_of(vendor.flock, one)))
    [record] = flock.unpack(Document(body))
    assert record.payload == body
    read = flock.parse(record)
    assert read.vendor_read_id == one.id
    assert [match.list_name for match in read.matches] == ["Sandbox list"]
    [image] = read.images
    fetched = flock.fetch_image(image.model_copy(update={"url": _moved(image, vendor.url)}))
    assert fetched.startswith(b"\xff\xd8\xff")
    clock.at = image.expires_at + timedelta(seconds=1) if image.expires_at else clock.at
    with pytest.raises(Gone):
        flock.fetch_image(image.model_copy(update={"url": _moved(image, vendor.url)}))


def _moved(image: ImageRef, url: str) -> str:
    """The picture's address at the port where the stand-in runs."""
    return re.sub(r"^https?://[^/]+", url, image.url or "")


def test_the_form_of_2022_has_the_same_id_each_time(vendor: Any, flock: FlockConnector, world: World) -> None:
    one = world.passes["flock"][5]
    body = msgspec.json.encode(read_body(vendor.flock, one))
    ids = {flock.parse(record).vendor_read_id for _ in range(2) for record in flock.unpack(Document(body))}
    assert len(ids) == 1


def _image(url: str, **more: Any) -> ImageRef:
    return ImageRef(kind=ImageKind.VEHICLE, url=url, **more)


def test_pictures_are_asked_for_without_credentials(alone: FlockConnector, wire: respx.MockRouter) -> None:
    picture = wire.get("https://x.s3.amazonaws.com/a.jpg").respond(200, content=b"\xff\xd8\xff\xe0")
    assert alone.fetch_image(_image("https://x.s3.amazonaws.com/a.jpg?sig=1")) == b"\xff\xd8\xff\xe0"
    assert "authorization" not in picture.calls[0].request.headers
    assert picture.calls[0].request.url.query == b"sig=1"


@pytest.mark.parametrize(
    ("image", "status", "error"),
    [
        (_image("https://x.amazonaws.com/a", expires_at=NOW), 403, Gone),
        (_image("https://x.amazonaws.com/a"), 403, Gone),
        (_image("https://x.amazonaws.com/a", expires_at=NOW + timedelta(hours=1)), 403, AdminMustFix),
        (_image("https://x.amazonaws.com/a", expires_at=NOW + timedelta(hours=1)), 404, Gone),
        (_image("https://x.amazonaws.com/a"), 200, VendorChanged),
        (_image("https://evil.example/a"), 200, AdminMustFix),
        (_image("http://x.amazonaws.com/a"), 200, AdminMustFix),
        (ImageRef(kind=ImageKind.VEHICLE), 200, Gone),
    ],
)
def test_pictures_that_cannot_be_had(
    alone: FlockConnector, wire: respx.MockRouter, image: ImageRef, status: int, error: type[Exception]
) -> None:
    wire.get("https://x.amazonaws.com/a").respond(status, html="<html>no picture</html>")
    with pytest.raises(error):
        alone.fetch_image(image)


def test_a_picture_without_end_is_not_read(alone: FlockConnector, wire: respx.MockRouter) -> None:
    wire.get("https://x.amazonaws.com/a").respond(200, content=b"\xff\xd8\xff" + bytes(15_000_001))
    with pytest.raises(VendorChanged, match="larger"):
        alone.fetch_image(_image("https://x.amazonaws.com/a"))


def _pushed(**headers: str) -> Request:
    return Request({name.replace("_", "-"): text for name, text in headers.items()}, Document(b"{}"))


def test_callbacks_must_prove_themselves_as_agreed(clock: _Clock) -> None:
    def made(**more: Any) -> Callable[[Request], None]:
        return FlockConnector(_settings(**more), Frame(clock, lambda _: None)).verify

    basic = "Basic " + b64encode(b"flock:pass").decode()
    key = made(callback_secret="k")
    pair = made(callback_scheme="basic", callback_header="Authorization", callback_user="flock", callback_secret="pass")
    empty = made(callback_scheme="basic", callback_header="Authorization", callback_user="flock", callback_secret="")
    key(_pushed(x_api_key="k"))
    pair(_pushed(authorization=basic))
    made(callback_scheme="none")(_pushed())
    for verify, request in (
        (key, _pushed(x_api_key="K")), (key, _pushed()), (pair, _pushed(authorization="Basic pass")), (pair, _pushed()),
        (made(), _pushed(x_api_key="")), (empty, _pushed(authorization="Basic " + b64encode(b"flock:").decode())),
    ):  # fmt: skip
        with pytest.raises(AdminMustFix):
            verify(request)


# ---- Flock's own OpenAPI as judge of what we send


@pytest.fixture(scope="module")
def schemas(shared: Path) -> dict[str, Any]:
    text = (shared / "vendors" / "flock-openapi-v3.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _judge(schemas: dict[str, Any], name: str, body: bytes) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": schemas["components"]}
    jsonschema.validate(
        msgspec.json.decode(body), schema, format_checker=jsonschema.FormatChecker(), cls=jsonschema.Draft4Validator
    )


def test_our_lookups_are_as_flock_documents_them(
    schemas: dict[str, Any], alone: FlockConnector, wire: respx.MockRouter
) -> None:
    route = wire.post(f"{API}/reads/lookup").respond(200, json={"results": [], "totalItems": 0})
    for state in (None, "US-NC", "US-DC", "CA", "CA-ON", "nonsense"):
        list(alone.lookup(_question("9SYN001", state=state)))
        _judge(schemas, "LookupRequest", route.calls[-1].request.content)
    sent = [msgspec.json.decode(call.request.content).get("state") for call in route.calls]
    assert sent == [None, "north_carolina", "washington_dc", "california", None, None]


def test_our_hot_lists_are_as_flock_documents_them(
    schemas: dict[str, Any], alone: FlockConnector, wire: respx.MockRouter
) -> None:
    wire.get(f"{API}/hotlists").respond(200, json=[])
    create = wire.post(f"{API}/hotlists").respond(201, json={"id": "1"})
    add = wire.post(f"{API}/hotlists/1/entries/addBatch").respond(200, json={"entries": []})
    drop = wire.post(f"{API}/hotlists/1/entries/deleteBatch").respond(200)
    alone.push(_complete([*_entries(3001, note="n", expires_at=NOW + timedelta(days=1)), Entry("9S", "r", "c")]))
    _judge(schemas, "CreateHotlistRequest", create.calls[0].request.content)
    _judge(schemas, "CreateHotlistEntriesRequest", add.calls[0].request.content)
    assert len(msgspec.json.decode(create.calls[0].request.content)["entries"]) == 3000
    wire.get(f"{API}/hotlists").respond(200, json=[{"id": "1", "name": "Sandbox list"}])
    held = {"entries": [{"id": "7", "plate": "9SGONE", "reason": "r", "caseNumber": "c"}], "nextPage": None}
    wire.get(f"{API}/hotlists/1/entries").respond(200, json=held)
    alone.push(_complete([]))
    _judge(schemas, "DeleteHotlistEntriesRequest", drop.calls[0].request.content)


def test_we_know_exactly_the_states_that_flock_lists(schemas: dict[str, Any]) -> None:
    assert set(STATES.values()) == set(schemas["components"]["schemas"]["State"]["enum"])


def test_records_keep_the_bytes_that_came(alone: FlockConnector) -> None:
    raw = b'{ "id" : "1",  "plate":{"plate":"9SYN001"} }'
    body = b'{"results": [' + raw + b'], "totalItems": 1}'
    assert list(alone.unpack(Document(body))) == [Record("lookup", raw)]
