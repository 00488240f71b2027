"""Rekor's agents: bodies with the published fields, and a queue that gives up nothing."""

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from alprhub.sandbox import Faults
from alprhub.sandbox.rekor import (
    TEST_CALL,
    Agent,
    AlertList,
    Entry,
    alpr_alert,
    alpr_group,
    alpr_results,
    best_uuid,
    heartbeat,
    push,
)
from alprhub.sandbox.world import World

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "vendors" / "samples" / "rekor_openalpr"
NOT_ALWAYS = {"license_key", "license_systemid", "memory_swapused_bytes", "memory_swaptotal_bytes",
              "disk_drive_free_bytes", "disk_drive_total_bytes"}  # fmt: skip


def sample(name: str) -> dict[str, Any]:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip("the published samples are not part of the repository; they are expected in ../shared")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def decoded(text: str) -> Any:
    return cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR)


def same_shape(made: Any, published: Any, place: str = "") -> None:
    """Every published key is there with a value of the published kind."""
    if isinstance(published, dict):
        missing = published.keys() - made.keys() - NOT_ALWAYS
        assert not missing, f"{place}: {sorted(missing)}"
        for name in published.keys() & made.keys():
            same_shape(made[name], published[name], f"{place}/{name}")
    elif isinstance(published, list) and published:
        same_shape(made[0], published[0], f"{place}/0")
    elif isinstance(published, bool):
        assert isinstance(made, bool), place
    elif isinstance(published, int | float):
        assert isinstance(made, int | float), place
    else:
        assert isinstance(made, type(published)), place


def test_a_group_looks_like_the_published_one(world: World) -> None:
    one = world.passes["rekor"][0]
    body = alpr_group(one)
    same_shape(body, sample("agent_alpr_group_v2.json"))
    assert decoded(body["vehicle_crop_jpeg"]).shape == (720, 1280, 3)
    assert decoded(body["best_plate"]["plate_crop_jpeg"]).shape == (100, 200, 3)


def test_results_look_like_the_published_ones(world: World) -> None:
    published = sample("agent_alpr_results_v2.json")
    same_shape(alpr_results(world.passes["rekor"][0]), published)


@pytest.mark.parametrize("name", ["agent_heartbeat.json", "agent_heartbeat_v2_5.json"])
def test_a_heartbeat_looks_like_the_published_one_and_names_the_cameras(world: World, name: str) -> None:
    camera = world.cameras["rekor"][0]
    body = heartbeat(world, camera.agent_uid)
    same_shape(body, sample(name))
    assert camera.name in [stream["camera_name"] for stream in body["video_streams"]]
    assert camera.number in [stream["camera_id"] for stream in body["video_streams"]]


def test_an_alert_wraps_the_group(world: World) -> None:
    one = world.passes["rekor"][0]
    body = alpr_alert(one, AlertList(101, "Ours"), Entry(one.plate, "Stolen vehicle", "us-ca"))
    assert body.items() >= {
        "data_type": "alpr_alert", "version": 1, "epoch_time": one.captured_at // 1000, "alert_list": "Ours",
        "alert_list_id": 101, "plate_number": one.plate, "description": "Stolen vehicle", "list_type": "Blacklist",
        "camera_number": one.camera.number, "camera_name": one.camera.name, "agent_uid": one.camera.agent_uid,
    }.items()  # fmt: skip
    assert body["group"] == alpr_group(one, crops=False)


def test_a_group_tells_the_truth_about_the_pass(world: World) -> None:
    for one in world.passes["rekor"]:
        body = alpr_group(one, crops=False)
        assert body["best_plate_number"] == body["candidates"][0]["plate"] == one.plate
        assert body["best_uuid"] == best_uuid(one) == body["uuids"][0]
        assert body["epoch_start"] == one.captured_at // 1000
        assert body["best_region"] == (f"us-{one.state.lower()}" if one.state else "")
        assert 0 <= body["best_confidence"] <= 100


def test_what_the_receiver_refuses_is_kept_and_sent_again_in_order(receiver: Any, world: World) -> None:
    agent = Agent(receiver.url)
    agent.see(world.passes["rekor"][:3])
    receiver.answers = [200, 503]
    assert agent.drain() == 1
    assert len(agent.queue) == 2
    assert agent.drain() == 2
    sent = [body["best_uuid"] for body in receiver.bodies]
    first, second, third = (best_uuid(one) for one in world.passes["rekor"][:3])
    assert sent == [first, second, second, third]


def test_a_push_carries_headers_and_suffers_the_faults_of_records(receiver: Any, world: World) -> None:
    one = world.passes["rekor"][0]
    faults = Faults(duplicate=1.0, malformed=1.0, malformed_kinds=("empty_plate",))
    assert push(receiver.url, alpr_group(one, crops=False), faults, {"x-hub-key": "k"}) == [200, 200]
    assert [body["best_plate_number"] for body in receiver.bodies] == ["", ""]
    assert faults.bad == {best_uuid(one): "empty_plate"}
    assert receiver.headers[0]["x-hub-key"] == "k"
    assert push("http://127.0.0.1:1/", TEST_CALL) == [0]
