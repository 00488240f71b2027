"""The supplier's stand-in: searches in pages, POIs that end, pictures that are signed, hits that are pushed."""

from datetime import timedelta
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from alprhub.sandbox import Service, World
from alprhub.sandbox.nj_snap import API_KEY, NEW_YORK, PAGE_SIZES, nj_snap_app, nj_snap_settings, push_hits

ALL = {
    "page": 1, "page_size": 1000, "start_date": "2025-01-01T00:00:00", "end_date": "2025-06-30T00:00:00",
    "plate_num": "%",
}  # fmt: skip


class Snap:
    """The stand-in with a client that carries the key."""

    def __init__(self, state: Any, http: httpx.Client, clock: Any) -> None:
        self.state, self.faults, self.http, self.clock = state.nj_snap, state.faults, http, clock

    def search(self, **changes: Any) -> httpx.Response:
        body = {name: value for name, value in {**ALL, **changes}.items() if value is not None}
        return self.http.post("/api/alpr/v1/search", json=body)

    def results(self, **changes: Any) -> list[Any]:
        found: list[Any] = self.search(**changes).json()["results"]
        return found

    def add(self, **changes: Any) -> httpx.Response:
        poi = {
            "ID": "1", "Status": "ADD", "StartDate": "2025-06-01T00:00:00.000",
            "ExpirationDate": "2025-06-03T00:00:00.000", "PlateNumber": "9SYN001", "DeptORI": "NJ0SYN000",
        }  # fmt: skip
        return self.http.post("/api/alpr/v1/hotlist", json={"POIs": [{**poi, **changes}]})


class Clock:
    """The vendor's time, which a test moves."""

    def __init__(self, world: World) -> None:
        self.at = world.now

    def __call__(self) -> Any:
        return self.at


@pytest.fixture
def snap(stage: Any, client: httpx.Client, world: World) -> Snap:
    clock = Clock(world)
    stage[0].app = app = nj_snap_app(world, clock=clock)
    app.state.nj_snap.origin = stage[1]
    client.headers["Authorization"] = f"Bearer {API_KEY}"
    return Snap(app.state, client, clock)


def envelope(answered: httpx.Response) -> tuple[int, str]:
    assert set(answered.json()["error"]) == {"code", "message", "details"}
    return answered.status_code, answered.json()["error"]["code"]


class TestSearch:
    @pytest.mark.parametrize("header", [None, "Bearer wrong", API_KEY])
    def test_is_refused_without_the_token(self, snap: Snap, header: str | None) -> None:
        snap.http.headers.pop("Authorization")
        headers = {"Authorization": header} if header else {}
        for path in ("search", "hotlist"):
            answered = snap.http.post(f"/api/alpr/v1/{path}", json=ALL, headers=headers)
            assert envelope(answered) == (401, "UNAUTHORIZED")

    def test_tells_the_number_of_pages_on_the_first_alone(self, snap: Snap, world: World) -> None:
        total = len(world.passes["flock"])
        pages = [snap.search(page=number, page_size=100).json() for number in range(1, 8)]
        assert [page["metadata"]["page_count"] for page in pages] == [-(-total // 100)] + [-1] * 6
        assert [len(page["results"]) for page in pages] == [100] * (total // 100) + [0] * (7 - total // 100)
        found = [row["read_time"] for page in pages for row in page["results"]]
        assert found == sorted(found)

    def test_answers_in_utc_what_was_asked_for_in_local_time(self, snap: Snap, world: World) -> None:
        one = world.passes["flock"][100]
        local = one.time.astimezone(NEW_YORK).strftime("%Y-%m-%dT%H:%M:%S")
        later = (one.time.astimezone(NEW_YORK) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
        found = snap.results(start_date=local, end_date=later)
        assert one.time.strftime("%Y-%m-%dT%H:%M:%SZ") in {row["read_time"] for row in found}

    @pytest.mark.parametrize("mask", ["{}%", "%{}", "{}%{}", "%"])
    def test_takes_wildcards_anywhere(self, snap: Snap, world: World, mask: str) -> None:
        plate = world.wanted[0].plate
        asked = mask.format(plate[:4], plate[4:]) if mask != "%{}" else mask.format(plate[4:])
        found = {row["plate_num"] for row in snap.results(plate_num=asked.lower())}
        assert plate in found

    def test_narrows_by_state_and_camera(self, snap: Snap, world: World) -> None:
        camera = world.cameras["flock"][0].name
        assert {row["plate_code"] for row in snap.results(plate_code="NV")} == {"USA-NV"}
        assert {row["camera_name"] for row in snap.results(camera_names=[camera])} == {camera}
        assert snap.results(camera_names=[camera.lower()]) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"page": 0}, {"page": "1"}, {"page": None}, {"page_size": 30}, {"page_size": None},
            {"plate_num": "9SYN001"}, {"plate_num": None}, {"start_date": None}, {"start_date": "2025-01-01T00:00:00Z"},
            {"start_date": "2025-01-01T00:00:00-05:00"}, {"start_date": "2025-01-01"},
            {"end_date": "2025-13-01T00:00:00"}, {"end_date": "2024-01-01T00:00:00"},
        ],
    )  # fmt: skip
    def test_is_refused_for_what_is_not_documented(self, snap: Snap, changes: dict[str, Any]) -> None:
        assert envelope(snap.search(**changes)) == (400, "INVALID_SEARCH")

    @pytest.mark.parametrize("size", PAGE_SIZES)
    def test_has_the_documented_sizes_of_pages(self, snap: Snap, size: int) -> None:
        assert len(snap.results(page_size=size)) == min(size, 600)

    def test_is_refused_for_what_is_no_json_object(self, snap: Snap) -> None:
        for content in (b"", b"[]", b"{"):
            assert envelope(snap.http.post("/api/alpr/v1/search", content=content)) == (400, "INVALID_JSON")

    def test_can_answer_with_bad_and_repeated_records(self, snap: Snap, world: World) -> None:
        snap.faults.malformed, snap.faults.duplicate = 0.2, 0.2
        found = snap.results()
        assert len(found) > len(world.passes["flock"])
        assert snap.faults.bad

    def test_is_throttled_in_the_envelope(self, snap: Snap) -> None:
        snap.faults.throttle = 1
        assert envelope(snap.search()) == (429, "RATE_LIMITED")


class TestPictures:
    def test_are_shown_for_a_day_and_to_nobody_with_credentials(self, snap: Snap) -> None:
        row = snap.results()[-1]
        for url in (row["plate_img"], row["full_img"]):
            assert snap.http.get(url).status_code == 403
            jpeg = httpx.get(url).content
            assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) is not None
        snap.clock.at += timedelta(hours=24)
        assert httpx.get(row["plate_img"]).status_code == 403

    def test_that_are_not_there_are_not_found(self, snap: Snap) -> None:
        url = snap.results()[-1]["plate_img"]
        assert httpx.get(url.partition("?")[0]).status_code == 404
        assert httpx.get(url.replace("plates/", "plates/9999")).status_code == 404


class TestHotList:
    def test_holds_an_entry_until_it_ends(self, snap: Snap) -> None:
        assert snap.add().status_code == 200
        assert [poi["ID"] for poi in snap.state.live()] == ["1"]
        snap.clock.at += timedelta(days=2)
        assert snap.state.live() == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"Status": "DELETE"}, {"ID": ""}, {"DeptORI": None}, {"ExpirationDate": "2025-06-03T00:00:00Z"},
            {"StartDate": "today"},
        ],
    )  # fmt: skip
    def test_takes_nothing_that_is_not_documented(self, snap: Snap, changes: dict[str, Any]) -> None:
        assert envelope(snap.add(**changes)) == (400, "INVALID_HOTLIST")
        assert envelope(snap.http.post("/api/alpr/v1/hotlist", json={"POIs": "x"})) == (400, "INVALID_HOTLIST")
        assert snap.state.pois == {}

    @pytest.mark.parametrize(
        ("same_id", "status", "plate"),
        [("replace", 200, "9SYN002"), ("ignore", 200, "9SYN001"), ("refuse", 409, "9SYN001")],
    )
    def test_may_do_anything_with_an_id_that_comes_twice(
        self, snap: Snap, same_id: str, status: int, plate: str
    ) -> None:
        snap.state.same_id = same_id
        snap.add()
        assert snap.add(PlateNumber="9SYN002").status_code == status
        assert snap.state.pois["1"]["PlateNumber"] == plate

    def test_makes_hits_that_are_pushed_with_local_times(self, snap: Snap, world: World, receiver: Any) -> None:
        one = world.passes["flock"][-1]
        assert push_hits(snap.state, receiver.url, one) == -1
        snap.add(PlateNumber=one.plate, StartDate="2025-05-01T00:00:00.0")
        snap.add(PlateNumber=one.plate, StartDate="2025-05-01T00:00:00.00", ID="2")
        assert push_hits(snap.state, receiver.url, one, {"Authorization": "Bearer s"}) == 200
        [body], [headers] = receiver.bodies, receiver.headers
        assert headers["authorization"] == "Bearer s"
        assert [(hit["ID"], hit["eventID"]) for hit in body["plateHits"]] == [("1", one.id), ("2", one.id)]
        hit = body["plateHits"][0]
        assert hit["eventDateTime"] == one.time.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S")
        assert (hit["confidence"], hit["plateNumber"]) == ("", one.plate)


def test_its_settings_reach_it(world: World) -> None:
    with Service(nj_snap_app(world)) as service:
        told = nj_snap_settings(service.url)
        headers = {"Authorization": f"Bearer {told['api_key']}"}
        assert httpx.post(f"{told['base_url']}/api/alpr/v1/search", json=ALL, headers=headers).status_code == 200
        assert envelope(httpx.post(f"{service.url}/elsewhere", json={}, headers=headers)) == (404, "NOT_FOUND")
