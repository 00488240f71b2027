"""How Rekor Scout tells one pass: the Django-serialised records of its search API."""

from __future__ import annotations

from typing import Any

import msgspec

from ..faults import Anatomy
from ..world import TOWN, Camera, Pass, from_micros

COMPANY, COMPANY_ID = 77, "5a11d000-0000-4000-a000-0000000000c0"
SITE, SITE_ID = TOWN, 5
IMAGE_WIDTH, IMAGE_HEIGHT = 1280, 720
FIRST_PK = 9_000_000  # pk of a pass = this plus its number in the order of time
FIRST_CAMERA_PK = 40_000  # pk of a camera = this plus the number that its agent knows it by

ANATOMY = Anatomy(
    times=(("fields", "epoch_time_start"), ("fields", "epoch_time_end")),
    plates=(("fields", "best_plate"),),
    required=(("fields",), ("fields", "best_plate"), ("fields", "best_uuid"), ("fields", "epoch_time_start")),
)
# Characters that readers mix up; the second reading of every pass swaps the first of them it finds.
_ALIKE = {"0": "D", "8": "B", "B": "8", "5": "S", "S": "5", "2": "Z", "Z": "2", "1": "T", "D": "0", "X": "K"}

_JSON = msgspec.json.Encoder()


def millis(passing: Pass) -> int:
    """When a pass began, in the agent's resolution: milliseconds since 1970."""
    return passing.captured_at // 1000


def best_uuid(passing: Pass) -> str:
    """documented: the agent's uid, the camera's number and the milliseconds, joined by dashes."""
    return f"{passing.camera.agent_uid}-{passing.camera.number}-{millis(passing)}"


def iso_of(epoch_ms: int) -> str:
    """The ISO 8601 text under a name that says epoch: UTC, three decimals, Z."""
    return from_micros(epoch_ms * 1000).strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}Z"


def corners(passing: Pass) -> list[dict[str, int]]:
    """The plate's four corners in pixels, clockwise from the upper left; the same for the same pass."""
    x, y = 500 + passing.number % 97, 400 + passing.number % 53
    return [{"x": x, "y": y}, {"x": x + 128, "y": y + 3}, {"x": x + 127, "y": y + 62}, {"x": x - 1, "y": y + 59}]


def candidates(passing: Pass) -> list[tuple[str, float]]:
    """The readings of a pass with their confidence 0–100, the best first: itself, a look-alike, a shorter one."""
    best = round(passing.confidence * 100, 4)
    readings = [(passing.plate, best)]
    for place, mark in enumerate(passing.plate):
        if mark in _ALIKE:
            readings.append((passing.plate[:place] + _ALIKE[mark] + passing.plate[place + 1 :], round(best - 11.5, 4)))
            break
    readings.append((passing.plate[:-1], round(best - 17.25, 4)))
    return readings


def plate_record(passing: Pass) -> dict[str, Any]:
    """One record of `/api/search/plate`, with exactly the documented fields.

    They have no state, no vehicle and no place: those are only in what an agent pushes. documented: the names,
    that the times are text and that `camera` and `camera_id` are both numbers; invented: the model's name, and
    that `camera` is the pk of `/api/cameras/` while `camera_id` is the agent's own number.
    """
    fields: dict[str, Any] = {
        "agent_uid": passing.camera.agent_uid,
        "best_confidence": round(passing.confidence * 100, 4),
        "best_plate": passing.plate,
        "best_index": 0,
        "best_uuid": best_uuid(passing),
        "epoch_time_start": iso_of(millis(passing)),
        "epoch_time_end": iso_of(millis(passing) + 900),
        "camera": FIRST_CAMERA_PK + passing.camera.number,
        "camera_id": passing.camera.number,
        "company": COMPANY,
        "site": SITE,
        "site_id": SITE_ID,
        "img_width": IMAGE_WIDTH,
        "img_height": IMAGE_HEIGHT,
    }
    for index, corner in enumerate(corners(passing), start=1):
        fields[f"plate_x{index}"], fields[f"plate_y{index}"] = corner["x"], corner["y"]
    fields["processing_time_ms"] = 40 + passing.number % 30
    return {"pk": FIRST_PK + passing.number, "model": "restapi.plategroup", "fields": fields}


def candidate_records(passing: Pass) -> list[dict[str, Any]]:
    """The records of `/api/search/platecandidate` for one pass. invented: model and fields, only the path is told."""
    group = FIRST_PK + passing.number
    return [
        {
            "pk": group * 10 + index,
            "model": "restapi.platecandidate",
            "fields": {"plate_group": group, "plate": plate, "confidence": confidence, "matches_template": index == 0},
        }
        for index, (plate, confidence) in enumerate(candidates(passing))
    ]


def alert_record(passing: Pass, number: int, list_id: int, list_name: str, description: str) -> dict[str, Any]:
    """One record of `/api/search/alert`. documented: the fields; invented: the model's name."""
    fields = {
        "plate_group": FIRST_PK + passing.number, "plate_number": passing.plate, "description": description,
        "epoch_time": iso_of(millis(passing)), "alert_group_name": list_name, "alert_group": list_id,
    }  # fmt: skip
    return {"pk": number, "model": "restapi.alert", "fields": fields}


def camera_record(camera: Camera) -> dict[str, Any]:
    """One record of `/api/cameras/`. invented: all but the path; the names are those of a heartbeat's stream."""
    fields = {
        "camera_id": camera.number, "camera_name": camera.name, "agent_uid": camera.agent_uid, "site": SITE,
        "gps_latitude": camera.latitude, "gps_longitude": camera.longitude,
    }  # fmt: skip
    return {"pk": FIRST_CAMERA_PK + camera.number, "model": "restapi.camera", "fields": fields}


def agent_record(pk: int, agent_uid: str) -> dict[str, Any]:
    """One record of `/api/agents/`. invented: all but the path; the names are those of a heartbeat."""
    fields = {"agent_uid": agent_uid, "agent_hostname": f"sandbox-agent-{pk}", "agent_version": "2.7.101"}
    return {"pk": pk, "model": "restapi.agent", "fields": fields}


def encode(record: Any) -> bytes:
    """A record as the bytes that go into a page."""
    return _JSON.encode(record)
