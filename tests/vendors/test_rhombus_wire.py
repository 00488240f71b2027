"""Rhombus against its stand-in and, for what no stand-in gives, against single answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx

from alprhub.sandbox.rhombus import API_KEY, rhombus_app
from alprhub.sandbox.service import Service
from alprhub.sandbox.world import World
from connectors.contract import Delta, Document, Entry, Frame, Page, Window, abilities
from connectors.errors import AdminMustFix, Gone, NotARead, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.rhombus import FEWEST, MARK, RhombusConnector, RhombusSettings
from normalize.read import Read

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
API = "https://api2.rhombussystems.com/api"
DAY = Window(NOW - timedelta(days=1), NOW)
LIST = "Sandbox list"


class _Clock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(scope="module")
def world() -> World:
    return World(23, NOW, passes=1500, vendors=("flock",))


@pytest.fixture
def vendor(world: World) -> Iterator[Any]:
    app = rhombus_app(world, clock=lambda: NOW)
    with Service(app) as service:
        app.state.url = f"{service.url}/api"
        yield app.state


@pytest.fixture
def rhombus(vendor: Any) -> RhombusConnector:
    return _made(base_url=vendor.url)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def _made(slept: list[float] | None = None, **more: Any) -> RhombusConnector:
    told = {"api_key": API_KEY, "requests_per_second": 1e6, **more}
    return RhombusConnector(RhombusSettings(**told), Frame(_Clock(), (slept if slept is not None else []).append))


def _reads(rhombus: RhombusConnector, pages: Iterator[Page]) -> tuple[list[Read], int]:
    reads, refused = [], 0
    for page in pages:
        for record in page.records:
            try:
                reads.append(rhombus.parse(record))
            except RecordRejected:
                refused += 1
    return reads, refused


def _of(world: World, window: Window) -> set[str]:
    return {one.id for one in world.passes["flock"] if window.since <= one.time <= window.until}


# ---- proving who we are


def test_check_proves_the_key(rhombus: RhombusConnector) -> None:
    assert "took the key" in rhombus.check()


def test_a_wrong_key_asks_a_person_and_is_not_told(vendor: Any) -> None:
    with pytest.raises(AdminMustFix) as refused:
        _made(base_url=vendor.url, api_key="wrong-key").check()
    assert "wrong-key" not in str(refused.value)


@pytest.mark.parametrize(
    ("more", "headers"),
    [
        ({}, {"x-auth-scheme": "api-token", "x-auth-apikey": API_KEY}),
        (
            {"auth_scheme": "partner-api-token", "organisation": "synthetic-org"},
            {"x-auth-scheme": "partner-api-token", "x-auth-apikey": API_KEY, "x-auth-org": "synthetic-org"},
        ),
        ({"auth_scheme": "api-oauth-token"}, {"x-auth-scheme": "api-oauth-token", "x-auth-access-token": API_KEY}),
    ],
)
def test_every_call_is_a_post_with_the_headers_of_its_kind_of_key(
    wire: respx.MockRouter, more: dict[str, str], headers: dict[str, str]
) -> None:
    route = wire.post(f"{API}/vehicle/getVehicleEvents").respond(200, json={"events": []})
    _made(**more).check()
    sent = route.calls[0].request
    assert {name: sent.headers[name] for name in headers} == headers
    assert {name for name in sent.headers if name.startswith("x-auth")} == set(headers)
    assert json.loads(sent.content) == {"startTimeMs": 1780311600000, "endTimeMs": 1780315200000}


def test_a_partner_must_name_its_customer(vendor: Any) -> None:
    vendor.rhombus.scheme, vendor.rhombus.organisation = "partner-api-token", "synthetic-org"
    told = {"base_url": vendor.url, "auth_scheme": "partner-api-token"}
    assert "took the key" in _made(**told, organisation="synthetic-org").check()
    with pytest.raises(AdminMustFix, match="403"):
        _made(**told).check()


# ---- reads


def test_a_window_brings_every_event_once_and_in_the_order_of_time(
    vendor: Any, rhombus: RhombusConnector, world: World
) -> None:
    window = Window(NOW - timedelta(days=20), NOW)
    pages = list(rhombus.pull(window))
    reads, refused = _reads(rhombus, iter(pages))
    assert refused == 0
    assert len(reads) == len(_of(world, window))
    assert {read.vendor_read_id for read in reads} == _of(world, window)
    marks = [datetime.fromisoformat(page.checkpoint["until"]) for page in pages if page.checkpoint]
    assert marks == sorted(marks)
    assert marks[-1] == NOW
    assert len(marks) == len(pages)


def test_a_read_says_what_the_event_said(rhombus: RhombusConnector, world: World) -> None:
    one = world.passes["flock"][-1]
    read = next(read for read in _reads(rhombus, rhombus.pull(DAY))[0] if read.vendor_read_id == one.id)
    assert (read.plate_raw, read.camera.id) == (one.plate, one.camera.id)
    assert read.captured_at == one.time.replace(microsecond=one.time.microsecond // 1000 * 1000)
    assert read.images == ()


def _busy(world: World, count: int, spread: timedelta) -> list[Any]:
    """Cars that pass within one short time, one behind the other."""
    first = world.passes["flock"][-1]
    begin = NOW - timedelta(minutes=50)
    gap = spread / max(count, 1)
    micros = [int((begin + number * gap).timestamp() * 1e6) for number in range(count)]
    return [first._replace(id=f"busy-{number}", captured_at=at) for number, at in enumerate(micros)]


@pytest.mark.parametrize("ends_inside", [True, False])
@pytest.mark.parametrize("most", [FEWEST, 137, 250, 1_000_000])
def test_no_cap_on_answers_loses_an_event_though_none_is_published(
    vendor: Any, world: World, most: int, ends_inside: bool
) -> None:
    passes = _busy(world, 900, timedelta(minutes=9))
    app = rhombus_app(world, passes=passes, clock=lambda: NOW)
    app.state.rhombus.most_events, app.state.rhombus.ends_inside = most, ends_inside
    with Service(app) as service:
        rhombus = _made(base_url=f"{service.url}/api")
        reads, _ = _reads(rhombus, rhombus.pull(DAY))
    assert sorted(read.vendor_read_id for read in reads) == sorted(one.id for one in passes)


def test_a_long_answer_is_proved_with_two_more_questions_and_not_with_many(vendor: Any, world: World) -> None:
    app = rhombus_app(world, passes=_busy(world, 900, timedelta(minutes=40)), clock=lambda: NOW)
    with Service(app) as service:
        list(_made(base_url=f"{service.url}/api").pull(DAY))
    assert len(app.state.rhombus.log) <= 24 + 4


def test_more_events_of_one_millisecond_than_an_answer_may_hold_stop_the_run(vendor: Any, world: World) -> None:
    app = rhombus_app(world, passes=_busy(world, FEWEST + 1, timedelta()), clock=lambda: NOW)
    app.state.rhombus.most_events = FEWEST
    with Service(app) as service, pytest.raises(VendorChanged, match="share one millisecond"):
        list(_made(base_url=f"{service.url}/api").pull(DAY))


def test_a_partial_answer_is_kept_and_vouched_for_by_no_checkpoint(
    vendor: Any, rhombus: RhombusConnector, world: World
) -> None:
    pages: list[Page] = []

    def seventh_in_part(page: Page) -> Page:
        pages.append(page)
        vendor.rhombus.partly = len(pages) == 6
        return page

    with pytest.raises(TryAgain, match="in part"):
        list(map(seventh_in_part, rhombus.pull(DAY)))
    assert [page.checkpoint is not None for page in pages] == [True] * 6 + [False] * 18
    assert {read.vendor_read_id for read in _reads(rhombus, iter(pages))[0]} == _of(world, DAY)


def test_repeats_and_bad_records_lose_nothing(vendor: Any, rhombus: RhombusConnector, world: World) -> None:
    vendor.faults.duplicate, vendor.faults.malformed = 0.3, 0.3
    reads, _ = _reads(rhombus, rhombus.pull(DAY))
    good = _of(world, DAY) - set(vendor.faults.bad)
    assert good <= {read.vendor_read_id for read in reads}
    assert vendor.faults.bad


def test_a_vehicle_without_a_plate_is_no_read_and_no_fault() -> None:
    rhombus = _made()
    body = b'{"events": [{"uuid": "u", "deviceUuid": "d", "eventTimestamp": 1780311600000, "vehicleLicensePlate": ""}]}'
    [record] = rhombus.unpack(Document(body))
    with pytest.raises(NotARead):
        rhombus.parse(record)


def test_seconds_where_milliseconds_belong_are_refused_and_not_guessed() -> None:
    event = {"uuid": "u", "deviceUuid": "d", "eventTimestamp": 1780311600, "vehicleLicensePlate": "9SYN001"}
    rhombus = _made()
    [record] = rhombus.unpack(Document(json.dumps({"events": [event]}).encode()))
    with pytest.raises(RecordRejected, match="eventTimestamp: 1970"):
        rhombus.parse(record)


def test_pictures_are_left_out_since_the_call_that_gives_them_is_not_described() -> None:
    assert set(abilities(RhombusConnector)) == {"pulls_reads", "pushes_hotlists"}


# ---- failures in every shape


EVENTS = f"{API}/vehicle/getVehicleEvents"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"authenticationFailed": True}), AdminMustFix),
        (httpx.Response(200, json={"authenticationFailed": True}), AdminMustFix),
        (httpx.Response(403, json={"status": 403, "error": "Forbidden", "timestamp": 1, "msg": "no"}), AdminMustFix),
        (httpx.Response(200, json={"status": 403, "error": "Forbidden", "timestamp": 1, "msg": "no"}), AdminMustFix),
        (httpx.Response(400, json={"msg": "JSON doesn't match expected object structure"}), VendorChanged),
        (httpx.Response(200, json={"msg": "JSON doesn't match expected object structure"}), VendorChanged),
        (httpx.Response(200, json={"error": True, "errorMsg": "9SYN001", "events": []}), VendorChanged),
        (httpx.Response(200, json={"error": "Forbidden", "events": []}), VendorChanged),
        (httpx.Response(200, json={"error": False}), VendorChanged),
        (httpx.Response(200, json={"events": None}), VendorChanged),
        (httpx.Response(200, json=[]), VendorChanged),
        (httpx.Response(404, json={"msg": "no such call"}), VendorChanged),
        (httpx.Response(200, html="<html>Sign in</html>"), VendorChanged),
    ],
)
def test_every_shape_of_failure_is_known_for_what_it_is(
    wire: respx.MockRouter, answer: httpx.Response, error: type[Exception]
) -> None:
    wire.post(EVENTS).mock(return_value=answer)
    with pytest.raises(error) as failed:
        list(_made().pull(DAY))
    assert "9SYN" not in str(failed.value)


def test_a_plain_text_throttle_is_waited_out_as_long_as_it_says(vendor: Any, world: World) -> None:
    slept: list[float] = []
    vendor.faults.throttle, vendor.faults.retry_seconds = 3, 7
    rhombus = _made(slept, base_url=vendor.url)
    assert len(_reads(rhombus, rhombus.pull(DAY))[0]) == len(_of(world, DAY))
    assert 7.0 in slept


def test_an_outage_ends_the_run(vendor: Any, rhombus: RhombusConnector) -> None:
    vendor.faults.outage(requests=1000)
    with pytest.raises(TryAgain):
        list(rhombus.pull(DAY))


@pytest.mark.parametrize("how", ["html", "truncate"])
def test_a_page_that_is_no_answer_is_never_taken_for_no_events(
    vendor: Any, rhombus: RhombusConnector, how: str
) -> None:
    setattr(vendor.faults, how, 1)
    with pytest.raises((VendorChanged, TryAgain)):
        list(rhombus.pull(DAY))


# ---- hot lists


def _entry(plate: str, **more: Any) -> Entry:
    return Entry(plate, **{"reason": "Stolen vehicle", "case_number": "SB-1", "state": "US-CA", **more})


def _complete(*entries: Entry, name: str = LIST) -> Delta:
    return Delta(name, list(entries), [], list(entries))


def _held(rhombus: RhombusConnector, name: str = LIST) -> set[str]:
    return {one.plate for one in rhombus.list_remote(name)}


def test_a_list_is_pushed_as_a_label_and_read_back(vendor: Any, rhombus: RhombusConnector) -> None:
    with pytest.raises(Gone):
        rhombus.list_remote(LIST)
    report = rhombus.push(_complete(_entry("9SYN001"), _entry("9SYN002", note="call")))
    assert (report.added, report.removed) == (2, 0)
    assert _held(rhombus) == {"9SYN001", "9SYN002"}
    saved = vendor.rhombus.vehicles["9SYN002"]
    assert (saved["licensePlate"], saved["name"]) == ("9SYN002", "Stolen vehicle")
    assert saved["description"] == f"SB-1 call {MARK}"


@pytest.mark.parametrize("within", ["", "vehicleLabels"])
def test_the_map_of_labels_may_come_bare_or_within_a_member(
    vendor: Any, rhombus: RhombusConnector, within: str
) -> None:
    vendor.rhombus.labels_within = within
    rhombus.push(_complete(_entry("9SYN001")))
    assert _held(rhombus) == {"9SYN001"}
    rhombus.push(_complete())
    with pytest.raises(Gone):
        rhombus.list_remote(LIST)


def test_the_plate_is_written_under_one_name_and_read_under_another(vendor: Any, rhombus: RhombusConnector) -> None:
    rhombus.push(_complete(_entry("9SYN001")))
    assert "" not in vendor.rhombus.vehicles


def test_a_vehicle_that_was_saved_without_its_plate_is_noticed(wire: respx.MockRouter) -> None:
    empty = {"name": "n", "description": "d", "licensePlate": "", "orgUuid": "o", "createdAtMillis": 1}
    wire.post(f"{API}/vehicle/getVehicles").respond(200, json={"vehicles": [empty]})
    wire.post(f"{API}/vehicle/getVehicleLabelsForOrg").respond(200, json={"vehicleLabels": {}})
    wire.post(f"{API}/vehicle/saveVehicle").respond(200, json={})
    label = wire.post(f"{API}/vehicle/addVehicleLabel")
    with pytest.raises(VendorChanged, match="1 of the vehicles") as lost:
        _made().push(_complete(_entry("9SYN001")))
    assert "9SYN001" not in str(lost.value)
    assert not label.called


def test_the_same_list_again_changes_nothing(vendor: Any, rhombus: RhombusConnector) -> None:
    entries = _entry("9SYN001"), _entry("9SYN002")
    rhombus.push(_complete(*entries))
    acted = list(vendor.rhombus.acted)
    report = rhombus.push(_complete(*entries))
    assert (report.added, report.removed, vendor.rhombus.acted) == (0, 0, acted)


def test_what_left_the_list_loses_its_label_and_is_deleted_where_we_saved_it(
    vendor: Any, rhombus: RhombusConnector
) -> None:
    rhombus.push(_complete(_entry("9SYN001"), _entry("9SYN002"), _entry("9SYN003")))
    rhombus.push(_complete(_entry("9SYN003"), name="Another list"))
    report = rhombus.push(_complete(_entry("9SYN001"), _entry("9SYN004", expires_at=NOW)))
    assert (report.added, report.removed) == (0, 2)
    assert _held(rhombus) == {"9SYN001"}
    assert _held(rhombus, "Another list") == {"9SYN003"}
    assert set(vendor.rhombus.vehicles) == {"9SYN001", "9SYN003"}


def test_what_somebody_else_saved_keeps_its_words_and_is_never_deleted(vendor: Any, rhombus: RhombusConnector) -> None:
    theirs = {"name": "Delivery", "description": "Gate 3", "licensePlate": "9syn-001"}
    vendor.rhombus.vehicles["9syn-001"] = dict(theirs)
    vendor.rhombus.labels["9syn-001"] = ["Guests"]
    rhombus.push(_complete(_entry("9SYN001")))
    assert vendor.rhombus.labels == {"9syn-001": ["Guests", LIST]}
    assert {rhombus.held_form(plate) for plate in _held(rhombus)} == {"9SYN001"}
    rhombus.push(_complete())
    assert vendor.rhombus.vehicles == {"9syn-001": theirs}
    assert vendor.rhombus.labels == {"9syn-001": ["Guests"]}


def test_a_changed_reason_is_saved_again(vendor: Any, rhombus: RhombusConnector) -> None:
    rhombus.push(_complete(_entry("9SYN001")))
    rhombus.push(_complete(_entry("9SYN001", reason="Missing person")))
    assert vendor.rhombus.vehicles["9SYN001"]["name"] == "Missing person"


def test_a_state_is_not_held_so_a_plate_of_two_states_is_one(rhombus: RhombusConnector) -> None:
    entries = [_entry("9SYN001"), _entry("9SYN001", state="US-NV")]
    rhombus.push(_complete(*entries))
    held = {(rhombus.held_form(one.plate), one.state) for one in rhombus.list_remote(LIST)}
    assert held == rhombus.as_held(entries).keys() == {("9SYN001", None)}


def test_a_change_that_may_have_arrived_is_not_sent_again(vendor: Any, rhombus: RhombusConnector) -> None:
    before = vendor.faults.requests
    vendor.faults.truncate, vendor.faults.truncate_how = before + 3, "connection"
    with pytest.raises(TryAgain, match="not sent again"):
        rhombus.push(_complete(_entry("9SYN001")))
    assert vendor.rhombus.acted == [("saveVehicle", "9SYN001")]
    vendor.faults.heal()
    rhombus.push(_complete(_entry("9SYN001")))
    assert vendor.rhombus.acted == [("saveVehicle", "9SYN001"), ("addVehicleLabel", "9SYN001")]


def test_what_a_push_left_behind_when_it_broke_off_is_cleared_by_the_next(
    vendor: Any, rhombus: RhombusConnector
) -> None:
    rhombus.push(_complete(_entry("9SYN001"), _entry("9SYN002")))
    vendor.rhombus.labels.pop("9SYN002")
    rhombus.push(_complete(_entry("9SYN001")))
    assert set(vendor.rhombus.vehicles) == {"9SYN001"}


def test_a_push_that_is_carried_out_in_part_is_no_success(vendor: Any, rhombus: RhombusConnector) -> None:
    vendor.rhombus.partly = True
    with pytest.raises(TryAgain, match="in part"):
        rhombus.push(_complete(_entry("9SYN001")))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404), httpx.Response(200, json={"error": True, "errorMsg": "x"}), httpx.Response(200, json=[]),
        httpx.Response(200, json={"vehicleLabels": {"9SYN001": "x"}}), httpx.Response(200, json={"9SYN001": None}),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_read_never_count_as_an_empty_list(
    wire: respx.MockRouter, answer: httpx.Response
) -> None:
    wire.post(f"{API}/vehicle/getVehicleLabelsForOrg").mock(return_value=answer)
    with pytest.raises(VendorChanged):
        _made().list_remote(LIST)


def test_vehicles_of_another_shape_stop_the_push(wire: respx.MockRouter) -> None:
    wire.post(f"{API}/vehicle/getVehicles").respond(200, json={"vehicles": {"9SYN001": {}}})
    with pytest.raises(VendorChanged, match="saved vehicles"):
        _made().push(_complete())
