"""A stand-in for ParkPow's visit list, and for what Plate Recognizer's Stream and Snapshot push.

The cars are those that passed another vendor's cameras in the made-up town; each pass is a visit of its own. What no
page of the vendor's documents is marked `invented:`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from .callbacks import caller
from .faults import Anatomy, Faults
from .gate import Voice
from .stand import answer, stand, ticking
from .world import Camera, Pass, World

TOKEN = "sandbox-token-parkpow"  # noqa: S105 - opens nothing but this stand-in

VISIT = Anatomy(
    times=(("start_date",),),
    plates=(("vehicle", "license_plate"),),
    required=(("id",), ("start_date",)),
)
_JSON = msgspec.json.Encoder()
_TYPES = {"sedan": "Sedan", "suv": "SUV", "pickup": "Pickup Truck", "van": "Van", "wagon": "Sedan"}
_BOX = {"xmin": 337, "ymin": 270, "xmax": 412, "ymax": 305}
_THROTTLED = {"detail": "Request was throttled. Expected available in 1 second.", "status_code": 429}  # documented

router = APIRouter()


class Refusal(Exception):
    """An answer that is not the one asked for: `{"detail", "status_code"}` (documented for 429)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status, self.detail = status, detail


@dataclass
class ParkPowState:
    """Everything the stand-in knows; tests read and set it through `app.state.parkpow`."""

    world: World
    faults: Faults
    clock: Callable[[], datetime]
    token: str = TOKEN
    told_by: str = "rekor"
    page_size: int = 50  # invented
    as_in_2020: bool = False
    """documented: the answer as a bare list, times without a zone, "None" for what is not known"""
    left: dict[str, datetime] = field(default_factory=dict)
    """When the car of a pass drove off, by the id of the pass: only then a visit has an end."""
    log: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def passes(self) -> tuple[Pass, ...]:
        """What passed the cameras, oldest first."""
        return self.world.passes[self.told_by]


def parkpow_app(
    world: World,
    *,
    faults: Faults | None = None,
    clock: Callable[[], datetime] | None = None,
    told_by: str = "rekor",
) -> FastAPI:
    """The stand-in as an ASGI app with ParkPow's addresses at the root; `told_by` is whose passes it tells as visits.

    `clock` tells the vendor's time (it starts at `world.now` and runs on by default). What the vendor holds is
    `app.state.parkpow`.
    """
    state = ParkPowState(
        world=world,
        faults=faults if faults is not None else Faults(seed=world.seed),
        clock=ticking(world, clock),
        told_by=told_by,
    )
    voice = Voice(_JSON.encode(_THROTTLED), _JSON.encode({"detail": "Service unavailable."}), b"application/json")
    app = stand("parkpow", state, voice, Refusal, _refused, _plainly)
    app.include_router(router)
    return app


@router.get("/api/v1/visit-list/")
async def visits(request: Request) -> Response:
    """A page of the visits that began in a window, as `{estimated_count, next, results}`, or a bare list in 2020.

    documented: the last 24 hours without a window. invented: newest first without `ordering`, both ends inside, a bare
    time is UTC, 404 behind the last page.
    """
    state, query = _state_of(request), request.query_params
    now = state.clock()
    start = _moment(query.get("start"), now - timedelta(days=1))
    end = _moment(query.get("end"), now)
    plate, camera = query.get("plate"), query.get("camera")
    passes = [
        passing
        for passing in state.passes
        if start <= passing.time <= end
        and plate in (None, passing.plate)
        and camera in (None, str(passing.camera.number))
    ]
    if query.get("ordering") != "start_date":
        passes.reverse()
    results = state.faults.told(passes, lambda passing: visit(state, passing), VISIT, state.page_size)
    if state.as_in_2020:
        return answer(results)
    page = _page_of(query.get("page"))
    first, last = (page - 1) * state.page_size, page * state.page_size
    if page > 1 and first >= len(results):
        raise Refusal(404, "Invalid page.")
    following = page if state.faults.repeat_cursor else page + 1 if last < len(results) else None
    address = str(request.url.include_query_params(page=following)) if following else None
    return answer({"estimated_count": len(results), "next": address, "results": results[first:last]})


@router.get("/media/{pass_id}.jpg")
async def picture(request: Request, pass_id: str) -> Response:
    """The picture of a visit; 404 for another (invented: that it needs no token, and how long it is kept)."""
    state: ParkPowState = request.app.state.parkpow
    passing = next((passing for passing in state.passes if passing.id == pass_id), None)
    if passing is None:
        raise Refusal(404, "Not found.")
    # Drawing needs OpenCV and numpy, which nothing else of this service does.
    from .pictures import plate_jpeg

    return Response(await run_in_threadpool(plate_jpeg, passing.plate, seed=passing.number), media_type="image/jpeg")


def visit(state: ParkPowState, passing: Pass) -> dict[str, Any]:
    """A visit: names as documented in 2020, and `start_data` for `start_prediction` as seen in public code today."""
    away = state.left.get(passing.id)
    old = state.as_in_2020
    record: dict[str, Any] = {
        "id": passing.number,
        "vehicle": {"license_plate": passing.plate, "status": "Authorized"},
        "start_cam": _camera(passing.camera, old=old),
        "end_cam": _camera(passing.camera, old=old) if away else None,
        "start_img": f"/media/{passing.id}.jpg",
        "end_img": None,
        "duration": (away - passing.time).total_seconds() if away else None,
        "start_date": _date(passing.time, old=old),
        "end_date": _date(away, old=old) if away else None,
    }
    read = {"plate": passing.plate.lower(), "score": passing.confidence, "dscore": 0.936, "box": _BOX}
    if old:
        record |= {"start_prediction": read, "end_prediction": None}
        return {name: "None" if value is None else value for name, value in record.items()}
    return record | {"start_data": result(passing), "end_data": result(passing) if away else None}


def result(passing: Pass) -> dict[str, Any]:
    """One plate in the shape of plate mode (documented): lower case, shares of 1, boxes in pixels."""
    car, plate = passing.vehicle, passing.plate.lower()
    return {
        "box": _BOX, "plate": plate, "score": passing.confidence, "dscore": 0.757,
        "region": {"code": f"us-{passing.state.lower()}" if passing.state else "", "score": passing.state_confidence},
        "candidates": [{"plate": plate, "score": passing.confidence}, {"plate": plate[:-1], "score": 0.4}],
        "vehicle": {"type": _TYPES[car.body], "score": 0.709, "box": _BOX},
        "model_make": [{"make": car.make, "model": car.model, "score": 0.43}],
        "color": [{"color": car.colour, "score": 0.699}], "orientation": [{"orientation": "Rear", "score": 0.883}],
        "direction": passing.number * 37 % 360,
    }  # fmt: skip


def recognition(*passes: Pass, target: str = "https://hub.example/push") -> dict[str, Any]:
    """Stream's event of one frame, with every plate in it; the first pass gives camera and time."""
    first = passes[0]
    name, stamp = f"camera-{first.camera.number}", first.time.astimezone(UTC)
    file = f"{name}_screenshots/{stamp:%y-%m-%d/%H-%M-%S.%f}.jpg"
    return {
        "hook": {"target": target, "id": name, "event": "recognition", "filename": file},
        "data": {
            "camera_id": name, "filename": file, "timestamp": stamp.isoformat().replace("+00:00", "Z"),
            "timestamp_local": stamp.isoformat(sep=" "), "timestamp_camera": None,
            "results": [result(passing) for passing in passes],
        },
    }  # fmt: skip


def image_done(*passes: Pass, target: str = "https://hub.example/push") -> dict[str, Any]:
    """Snapshot's event of one picture, which names no camera."""
    stamp = passes[0].time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    data = {"processing_time": 0.186, "timestamp": stamp, "results": [result(passing) for passing in passes],
            "filename": "car.jpg", "version": 1, "camera_id": None}  # fmt: skip
    return {"hook": {"target": target, "id": 2, "event": "image.done"}, "data": data}


def push(url: str, event: dict[str, Any], headers: dict[str, str], **pictures: bytes) -> int:
    """POST an event as Stream does and give the status, 0 where nobody answered.

    documented: multipart with the field `json` beside the files `upload` and `plate_img`, a form with the field `json`
    where there are no pictures.
    """
    form = {"json": _JSON.encode(event).decode()}
    files = {name: (f"{name}.jpg", data, "image/jpeg") for name, data in pictures.items()}
    try:
        return caller().post(url, data=form, files=files or None, headers=headers).status_code
    except httpx.TransportError:
        return 0


def _camera(camera: Camera, *, old: bool) -> dict[str, Any]:
    unknown = "None" if old else None
    return {"code": str(camera.number), "name": camera.name, "type": "Entrance", "latitude": unknown,
            "longitude": unknown, "notes": "notes"}  # fmt: skip


def _date(at: datetime, *, old: bool) -> str:
    stamp = at.astimezone(UTC).isoformat()
    return stamp.removesuffix("+00:00") if old else stamp


def _state_of(request: Request) -> ParkPowState:
    """The state, once the request has shown its token (invented: 401 and its words for a wrong one)."""
    state: ParkPowState = request.app.state.parkpow
    if state.faults.take_expiry() or request.headers.get("authorization") != f"Token {state.token}":
        raise Refusal(401, "Invalid token.")
    return state


def _moment(text: str | None, usual: datetime) -> datetime:
    if not text:
        return usual
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "Enter a valid date/time.") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _page_of(text: str | None) -> int:
    if not text:
        return 1
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise Refusal(404, "Invalid page.")
    return int(text)


def _refused(refusal: Refusal) -> Response:
    return _plainly(refusal.status, refusal.detail)


def _plainly(status: int, words: str) -> Response:
    return answer({"detail": words, "status_code": status}, status)
