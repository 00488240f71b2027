"""Flock's subscriptions, the webhooks that they cause, signed pictures, and devices."""

import base64
from datetime import datetime
from typing import Any

import cv2
import numpy as np
import pytest

from alprhub.sandbox.flock import push_alert, push_read, sources_of
from alprhub.sandbox.world import World

PATH = "/integrations/lpr/alerts/subscriptions"
KEY = {"scheme": "apiKey", "apiKey": {"key": "s3cret", "headerName": "x-hub-key"}}
BASIC = {"scheme": "basic", "basic": {"username": "u", "password": "p:w", "headerName": "Authorization"}}


def wish(url: str = "https://hub.example/hook", **changes: Any) -> dict[str, Any]:
    return {"callbackUrl": url, "credentials": {"scheme": "none"}, "contentType": "application/json"} | changes


def subscribe(flock: Any, url: str, **changes: Any) -> dict[str, Any]:
    answered = flock.post(PATH, wish(url, **changes))
    assert answered.status_code == 201, answered.text
    body: dict[str, Any] = answered.json()
    return body


def list_of(flock: Any, plate: str, **more: Any) -> None:
    entries = [{"plate": plate, "reason": "Stolen vehicle", "caseNumber": "24-9"} | more]
    assert flock.post("/hotlists", {"name": "Ours", "entries": entries}).status_code == 201


class TestSubscriptions:
    def test_are_made_shown_replaced_and_deleted(self, flock: Any) -> None:
        made = subscribe(flock, "https://hub.example/hook", name="Hub")
        assert (made["enabled"], made["customHotlistAudienceFilter"]) == (True, "organization")
        assert flock.get(PATH).json() == [made] == [flock.get(f"{PATH}/{made['id']}").json()]
        changed = flock.send("PUT", PATH, wish("https://hub.example/new") | {"id": made["id"]})
        assert changed.status_code == 200
        assert changed.json()["callbackUrl"] == "https://hub.example/new"
        assert "name" not in changed.json()
        assert flock.send("DELETE", f"{PATH}/{made['id']}").status_code == 204
        assert flock.get(PATH).json() == []

    def test_a_second_active_one_is_a_conflict(self, flock: Any) -> None:
        first = subscribe(flock, "https://hub.example/hook")
        assert flock.post(PATH, wish()).status_code == 409
        second = subscribe(flock, "https://hub.example/two", enabled=False)
        assert flock.send("PUT", PATH, wish() | {"id": second["id"]}).status_code == 409
        assert flock.send("PUT", PATH, wish(enabled=False) | {"id": first["id"]}).status_code == 200
        assert flock.send("PUT", PATH, wish() | {"id": second["id"]}).status_code == 200

    @pytest.mark.parametrize("credentials", [KEY, BASIC])
    def test_never_show_their_secrets(self, flock: Any, credentials: dict[str, Any]) -> None:
        made = subscribe(flock, "https://hub.example/hook", credentials=credentials)
        shown = str(made) + flock.get(PATH).text + flock.get(f"{PATH}/{made['id']}").text
        assert "s3cret" not in shown
        assert "p:w" not in shown
        assert flock.state.subscriptions[made["id"]]["credentials"] == credentials

    @pytest.mark.parametrize(
        "changes",
        [
            {"callbackUrl": None}, {"callbackUrl": "hub.example"}, {"callbackUrl": "ftp://hub.example"},
            {"contentType": None}, {"contentType": "text/plain"},
            {"credentials": None}, {"credentials": {"scheme": "hmac"}}, {"credentials": {"scheme": ["none"]}},
            {"credentials": {"scheme": "apiKey"}},
            {"credentials": {"scheme": "apiKey", "apiKey": {"key": "k"}}},
            {"credentials": {"scheme": "basic", "basic": {"username": "u", "headerName": "h"}}},
            {"credentials": {"scheme": "oauth2", "oauth2": {"clientId": "x"}}},
            {"customHotlistAudienceFilter": "everyone"}, {"enabled": "yes"}, {"name": 7},
        ],
    )  # fmt: skip
    def test_with_a_bad_field_are_refused(self, flock: Any, changes: dict[str, Any]) -> None:
        assert flock.post(PATH, wish() | changes).status_code == 400
        assert flock.state.subscriptions == {}

    def test_that_do_not_exist_are_not_found(self, flock: Any) -> None:
        assert flock.get(f"{PATH}/unknown").status_code == 404
        assert flock.send("DELETE", f"{PATH}/unknown").status_code == 404
        assert flock.send("PUT", PATH, wish() | {"id": "unknown"}).status_code == 404
        assert flock.send("PUT", PATH, wish()).status_code == 400


class TestAlerts:
    def test_tell_which_lists_a_pass_hits(self, flock: Any, receiver: Any, world: World) -> None:
        one = next(one for one in world.passes["flock"] if one.plate == world.wanted[0].plate)
        list_of(flock, one.plate)
        subscribe(flock, receiver.url)
        assert push_alert(flock.state, one) == [200]
        body = receiver.bodies[0]
        assert body["objectId"] == one.id
        assert datetime.fromisoformat(body["eventTime"]) == one.time
        assert body["ocr"]["label"] == "9XB0508"
        assert body["sources"] == [
            {"name": "Ours", "reason": "Stolen vehicle", "caseNumber": "24-9", "customHotlistAudience": "organization"}
        ]
        assert flock.state.deliveries == [(receiver.url, 200)]

    def test_are_not_sent_without_a_hit_or_a_live_subscription(self, flock: Any, receiver: Any, world: World) -> None:
        one = world.passes["flock"][-1]
        subscribe(flock, receiver.url, enabled=False)
        assert push_alert(flock.state, one) == []
        list_of(flock, one.plate)
        assert push_alert(flock.state, one) == []
        assert receiver.bodies == []

    def test_heed_the_state_and_the_expiry_of_an_entry(self, flock: Any, world: World) -> None:
        second = world.wanted[1]
        seen = {one.state: one for one in world.passes["flock"] if one.plate == second.plate}
        list_of(flock, second.plate, state="california", expiry="2025-06-02T00:00:00Z")
        assert len(sources_of(flock.state, seen["CA"])) == 1
        assert sources_of(flock.state, seen["NV"]) == []
        flock.clock.move(days=1)
        assert sources_of(flock.state, seen["CA"]) == []

    def test_carry_the_credentials_asked_for(self, flock: Any, receiver: Any, world: World) -> None:
        one, sources = world.passes["flock"][0], [{"name": "NCIC", "reason": "Stolen Plate"}]
        made = subscribe(flock, receiver.url, credentials=KEY)
        push_alert(flock.state, one, sources)
        assert receiver.headers[-1]["x-hub-key"] == "s3cret"
        flock.send("PUT", PATH, wish(receiver.url, credentials=BASIC) | {"id": made["id"]})
        push_alert(flock.state, one, sources)
        assert receiver.headers[-1]["authorization"] == "Basic " + base64.b64encode(b"u:p:w").decode()
        flock.send("PUT", PATH, wish(receiver.url) | {"id": made["id"]})
        push_alert(flock.state, one, sources)
        assert "authorization" not in receiver.headers[-1]

    @pytest.mark.parametrize("scheme", ["body", "basic"])
    def test_fetch_a_token_from_the_subscriber_first(
        self, flock: Any, receiver: Any, world: World, scheme: str
    ) -> None:
        token_url = receiver.url.replace("/hook", "/token")
        grant = {"tokenEndpoint": token_url, "tokenScheme": scheme, "clientId": "c", "clientSecret": "s",
                 "grantType": "client_credentials", "scope": "alerts", "headerName": "Authorization",
                 "customFields": {"audience": "hub"}}  # fmt: skip
        subscribe(flock, receiver.url, credentials={"scheme": "oauth2", "oauth2": grant})
        assert push_alert(flock.state, world.passes["flock"][0], [{"name": "NCIC"}]) == [200]
        assert receiver.headers[-1]["authorization"] == "Bearer from-the-subscriber"
        assert receiver.forms[0].items() >= {"scope": "alerts", "audience": "hub"}.items()
        assert ("client_secret" in receiver.forms[0]) == (scheme == "body")
        assert ("authorization" in receiver.headers[0]) == (scheme == "basic")

    def test_may_come_twice_and_may_be_spoilt(self, flock: Any, receiver: Any, world: World) -> None:
        one = world.passes["flock"][0]
        subscribe(flock, receiver.url)
        push_alert(flock.state, one, [{"name": "NCIC"}], times=2)
        flock.faults.duplicate = 1.0
        push_alert(flock.state, one, [{"name": "NCIC"}])
        assert [body["objectId"] for body in receiver.bodies] == [one.id] * 4
        flock.faults.malformed, flock.faults.malformed_kinds = 1.0, ("empty_plate",)
        push_alert(flock.state, one, [{"name": "NCIC"}])
        assert receiver.bodies[-1]["ocr"]["label"] == ""
        assert flock.faults.bad == {one.id: "empty_plate"}

    def test_report_what_the_receiver_answered_or_that_nobody_did(
        self, flock: Any, receiver: Any, world: World
    ) -> None:
        made = subscribe(flock, receiver.url)
        receiver.answers = [500]
        assert push_alert(flock.state, world.passes["flock"][0], [{"name": "NCIC"}]) == [500]
        flock.send("PUT", PATH, wish("http://127.0.0.1:1/") | {"id": made["id"]})
        assert push_alert(flock.state, world.passes["flock"][0], [{"name": "NCIC"}]) == [0]

    def test_have_no_published_xml_form(self, flock: Any, world: World) -> None:
        subscribe(flock, "http://127.0.0.1:1/", contentType="application/xml")
        with pytest.raises(ValueError, match="XML"):
            push_alert(flock.state, world.passes["flock"][0], [{"name": "NCIC"}])

    def test_of_2022_carry_every_read_with_pixels_and_without_an_id(
        self, flock: Any, receiver: Any, world: World
    ) -> None:
        one = world.passes["flock"][0]
        assert push_read(flock.state, one, receiver.url, header_name="x-our-key", key="k") == 200
        assert set(receiver.bodies[0]) == {
            "deviceLat", "deviceLong", "deviceName", "networkName", "imageUrl", "imageExpiration", "eventTime", "ocr",
        }  # fmt: skip
        assert {"x", "y", "height", "width"} < set(receiver.bodies[0]["ocr"])
        assert receiver.headers[0]["x-our-key"] == "k"


class TestPictures:
    def test_are_open_to_everybody_with_the_link_until_it_expires(self, stranger: Any, world: World) -> None:
        url, until = stranger.state.image_url(world.passes["flock"][0])
        answered = stranger.http.get(url)
        assert answered.headers["content-type"] == "image/jpeg"
        image = cv2.imdecode(np.frombuffer(answered.content, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (720, 1280, 3)
        stranger.clock.moment = until
        assert stranger.http.get(url).status_code == 403

    def test_are_refused_for_a_link_that_was_changed(self, stranger: Any, world: World) -> None:
        url, _ = stranger.state.image_url(world.passes["flock"][0])
        other = url.replace(world.passes["flock"][0].id, world.passes["flock"][1].id)
        for bad in (other, url + "0", url.replace("expires=1", "expires=2"), url.partition("?")[0]):
            assert stranger.http.get(bad).status_code == 403


class TestDevices:
    def test_come_in_pages(self, flock: Any, world: World) -> None:
        first = flock.get("/devices", pageSize=5).json()
        second = flock.get("/devices", pageSize=5, page=2).json()
        names = [one["name"] for one in first["results"] + second["results"]]
        assert names == [camera.name for camera in world.cameras["flock"]]
        assert (first["totalItems"], first["totalPages"]) == (8, 2)
        assert "network" not in first["results"][0]

    def test_can_be_sought_by_place(self, flock: Any, world: World) -> None:
        camera = world.cameras["flock"][5]
        query = {"latitude": camera.latitude, "longitude": camera.longitude, "radius": 0.01}
        assert [one["id"] for one in flock.get("/devices", **query).json()["results"]] == [camera.id]

    @pytest.mark.parametrize("query", [{"latitude": 1}, {"radius": "far"}, {"page": 0}, {"pageSize": 1.5}])
    def test_are_refused_for_a_bad_question(self, flock: Any, query: dict[str, Any]) -> None:
        assert flock.get("/devices", **query).status_code == 422

    def test_are_made_changed_and_decommissioned(self, flock: Any) -> None:
        place = {"latitude": 34.9, "longitude": -120.6}
        made = flock.post("/devices", {"name": "Drone", "location": place})
        assert made.status_code == 201
        device_id = made.json()["id"]
        assert flock.send("PATCH", f"/devices/{device_id}", {"name": "Drone 2"}).status_code == 204
        assert flock.get(f"/devices/{device_id}").json()["name"] == "Drone 2"
        assert flock.post(f"/devices/{device_id}/decommission").status_code == 204
        assert device_id not in [one["id"] for one in flock.get("/devices").json()["results"]]
        assert flock.get(f"/devices/{device_id}").status_code == 200

    @pytest.mark.parametrize(
        "body",
        [{"location": {"city": "x"}}, {"name": "x"}, {"name": "x", "location": {}},
         {"name": "x", "location": {"city": "x"}, "metadata": 1}],
    )  # fmt: skip
    def test_that_are_incomplete_are_refused(self, flock: Any, body: dict[str, Any]) -> None:
        assert flock.post("/devices", body).status_code == 422

    def test_that_do_not_exist_or_do_not_change_are_refused(self, flock: Any, world: World) -> None:
        assert flock.get("/devices/unknown").status_code == 404
        assert flock.post("/devices/unknown/decommission").status_code == 404
        for body in ({}, {"name": 1}, {"location": 5}, {"metadata": []}):
            assert flock.send("PATCH", f"/devices/{world.cameras['flock'][0].id}", body).status_code == 422

    def test_are_made_and_decommissioned_only_so_often_a_day(self, flock: Any, world: World) -> None:
        flock.state.device_changes_a_day = 1
        body = {"name": "Drone", "location": {"city": "x"}}
        assert [flock.post("/devices", body).status_code for _ in range(2)] == [201, 429]
        ids = [camera.id for camera in world.cameras["flock"][:2]]
        assert [flock.post(f"/devices/{one}/decommission").status_code for one in ids] == [204, 429]
