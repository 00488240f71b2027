"""Flock: tokens, and a lookup that gives one full plate's reads for a stated reason and nothing else."""

from datetime import timedelta
from typing import Any

import pytest

from alprhub.sandbox.flock import AUDIENCE
from alprhub.sandbox.world import World

BAD_TOKEN = {"error": "The token is either expired or invalid."}
TOWN = {"latitude": 34.93, "longitude": -120.635, "radius": 5}
AROUND_TOWN = [[-121, 34], [-120, 34], [-120, 36], [-121, 36], [-121, 34]]


def all_reads(flock: Any, plate: str, **changes: Any) -> list[dict[str, Any]]:
    body = flock.look_up(plate, **changes).json()
    reads: list[dict[str, Any]] = body["results"]
    while "nextPageId" in body:
        body = flock.get(f"/reads/lookup/page/{body['nextPageId']}").json()
        reads += body["results"]
    return reads


class TestToken:
    def test_comes_from_the_root_and_says_how_long_it_lives(self, stranger: Any) -> None:
        stranger.state.token_seconds = 120
        body = stranger.token().json()
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 120)
        assert body["access_token"].count(".") == 2
        assert stranger.http.post("/api/v3/oauth/token").status_code == 404

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"grant_type": ""}, 400),
            ({"grant_type": "password"}, 400),
            ({"client_id": ""}, 400),
            ({"client_secret": ""}, 400),
            ({"client_id": "someone"}, 401),
            ({"client_secret": "wrong"}, 401),
            ({"audience": ""}, 403),
            ({"audience": "search"}, 403),
        ],
    )
    def test_is_refused_with_the_documented_status(self, stranger: Any, changes: dict[str, str], status: int) -> None:
        answered = stranger.token(**changes)
        assert answered.status_code == status
        assert list(answered.json()) == ["error"]

    def test_is_refused_for_a_json_request(self, stranger: Any) -> None:
        assert stranger.http.post("/oauth/token", json={"audience": AUDIENCE}).status_code == 400

    @pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic abc", "Bearer"])
    def test_is_needed_everywhere(self, stranger: Any, header: str | None) -> None:
        if header is not None:
            stranger.http.headers["Authorization"] = header
        for path in ("/reads/lookup/page/x", "/hotlists", "/devices", "/integrations/lpr/alerts/subscriptions"):
            answered = stranger.get(path)
            assert (answered.status_code, answered.json()) == (401, BAD_TOKEN)

    def test_dies_when_its_time_is_over(self, stranger: Any) -> None:
        stranger.state.token_seconds = 0
        stranger.log_in()
        assert stranger.get("/hotlists").json() == BAD_TOKEN

    def test_can_be_made_to_die_early_once(self, flock: Any) -> None:
        flock.faults.expire_token = True
        assert [flock.get("/hotlists").status_code for _ in range(2)] == [401, 401]
        flock.log_in()
        assert flock.get("/hotlists").status_code == 200

    def test_without_a_scope_opens_only_the_rest(self, flock: Any) -> None:
        flock.state.scopes = frozenset({"custom-hotlists:read"})
        assert flock.look_up("9XAB123").status_code == 403
        assert flock.get("/hotlists").status_code == 200
        assert flock.post("/hotlists", {"name": "x", "entries": []}).status_code == 403


class TestLookup:
    def test_finds_every_read_of_the_plate_newest_first(self, flock: Any, world: World) -> None:
        wanted = world.wanted[3]
        truth = [one for one in world.passes["flock"] if one.plate == wanted.plate]
        found = all_reads(flock, wanted.plate.lower(), limit=2)
        assert [one["id"] for one in found] == [one.id for one in reversed(truth)]
        assert found[0]["capturedAt"] == truth[-1].time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert found[0]["plate"] == {"plate": wanted.plate, "confidence": truth[-1].confidence}
        assert found[0]["state"]["state"] == "california"
        assert found[0]["device"]["name"] == truth[-1].camera.name
        assert "image" not in str(found).lower()

    def test_can_be_sorted_oldest_first(self, flock: Any, world: World) -> None:
        found = all_reads(flock, world.wanted[0].plate, sort=[{"field": "capturedAt", "order": "asc"}])
        assert [one["capturedAt"] for one in found] == sorted(one["capturedAt"] for one in found)

    def test_gives_nothing_for_a_part_of_a_plate(self, flock: Any, world: World) -> None:
        assert flock.look_up(world.wanted[0].plate[:-1]).json() == {"results": [], "totalItems": 0}

    def test_keeps_within_the_dates_and_the_state(self, flock: Any, world: World) -> None:
        plate = world.wanted[1].plate
        assert [one["state"]["state"] for one in all_reads(flock, plate, state="nevada")] == ["nevada"]
        day = all_reads(flock, plate, startDate="2025-05-31T12:00:00Z")
        assert {one["capturedAt"][:10] for one in day} <= {"2025-05-31", "2025-06-01"}
        assert 1 <= len(day) < len(all_reads(flock, plate))

    def test_keeps_within_the_radius_or_the_area(self, flock: Any, world: World) -> None:
        plate = world.wanted[0].plate
        everything = len(all_reads(flock, plate))
        assert len(all_reads(flock, plate, radius={"radius": TOWN})) == everything
        assert all_reads(flock, plate, radius={"radius": TOWN | {"latitude": 40}}) == []
        area = {"type": "Polygon", "coordinates": [AROUND_TOWN]}
        assert len(all_reads(flock, plate, area={"area": area})) == everything
        swapped = [[latitude, longitude] for longitude, latitude in AROUND_TOWN]
        assert all_reads(flock, plate, area={"area": area | {"coordinates": [swapped]}}) == []

    @pytest.mark.parametrize("attribute", ["plate", "state"])
    def test_keeps_above_the_least_confidence(self, flock: Any, world: World, attribute: str) -> None:
        least = 0.9
        found = all_reads(
            flock, world.wanted[0].plate, minConfidences=[{"attribute": attribute, "minConfidence": least}]
        )
        truth = [one for one in all_reads(flock, world.wanted[0].plate) if one[attribute]["confidence"] >= least]
        assert found == truth

    def test_forgets_reads_that_are_over_thirty_days_old(self, flock: Any, world: World) -> None:
        plate = world.expiring("flock")[0].plate
        before = len(all_reads(flock, plate))
        flock.clock.move(days=2)
        assert len(all_reads(flock, plate)) == before - 1

    def test_leaves_a_trace_of_who_was_sought_and_why(self, flock: Any) -> None:
        flock.look_up("9XAB123", caseNumber="24-77")
        assert flock.state.lookups == [
            {"plate": "9XAB123", "reason": "theft, report 24-1", "caseNumber": "24-77",
             "startDate": "2025-05-01T00:00:00Z", "endDate": "2025-06-01T12:00:00Z", "results": 0},
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("plate", None), ("plate", 7), ("plate", ""), ("plate", "9XA*"), ("plate", "9XA?123"), ("plate", "%"),
            ("plate", "ABCDEFGHIJK"),
            ("reason", None), ("reason", ""), ("reason", "  "), ("reason", 5),
            ("startDate", None), ("startDate", "2025-05-01"), ("startDate", "2025-05-01T00:00:00"),
            ("startDate", "yesterday"), ("startDate", 1_700_000_000), ("endDate", None),
            ("endDate", "2025-04-30T00:00:00Z"),
            ("limit", 0), ("limit", 51), ("limit", 1.5), ("limit", "10"), ("limit", True),
            ("state", "CA"), ("state", "district_of_columbia"), ("state", ["california"]),
            ("caseNumber", 12),
            ("sort", "desc"), ("sort", [{"field": "plate", "order": "asc"}]),
            ("sort", [{"field": "capturedAt", "order": "up"}]),
            ("minConfidences", {}), ("minConfidences", [{"attribute": "make", "minConfidence": 0.5}]),
            ("minConfidences", [{"attribute": "plate", "minConfidence": 90}]),
            ("minConfidences", [{"attribute": "plate"}]),
            ("radius", TOWN), ("radius", {"radius": TOWN | {"radius": 0.5}}),
            ("radius", {"radius": TOWN | {"radius": 2001}}), ("radius", {"radius": {"radius": 5}}),
            ("radius", {"radius": TOWN | {"latitude": 91}}),
            ("area", {"type": "Polygon", "coordinates": [AROUND_TOWN]}),
            ("area", {"area": {"type": "Point", "coordinates": [1, 2]}}),
            ("area", {"area": {"type": "Polygon", "coordinates": [AROUND_TOWN[:3]]}}),
            ("area", {"area": {"type": "Polygon", "coordinates": [AROUND_TOWN[:4]]}}),
            ("area", {"area": {"type": "Polygon", "coordinates": [AROUND_TOWN, AROUND_TOWN]}}),
            ("area", {"area": {"type": "Polygon", "coordinates": [[[1], [2], [3], [1]]]}}),
        ],
    )  # fmt: skip
    def test_refuses_a_bad_field_and_names_it(self, flock: Any, field: str, value: Any) -> None:
        answered = flock.look_up(**({"plate": "9XAB123"} | {field: value}))
        assert answered.status_code == 422
        error = answered.json()["error"]
        assert error["errors"][0]["field"].split(".")[0] == field
        assert flock.state.lookups == []

    def test_refuses_a_radius_together_with_an_area(self, flock: Any) -> None:
        area = {"type": "Polygon", "coordinates": [AROUND_TOWN]}
        assert flock.look_up("9XAB123", radius={"radius": TOWN}, area={"area": area}).status_code == 422

    @pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"'])
    def test_refuses_what_is_no_json_object(self, flock: Any, raw: bytes) -> None:
        answered = flock.http.post("/api/v3/reads/lookup", content=raw)
        assert answered.status_code == 400
        assert isinstance(answered.json()["error"], str)


class TestPages:
    def test_lead_forwards_and_back_and_count_everything(self, flock: Any, world: World) -> None:
        first = flock.look_up(world.wanted[0].plate, limit=2).json()
        assert "previousPageId" not in first
        second = flock.get(f"/reads/lookup/page/{first['nextPageId']}").json()
        back = flock.get(f"/reads/lookup/page/{second['previousPageId']}").json()
        assert back == first
        assert first["totalItems"] == second["totalItems"] >= 5
        third = flock.get(f"/reads/lookup/page/{second['nextPageId']}").json()
        assert "nextPageId" not in third

    def test_die_after_a_while(self, flock: Any, world: World) -> None:
        flock.state.page_seconds = 0
        page_id = flock.look_up(world.wanted[0].plate, limit=1).json()["nextPageId"]
        assert flock.get(f"/reads/lookup/page/{page_id}").status_code == 422
        assert flock.get("/reads/lookup/page/unknown").status_code == 422

    def test_can_be_made_to_name_themselves_for_ever(self, flock: Any, world: World) -> None:
        flock.faults.repeat_cursor = True
        page_id = flock.look_up(world.wanted[0].plate, limit=2).json()["nextPageId"]
        assert flock.get(f"/reads/lookup/page/{page_id}").json()["nextPageId"] == page_id


class TestFaultyRecords:
    def test_bad_reads_are_known_by_their_ids(self, flock: Any, world: World) -> None:
        whole = {one["id"]: one for one in all_reads(flock, world.wanted[0].plate)}
        flock.faults.malformed = 0.5
        served = all_reads(flock, world.wanted[0].plate)
        good = [one for one in served if isinstance(one, dict) and whole.get(one.get("id")) == one]
        assert set(flock.faults.bad) == {name for name in whole if flock.faults.is_bad(name)}
        assert len(good) == len(whole) - len(flock.faults.bad) < len(whole)

    def test_repeated_reads_are_counted_as_the_vendor_would(self, flock: Any, world: World) -> None:
        flock.faults.duplicate = 1.0
        found = all_reads(flock, world.wanted[0].plate, limit=2)
        assert len(found) == 2 * len({one["id"] for one in found})

    def test_a_car_that_passes_later_is_found_then(self, flock: Any, world: World) -> None:
        one = world.passes["flock"][-1]._replace(id="fresh", plate="9XZZ999")
        flock.state.add_pass(one)
        assert [read["id"] for read in all_reads(flock, "9XZZ999")] == ["fresh"]
        assert flock.clock() - one.time < timedelta(days=1)
