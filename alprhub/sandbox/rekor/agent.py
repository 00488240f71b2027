"""What Rekor's agents and Scout send by themselves: one JSON document per POST, without any signature."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable
from typing import Any

from ..callbacks import post
from ..faults import Anatomy, Faults
from ..world import Camera, Pass, World, to_micros
from .records import COMPANY_ID, IMAGE_HEIGHT, IMAGE_WIDTH, SITE, best_uuid, candidates, corners, millis
from .state import AlertList, Entry

VERSION = "2.7.101"
TEST_CALL = {"openalpr_webhook": "test"}  # seen

GROUP_ANATOMY = Anatomy(
    times=(("epoch_start",), ("epoch_end",)),
    plates=(("best_plate_number",), ("best_plate", "plate")),
    required=(("best_uuid",), ("best_plate_number",), ("epoch_start",), ("camera_id",), ("best_plate",)),
)
# Plain words of the world to the agents' own: seen in samples, but for truck-standard and van-full (invented).
_COLOURS = {"silver": "silver-gray", "gray": "silver-gray", "beige": "gold-beige"}
_BODIES = {
    "sedan": "sedan-standard", "suv": "suv-crossover", "wagon": "sedan-wagon", "pickup": "truck-standard",
    "van": "van-full",
}  # fmt: skip


def region(passing: Pass) -> str:
    """The state as the agents say it, like us-ca; empty where the reader gave none."""
    return f"us-{passing.state.lower()}" if passing.state is not None else ""


def alpr_group(passing: Pass, *, crops: bool = True) -> dict[str, Any]:
    """One vehicle's pass as `alpr_group` version 2; `crops` draws the two JPEG crops, which takes some ms."""
    plate_crop, vehicle_crop = _crops(passing) if crops else ("", "")
    name, start = best_uuid(passing), millis(passing)
    return {
        "data_type": "alpr_group", "version": 2, "epoch_start": start, "epoch_end": start + 900,
        "frame_start": 0, "frame_end": 27, "company_id": COMPANY_ID, "agent_uid": passing.camera.agent_uid,
        "agent_version": VERSION, "agent_type": "alprd", "camera_id": passing.camera.number, "country": "us",
        "uuids": [name, f"{passing.camera.agent_uid}-{passing.camera.number}-{start + 33}"], "plate_indexes": [0, 0],
        "candidates": _candidates(passing), "best_plate": _best_plate(passing) | {"plate_crop_jpeg": plate_crop},
        "vehicle_crop_jpeg": vehicle_crop, "best_confidence": round(passing.confidence * 100, 4), "best_index": 0,
        "best_uuid": name, "best_plate_number": passing.plate, "best_region": region(passing),
        "best_region_confidence": round(passing.state_confidence * 100, 4), "best_image_width": IMAGE_WIDTH,
        "best_image_height": IMAGE_HEIGHT, "travel_direction": float(passing.number * 37 % 360),
        "is_parked": False, "matches_template": passing.state is not None, "gps_latitude": passing.camera.latitude,
        "gps_longitude": passing.camera.longitude, "vehicle": _vehicle(passing),
    }  # fmt: skip


def alpr_results(passing: Pass, *, crops: bool = True) -> dict[str, Any]:
    """One frame's reading as `alpr_results` version 2: a car gives many of them and one group."""
    plate_crop = _crops(passing)[0] if crops else ""
    return {
        "data_type": "alpr_results", "version": 2, "uuid": best_uuid(passing), "epoch_time": millis(passing),
        "camera_id": passing.camera.number, "agent_uid": passing.camera.agent_uid, "agent_version": VERSION,
        "agent_type": "alprd", "company_id": COMPANY_ID, "error": False, "processing_time_ms": 105.85,
        "img_width": IMAGE_WIDTH, "img_height": IMAGE_HEIGHT,
        "regions_of_interest": [{"x": 0, "y": 0, "width": IMAGE_WIDTH, "height": IMAGE_HEIGHT}],
        "results": [_best_plate(passing) | {"plate_crop_jpeg": plate_crop}],
    }  # fmt: skip


def heartbeat(world: World, agent_uid: str, epoch_ms: int | None = None) -> dict[str, Any]:
    """An agent's sign of life, the only place that names its cameras; at `world.now` unless told otherwise."""
    stamp = to_micros(world.now) // 1000 if epoch_ms is None else epoch_ms
    streams = [_stream(camera, stamp) for camera in world.cameras["rekor"] if camera.agent_uid == agent_uid]
    return {
        "data_type": "heartbeat", "company_id": COMPANY_ID, "agent_uid": agent_uid, "agent_version": VERSION,
        "agent_hostname": "sandbox-agent", "agent_type": "alprd", "openalpr_version": VERSION, "os": "linux",
        "timestamp": stamp, "system_uptime_seconds": 86400, "daemon_uptime_seconds": 86000, "cpu_cores": 8,
        "cpu_last_update": stamp, "cpu_usage_percent": 31, "memory_total_bytes": 17_116_020_736,
        "memory_consumed_bytes": 8_729_055_232, "memory_last_update": stamp, "disk_quota_total_bytes": 1_073_741_824,
        "disk_quota_consumed_bytes": 209_715_200, "disk_quota_earliest_result": stamp - 7 * 86_400_000,
        "processing_threads_active": 2, "processing_threads_configured": 2, "beanstalk_queue_size": 0,
        "recording_enabled": True, "license_valid": True, "video_streams": streams,
    }  # fmt: skip


def alpr_alert(passing: Pass, kept: AlertList, entry: Entry, *, crops: bool = False) -> dict[str, Any]:
    """Scout's alert version 1 for a pass that hits an entry of an alert list; the group travels inside."""
    return {
        "data_type": "alpr_alert", "version": 1, "epoch_time": millis(passing), "alert_list": kept.name,
        "alert_list_id": kept.id, "list_type": kept.list_type, "site_name": SITE, "camera_name": passing.camera.name,
        "camera_number": passing.camera.number, "plate_number": passing.plate, "description": entry.description,
        "agent_uid": passing.camera.agent_uid, "group": alpr_group(passing, crops=crops),
    }  # fmt: skip


class Agent:
    """An agent with its local queue: what the receiver does not take stays, and is sent again, in order.

    documented: that undelivered documents are kept and resent. invented: that only a 2xx counts as taken.
    """

    def __init__(self, url: str, faults: Faults | None = None, headers: dict[str, str] | None = None) -> None:
        self.queue: deque[dict[str, Any]] = deque()
        self._url, self._faults, self._headers = url, faults, headers

    def see(self, passes: Iterable[Pass], *, crops: bool = False) -> None:
        """Queue the group of each pass."""
        self.queue.extend(alpr_group(passing, crops=crops) for passing in passes)

    def drain(self) -> int:
        """Send until the queue is empty or the receiver refuses; the number of documents it took."""
        taken = 0
        while self.queue:
            statuses = push(self._url, self.queue[0], self._faults, self._headers)
            if not all(200 <= status < 300 for status in statuses):
                break
            self.queue.popleft()
            taken += 1
        return taken


def push(
    url: str, body: dict[str, Any], faults: Faults | None = None, headers: dict[str, str] | None = None
) -> list[int]:
    """POST one document and give the status of each try, 0 for no answer; two of them if `duplicate` falls on it.

    `malformed` spoils groups, by their best_uuid.
    """
    name, copies, sent = str(body.get("best_uuid", "")), 1, body
    if faults is not None and name:
        copies += faults.is_twice(name) != "no"
        sent = faults.spoil(body, name, GROUP_ANATOMY)
    return [post(url, sent, headers or {}) for _ in range(copies)]


def _crops(passing: Pass) -> tuple[str, str]:
    # Drawing needs OpenCV and numpy, which a body without crops does not.
    from ..pictures import plate_crop, plate_jpeg

    small = plate_crop(passing.plate, seed=passing.number)
    return base64.b64encode(small).decode(), base64.b64encode(plate_jpeg(passing.plate, seed=passing.number)).decode()


def _candidates(passing: Pass) -> list[dict[str, Any]]:
    return [
        {"plate": plate, "confidence": confidence, "matches_template": int(index == 0)}
        for index, (plate, confidence) in enumerate(candidates(passing))
    ]


def _best_plate(passing: Pass) -> dict[str, Any]:
    places = corners(passing)
    return {
        "plate": passing.plate, "confidence": round(passing.confidence * 100, 4), "matches_template": 1,
        "plate_index": 0, "region": region(passing), "region_confidence": int(passing.state_confidence * 100),
        "processing_time_ms": 52.1, "requested_topn": 10, "coordinates": places, "candidates": _candidates(passing),
        "vehicle_region": {"x": places[0]["x"] - 200, "y": places[0]["y"] - 300, "width": 500, "height": 400},
    }  # fmt: skip


def _vehicle(passing: Pass) -> dict[str, Any]:
    """documented: every trait is an array of {name, confidence}, 0–100, the best first."""
    car = passing.vehicle
    make, model = car.make.lower(), car.model.lower().replace(" ", "-")
    first = car.year // 5 * 5
    best = {
        "color": _COLOURS.get(car.colour, car.colour), "make": make, "make_model": f"{make}_{model}",
        "body_type": _BODIES[car.body], "year": f"{first}-{first + 4}", "orientation": "180",
    }  # fmt: skip
    sure = 70.0 + passing.number % 29
    return {
        trait: [{"name": name, "confidence": sure}, {"name": "missing", "confidence": 100.0 - sure}]
        for trait, name in best.items()
    }


def _stream(camera: Camera, stamp: int) -> dict[str, Any]:
    return {
        "camera_id": camera.number, "camera_name": camera.name, "url": "rtsp://192.0.2.10/stream", "fps": 25,
        "is_streaming": True, "last_update": stamp, "gps_latitude": camera.latitude, "gps_longitude": camera.longitude,
    }  # fmt: skip
