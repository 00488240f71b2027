"""Every fault does what it says, the same way for the same seed, and stops when it is switched off."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from alprhub.sandbox.faults import KINDS, Anatomy, Faults
from alprhub.sandbox.world import to_micros

ANATOMY = Anatomy(times=(("at",),), plates=(("plate", "text"),), required=(("id",), ("plate",)))
IDS = [f"read-{index}" for index in range(2000)]


def record(name: str) -> dict[str, Any]:
    return {"id": name, "at": "2025-06-01T00:00:00Z", "plate": {"text": "9XAB123"}}


def spoilt(kind: str, times: Any = "2025-06-01T00:00:00Z") -> list[Any]:
    faults = Faults(malformed=1.0, malformed_kinds=(kind,))
    return [faults.spoil(record(name) | {"at": times}, name, ANATOMY) for name in IDS[:50]]


def test_the_asked_share_of_records_is_bad_and_its_ids_are_known() -> None:
    faults = Faults(seed=3, malformed=0.2)
    bad = [name for name in IDS if faults.spoil(record(name), name, ANATOMY) != record(name)]
    assert 300 < len(bad) < 500
    assert bad == list(faults.bad) == [name for name in IDS if faults.is_bad(name)]
    assert set(faults.bad.values()) == set(KINDS)
    assert bad == [name for name in IDS if Faults(seed=3, malformed=0.2).is_bad(name)]
    assert bad != [name for name in IDS if Faults(seed=4, malformed=0.2).is_bad(name)]


def test_each_kind_of_bad_record_is_bad_in_its_own_way() -> None:
    assert all(one.keys() < {"id", "at", "plate"} for one in spoilt("dropped_key"))
    assert all({"value": 1} in (one["at"], one["plate"]["text"]) for one in spoilt("wrong_type"))
    assert {one["at"] for one in spoilt("impossible_time")} == {"2023-02-30T25:61:61Z"}
    assert all(one["at"] > 10**16 for one in spoilt("impossible_time", times=1_700_000_000_000))
    assert {one["plate"]["text"] for one in spoilt("empty_plate")} == {""}
    assert not any(isinstance(one, dict) for one in spoilt("garbage"))


def test_a_spoilt_record_leaves_the_original_alone() -> None:
    kept = record("x")
    Faults(malformed=1.0, malformed_kinds=("empty_plate",)).spoil(kept, "x", ANATOMY)
    assert kept == record("x")


def test_repeated_records_come_right_behind_themselves_or_on_the_next_page() -> None:
    faults = Faults(duplicate=0.2)
    names = IDS[:400]
    spread = faults.spread(names, names, page=50)
    assert set(spread) == set(names)
    assert list(dict.fromkeys(spread)) == names
    twice = [name for name in names if spread.count(name) == 2]
    assert 40 < len(twice) == len(spread) - len(names) < 120
    places = [[place for place, found in enumerate(spread) if found == name] for name in twice]
    gaps = {second - first for first, second in places}
    assert 1 in gaps
    assert any(second // 50 > first // 50 for first, second in places)


def test_late_records_show_up_once_enough_requests_were_made() -> None:
    faults = Faults(late=3, late_share=0.5)
    early = faults.spread(IDS, IDS, page=50)
    assert 800 < len(early) < 1200
    faults.requests = 3
    assert faults.spread(IDS, IDS, page=50) == IDS


def test_an_outage_lasts_for_the_asked_number_of_requests(flock: Any) -> None:
    flock.faults.outage(requests=2)
    assert [flock.get("/hotlists").status_code for _ in range(3)] == [503, 503, 200]


def test_an_outage_lasts_for_the_asked_time_and_can_be_ended() -> None:
    now = [100.0]
    faults = Faults(clock=lambda: now[0])
    faults.outage(seconds=5)
    assert faults.down() == "answer"
    now[0] = 105.0
    assert faults.down() == "no"
    faults.outage(seconds=60, reset=True)
    assert faults.down() == "reset"
    faults.outage()
    assert faults.down() == "no"


def test_an_outage_can_reset_the_connection(flock: Any) -> None:
    flock.faults.outage(requests=1, reset=True)
    with pytest.raises(httpx.TransportError):
        flock.get("/hotlists")
    assert flock.get("/hotlists").status_code == 200
    assert [status for _, path, status in flock.state.log if path == "/api/v3/hotlists"] == [0, 200]


@pytest.mark.parametrize("how", ["seconds", "date", "none"])
def test_every_nth_request_is_throttled_with_the_asked_header(flock: Any, how: str) -> None:
    flock.faults.requests, flock.faults.throttle, flock.faults.retry_seconds = 0, 3, 20
    flock.faults.retry_after = how
    answers = [flock.get("/hotlists") for _ in range(6)]
    assert [one.status_code for one in answers] == [200, 200, 429, 200, 200, 429]
    assert answers[2].json() == {"error": "Throttled"}
    header = answers[2].headers.get("retry-after")
    if how == "date":
        assert header.endswith(" GMT")
        assert 15 < parsedate_to_datetime(header).timestamp() - time.time() < 25
    else:
        assert header == {"seconds": "20", "none": None}[how]


def test_every_nth_body_ends_in_the_middle(rekor: Any) -> None:
    rekor.faults.truncate = 2
    whole, cut = (rekor.get("/api/cameras/") for _ in range(2))
    assert cut.status_code == 200
    assert cut.content == whole.content[: len(whole.content) // 2]
    with pytest.raises(json.JSONDecodeError):
        cut.json()


def test_a_body_can_break_off_before_its_promised_length(rekor: Any) -> None:
    rekor.faults.truncate, rekor.faults.truncate_how = 1, "connection"
    with pytest.raises(httpx.TransportError):
        rekor.get("/api/cameras/")


def test_every_nth_answer_is_a_web_page_with_status_200(rekor: Any) -> None:
    rekor.faults.html = 2
    assert rekor.get("/api/cameras/").headers["content-type"] == "application/json"
    page = rekor.get("/api/cameras/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.text.startswith("<!doctype html>")


def test_answers_can_be_slow(rekor: Any) -> None:
    rekor.faults.slow = 0.15
    started = time.monotonic()
    rekor.get("/api/cameras/")
    assert time.monotonic() - started >= 0.15


def test_healing_ends_every_fault_and_keeps_what_a_test_wants_to_know(rekor: Any) -> None:
    faults = rekor.faults
    faults.outage(requests=9)
    faults.malformed = faults.duplicate = 0.5
    faults.throttle = faults.html = faults.truncate = faults.late = 1
    rekor.get("/api/cameras/")
    faults.bad["x"] = "garbage"
    faults.heal()
    assert rekor.get("/api/cameras/").status_code == 200
    assert not faults.touch_records
    assert (faults.requests, faults.bad, faults.seed) == (2, {"x": "garbage"}, 7)


def test_a_delayed_record_shows_up_once_its_time_has_come_and_the_others_at_once() -> None:
    now = datetime(2025, 6, 1, 12, tzinfo=UTC)
    faults = Faults(seed=3, delayed=0.2, delay_seconds=3600, today=lambda: now)
    names, times = IDS[:400], [to_micros(now)] * 400
    at_once = faults.spread(names, names, 50, times)
    delayed = [name for name in names if faults.is_delayed(name)]
    assert 40 < len(delayed) < 120
    assert at_once == [name for name in names if name not in delayed]
    now += timedelta(hours=1)
    assert faults.spread(names, names, 50, times) == names
    assert faults.touch_records
    faults.heal()
    assert not faults.touch_records
