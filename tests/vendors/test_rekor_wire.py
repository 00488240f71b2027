"""Rekor Scout against its stand-in and, for what no stand-in gives, against single answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
import respx

from alprhub.sandbox.rekor import API_KEY, alpr_alert, alpr_group, alpr_results, heartbeat, rekor_app
from alprhub.sandbox.rekor.records import ANATOMY, plate_record
from alprhub.sandbox.service import Service
from alprhub.sandbox.world import World
from connectors.contract import Delta, Document, Entry, Frame, Page, Request, Window
from connectors.errors import AdminMustFix, Gone, RecordRejected, TryAgain, VendorChanged
from connectors.vendors.rekor import RekorConnector, RekorSettings
from connectors.vendors.rekor.times import time_of
from normalize.read import ImageKind, ImageRef, Read

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SCOUT = "https://cloud.openalpr.com"
WINDOW = Window(NOW - timedelta(days=40), NOW)
WINDOW_ENDS = (WINDOW.since, WINDOW.until)


class _Clock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(scope="module")
def world() -> World:
    return World(13, NOW, passes=1000)


@pytest.fixture
def vendor(world: World) -> Iterator[Any]:
    app = rekor_app(world, clock=lambda: NOW)
    with Service(app) as service:
        app.state.url = service.url
        yield app.state


def _made(slept: list[float] | None = None, **more: Any) -> RekorConnector:
    told = {"api_key": API_KEY, "requests_per_second": 1e6, "page_size": 100, **more}
    return RekorConnector(RekorSettings(**told), Frame(_Clock(), (slept if slept is not None else []).append))


@pytest.fixture
def scout(vendor: Any) -> RekorConnector:
    return _made(base_url=vendor.url)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def _reads(scout: RekorConnector, pages: Iterator[Page]) -> tuple[list[Read], int]:
    """The reads of pages and how many records were refused."""
    reads, refused = [], 0
    for page in pages:
        for record in page.records:
            try:
                reads.append(scout.parse(record))
            except RecordRejected:
                refused += 1
    return reads, refused


def test_check_proves_the_key(scout: RekorConnector) -> None:
    assert "took the key" in scout.check()


def test_a_wrong_key_asks_a_person_and_is_not_told(vendor: Any) -> None:
    with pytest.raises(AdminMustFix) as refused:
        _made(base_url=vendor.url, api_key="wrong-key").check()
    assert "wrong-key" not in str(refused.value)


@pytest.mark.parametrize("size", [10, 99, 100, 1000, 5000])
def test_a_window_brings_every_read_once(vendor: Any, world: World, size: int) -> None:
    scout = _made(base_url=vendor.url, page_size=size)
    pages = list(scout.pull(WINDOW))
    reads, refused = _reads(scout, iter(pages))
    assert refused == 0
    assert len(reads) == len({read.vendor_read_id for read in reads}) == len(world.passes["rekor"])
    marks = [datetime.fromisoformat(page.checkpoint["until"]) for page in pages if page.checkpoint]
    assert marks == sorted(marks)
    assert marks[-1] == NOW


def test_a_checkpoint_vouches_only_for_what_came(scout: RekorConnector) -> None:
    so_far = 0
    total = len(_reads(scout, scout.pull(WINDOW))[0])
    for page in scout.pull(WINDOW):
        so_far += len(page.records)
        assert page.checkpoint
        rest = Window(datetime.fromisoformat(page.checkpoint["until"]), NOW)
        assert so_far + len(_reads(scout, scout.pull(rest))[0]) >= total


def test_a_cap_below_our_page_size_loses_nothing(vendor: Any, scout: RekorConnector, world: World) -> None:
    vendor.rekor.max_topn = 30
    assert len(_reads(scout, scout.pull(WINDOW))[0]) == len(world.passes["rekor"])


def test_repeats_and_bad_records_lose_nothing(vendor: Any, scout: RekorConnector, world: World) -> None:
    vendor.faults.duplicate, vendor.faults.malformed = 0.2, 0.2
    reads, refused = _reads(scout, scout.pull(WINDOW))
    told = {read.vendor_read_id for read in reads}
    good = {plate_record(one)["fields"]["best_uuid"] for one in world.passes["rekor"]} - set(vendor.faults.bad)
    assert good <= told
    assert refused >= len(vendor.faults.bad) - len(told & set(vendor.faults.bad))
    assert ANATOMY.required


def _row(number: int, at: datetime) -> dict[str, Any]:
    fields = {"best_uuid": f"A-{number}", "best_plate": "9SYN001", "camera_id": 1, "epoch_time_start": at.isoformat()}
    return {"pk": number, "model": "m", "fields": fields}


class _Server:
    """A Scout that answers from a list of rows; `floor` cuts the start to whole seconds, as a coarse one would."""

    def __init__(self, rows: list[dict[str, Any]], *, floor: bool = False, newest_first: bool = False) -> None:
        self.rows, self.floor, self.newest_first = rows, floor, newest_first
        self.asked: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        start, until = (datetime.fromisoformat(request.url.params[name]) for name in ("start", "end"))
        start = start.replace(microsecond=0) if self.floor else start
        topn = int(request.url.params["topn"])
        self.asked.append(topn)
        found = [r for r in self.rows if start <= datetime.fromisoformat(r["fields"]["epoch_time_start"]) <= until]
        return httpx.Response(200, json=(found[::-1] if self.newest_first else found)[:topn])


@pytest.mark.parametrize("floor", [False, True])
def test_many_reads_of_one_instant_are_asked_for_in_larger_pages(wire: respx.MockRouter, floor: bool) -> None:
    at = NOW - timedelta(hours=1)
    rows = [_row(n, at - timedelta(seconds=3)) for n in range(5)] + [_row(n, at) for n in range(5, 80)]
    rows += [_row(n, at + timedelta(milliseconds=n)) for n in range(80, 100)]
    server = _Server(rows, floor=floor)
    wire.get(f"{SCOUT}/api/search/plate").mock(side_effect=server)
    scout = _made(page_size=10)
    told = {read.vendor_read_id for read in _reads(scout, scout.pull(WINDOW))[0]}
    assert told == {f"A-{number}" for number in range(100)}
    assert max(server.asked) in (80, 160)
    assert min(server.asked) == 10


def test_more_reads_of_one_instant_than_can_be_asked_for_stop_the_run(wire: respx.MockRouter) -> None:
    wire.get(f"{SCOUT}/api/search/plate").mock(side_effect=_Server([_row(n, NOW) for n in range(161)]))
    with pytest.raises(VendorChanged, match="160 or more reads share one instant"):
        list(_made(page_size=10).pull(WINDOW))


def test_reads_that_are_not_oldest_first_stop_the_run(wire: respx.MockRouter) -> None:
    rows = [_row(n, NOW - timedelta(minutes=100 - n)) for n in range(50)]
    wire.get(f"{SCOUT}/api/search/plate").mock(side_effect=_Server(rows, newest_first=True))
    with pytest.raises(VendorChanged, match="oldest first"):
        list(_made(page_size=10).pull(WINDOW))


@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("2026-06-01T10:00:00.650Z", 650_000),
        ("2026-06-01T03:00:00.650-07:00", 650_000),
        ("2026-06-01T10:00:00.650", 650_000),
        ("2026-06-01 10:00:00,650 UTC", 650_000),
        (1_780_308_000_650, 650_000),
        ("2026-06-01T10:00:00.6504567Z", 650_456),  # never rounded up: the walk would begin behind it
    ],
)
def test_the_walk_knows_when_a_read_began_however_it_is_written(written: str | int, micros: int) -> None:
    at = NOW.replace(hour=10, microsecond=micros)
    told = time_of(msgspec.json.encode({"fields": {"epoch_time_start": written}}), *WINDOW_ENDS, _made().settings)
    assert (told, told and told.tzinfo) == (at, UTC)


@pytest.mark.parametrize(
    "written", [None, "", "soon", "2026-06-01", "0001-01-01T00:00:00.000+10:00", [], "1994-01-01T00:00:00Z"]
)
def test_the_walk_passes_over_a_read_that_says_no_time_of_its_window(written: Any) -> None:
    raw = msgspec.json.encode({"fields": {"epoch_time_start": written}})
    assert time_of(raw, *WINDOW_ENDS, _made().settings) is None


def test_alike_bad_records_are_all_kept(wire: respx.MockRouter) -> None:
    at = NOW - timedelta(hours=1)
    answers = [[None, _row(1, at), None, _row(2, NOW), None], [_row(2, NOW), None, None], []]
    replies = [httpx.Response(200, json=answer) for answer in answers]
    wire.get(f"{SCOUT}/api/search/plate").mock(side_effect=replies)
    scout = _made(page_size=100)
    reads, refused = _reads(scout, scout.pull(WINDOW))
    assert (len(reads), refused) == (2, 4)


def test_an_answer_that_is_no_list_is_an_error(wire: respx.MockRouter) -> None:
    wire.get(f"{SCOUT}/api/search/plate").respond(200, json={"results": []})
    with pytest.raises(VendorChanged):
        list(_made().pull(WINDOW))


def test_the_older_search_has_its_own_address(wire: respx.MockRouter) -> None:
    route = wire.get(f"{SCOUT}/api/search/group").respond(200, json=[])
    assert [page.records for page in _made(search="group").pull(WINDOW)] == [[]]
    assert route.calls[0].request.url.params["order"] == "asc"


def test_a_throttle_is_waited_out_and_an_outage_ends_the_run(vendor: Any, world: World) -> None:
    slept: list[float] = []
    vendor.faults.throttle = 3
    scout = _made(slept, base_url=vendor.url)
    assert len(_reads(scout, scout.pull(WINDOW))[0]) == len(world.passes["rekor"])
    assert slept
    vendor.faults.outage(requests=100)
    with pytest.raises(TryAgain):
        list(scout.pull(WINDOW))


def test_a_push_and_a_search_agree_on_the_read(vendor: Any, scout: RekorConnector, world: World) -> None:
    one = world.passes["rekor"][-1]
    [pushed] = [scout.parse(record) for record in scout.unpack(Document(msgspec.json.encode(alpr_group(one))))]
    found = next(read for read in _reads(scout, scout.pull(WINDOW))[0] if read.vendor_read_id == pushed.vendor_read_id)
    assert (found.plate, found.captured_at, found.camera.id) == (pushed.plate, pushed.captured_at, pushed.camera.id)
    assert [image.kind for image in pushed.images] == [ImageKind.VEHICLE, ImageKind.PLATE]
    assert all(image.data and image.data.startswith(b"\xff\xd8\xff") for image in pushed.images)


def test_an_alert_is_a_read_of_its_own_in_the_same_passage(vendor: Any, scout: RekorConnector, world: World) -> None:
    wanted = world.wanted[0]
    scout.push(_complete([Entry(wanted.plate, "Stolen", "SB-1", "US-CA")]))
    kept = next(iter(vendor.rekor.lists.values()))
    one = next(one for one in world.passes["rekor"] if one.plate == wanted.plate)
    body = msgspec.json.encode(alpr_alert(one, kept, kept.entries[wanted.plate]))
    group = msgspec.json.encode(alpr_group(one, crops=False))
    [alert], [bare] = ([scout.parse(record) for record in scout.unpack(Document(text))] for text in (body, group))
    assert alert.pass_id == bare.pass_id == bare.vendor_read_id
    assert alert.vendor_read_id != bare.vendor_read_id
    assert [(match.list_name, match.reason) for match in alert.matches] == [("Sandbox list", "Stolen SB-1")]
    assert alert.camera.name == one.camera.name


def test_what_carries_no_read_says_so(scout: RekorConnector, world: World) -> None:
    agent = world.cameras["rekor"][0].agent_uid
    [record] = scout.unpack(Document(msgspec.json.encode(heartbeat(world, agent))))
    with pytest.raises(RecordRejected, match="heartbeat"):
        scout.parse(record)
    assert list(scout.unpack(Document(b'{"openalpr_webhook": "test"}'))) == []


def test_a_frame_gives_one_read_a_plate(scout: RekorConnector, world: World) -> None:
    frame = alpr_results(world.passes["rekor"][0], crops=False)
    frame["results"] *= 2
    frame["results"][1] = {**frame["results"][1], "plate_index": 1}
    records = list(scout.unpack(Document(msgspec.json.encode(frame))))
    assert [record.part for record in records] == [0, 1]
    assert len({scout.parse(record).vendor_read_id for record in records}) == 2


def test_pictures_come_through_scout_while_the_agent_has_them(scout: RekorConnector) -> None:
    reads, _ = _reads(scout, scout.pull(WINDOW))
    assert scout.fetch_image(reads[-1].images[0]).startswith(b"\xff\xd8\xff")
    with pytest.raises(Gone):
        scout.fetch_image(reads[0].images[0])
    with pytest.raises(Gone):
        scout.fetch_image(ImageRef(kind=ImageKind.PLATE))


def test_the_key_goes_to_scout_alone(wire: respx.MockRouter) -> None:
    with pytest.raises(AdminMustFix, match="host"):
        _made().fetch_image(ImageRef(kind=ImageKind.FRAME, url="https://evil.example/img/a/b"))
    wire.get(f"{SCOUT}/img/a/b").respond(200, html="<html>")
    with pytest.raises(VendorChanged):
        _made().fetch_image(ImageRef(kind=ImageKind.FRAME, url="/img/a/b"))


def test_pictures_can_be_left_alone(vendor: Any) -> None:
    scout = _made(base_url=vendor.url, fetch_images=False)
    assert not any(read.images for read in _reads(scout, scout.pull(WINDOW))[0])


def test_cameras_are_listed(scout: RekorConnector, world: World) -> None:
    cameras = {camera.id: camera for camera in scout.cameras()}
    assert set(cameras) == {str(camera.number) for camera in world.cameras["rekor"]}
    assert cameras[str(world.cameras["rekor"][0].number)].name == world.cameras["rekor"][0].name


@pytest.mark.parametrize(
    "body",
    [
        [{"camera_number": 7, "camera_name": "Pier"}],
        {"results": [{"id": 7, "name": "Pier"}], "next": None},
    ],
)
def test_cameras_may_come_in_other_shapes(wire: respx.MockRouter, body: Any) -> None:
    wire.get(f"{SCOUT}/api/cameras/").respond(200, json=body)
    assert [(camera.id, camera.name) for camera in _made().cameras()] == [("7", "Pier")]


def test_a_camera_without_a_number_is_an_error(wire: respx.MockRouter) -> None:
    wire.get(f"{SCOUT}/api/cameras/").respond(200, json=[{"name": "Pier"}])
    with pytest.raises(VendorChanged, match="camera_id"):
        list(_made().cameras())


def test_pushes_must_prove_themselves() -> None:
    held = {"x-alprhub-key": "secret"}
    _made(webhook_secret="secret").verify(Request(held, Document(b"{}")))
    for scout, headers in (
        (_made(webhook_secret="secret"), {}),
        (_made(webhook_secret="other"), held),
        (_made(), held),
    ):
        with pytest.raises(AdminMustFix):
            scout.verify(Request(headers, Document(b"{}")))


def _complete(entries: list[Entry], name: str = "Sandbox list") -> Delta:
    return Delta(name, entries, [], entries)


def test_a_list_is_made_once_and_replaced_each_time(vendor: Any, scout: RekorConnector) -> None:
    entries = [Entry(f"9S{n:05d}", 'Stolen, "blue" car\n', "SB-1", "US-CA", note="call") for n in range(500)]
    scout.push(_complete(entries))
    scout.push(_complete([*entries[1:], Entry("9SOLD", "r", "c", expires_at=NOW), Entry("9SYN01", "r", "c")]))
    [kept] = vendor.rekor.lists.values()
    assert kept.imports == 2
    assert set(kept.entries) == {entry.plate for entry in entries[1:]} | {"9SYN01"}
    assert (kept.entries["9S00001"].description, kept.entries["9S00001"].state) == (
        "Stolen blue car SB-1 call", "us-ca",
    )  # fmt: skip
    scout.push(_complete([]))
    assert kept.entries == {}


def test_a_list_is_deleted_and_a_list_that_is_gone_is_no_error(vendor: Any, scout: RekorConnector) -> None:
    entries = [Entry("9SYN001", "Stolen", "SB-1", "US-CA")]
    scout.push(_complete(entries))
    scout.drop_list("Sandbox list")
    scout.drop_list("Sandbox list")
    assert vendor.rekor.lists == {}


def test_a_list_reads_back_as_it_was_pushed(scout: RekorConnector) -> None:
    entries = [Entry(f"9S{n:05d}", "Stolen", "SB-1", "US-CA" if n % 2 else None) for n in range(300)]
    scout.push(_complete(entries))
    held = {(one.plate, one.state) for one in scout.list_remote("Sandbox list")}
    assert held == {(entry.plate, entry.state) for entry in entries}
    scout.push(_complete([]))
    assert list(scout.list_remote("Sandbox list")) == []


@pytest.fixture
def lists(wire: respx.MockRouter) -> respx.MockRouter:
    wire.get(f"{SCOUT}/api/v2/alert-lists/").respond(200, json={"results": [{"id": 5, "name": "Sandbox list"}]})
    return wire


IMPORT = f"{SCOUT}/api/alert-group-import-csv/"
EXPORT = f"{SCOUT}/api/alert-group-export-csv/"


def test_an_import_tells_what_it_did(lists: respx.MockRouter) -> None:
    counts = {"success": True, "added": 1, "modified": 0, "unmodified": 1, "deleted": 3}
    route = lists.post(IMPORT).respond(200, json=counts)
    report = _made().push(_complete([Entry("9SYN01", "r", "c"), Entry("9SYN02", "r", "c")]))
    assert (report.added, report.removed) == (1, 3)
    sent = route.calls[0].request.content
    assert b'name="pk"\r\n\r\n5\r\n' in sent
    assert b"Plate Number,Description,State/Province\r\n9SYN01,r c,\r\n" in sent


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"success": False, "errors": ["row 1"]}, "refused the import"),
        ({"success": True, "added": 0, "modified": 0, "unmodified": 0, "deleted": 0}, "counted other entries"),
        ({"success": True, "added": 2, "modified": 0, "unmodified": 0, "deleted": 0}, "counted other entries"),
    ],
)
def test_an_import_that_does_not_fit_is_an_error(lists: respx.MockRouter, answer: dict[str, Any], says: str) -> None:
    lists.post(IMPORT).respond(200, json=answer)
    with pytest.raises(VendorChanged, match=says):
        _made().push(_complete([Entry("9SYN01", "r", "c")]))


def test_what_no_import_takes_asks_a_person(lists: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AdminMustFix, match="more than 15"):
        _made().push(_complete([Entry("9" * 16, "r", "c")]))
    monkeypatch.setattr("connectors.vendors.rekor.connector.MOST_ROWS", 1)
    with pytest.raises(AdminMustFix, match="split imports above 1, and that Scout takes more is published nowhere"):
        _made().push(_complete([Entry("9SYN01", "r", "c"), Entry("9SYN02", "r", "c")]))


@pytest.mark.parametrize(
    "body",
    [
        b'Plate Number,Description,State/Province\r\n9SYN01,Stolen,us-ca\r\n9SYN02,"a, b",\r\n',
        b'\xef\xbb\xbf"plate_number","state"\n9SYN01,us-ca\n9SYN02,\n',
    ],
)
def test_the_export_is_the_read_back(lists: respx.MockRouter, body: bytes) -> None:
    route = lists.get(EXPORT).respond(200, content=body, headers={"content-type": "text/csv"})
    held = [(entry.plate, entry.state) for entry in _made().list_remote("Sandbox list")]
    assert held == [("9SYN01", "US-CA"), ("9SYN02", None)]
    assert dict(route.calls[0].request.url.params) == {"api_key": API_KEY, "pk": "5", "name": "Sandbox list"}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(200, html="<html>Sign in</html>"),
        httpx.Response(200, text=""),
        httpx.Response(200, text="Plate Number,Description,State/Province\n9SYN01,a,b,c,d\n"),
    ],
)
def test_an_export_that_cannot_be_read_never_counts_as_an_empty_list(
    lists: respx.MockRouter, answer: httpx.Response
) -> None:
    lists.get(EXPORT).mock(return_value=answer)
    with pytest.raises(VendorChanged):
        list(_made().list_remote("Sandbox list"))


def test_a_list_that_is_not_there_is_gone_and_two_of_a_name_ask_a_person(lists: respx.MockRouter) -> None:
    with pytest.raises(Gone):
        _made().list_remote("nobody's")
    twice = [{"pk": 1, "fields": {"name": "x"}}, {"pk": 2, "fields": {"name": "x"}}]
    lists.get(f"{SCOUT}/api/v2/alert-lists/").respond(200, json=twice)
    with pytest.raises(AdminMustFix, match="two alert lists"):
        _made().list_remote("x")


def test_lists_on_a_second_page_are_found(wire: respx.MockRouter) -> None:
    pages = {"1": {"results": [], "next": "?page=2"}, "2": {"results": [{"id": 9, "name": "x"}], "next": None}}
    wire.get(f"{SCOUT}/api/v2/alert-lists/").mock(
        side_effect=lambda request: httpx.Response(200, json=pages[request.url.params["page"]])
    )
    wire.get(EXPORT).respond(200, text="Plate\n9SYN01\n")
    assert [entry.plate for entry in _made().list_remote("x")] == ["9SYN01"]
