"""ParkPow's stand-in: visits in pages or as the bare list of 2020, and what Stream and Snapshot push."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from alprhub.sandbox.parkpow import TOKEN, image_done, parkpow_app, push, recognition
from alprhub.sandbox.world import World

VISITS = "/api/v1/visit-list/"
ALL = {"start": "2025-01-01", "end": "2025-06-02", "ordering": "start_date"}


class ParkPow:
    """A stand-in with a client that shows its token."""

    def __init__(self, app: Any, http: httpx.Client) -> None:
        self.state, self.faults, self.http = app.state.parkpow, app.state.faults, http

    def get(self, **query: Any) -> httpx.Response:
        return self.http.get(VISITS, params=query)

    def visits(self, **query: Any) -> list[Any]:
        found, page = [], 1
        while True:
            told = self.get(**query, page=page).json()
            found += told["results"]
            if told["next"] is None:
                return found
            assert f"page={page + 1}" in told["next"]
            page += 1


@pytest.fixture
def parkpow(stage: Any, client: httpx.Client, world: World, rekor: Any) -> ParkPow:
    app = parkpow_app(world, clock=rekor.clock)
    stage[0].app = app
    client.headers["Authorization"] = f"Token {TOKEN}"
    return ParkPow(app, client)


class TestVisits:
    @pytest.mark.parametrize("value", ["", TOKEN, f"Bearer {TOKEN}", "Token wrong"])
    def test_are_told_to_who_shows_the_token(self, parkpow: ParkPow, value: str) -> None:
        parkpow.http.headers["Authorization"] = value
        answered = parkpow.get(**ALL)
        assert answered.status_code == 401
        assert set(answered.json()) == {"detail", "status_code"}

    def test_have_a_picture_where_they_say_that_it_is(self, parkpow: ParkPow) -> None:
        first = parkpow.visits(**ALL)[0]
        answered = parkpow.http.get(first["start_img"])
        assert answered.content.startswith(b"\xff\xd8\xff")
        assert parkpow.http.get("/media/another.jpg").status_code == 404

    def test_come_in_pages_oldest_first_where_asked(self, parkpow: ParkPow, world: World) -> None:
        parkpow.state.page_size = 70
        truth = [one.number for one in world.passes["rekor"]]
        assert [one["id"] for one in parkpow.visits(**ALL)] == truth
        newest = {name: value for name, value in ALL.items() if name != "ordering"}
        assert [one["id"] for one in parkpow.visits(**newest)] == truth[::-1]
        assert parkpow.get(**ALL).json()["estimated_count"] == len(truth)

    def test_are_those_of_the_last_day_without_a_window(self, parkpow: ParkPow, world: World) -> None:
        day = [one.number for one in world.passes["rekor"] if one.time >= world.now - timedelta(days=1)]
        assert sorted(one["id"] for one in parkpow.visits()) == day

    def test_keep_to_a_window_a_plate_and_a_camera(self, parkpow: ParkPow, world: World) -> None:
        one = world.passes["rekor"][100]
        stamp = one.time.isoformat(sep=" ")
        assert one.number in [each["id"] for each in parkpow.visits(start=stamp, end=stamp)]
        found = parkpow.visits(**ALL, plate=one.plate, camera=one.camera.number)
        assert one.number in [each["id"] for each in found]
        assert {each["vehicle"]["license_plate"] for each in found} == {one.plate}
        assert {each["start_cam"]["code"] for each in found} == {str(one.camera.number)}

    @pytest.mark.parametrize(
        ("query", "status"),
        [({"start": "yesterday"}, 400), ({"page": "x"}, 404), ({"page": 0}, 404), ({"page": 99}, 404)],
    )
    def test_are_refused_for_a_bad_query(self, parkpow: ParkPow, query: dict[str, Any], status: int) -> None:
        answered = parkpow.get(**(ALL | query))
        assert answered.status_code == answered.json()["status_code"] == status

    def test_have_an_end_once_the_car_has_left(self, parkpow: ParkPow, world: World) -> None:
        one = world.passes["rekor"][-1]
        assert parkpow.visits(**ALL)[-1]["end_date"] is None
        parkpow.state.left[one.id] = one.time + timedelta(minutes=3)
        last = parkpow.visits(**ALL)[-1]
        assert last["duration"] == 180
        assert datetime.fromisoformat(last["end_date"]) - datetime.fromisoformat(last["start_date"]) == timedelta(
            minutes=3
        )

    def test_were_a_bare_list_in_2020(self, parkpow: ParkPow, world: World) -> None:
        parkpow.state.as_in_2020 = True
        told = parkpow.get(**ALL).json()
        assert [one["id"] for one in told] == [one.number for one in world.passes["rekor"]]
        first = told[0]
        assert first["end_date"] == first["end_cam"] == first["end_prediction"] == "None"
        assert first["start_cam"]["latitude"] == "None"
        assert datetime.fromisoformat(first["start_date"]).tzinfo is None
        assert first["start_prediction"]["plate"] == world.passes["rekor"][0].plate.lower()

    def test_are_throttled_in_the_vendors_words(self, parkpow: ParkPow) -> None:
        parkpow.faults.throttle = 1
        answered = parkpow.get(**ALL)
        assert answered.status_code == 429
        assert answered.json() == {
            "detail": "Request was throttled. Expected available in 1 second.", "status_code": 429,
        }  # fmt: skip

    def test_can_be_spoilt_and_repeated(self, parkpow: ParkPow) -> None:
        whole = parkpow.visits(**ALL)
        parkpow.faults.malformed = 0.3
        spoilt = parkpow.visits(**ALL)
        assert len(spoilt) == len(whole)
        assert len([one for one in spoilt if one not in whole]) == len(parkpow.faults.bad) > 0
        parkpow.faults.heal()
        parkpow.faults.duplicate = 1.0
        assert len(parkpow.visits(**ALL)) == 2 * len(whole)

    def test_can_find_the_token_refused_once(self, parkpow: ParkPow) -> None:
        parkpow.faults.expire_token = True
        assert [parkpow.get(**ALL).status_code for _ in range(2)] == [401, 200]


class _Hook:
    def __init__(self) -> None:
        self.forms: list[dict[str, Any]] = []
        self.kinds: list[str] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.kinds.append(request.headers["content-type"].partition(";")[0])
        self.headers.append(dict(request.headers))
        async with request.form() as form:
            self.forms.append(
                {name: value if isinstance(value, str) else await value.read() for name, value in form.items()}
            )
        await JSONResponse({})(scope, receive, send)


@pytest.fixture
def hook(receiving_stage: Any) -> tuple[_Hook, str]:
    made = _Hook()
    receiving_stage[0].app = made
    return made, receiving_stage[1]


class TestPushes:
    def test_are_multipart_with_pictures_and_a_form_without(self, hook: tuple[_Hook, str], world: World) -> None:
        event = recognition(world.passes["rekor"][0])
        assert push(hook[1], event, {"Authorization": "Token x"}, upload=b"frame", plate_img=b"plate") == 200
        assert push(hook[1], event, {}) == 200
        assert hook[0].kinds == ["multipart/form-data", "application/x-www-form-urlencoded"]
        body = msgspec.json.encode(event).decode()
        assert hook[0].forms == [{"json": body, "upload": b"frame", "plate_img": b"plate"}, {"json": body}]
        assert hook[0].headers[0]["authorization"] == "Token x"

    def test_that_nobody_answers_are_told_as_such(self, world: World) -> None:
        assert push("http://127.0.0.1:9", image_done(world.passes["rekor"][0]), {}) == 0

    def test_tell_of_every_plate_of_a_frame(self, world: World) -> None:
        passes = world.passes["rekor"][:3]
        event = recognition(*passes)
        assert event["hook"]["event"] == "recognition"
        assert [one["plate"] for one in event["data"]["results"]] == [one.plate.lower() for one in passes]
        assert datetime.fromisoformat(event["data"]["timestamp"]) == passes[0].time.astimezone(UTC)

    def test_of_snapshot_name_no_camera(self, world: World) -> None:
        event = image_done(world.passes["rekor"][0])
        assert event["hook"]["event"] == "image.done"
        assert event["data"]["camera_id"] is None
