"""The Flock stand-in speaks as the published OpenAPI and AsyncAPI files say, and the judge itself judges."""

import json
from typing import Any

import flock_openapi
import pytest
import yaml
from flock_openapi import FlockOpenApi, check_alert, needs_openapi

from alprhub.sandbox.flock import AUDIENCE, alert_body
from alprhub.sandbox.world import World

pytestmark = needs_openapi

ENTRY = {"plate": "9XAB123", "reason": "Stolen vehicle", "caseNumber": "24-1", "state": "california"}
SUBSCRIPTIONS = "/integrations/lpr/alerts/subscriptions"


@pytest.fixture(scope="module")
def judge() -> FlockOpenApi:
    return FlockOpenApi.load()


def judged(judge: FlockOpenApi, flock: Any, method: str, path: str, body: Any = None, **query: Any) -> Any:
    """Send a request that the file allows and judge what comes back."""
    judge.check_request(method, path, body=body, query={name: str(value) for name, value in query.items()})
    answered = flock.http.request(method, f"/api/v3{path}", json=body, params=query)
    answer = answered.json() if answered.content else None
    judge.check_answer(method, path, answered.status_code, answer)
    return answer


def test_the_token_answer_fits(judge: FlockOpenApi, stranger: Any) -> None:
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y", "audience": AUDIENCE}
    judge.check_request("POST", "/oauth/token", form=form)
    for changes in ({}, {"grant_type": "x"}, {"client_id": "x"}, {"audience": "x"}):
        answered = stranger.token(**changes)
        judge.check_answer("POST", "/oauth/token", answered.status_code, answered.json())


def test_lookups_and_their_pages_fit(judge: FlockOpenApi, flock: Any, world: World) -> None:
    body = {"plate": world.wanted[0].plate, "reason": "theft", "startDate": "2025-05-01T00:00:00Z",
            "endDate": "2025-06-01T00:00:00Z", "limit": 2, "caseNumber": "24-1", "state": "california",
            "sort": [{"field": "capturedAt", "order": "asc"}],
            "minConfidences": [{"attribute": "plate", "minConfidence": 0.1}],
            "radius": {"radius": {"latitude": 34.93, "longitude": -120.63, "radius": 5}}}  # fmt: skip
    first = judged(judge, flock, "POST", "/reads/lookup", body)
    judged(judge, flock, "GET", f"/reads/lookup/page/{first['nextPageId']}")
    assert len(first["results"]) == 2


def test_every_read_of_the_world_fits(judge: FlockOpenApi, flock: Any, world: World) -> None:
    from alprhub.sandbox.flock.lookup import read_of

    reads = [read_of(flock.state, one) for one in world.passes["flock"]]
    judge.check_schema("LookupResult", {"results": reads, "totalItems": len(reads)})
    assert any("state" not in read for read in reads)


def test_hot_lists_fit(judge: FlockOpenApi, flock: Any) -> None:
    list_id = judged(judge, flock, "POST", "/hotlists", {"name": "Ours", "entries": [ENTRY]})["id"]
    path = f"/hotlists/{list_id}"
    judged(judge, flock, "GET", "/hotlists")
    judged(judge, flock, "GET", path)
    batch = [ENTRY | {"plate": f"9XA000{index}"} for index in range(3)]
    added = judged(judge, flock, "POST", f"{path}/entries/addBatch", {"entries": batch})["entries"]
    judged(judge, flock, "GET", f"{path}/entries", limit=2)
    judged(judge, flock, "GET", f"{path}/entries", limit=3000)
    judged(judge, flock, "POST", f"{path}/entries/deleteBatch", {"ids": [one["id"] for one in added]})
    judged(judge, flock, "PUT", path, {"name": "Ours", "entries": []})
    judged(judge, flock, "DELETE", path)
    judged(judge, flock, "GET", path)


def test_devices_fit(judge: FlockOpenApi, flock: Any) -> None:
    page = judged(judge, flock, "GET", "/devices", page=1, pageSize=3)
    path = f"/devices/{page['results'][0]['id']}"
    judged(judge, flock, "GET", path)
    judged(judge, flock, "PATCH", path, {"name": "New"})
    judged(judge, flock, "POST", f"{path}/decommission")
    judged(judge, flock, "POST", "/devices", {"name": "Drone", "location": {"latitude": 1, "longitude": 2}})


def test_subscriptions_fit(judge: FlockOpenApi, flock: Any) -> None:
    body = {"callbackUrl": "https://hub.example/hook", "contentType": "application/json", "name": "Hub",
            "credentials": {"scheme": "apiKey", "apiKey": {"key": "k", "headerName": "x-api-key"}}}  # fmt: skip
    made = judged(judge, flock, "POST", SUBSCRIPTIONS, body)
    judged(judge, flock, "POST", SUBSCRIPTIONS, body)
    judged(judge, flock, "GET", SUBSCRIPTIONS)
    judged(judge, flock, "PUT", SUBSCRIPTIONS, body | {"id": made["id"]})
    judged(judge, flock, "GET", f"{SUBSCRIPTIONS}/{made['id']}")
    judged(judge, flock, "DELETE", f"{SUBSCRIPTIONS}/{made['id']}")


def test_alerts_fit(flock: Any, world: World) -> None:
    sources = [{"name": "NCIC", "reason": "Stolen Vehicle"}]
    for one in world.passes["flock"][:50]:
        check_alert(alert_body(flock.state, one, sources))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/reads/lookup", {"plate": "9XAB123", "startDate": "2025-05-01T00:00:00Z"}),
        ("POST", "/hotlists", {"name": "x"}),
        ("POST", "/hotlists", {"name": "x", "entries": [ENTRY], "owner": "us"}),
        ("POST", "/hotlists", {"name": "x", "entries": [ENTRY | {"colour": "red"}]}),
        ("POST", "/hotlists", {"name": "x", "entries": [ENTRY | {"state": "CA"}]}),
        ("PUT", SUBSCRIPTIONS, {"id": "x"}),
        ("GET", "/reads/search", None),
        ("PATCH", "/hotlists/x", {}),
        ("GET", "/hotlists", {"page": 1}),
    ],
)
def test_the_judge_refuses_a_request_that_the_file_does_not_know(
    judge: FlockOpenApi, method: str, path: str, body: Any
) -> None:
    with pytest.raises(AssertionError, match=path.split("/")[1]):
        judge.check_request(method, path, body=body)


def test_the_judge_refuses_unknown_queries_and_answers(judge: FlockOpenApi) -> None:
    with pytest.raises(AssertionError, match="offset"):
        judge.check_request("GET", "/devices", query={"offset": "3"})
    with pytest.raises(AssertionError, match="limit"):
        judge.check_request("GET", "/hotlists/x/entries", query={"limit": "3001"})
    with pytest.raises(AssertionError, match="418"):
        judge.check_answer("GET", "/hotlists", 418)
    with pytest.raises(AssertionError, match="totalItems"):
        judge.check_answer("POST", "/reads/lookup", 200, {"results": []})


def test_the_known_defects_are_still_in_the_file() -> None:
    document = yaml.safe_load(flock_openapi.OPENAPI.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    example = document["paths"]["/devices"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    for name, absent in flock_openapi.REQUIRED_WITHOUT_PROPERTY.items():
        assert set(absent) <= set(schemas[name]["required"])
        known = set(example["results"][0]) if name == "Device" else set(schemas[name]["properties"])
        assert not set(absent) & known
    for name, times in flock_openapi.TIMES_CALLED_OBJECTS.items():
        assert all(schemas[name]["properties"][time]["type"] == "object" for time in times)
    text = json.dumps(document)
    for part in flock_openapi.ABSENT_PARTS:
        assert part not in document["components"]
        assert f"#/components/{part}/" in text
