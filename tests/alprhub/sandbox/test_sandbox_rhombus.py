"""Rhombus's stand-in: everything a POST, two headers, failures with status 200, and a name that saves nothing."""

from typing import Any

import httpx
import pytest

from alprhub.sandbox import Service, World
from alprhub.sandbox.rhombus import API_KEY, event, rhombus_app, rhombus_settings

KEYS = {"x-auth-scheme": "api-token", "x-auth-apikey": API_KEY}


class Rhombus:
    """The stand-in with a client that carries the key."""

    def __init__(self, state: Any, http: httpx.Client) -> None:
        self.state, self.faults, self.http = state.rhombus, state.faults, http

    def ask(self, call: str, **body: Any) -> httpx.Response:
        return self.http.post(f"/api/vehicle/{call}", json=body)

    def events(self, **body: Any) -> list[Any]:
        found: list[Any] = self.ask("getVehicleEvents", **body).json()["events"]
        return found


@pytest.fixture
def rhombus(stage: Any, client: httpx.Client, world: World) -> Rhombus:
    stage[0].app = app = rhombus_app(world, clock=lambda: world.now)
    client.headers.update(KEYS)
    return Rhombus(app.state, client)


def truth(world: World, start: int, end: int) -> list[str]:
    """The ids of the passes between two times in ms, newest first."""
    return [one.id for one in reversed(world.passes["flock"]) if start <= one.captured_at // 1000 <= end]


class TestTheDoor:
    @pytest.mark.parametrize(
        "headers",
        [
            {}, {"x-auth-scheme": "api-token"}, {"x-auth-scheme": "api-token", "x-auth-apikey": "wrong"},
            {"x-auth-scheme": "api-oauth-token", "x-auth-access-token": API_KEY}, {"x-auth-apikey": API_KEY},
        ],
    )  # fmt: skip
    def test_stays_shut_without_both_headers(self, rhombus: Rhombus, headers: dict[str, str]) -> None:
        for name in KEYS:
            rhombus.http.headers.pop(name)
        answered = rhombus.http.post("/api/vehicle/getVehicles", json={}, headers=headers)
        assert (answered.status_code, answered.json()) == (401, {"authenticationFailed": True})

    def test_knows_each_kind_of_key_and_a_partners_customer(self, rhombus: Rhombus) -> None:
        rhombus.state.scheme = "api-oauth-token"
        token = {"x-auth-scheme": "api-oauth-token", "x-auth-access-token": API_KEY}
        assert rhombus.http.post("/api/vehicle/getVehicles", json={}, headers=token).status_code == 200
        rhombus.state.scheme, rhombus.state.organisation = "partner-api-token", "synthetic"
        partner = {"x-auth-scheme": "partner-api-token", "x-auth-org": "synthetic"}
        assert rhombus.http.post("/api/vehicle/getVehicles", json={}, headers=partner).status_code == 200
        refused = rhombus.http.post("/api/vehicle/getVehicles", json={}, headers={**partner, "x-auth-org": "other"})
        assert (refused.status_code, set(refused.json())) == (403, {"status", "error", "timestamp", "msg"})

    def test_takes_nothing_but_a_post_with_a_json_object(self, rhombus: Rhombus) -> None:
        assert rhombus.http.get("/api/vehicle/getVehicles").status_code == 405
        for content in (b"", b"[]", b"{", b'{"startTimeMs": "today"}'):
            answered = rhombus.http.post("/api/vehicle/getVehicleEvents", content=content)
            assert (answered.status_code, set(answered.json())) == (400, {"msg"})

    def test_throttles_in_plain_text_and_says_for_how_long(self, rhombus: Rhombus) -> None:
        rhombus.faults.throttle, rhombus.faults.retry_seconds = 1, 9
        answered = rhombus.ask("getVehicles")
        assert (answered.status_code, answered.headers["retry-after"]) == (429, "9")
        assert answered.headers["content-type"].startswith("text/plain")

    def test_can_find_the_key_expired_once_and_a_call_forbidden(self, rhombus: Rhombus) -> None:
        rhombus.faults.expire_token = True
        assert [rhombus.ask("getVehicles").status_code for _ in range(2)] == [401, 200]
        rhombus.state.forbidden.add("saveVehicle")
        assert rhombus.ask("saveVehicle", vehicleLicensePlate="9SYN001").status_code == 403
        assert rhombus.state.vehicles == {}


class TestEvents:
    def test_are_those_of_the_window_or_of_the_last_week(self, rhombus: Rhombus, world: World) -> None:
        now = int(world.now.timestamp() * 1000)
        day, week = now - 86_400_000, now - 7 * 86_400_000
        assert [one["uuid"] for one in rhombus.events(startTimeMs=day, endTimeMs=now)] == truth(world, day, now)
        assert [one["uuid"] for one in rhombus.events()] == truth(world, week, now)

    def test_have_the_members_that_the_vendors_code_reads(self, rhombus: Rhombus, world: World) -> None:
        one = world.passes["flock"][-1]
        found = rhombus.events()[0]
        assert found == event(one)
        assert found["eventTimestamp"] == one.captured_at // 1000
        assert found["vehicleLicensePlate"] == one.plate

    def test_may_be_capped_and_may_leave_the_end_of_the_window_out(self, rhombus: Rhombus, world: World) -> None:
        last = world.passes["flock"][-1].captured_at // 1000
        rhombus.state.most_events = 3
        assert len(rhombus.events()) == 3
        assert len(rhombus.events(startTimeMs=last, endTimeMs=last)) == 1
        rhombus.state.ends_inside = False
        assert rhombus.events(startTimeMs=last, endTimeMs=last) == []

    def test_are_narrowed_by_camera_place_and_plate(self, rhombus: Rhombus, world: World) -> None:
        camera, plate = world.cameras["flock"][0].id, world.passes["flock"][-1].plate
        assert {one["deviceUuid"] for one in rhombus.events(deviceUuidFilter=[camera])} == {camera}
        assert rhombus.events(locationUuidFilter=["elsewhere"]) == []
        assert {one["vehicleLicensePlate"] for one in rhombus.events(licensePlateFuzzyQuery=plate)} == {plate}

    def test_that_cannot_be_asked_for_are_a_failure_with_status_200(self, rhombus: Rhombus) -> None:
        answered = rhombus.ask("getVehicleEvents", startTimeMs=2, endTimeMs=1)
        assert (answered.status_code, answered.json()["error"]) == (200, True)
        assert answered.json()["errorMsg"]

    def test_can_be_bad_repeated_or_partial(self, rhombus: Rhombus, world: World) -> None:
        whole = rhombus.events()
        rhombus.faults.malformed = 0.3
        assert len(rhombus.events()) == len(whole)
        assert set(rhombus.faults.bad) == {one["uuid"] for one in whole if rhombus.faults.is_bad(one["uuid"])}
        rhombus.faults.heal()
        rhombus.faults.duplicate = 0.3
        assert len(rhombus.events()) > len(whole)
        rhombus.state.partly = True
        assert rhombus.ask("getVehicleEvents").json()["warningMsg"]


class TestSavedVehicles:
    def test_are_written_under_one_name_and_read_under_another(self, rhombus: Rhombus) -> None:
        rhombus.ask("saveVehicle", vehicleLicensePlate="9SYN001", name="n", description="d")
        [saved] = rhombus.ask("getVehicles").json()["vehicles"]
        assert (saved["licensePlate"], saved["name"], saved["description"]) == ("9SYN001", "n", "d")
        assert "vehicleLicensePlate" not in saved

    def test_get_an_empty_plate_from_the_wrong_name_and_no_error(self, rhombus: Rhombus) -> None:
        answered = rhombus.ask("saveVehicle", licensePlate="9SYN001", name="n")
        assert (answered.status_code, "error" in answered.json()) == (200, False)
        assert list(rhombus.state.vehicles) == [""]

    def test_are_overwritten_by_saving_again_and_deleted_once(self, rhombus: Rhombus) -> None:
        for name in ("a", "b"):
            rhombus.ask("saveVehicle", vehicleLicensePlate="9SYN001", name=name)
        assert rhombus.state.vehicles["9SYN001"]["name"] == "b"
        answers = [rhombus.ask("deleteVehicle", vehicleLicensePlate="9SYN001").json() for _ in range(2)]
        assert [one.get("error", False) for one in answers] == [False, True]
        assert rhombus.state.vehicles == {}

    @pytest.mark.parametrize("within", ["vehicleLabels", ""])
    def test_carry_labels_that_are_read_as_one_map(self, rhombus: Rhombus, within: str) -> None:
        rhombus.state.labels_within = within
        rhombus.ask("saveVehicle", vehicleLicensePlate="9SYN001")
        for label in ("a", "b", "a"):
            rhombus.ask("addVehicleLabel", vehicleLicensePlate="9SYN001", label=label)
        found = rhombus.ask("getVehicleLabelsForOrg").json()
        assert (found[within] if within else found) == {"9SYN001": ["a", "b"]}
        for label in ("a", "b"):
            rhombus.ask("removeVehicleLabel", vehicleLicensePlate="9SYN001", label=label)
        assert rhombus.state.labels == {}

    def test_that_are_unknown_take_and_lose_no_label(self, rhombus: Rhombus) -> None:
        for call in ("addVehicleLabel", "removeVehicleLabel"):
            assert rhombus.ask(call, vehicleLicensePlate="9SYN001", label="a").json()["error"] is True
        assert rhombus.state.acted == []

    def test_are_changed_twice_by_a_call_that_is_repeated(self, rhombus: Rhombus) -> None:
        for _ in range(2):
            rhombus.ask("saveVehicle", vehicleLicensePlate="9SYN001")
        assert rhombus.state.acted == [("saveVehicle", "9SYN001")] * 2


def test_its_settings_reach_it(world: World) -> None:
    with Service(rhombus_app(world)) as service:
        told = rhombus_settings(service.url)
        headers = {"x-auth-scheme": "api-token", "x-auth-apikey": told["api_key"]}
        assert httpx.post(f"{told['base_url']}/vehicle/getVehicles", json={}, headers=headers).status_code == 200
        assert httpx.post(f"{service.url}/elsewhere", json={}).status_code == 404
