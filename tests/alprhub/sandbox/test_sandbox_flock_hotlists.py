"""Flock's custom hot lists: what is kept, how it is changed, and what is refused."""

from typing import Any

import pytest

from alprhub.sandbox.flock import FlockState


def entry(plate: str, **more: Any) -> dict[str, Any]:
    return {"plate": plate, "reason": "Stolen vehicle", "caseNumber": "24-1"} | more


def made(flock: Any, *plates: str) -> str:
    answered = flock.post("/hotlists", {"name": "Ours", "entries": [entry(plate) for plate in plates]})
    assert answered.status_code == 201
    found: str = answered.json()["id"]
    return found


def held(state: FlockState, list_id: str) -> list[str]:
    return [kept["plate"] for kept in state.hotlists[list_id].entries.values()]


def test_a_list_is_made_shown_and_deleted(flock: Any) -> None:
    list_id = made(flock, "9XAB123")
    assert flock.get("/hotlists").json() == [{"id": list_id, "name": "Ours"}]
    one = flock.get(f"/hotlists/{list_id}").json()
    assert one["name"] == "Ours"
    assert one["entries"] == [entry("9XAB123", id=one["entries"][0]["id"])]
    assert flock.send("DELETE", f"/hotlists/{list_id}").status_code == 204
    assert flock.get("/hotlists").json() == []


def test_an_update_replaces_the_whole_list(flock: Any) -> None:
    list_id = made(flock, "9XAB123", "9XAB124")
    answered = flock.send("PUT", f"/hotlists/{list_id}", {"name": "New", "entries": [entry("9XAB125")]})
    assert (answered.status_code, answered.content) == (204, b"")
    assert flock.state.hotlists[list_id].name == "New"
    assert held(flock.state, list_id) == ["9XAB125"]


def test_a_batch_is_trimmed_gets_zero_for_o_and_loses_duplicates(flock: Any) -> None:
    list_id = made(flock, "9XA0001")
    batch = [entry(" 9xboo1 "), entry("9XB001"), entry("9XAO001"), entry("9XC123")]
    answered = flock.post(f"/hotlists/{list_id}/entries/addBatch", {"entries": batch})
    assert answered.status_code == 200
    assert [one["plate"] for one in answered.json()["entries"]] == ["9XB001", "9XC123"]
    assert held(flock.state, list_id) == ["9XA0001", "9XB001", "9XC123"]


def test_a_batch_with_a_duplicate_can_be_refused_as_the_error_list_says(flock: Any) -> None:
    flock.state.refuse_duplicate_batch = True
    list_id = made(flock)
    batch = {"entries": [entry("9XB001"), entry("9XBO01")]}
    assert flock.post(f"/hotlists/{list_id}/entries/addBatch", batch).status_code == 400
    assert held(flock.state, list_id) == []


def test_a_batch_of_ids_is_deleted_and_unknown_ids_are_ignored(flock: Any) -> None:
    list_id = made(flock, "9XAB123", "9XAB124")
    first = next(iter(flock.state.hotlists[list_id].entries))
    assert flock.post(f"/hotlists/{list_id}/entries/deleteBatch", {"ids": [first, "unknown"]}).status_code == 200
    assert held(flock.state, list_id) == ["9XAB124"]


def test_entries_come_in_pages_until_the_cursor_is_null(flock: Any) -> None:
    plates = [f"9XA{number:04d}" for number in range(7)]
    list_id = made(flock, *plates)
    found, cursor, calls = [], None, 0
    while calls == 0 or cursor is not None:
        query = {"limit": 3} | ({"cursor": cursor} if cursor is not None else {})
        page = flock.get(f"/hotlists/{list_id}/entries", **query).json()
        assert page["totalResults"] == 7
        found += [one["plate"] for one in page["entries"]]
        cursor, calls = page["nextPage"], calls + 1
    assert (found, calls) == (plates, 3)


def test_a_deletion_between_two_pages_lets_no_other_entry_slip_by(flock: Any) -> None:
    list_id = made(flock, *[f"9XA{number:04d}" for number in range(6)])
    first = flock.get(f"/hotlists/{list_id}/entries", limit=3).json()
    flock.post(f"/hotlists/{list_id}/entries/deleteBatch", {"ids": [first["entries"][0]["id"]]})
    second = flock.get(f"/hotlists/{list_id}/entries", limit=3, cursor=first["nextPage"]).json()
    assert [one["plate"] for one in second["entries"]] == ["9XA0003", "9XA0004", "9XA0005"]


def test_a_page_holds_three_thousand_entries_by_default_and_at_most(flock: Any) -> None:
    list_id = made(flock, *[f"9X{number:05d}" for number in range(3000)])
    extra = {"entries": [entry("9XZ0001")]}
    assert flock.post(f"/hotlists/{list_id}/entries/addBatch", extra).status_code == 200
    page = flock.get(f"/hotlists/{list_id}/entries").json()
    assert len(page["entries"]) == 3000
    assert page["nextPage"] is not None
    rest = flock.get(f"/hotlists/{list_id}/entries", cursor=page["nextPage"]).json()
    assert ([one["plate"] for one in rest["entries"]], rest["nextPage"]) == (["9XZ0001"], None)


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 3001}, {"limit": "all"}, {"cursor": "x"}, {"cursor": "ä"}])
def test_a_bad_limit_or_cursor_is_refused(flock: Any, query: dict[str, Any]) -> None:
    assert flock.get(f"/hotlists/{made(flock)}/entries", **query).status_code == 400


def test_the_cursor_can_be_made_to_repeat_for_ever(flock: Any) -> None:
    flock.faults.repeat_cursor = True
    list_id = made(flock, "9XAB123")
    cursor = flock.get(f"/hotlists/{list_id}/entries").json()["nextPage"]
    again = flock.get(f"/hotlists/{list_id}/entries", cursor=cursor).json()
    assert (again["nextPage"], len(again["entries"])) == (cursor, 1)


def test_more_than_three_thousand_entries_at_once_are_refused(flock: Any) -> None:
    body = {"name": "Ours", "entries": [entry(f"9X{number:05d}") for number in range(3001)]}
    list_id = made(flock)
    assert flock.post("/hotlists", body).status_code == 400
    assert flock.send("PUT", f"/hotlists/{list_id}", body).status_code == 400
    assert flock.post(f"/hotlists/{list_id}/entries/addBatch", body).status_code == 400
    assert list(flock.state.hotlists) == [list_id]


def test_more_than_the_organisation_may_hold_is_refused_and_changes_nothing(flock: Any) -> None:
    flock.state.entry_limit = 3
    list_id = made(flock, "9XAB123", "9XAB124")
    two = [entry("9XAB125"), entry("9XAB126")]
    refused = flock.post("/hotlists", {"name": "More", "entries": two})
    assert refused.status_code == 413
    assert "3 is this stand-in's number: Flock publishes none" in refused.text
    assert flock.post(f"/hotlists/{list_id}/entries/addBatch", {"entries": two}).status_code == 413
    assert held(flock.state, list_id) == ["9XAB123", "9XAB124"]
    assert flock.send("PUT", f"/hotlists/{list_id}", {"name": "Ours", "entries": two}).status_code == 204


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_list_is_not_found(flock: Any, method: str) -> None:
    answered = flock.send(method, "/hotlists/unknown", {"name": "x", "entries": []} if method == "PUT" else None)
    assert (answered.status_code, answered.json()) == (404, {"error": "hotlist not found"})


def test_entries_of_an_unknown_list_are_not_found(flock: Any) -> None:
    assert flock.get("/hotlists/unknown/entries").status_code == 404
    assert flock.post("/hotlists/unknown/entries/addBatch", {"entries": []}).status_code == 404
    assert flock.post("/hotlists/unknown/entries/deleteBatch", {"ids": []}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"entries": []},
        {"name": " ", "entries": []},
        {"name": "x"},
        {"name": "x", "entries": {}},
        {"name": "x", "entries": ["9XAB123"]},
        {"name": "x", "entries": [{"plate": "9XAB123", "reason": "r"}]},
        {"name": "x", "entries": [{"plate": "9XAB123", "caseNumber": "c"}]},
        {"name": "x", "entries": [{"reason": "r", "caseNumber": "c"}]},
        {"name": "x", "entries": [entry(" ")]},
        {"name": "x", "entries": [entry("9XAB123", state="CA")]},
        {"name": "x", "entries": [entry("9XAB123", expiry="tomorrow")]},
        {"name": "x", "entries": [entry("9XAB123", note="call")]},
    ],
)
def test_a_list_with_a_bad_part_is_refused(flock: Any, body: dict[str, Any]) -> None:
    assert flock.post("/hotlists", body).status_code == 400
    assert flock.state.hotlists == {}


def test_a_batch_of_ids_that_is_none_is_refused(flock: Any) -> None:
    list_id = made(flock)
    for body in ({}, {"ids": "x"}, {"ids": [1]}):
        assert flock.post(f"/hotlists/{list_id}/entries/deleteBatch", body).status_code == 400


def test_the_optional_parts_of_an_entry_are_kept(flock: Any) -> None:
    full = entry("9XAB123", state="california", expiry="2026-01-01T00:00:00Z", note={"message": "call first"})
    list_id = flock.post("/hotlists", {"name": "Ours", "entries": [full]}).json()["id"]
    kept = flock.get(f"/hotlists/{list_id}").json()["entries"][0]
    assert kept == full | {"id": kept["id"]}
