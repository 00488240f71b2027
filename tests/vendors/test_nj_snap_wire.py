"""The NJ SNAP POI interface against its stand-in and, for what no stand-in gives, against single answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import respx
from pydantic import ValidationError

from alprhub.sandbox.nj_snap import API_KEY, hit, nj_snap_app
from alprhub.sandbox.service import Service
from alprhub.sandbox.world import Pass, World
from connectors.contract import Delta, Document, Entry, Frame, Lookup, Page, Proof, Request, Window
from connectors.errors import AdminMustFix, Gone, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.nj_snap import PAGE_SIZES, NjSnapConnector, NjSnapSettings
from normalize.fault import Unusable
from normalize.read import ImageKind, ImageRef, Read
from normalize.times import Zone

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SUPPLIER = "https://supplier.example"
SEARCH = f"{SUPPLIER}/api/alpr/v1/search"
HOTLIST = f"{SUPPLIER}/api/alpr/v1/hotlist"
WEEK = Window(NOW - timedelta(days=7), NOW)
NEW_YORK = ZoneInfo("America/New_York")


class _Clock:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def world() -> World:
    return World(29, NOW, passes=1200, vendors=("flock",))


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def vendor(world: World, clock: _Clock) -> Iterator[Any]:
    with _serving(world, None, clock) as state:
        yield state


class _serving:
    """A stand-in that runs, with its address as `state.url`."""

    def __init__(self, world: World, passes: list[Pass] | None, clock: _Clock) -> None:
        self._app = nj_snap_app(world, passes=passes, clock=clock.now)
        self._service = Service(self._app)

    def __enter__(self) -> Any:
        self._service.start()
        self._app.state.url = self._app.state.nj_snap.origin = self._service.url
        return self._app.state

    def __exit__(self, *_: object) -> None:
        self._service.stop()


def _made(clock: _Clock | None = None, slept: list[float] | None = None, **more: Any) -> NjSnapConnector:
    told = {"base_url": SUPPLIER, "api_key": API_KEY, "dept_ori": "NJ0SYN000", **more}
    frame = Frame(clock or _Clock(), (slept if slept is not None else []).append)
    return NjSnapConnector(NjSnapSettings(**told), frame)


@pytest.fixture
def snap(vendor: Any, clock: _Clock) -> NjSnapConnector:
    return _made(clock, base_url=vendor.url)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def _reads(snap: NjSnapConnector, pages: Iterator[Page]) -> tuple[list[Read], int]:
    reads, refused = [], 0
    for page in pages:
        for record in page.records:
            try:
                reads.append(snap.parse(record))
            except RecordRejected:
                refused += 1
    return reads, refused


def _told(reads: list[Read]) -> set[tuple[str, str, datetime]]:
    return {(read.plate_raw, read.camera.id, read.captured_at) for read in reads}


def _true(passes: Any, window: Window) -> set[tuple[str, str, datetime]]:
    inside = (one for one in passes if window.since <= one.time <= window.until)
    return {(one.plate, one.camera.name, one.time.replace(microsecond=0)) for one in inside}


# ---- searches


def test_check_proves_the_key(snap: NjSnapConnector) -> None:
    assert "took the key" in snap.check()


def test_a_wrong_key_asks_a_person_and_is_not_told(vendor: Any) -> None:
    with pytest.raises(AdminMustFix) as refused:
        _made(base_url=vendor.url, api_key="wrong-key").check()
    assert "wrong-key" not in str(refused.value)


@pytest.mark.parametrize("size", PAGE_SIZES)
def test_a_window_brings_every_read_in_pages_of_each_size_on_offer(vendor: Any, world: World, size: int) -> None:
    snap = _made(base_url=vendor.url, page_size=size)
    pages = list(snap.pull(WEEK))
    reads, refused = _reads(snap, iter(pages))
    assert refused == 0
    assert _told(reads) >= _true(world.passes["flock"], WEEK)
    assert len({read.vendor_read_id for read in reads}) == len(_told(reads))
    marks = [datetime.fromisoformat(page.checkpoint["until"]) for page in pages if page.checkpoint]
    assert marks == [WEEK.since + timedelta(days=day) for day in range(1, 8)]


@pytest.mark.parametrize("size", ["0", "30", "5000"])
def test_a_page_size_that_is_not_on_offer_is_refused_as_a_setting(size: str) -> None:
    with pytest.raises(ValidationError, match="must be one of 20, 50"):
        _made(page_size=size)


def test_a_search_asks_for_every_plate_in_local_time_without_a_zone(wire: respx.MockRouter) -> None:
    route = wire.post(SEARCH).respond(200, json={"metadata": {"page_count": 0}, "results": []})
    since = datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)
    list(_made().pull(Window(since, since + timedelta(hours=1))))
    sent = route.calls[0].request
    assert json.loads(sent.content) == {
        "page": 1, "page_size": 1000, "plate_num": "%",
        "start_date": "2026-01-31T07:00:00", "end_date": "2026-01-31T08:00:01",
    }  # fmt: skip
    assert sent.headers["authorization"] == f"Bearer {API_KEY}"


def test_a_read_says_what_the_result_said(snap: NjSnapConnector, world: World) -> None:
    one = next(one for one in reversed(world.passes["flock"]) if one.state == "CA")
    reads, _ = _reads(snap, snap.pull(WEEK))
    read = next(read for read in reads if read.plate_raw == one.plate and read.camera.name == one.camera.name)
    assert read.plate_state == "US-CA"
    assert read.state.said == "USA-CA"
    assert read.zone is Zone.IN_DATA
    assert read.place is not None
    assert (read.place.latitude, read.place.longitude) == (one.camera.latitude, one.camera.longitude)
    assert read.vehicle.make.said == one.vehicle.make
    assert [image.kind for image in read.images] == [ImageKind.PLATE, ImageKind.FRAME]
    assert {image.expires_at for image in read.images} == {NOW + timedelta(hours=24)}


def _pages(*pages: tuple[Any, int]) -> list[httpx.Response]:
    """Answers with a page count and so many results, each with a number of its own."""
    answers, number = [], 0
    for count, results in pages:
        rows = []
        for _ in range(results):
            number += 1
            at = (NOW - timedelta(hours=1, seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
            rows.append({"read_time": at, "camera_name": "Pier", "plate_num": f"9S{number:05d}"})
        answers.append(httpx.Response(200, json={"metadata": {"page_count": count}, "results": rows}))
    return answers


HOUR = Window(NOW - timedelta(hours=2), NOW)


@pytest.mark.parametrize(
    ("pages", "reads"),
    [
        ([(3, 20), (-1, 20), (-1, 5)], 45),
        ([(2, 20), (-1, 20), (-1, 0)], 40),
        ([(1, 20), (-1, 20), (-1, 3)], 43),
        ([(None, 20), (None, 3)], 23),
        ([("2", 20), ("-1", 3)], 23),
        ([(-1, 20), (-1, 0)], 20),
        ([(2, 20), (-1, 0)], 20),
        ([(0, 0)], 0),
    ],
)
def test_pages_are_walked_to_a_page_that_is_not_full_though_only_the_first_tells_how_many_there_are(
    wire: respx.MockRouter, pages: list[tuple[Any, int]], reads: int
) -> None:
    route = wire.post(SEARCH).mock(side_effect=_pages(*pages))
    snap = _made(page_size=20)
    assert len(_reads(snap, snap.pull(HOUR))[0]) == reads
    assert [json.loads(call.request.content)["page"] for call in route.calls] == list(range(1, len(pages) + 1))


def test_an_empty_page_before_the_last_and_a_page_that_comes_twice_stop_the_run(wire: respx.MockRouter) -> None:
    route = wire.post(SEARCH).mock(side_effect=_pages((3, 20), (-1, 0)))
    with pytest.raises(VendorChanged, match="page 2 of 3 is empty"):
        list(_made(page_size=20).pull(HOUR))
    [same] = _pages((9, 20))
    route.mock(return_value=same)
    with pytest.raises(VendorChanged, match="same page twice"):
        list(_made(page_size=20).pull(HOUR))


@pytest.mark.parametrize(("ours", "theirs"), [("America/New_York", "UTC"), ("UTC", "Asia/Tokyo")])
def test_a_wrong_zone_shows_in_the_answers_and_asks_a_person(
    vendor: Any, clock: _Clock, ours: str, theirs: str
) -> None:
    vendor.nj_snap.zone = ZoneInfo(theirs)
    window = Window(NOW - timedelta(hours=2), NOW)
    with pytest.raises(AdminMustFix, match="zone"):
        list(_made(clock, base_url=vendor.url, zone=ours).pull(window))
    assert _reads(snap := _made(clock, base_url=vendor.url, zone=theirs), snap.pull(window))[1] == 0


@pytest.mark.parametrize("minutes", range(-90, 100, 30))
def test_the_hour_that_the_clock_shows_twice_is_asked_for_whole(world: World, minutes: int) -> None:
    change = datetime(2025, 11, 2, 6, tzinfo=UTC)  # 2 a.m. in New York becomes 1 a.m.
    first = world.passes["flock"][0]
    moments = [change + timedelta(minutes=minute) for minute in range(-180, 180, 5)]
    passes = [
        first._replace(id=f"n{n}", number=n + 1, plate=f"9X{n:04d}", captured_at=int(at.timestamp() * 1e6))
        for n, at in enumerate(moments)
    ]
    clock = _Clock(change + timedelta(hours=4))
    window = Window(change + timedelta(minutes=minutes), change + timedelta(minutes=minutes + 40))
    with _serving(world, passes, clock) as state:
        snap = _made(clock, base_url=state.url)
        reads, _ = _reads(snap, snap.pull(window))
    assert _told(reads) >= _true(passes, window)


def test_repeats_and_bad_records_lose_nothing(vendor: Any, world: World, clock: _Clock) -> None:
    vendor.faults.duplicate, vendor.faults.malformed = 0.3, 0.3
    snap = _made(clock, base_url=vendor.url, page_size=20)
    good = [one for one in world.passes["flock"] if not vendor.faults.is_bad(one.id)]
    assert _told(_reads(snap, snap.pull(WEEK))[0]) >= _true(good, WEEK)
    assert vendor.faults.bad


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (httpx.Response(400, json={"error": {"code": "INVALID_SEARCH", "message": "9SYN001"}}), VendorChanged, "400"),
        (
            httpx.Response(200, json={"error": {"code": "INVALID_SEARCH", "message": "9SYN001"}}),
            VendorChanged,
            "INVALID_SEARCH",
        ),
        (httpx.Response(200, json={"error": {"code": "9SYN001"}}), VendorChanged, "without a code"),
        (httpx.Response(200, json={"error": "9SYN001"}), VendorChanged, "without a code"),
        (
            httpx.Response(401, json={"error": {"code": "UNAUTHORIZED", "message": "no"}}),
            AdminMustFix,
            r"401: it refuses the key, or the user and password \(no\)",
        ),
        (httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "no"}}), VendorChanged, "404"),
        (httpx.Response(200, json={"metadata": {"page_count": 1}}), VendorChanged, "no results"),
        (httpx.Response(200, json={"metadata": {"page_count": "x"}, "results": []}), VendorChanged, "page_count"),
        (httpx.Response(200, json={"metadata": 7, "results": []}), VendorChanged, "another shape"),
        (httpx.Response(200, json={"metadata": {}, "results": {}}), VendorChanged, "not a list"),
        (httpx.Response(200, json=[]), VendorChanged, "a list"),
        (httpx.Response(200, html="<html>Sign in</html>"), VendorChanged, "web page"),
    ],
)
def test_every_shape_of_failure_is_known_for_what_it_is(
    wire: respx.MockRouter, answer: httpx.Response, error: type[Exception], says: str
) -> None:
    wire.post(SEARCH).mock(return_value=answer)
    with pytest.raises(error, match=says) as failed:
        list(_made().pull(HOUR))
    assert "9SYN" not in str(failed.value)


def test_a_throttle_is_waited_out_and_an_outage_ends_the_run(vendor: Any, clock: _Clock, world: World) -> None:
    slept: list[float] = []
    vendor.faults.throttle = 2
    snap = _made(clock, slept, base_url=vendor.url)
    assert _told(_reads(snap, snap.pull(WEEK))[0]) >= _true(world.passes["flock"], WEEK)
    assert slept
    vendor.faults.outage(requests=1000)
    with pytest.raises(TryAgain):
        list(snap.pull(WEEK))


# ---- one plate


def _lookup(plate: str) -> Lookup:
    return Lookup(plate, NOW - timedelta(days=27), NOW, "Stolen vehicle", case_number="SB-1")


def test_a_lookup_brings_the_reads_of_one_full_plate_and_of_no_longer_one(
    vendor: Any, snap: NjSnapConnector, world: World
) -> None:
    wanted = world.wanted[0].plate
    last = world.passes["flock"][-1]
    vendor.nj_snap.passes.append(last._replace(plate=f"{wanted}7", number=last.number + 1))
    vendor.nj_snap._times.append(last.captured_at)
    reads, _ = _reads(snap, snap.lookup(_lookup(f" {wanted.lower()} ")))
    window = Window(NOW - timedelta(days=27), NOW)
    assert _told(reads) == _true((one for one in world.passes["flock"] if one.plate == wanted), window)
    assert {asked["plate_num"] for asked in vendor.nj_snap.asked} == {f"{wanted}%"}


@pytest.mark.parametrize("plate", ["", "9SYN%", "9SYN*", "9SYN?01", "--"])
def test_a_lookup_of_anything_but_one_full_plate_is_refused_before_it_is_sent(vendor: Any, plate: str) -> None:
    snap = _made(base_url=vendor.url)
    with pytest.raises(Unusable, match="one full plate"):
        list(snap.lookup(_lookup(plate)))
    assert vendor.nj_snap.log == []


# ---- pictures


def test_a_picture_is_fetched_without_the_key_while_its_address_is_signed(
    vendor: Any, snap: NjSnapConnector, clock: _Clock
) -> None:
    read = _reads(snap, snap.pull(WEEK))[0][-1]
    assert snap.fetch_image(read.images[0]).startswith(b"\xff\xd8\xff")
    clock.at += timedelta(hours=24)
    with pytest.raises(Gone):
        snap.fetch_image(read.images[0])
    with pytest.raises(Gone):
        snap.fetch_image(ImageRef(kind=ImageKind.PLATE))


def test_a_picture_is_fetched_from_the_stores_that_were_named_alone(wire: respx.MockRouter) -> None:
    with pytest.raises(AdminMustFix, match="host"):
        _made().fetch_image(ImageRef(kind=ImageKind.FRAME, url="https://evil.example/a.jpg"))
    url = "https://bucket.s3.wasabisys.com/a.jpg"
    route = wire.get(url).respond(200, html="<html>")
    with pytest.raises(VendorChanged):
        _made().fetch_image(ImageRef(kind=ImageKind.FRAME, url=url))
    assert "authorization" not in route.calls[0].request.headers


# ---- hits that are pushed


def _push(vendor: Any, one: Pass, **more: Any) -> bytes:
    return json.dumps({"plateHits": [{**hit(vendor.nj_snap, one, "12"), **more}]}).encode()


def test_a_hit_becomes_a_read_with_its_match_and_second_reading(
    vendor: Any, snap: NjSnapConnector, world: World
) -> None:
    one = next(one for one in world.passes["flock"] if one.number % 3 == 0 and one.state)
    [record] = snap.unpack(Document(_push(vendor, one)))
    read = snap.parse(record)
    assert (read.vendor_read_id, read.plate_raw, read.plate_state) == (one.id, one.plate, f"US-{one.state}")
    assert [candidate.text for candidate in read.candidates] == [one.plate[:-1]]
    assert read.captured_at == one.time.replace(microsecond=0)
    assert read.zone is Zone.CONFIGURED
    assert read.plate_confidence is None
    assert [match.list_name for match in read.matches] == ["NJ SNAP POI 12"]
    assert (read.direction, read.direction_of) == (0, "north")


@pytest.mark.parametrize(
    ("scale", "said", "share"),
    [(None, 97.5, None), ("0-100", 97.5, 0.975), ("0-100", "97.5", 0.975), ("0-1", "0.5", 0.5), ("0-100", "", None)],
)
def test_a_confidence_is_kept_only_on_a_scale_that_somebody_said(
    vendor: Any, world: World, scale: str | None, said: Any, share: float | None
) -> None:
    snap = _made(confidence_scale=scale)
    [record] = snap.unpack(Document(_push(vendor, world.passes["flock"][0], confidence=said)))
    assert snap.parse(record).plate_confidence == share


def test_a_confidence_off_its_scale_is_refused(vendor: Any, world: World) -> None:
    snap = _made(confidence_scale="0-1")
    [record] = snap.unpack(Document(_push(vendor, world.passes["flock"][0], confidence=97.5)))
    with pytest.raises(RecordRejected, match="confidence"):
        snap.parse(record)


def test_hits_of_one_passage_on_several_entries_are_one_read(vendor: Any, snap: NjSnapConnector, world: World) -> None:
    one = world.passes["flock"][-1]
    hits = [hit(vendor.nj_snap, one, poi) for poi in ("12", "13")]
    records = list(snap.unpack(Document(json.dumps({"plateHits": hits}).encode())))
    assert len({snap.parse(record).vendor_read_id for record in records}) == 1


def test_an_event_id_that_is_the_plate_does_not_make_two_passages_one(
    vendor: Any, snap: NjSnapConnector, world: World
) -> None:
    one = world.passes["flock"][-1]
    later = one._replace(captured_at=one.captured_at + 60_000_000)
    bodies = [_push(vendor, each, eventID=one.plate) for each in (one, later, one)]
    ids = [snap.parse(record).vendor_read_id for body in bodies for record in snap.unpack(Document(body))]
    assert ids[0] == ids[2] != ids[1]
    assert one.plate not in ids[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer s3cret"}, {"authorization": "bearer s3cret"}, {"x-alprhub-key": "s3cret"},
        {"authorization": "Basic dXNlcjpzM2NyZXQ="},
    ],
)  # fmt: skip
def test_a_push_proves_itself_by_a_bearer_token_or_another_place_of_the_secret(headers: dict[str, str]) -> None:
    _made(webhook_secret="s3cret").verify(Request(headers, Document(b"{}")))


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer other"}, {"authorization": "Bearer"}])
@pytest.mark.parametrize("secret", ["s3cret", "", None])
def test_a_push_without_the_secret_is_not_believed(headers: dict[str, str], secret: str | None) -> None:
    snap = _made(webhook_secret=secret)
    with pytest.raises(AdminMustFix) as refused:
        snap.verify(Request(headers, Document(b"{}")))
    assert "s3cret" not in str(refused.value)


def test_a_push_is_answered_with_200_so_that_it_is_not_sent_again(snap: NjSnapConnector) -> None:
    assert snap.reply(Request({}, Document(b"{}"))).status == 200


# ---- hot lists


def _entry(plate: str, **more: Any) -> Entry:
    return Entry(plate, **{"reason": "Stolen vehicle", "case_number": "SB-1", "state": "US-NJ", **more})


def _complete(*entries: Entry) -> Delta:
    return Delta("Sandbox list", list(entries), [], list(entries))


def _live(vendor: Any, at: datetime | None = None) -> set[str]:
    return {poi["PlateNumber"] for poi in vendor.nj_snap.live(at)}


def test_an_entry_is_sent_as_a_poi_to_add_with_local_times_and_an_end(wire: respx.MockRouter) -> None:
    route = wire.post(HOTLIST).respond(200, json={})
    snap = _made(dept_name="Marisol PD", contact_name="Desk", contact_number="555-0100", visible=False)
    report = snap.push(_complete(_entry("9SYN001", note="call")))
    assert (report.added, report.removed) == (1, 0)
    [poi] = json.loads(route.calls[0].request.content)["POIs"]
    assert len(poi.pop("ID")) == 16
    assert {name: text for name, text in poi.items() if text} == {
        "Status": "ADD", "StartDate": "2026-06-01T00:00:00.000", "ExpirationDate": "2026-06-04T00:00:00.000",
        "UserVisibility": "N", "NJSNAPHitNotification": "Y", "ReasonType": "NON-NCIC", "Reason": "Stolen vehicle",
        "PlateNumber": "9SYN001", "PlateSt": "NJ", "ContactName": "Desk", "ContactNo": "555-0100", "CaseNo": "SB-1",
        "Comment": "call", "DeptORI": "NJ0SYN000", "DeptName": "Marisol PD", "EntryDate": "2026-06-01T00:00:00.000",
    }  # fmt: skip


@pytest.mark.parametrize("same_id", ["replace", "ignore"])
def test_an_entry_lives_on_while_it_is_sent_and_a_withdrawn_one_ends_within_days(
    vendor: Any, snap: NjSnapConnector, clock: _Clock, same_id: str
) -> None:
    vendor.nj_snap.same_id = same_id
    for _ in range(24 * 5):
        snap.push(_complete(_entry("9SYN001"), _entry("9SYN002")))
        clock.at += timedelta(hours=1)
        assert _live(vendor) == {"9SYN001", "9SYN002"}
    for _ in range(24 * 3):
        snap.push(_complete(_entry("9SYN002")))
        clock.at += timedelta(hours=1)
    assert _live(vendor) == {"9SYN002"}


def test_a_push_that_is_repeated_on_the_same_day_says_the_same(
    vendor: Any, snap: NjSnapConnector, clock: _Clock
) -> None:
    snap.push(_complete(_entry("9SYN001")))
    before = dict(vendor.nj_snap.pois)
    clock.at += timedelta(hours=3)
    snap.push(_complete(_entry("9SYN001")))
    assert vendor.nj_snap.pois == before


def test_an_entry_ends_with_its_own_end_and_an_expired_one_is_not_sent(
    vendor: Any, snap: NjSnapConnector, clock: _Clock
) -> None:
    soon = NOW + timedelta(hours=5)
    snap.push(_complete(_entry("9SYN001", expires_at=soon), _entry("9SYN002", expires_at=NOW), _entry("9SYN003")))
    assert _live(vendor) == {"9SYN001", "9SYN003"}
    assert _live(vendor, soon) == {"9SYN003"}


def test_a_plate_of_two_states_is_two_entries_and_a_foreign_state_is_left_out(
    vendor: Any, snap: NjSnapConnector
) -> None:
    snap.push(_complete(*(_entry("9SYN001", state=state) for state in ("US-NJ", "CA-ON", "MX-BCN", None))))
    assert sorted(poi["PlateSt"] for poi in vendor.nj_snap.live()) == ["", "", "NJ", "ON"]


def test_a_long_list_goes_out_in_batches(vendor: Any, snap: NjSnapConnector) -> None:
    snap.push(_complete(*(_entry(f"9S{number:05d}") for number in range(1201))))
    assert len(_live(vendor)) == 1201
    assert [path for _, path, _ in vendor.nj_snap.log] == ["/api/alpr/v1/hotlist"] * 3


def test_a_list_cannot_be_read_back_so_a_push_is_accepted_and_no_more(snap: NjSnapConnector) -> None:
    assert snap.proof is Proof.ACCEPTED
    with pytest.raises(Gone, match="no way"):
        snap.list_remote("Sandbox list")


def test_a_list_without_an_ori_asks_a_person(vendor: Any) -> None:
    with pytest.raises(AdminMustFix, match="dept_ori"):
        _made(base_url=vendor.url, dept_ori="").push(_complete(_entry("9SYN001")))
    assert vendor.nj_snap.pois == {}


def test_a_list_that_may_have_arrived_is_not_sent_again_by_itself(vendor: Any, snap: NjSnapConnector) -> None:
    vendor.faults.truncate, vendor.faults.truncate_how = 1, "connection"
    with pytest.raises(TryAgain, match="not sent again"):
        snap.push(_complete(_entry("9SYN001")))
    assert len(vendor.nj_snap.log) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"error": {"code": "INVALID_HOTLIST", "message": "x"}}),
        httpx.Response(200, json={"error": {"code": "INVALID_HOTLIST", "message": "x"}}),
        httpx.Response(200, html="<html>Sign in</html>"),
        httpx.Response(404),
    ],
)
def test_a_list_that_was_not_taken_is_an_error(wire: respx.MockRouter, answer: httpx.Response) -> None:
    wire.post(HOTLIST).mock(return_value=answer)
    with pytest.raises(VendorChanged):
        _made().push(_complete(_entry("9SYN001")))


def test_a_list_is_taken_where_the_answer_has_no_body(wire: respx.MockRouter) -> None:
    wire.post(HOTLIST).respond(204)
    assert _made().push(_complete(_entry("9SYN001"))).added == 1


@pytest.mark.parametrize(("unit", "times"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_the_unit_of_a_raw_reads_time_is_known_by_its_size(unit: str, times: int) -> None:
    raw = {"plate": {"tag": "9SYN001"}, "source": {"name": "Pier"}, "timestamp": int(NOW.timestamp()) * times}
    snap = _made()
    [record] = snap.unpack(Document(json.dumps(raw).encode()))
    assert snap.parse(record).captured_at == NOW, unit
