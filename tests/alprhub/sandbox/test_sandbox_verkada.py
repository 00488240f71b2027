"""Verkada's stand-in: tokens that end, reads of one camera in pages, plates of interest, signed pictures and pushes."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from alprhub.sandbox.verkada import (
    API_KEY,
    WEBHOOK_SECRET,
    VerkadaState,
    detection,
    lpr_webhook,
    push,
    signature,
    verkada_app,
)
from alprhub.sandbox.world import World

IMAGES = "/cameras/v1/analytics/lpr/images"
PLATES = "/cameras/v1/analytics/lpr/license_plate_of_interest"
NOW = 1_748_779_200  # noon of 1 June 2025, when the world ends


class Verkada:
    """A stand-in with a client that shows its token."""

    def __init__(self, state: VerkadaState, http: httpx.Client, clock: Any) -> None:
        self.state, self.faults, self.http, self.clock = state, state.faults, http, clock

    def log_in(self) -> None:
        answered = self.http.post("/token", headers={"x-api-key": API_KEY})
        assert answered.status_code == 200
        self.http.headers["x-verkada-auth"] = answered.json()["token"]

    def images(self, camera: str, **query: Any) -> httpx.Response:
        told = {"camera_id": camera, "start_time": 0, "end_time": NOW, **query}
        return self.http.get(IMAGES, params=told)


@pytest.fixture
def verkada(stage: Any, client: httpx.Client, world: World, rekor: Any) -> Verkada:
    app = verkada_app(world, clock=rekor.clock)
    stage[0].app = app
    app.state.verkada.origin = stage[1]
    made = Verkada(app.state.verkada, client, rekor.clock)
    made.log_in()
    return made


@pytest.fixture
def camera(world: World) -> str:
    return world.cameras["rekor"][0].id


class TestTokens:
    @pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}, {"x-verkada-auth": API_KEY}])
    def test_are_given_for_the_key_alone(self, verkada: Verkada, headers: dict[str, str]) -> None:
        del verkada.http.headers["x-verkada-auth"]
        answered = verkada.http.post("/token", headers=headers)
        assert answered.status_code == 401
        assert set(answered.json()) == {"id", "message", "data"}

    @pytest.mark.parametrize("path", ["/cameras/v1/devices", IMAGES, PLATES])
    def test_are_wanted_everywhere(self, verkada: Verkada, path: str) -> None:
        del verkada.http.headers["x-verkada-auth"]
        assert verkada.http.get(path).status_code == 401
        assert verkada.http.get(path, headers={"x-api-key": API_KEY}).status_code == 401

    def test_live_for_thirty_minutes(self, verkada: Verkada) -> None:
        verkada.clock.move(minutes=29, seconds=59)
        assert verkada.http.get("/cameras/v1/devices").status_code == 200
        verkada.clock.move(seconds=1)
        assert verkada.http.get("/cameras/v1/devices").json()["message"] == "Token expired"

    def test_can_be_ended_early(self, verkada: Verkada) -> None:
        verkada.faults.expire_token = True
        assert verkada.http.get("/cameras/v1/devices").status_code == 401
        assert verkada.http.get("/cameras/v1/devices").status_code == 401
        verkada.log_in()
        assert verkada.http.get("/cameras/v1/devices").status_code == 200


def test_three_hundred_requests_a_minute_are_answered(verkada: Verkada) -> None:
    statuses = [verkada.http.get("/cameras/v1/devices").status_code for _ in range(301)]
    assert statuses == [200] * 300 + [429]
    verkada.clock.move(minutes=1)
    assert verkada.http.get("/cameras/v1/devices").status_code == 200


class TestImages:
    def test_come_of_one_camera_in_pages_with_a_number_as_token(
        self, verkada: Verkada, camera: str, world: World
    ) -> None:
        truth = [one.plate for one in world.passes["rekor"] if one.camera.id == camera]
        found, token = [], 1
        while token is not None:
            page = verkada.images(camera, page_size=7, page_token=token).json()
            assert len(page["detections"]) <= 7
            found += [one["license_plate"] for one in page["detections"]]
            token = page["next_page_token"]
            assert token is None or isinstance(token, int)
        assert found == truth

    def test_are_a_hundred_unless_told_otherwise(self, verkada: Verkada, camera: str) -> None:
        verkada.state.world = World(7, verkada.clock(), passes=2500)
        assert len(verkada.images(camera).json()["detections"]) == 100
        assert len(verkada.images(camera, page_size=200).json()["detections"]) == 200

    def test_tell_seconds_and_no_camera(self, verkada: Verkada, world: World) -> None:
        one = world.passes["rekor"][0]
        assert set(detection(verkada.state, one)) == {"timestamp", "license_plate", "image_url", "vehicle_image_url"}
        assert detection(verkada.state, one)["timestamp"] == one.captured_at // 1_000_000

    def test_keep_to_a_window_and_a_plate(self, verkada: Verkada, camera: str, world: World) -> None:
        one = [one for one in world.passes["rekor"] if one.camera.id == camera][5]
        second = one.captured_at // 1_000_000
        found = verkada.images(camera, start_time=second, end_time=second, license_plate=one.plate).json()
        assert [each["license_plate"] for each in found["detections"]] == [one.plate]
        assert verkada.images(camera, license_plate="9XNOSUCH").json()["detections"] == []

    @pytest.mark.parametrize(
        "query", [{"page_size": 0}, {"page_size": 201}, {"page_size": "all"}, {"start_time": "now"}, {"camera_id": "x"}]
    )
    def test_are_refused_for_a_bad_query(self, verkada: Verkada, camera: str, query: dict[str, Any]) -> None:
        assert verkada.images(camera, **query).status_code == 400

    def test_are_refused_of_a_camera_that_reads_no_plates(self, verkada: Verkada, camera: str) -> None:
        verkada.state.deaf = {camera}
        assert verkada.images(camera).status_code == 400

    def test_can_be_spoilt_and_repeated(self, verkada: Verkada, camera: str) -> None:
        whole = verkada.images(camera, page_size=200).json()["detections"]
        verkada.faults.malformed = 0.5
        spoilt = verkada.images(camera, page_size=200).json()["detections"]
        assert len(spoilt) == len(whole)
        assert sum(one not in whole for one in spoilt) >= len(verkada.faults.bad) > 0
        verkada.faults.heal()
        verkada.faults.duplicate = 1.0
        assert len(verkada.images(camera, page_size=200).json()["detections"]) == min(200, 2 * len(whole))


def test_pictures_are_open_to_who_has_the_link_until_it_ends(verkada: Verkada, world: World) -> None:
    one = world.passes["rekor"][0]
    url = verkada.state.image_url(one, "plate")
    bare = httpx.Client(trust_env=False, verify=False)
    assert bare.get(url).content.startswith(b"\xff\xd8")
    assert bare.get(url.replace("signature=", "signature=0")).status_code == 403
    verkada.clock.move(hours=1, seconds=1)
    assert bare.get(url).status_code == 403


class TestPlatesOfInterest:
    def make(self, verkada: Verkada, plate: str = "9XAB123", **body: Any) -> httpx.Response:
        return verkada.http.post(PLATES, json={"license_plate": plate, "description": "Stolen", **body})

    def test_are_made_described_and_dropped_by_their_plate(self, verkada: Verkada) -> None:
        assert set(self.make(verkada).json()) == {"creation_time", "description", "license_plate"}
        assert self.make(verkada).status_code == 400
        query = {"license_plate": "9XAB123"}
        assert verkada.http.patch(PLATES, params=query, json={"description": "Found"}).status_code == 200
        assert verkada.http.get(PLATES).json()["license_plate_of_interest"][0]["description"] == "Found"
        assert verkada.http.delete(PLATES, params=query).status_code == 200
        assert verkada.http.delete(PLATES, params=query).status_code == 404
        assert verkada.http.patch(PLATES, params=query, json={"description": "x"}).status_code == 404

    @pytest.mark.parametrize("body", [{"license_plate": ""}, {"license_plate": 7}, {"description": None}])
    def test_need_a_plate_and_a_description(self, verkada: Verkada, body: dict[str, Any]) -> None:
        assert self.make(verkada, **body).status_code == 400
        assert verkada.http.post(PLATES, content=b"{").status_code == 400
        assert verkada.state.plates == {}

    def test_come_in_pages_with_text_as_token(self, verkada: Verkada) -> None:
        for number in range(5):
            self.make(verkada, f"9XAB12{number}")
        page = verkada.http.get(PLATES, params={"page_size": 2, "page_token": "2"}).json()
        assert [one["license_plate"] for one in page["license_plate_of_interest"]] == ["9XAB122", "9XAB123"]
        assert page["next_page_token"] == "3"
        assert verkada.http.get(PLATES, params={"page_size": 1001}).status_code == 400

    def test_go_in_and_out_by_file(self, verkada: Verkada) -> None:
        def upload(method: str, text: str) -> httpx.Response:
            return verkada.http.request(method, f"{PLATES}/batch", files={"file": ("a.csv", text.encode(), "text/csv")})

        assert set(upload("POST", "License Plate,Name\r\n9XAB123,Stolen\r\n9XAB124,Lost\r\n").json()) == {"addedMs"}
        assert {plate: one["description"] for plate, one in verkada.state.plates.items()} == {
            "9XAB123": "Stolen", "9XAB124": "Lost",
        }  # fmt: skip
        for method, text in (("POST", "Plate,Name\n9XAB125,x\n"), ("DELETE", "License Plate,Name\n9XAB123,x\n")):
            assert upload(method, text).status_code == 400
        assert upload("DELETE", "License Plate\r\n9XAB123\r\n").status_code == 200
        assert set(verkada.state.plates) == {"9XAB124"}
        assert verkada.http.post(f"{PLATES}/batch").status_code == 400


class TestWebhooks:
    def test_mix_seconds_and_milliseconds_and_order_the_crop_by_axis(self, verkada: Verkada, world: World) -> None:
        one = next(one for one in world.passes["rekor"] if one.state)
        data = lpr_webhook(verkada.state, one)["data"]
        assert (data["created"], data["detected"]) == (one.captured_at // 1_000_000, one.captured_at // 1000)
        left, right, top, bottom = data["crop"]
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert data["license_plate_state"] == f"us-{one.state.lower()}"
        older = lpr_webhook(verkada.state, one, older=True)["data"]
        assert set(older) == {"camera_id", "created", "license_plate_number", "confidence"}

    def test_are_signed_over_body_bar_and_time(self, verkada: Verkada, world: World, receiver: Any) -> None:
        body = lpr_webhook(verkada.state, world.passes["rekor"][0])
        assert push(verkada.state, receiver.url, body) == [200]
        stamp, _, told = receiver.headers[0]["verkada-signature"].partition("|")
        signed = msgspec.json.encode(receiver.bodies[0]) + b"|" + stamp.encode()
        assert told == hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert int(stamp) == NOW

    def test_are_tried_twice_with_one_signature(self, verkada: Verkada, world: World, receiver: Any) -> None:
        receiver.answers = [500, 503]
        body = lpr_webhook(verkada.state, world.passes["rekor"][0])
        assert push(verkada.state, receiver.url, body) == [500, 503] == verkada.state.deliveries
        assert len({headers["verkada-signature"] for headers in receiver.headers}) == 1

    def test_have_another_signature_a_second_later(self, verkada: Verkada) -> None:
        now = verkada.clock()
        assert signature(b"{}", now) != signature(b"{}", now + timedelta(seconds=1))
        assert signature(b"{}", now) != signature(b"{ }", now)
