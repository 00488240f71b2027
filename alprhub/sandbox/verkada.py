"""A stand-in for Verkada: tokens, reads camera by camera, plates of interest, signed pictures and signed webhooks.

The cars are those that passed another vendor's cameras in the made-up town. What no page of Verkada's documents is
marked `invented:`.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from .callbacks import post
from .faults import Anatomy, Faults
from .gate import Voice
from .stand import answer, object_of, stand, ticking
from .world import Camera, Pass, World, to_micros

API_KEY = "vkd_api_sandbox-key"  # opens nothing but this stand-in
WEBHOOK_SECRET = "sandbox-secret-verkada"  # noqa: S105 - proves nothing but this stand-in
ORG_ID = "00000000-0000-4000-a000-00000000e4da"
ZONE = "America/Los_Angeles"

DETECTION = Anatomy(
    times=(("timestamp",),), plates=(("license_plate",),), required=(("timestamp",), ("license_plate",))
)
_JSON = msgspec.json.Encoder()
_LPR = "/cameras/v1/analytics/lpr"
_LARGEST = {"images": 200, "devices": 200, "plates": 1000}  # documented: images; seen in public code: the others
_USUAL = 100  # documented: images; invented: the others

router = APIRouter()


class Refusal(Exception):
    """An answer that is not the one asked for, in Verkada's envelope (documented)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


@dataclass
class VerkadaState:
    """Everything the stand-in knows; tests read and set it through `app.state.verkada`."""

    world: World
    faults: Faults
    clock: Callable[[], datetime]
    api_key: str = API_KEY
    told_by: str = "rekor"
    token_seconds: int = 1800  # documented
    requests_a_minute: int = 300  # documented; of one organisation
    image_seconds: int = 3600  # invented: how long a picture link lives
    origin: str = "http://127.0.0.1"
    deaf: set[str] = field(default_factory=set)
    """invented: cameras that read no plates, and answer 400 when asked for them"""
    tokens: dict[str, datetime] = field(default_factory=dict)
    plates: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: list[tuple[str, int]] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    _requests: list[datetime] = field(default_factory=list)

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """The cameras of the organisation."""
        return self.world.cameras[self.told_by]

    def passes(self, camera_id: str) -> list[Pass]:
        """What passed one camera, oldest first."""
        return [passing for passing in self.world.passes[self.told_by] if passing.camera.id == camera_id]

    def admit(self, request: Request) -> None:
        """Let a live token pass: 401 without one, 429 over the organisation's rate."""
        now = self.clock()
        token = request.headers.get("x-verkada-auth", "")
        if self.faults.take_expiry():
            self.tokens.pop(token, None)
        until = self.tokens.get(token)
        if until is None or until <= now:
            raise Refusal(401, "Token expired")
        self._requests = [at for at in self._requests if at > now - timedelta(minutes=1)]
        if len(self._requests) >= self.requests_a_minute:
            raise Refusal(429, "Rate limit exceeded")
        self._requests.append(now)

    def image_url(self, passing: Pass, kind: str) -> str:
        """A signed link to a picture (documented: signed, and that it ends; invented: its form)."""
        until = int((self.clock() + timedelta(seconds=self.image_seconds)).timestamp())
        return f"{self.origin}/signed/{passing.id}/{kind}.jpg?expires={until}&signature={self.seal(passing.id, until)}"

    def seal(self, pass_id: str, until: int) -> str:
        """The signature of a picture link."""
        return hmac.new(self.api_key.encode(), f"{pass_id}:{until}".encode(), hashlib.sha256).hexdigest()


def verkada_app(
    world: World,
    *,
    faults: Faults | None = None,
    clock: Callable[[], datetime] | None = None,
    told_by: str = "rekor",
) -> FastAPI:
    """The stand-in as an ASGI app; `told_by` is the vendor of the town whose cameras and passes it tells as its own.

    `clock` tells the vendor's time (it starts at `world.now` and runs on by default). What the vendor holds is
    `app.state.verkada`, whose `origin` must be told before pictures are asked for.
    """
    state = VerkadaState(
        world=world,
        faults=faults if faults is not None else Faults(seed=world.seed),
        clock=ticking(world, clock),
        told_by=told_by,
    )
    voice = Voice(_error("Rate limit exceeded"), _error("Service unavailable"), b"application/json")
    app = stand("verkada", state, voice, Refusal, _refused, _plainly)
    app.include_router(router)
    return app


@router.post("/token")
async def token(request: Request) -> Response:
    """A token for thirty minutes, for the key in `x-api-key` (invented: 401 for a wrong one)."""
    state: VerkadaState = request.app.state.verkada
    if not hmac.compare_digest(request.headers.get("x-api-key", "").encode(), state.api_key.encode()):
        raise Refusal(401, "Invalid API key")
    token = f"v2_{uuid4().hex}"
    state.tokens[token] = state.clock() + timedelta(seconds=state.token_seconds)
    return answer({"token": token})


@router.get("/cameras/v1/devices")
async def devices(request: Request) -> Response:
    """A page of the organisation's cameras."""
    state = _state_of(request)
    cameras = [
        {"camera_id": camera.id, "name": camera.name, "site": "Town", "location": camera.street, "timezone": ZONE,
         "location_lat": camera.latitude, "location_lon": camera.longitude, "status": "Live"}
        for camera in state.cameras
    ]  # fmt: skip
    return _page(request, state, "cameras", cameras, "devices")


@router.get(f"{_LPR}/images")
async def images(request: Request) -> Response:
    """A page of one camera's detections, with a number as the next token (documented).

    invented: oldest first, both ends of the window inside, the last day without one.
    """
    state, query = _state_of(request), request.query_params
    camera_id = query.get("camera_id", "")
    if camera_id not in {camera.id for camera in state.cameras}:
        raise Refusal(400, "Camera not found")
    if camera_id in state.deaf:
        raise Refusal(400, "LPR is not enabled on this camera")
    now = int(state.clock().timestamp())
    # invented: that the window is the last day where no time is told
    start, end = _whole(query.get("start_time"), now - 86_400), _whole(query.get("end_time"), now)
    plate = query.get("license_plate")
    passes = [
        passing
        for passing in state.passes(camera_id)
        if start <= passing.captured_at // 1_000_000 <= end and plate in (None, passing.plate)
    ]
    records = state.faults.told(passes, lambda passing: detection(state, passing), DETECTION, _size(request, "images"))
    return _page(request, state, "detections", records, "images")


@router.get(f"{_LPR}/license_plate_of_interest")
async def plates(request: Request) -> Response:
    """A page of the plates of interest, with text as the next token (documented)."""
    state = _state_of(request)
    return _page(request, state, "license_plate_of_interest", list(state.plates.values()), "plates", as_text=True)


@router.post(f"{_LPR}/license_plate_of_interest")
async def create(request: Request) -> Response:
    """A plate more (invented: 400 where it is there already)."""
    state, body = _state_of(request), await _object(request)
    plate, description = body.get("license_plate"), body.get("description")
    if not isinstance(plate, str) or not plate or not isinstance(description, str):
        raise Refusal(400, "license_plate and description are required")
    if plate in state.plates:
        raise Refusal(400, "License plate already exists")
    return answer(_keep(state, plate, description))


@router.patch(f"{_LPR}/license_plate_of_interest")
async def describe(request: Request) -> Response:
    """Another description for the plate in the query."""
    state, body = _state_of(request), await _object(request)
    held = _held(request, state)
    description = body.get("description")
    if not isinstance(description, str):
        raise Refusal(400, "description is required")
    held["description"] = description
    return answer(held)


@router.delete(f"{_LPR}/license_plate_of_interest")
async def drop(request: Request) -> Response:
    """The plate in the query leaves."""
    state = _state_of(request)
    held = _held(request, state)
    return answer(state.plates.pop(held["license_plate"]))


@router.api_route(f"{_LPR}/license_plate_of_interest/batch", methods=["POST", "DELETE"])
async def batch(request: Request) -> Response:
    """A CSV file of plates to add (`License Plate`, `Name`) or to drop (`License Plate`), in the field `file`.

    invented: that it is in at once, and that a plate that is there gets the new name.
    """
    state = _state_of(request)
    columns = ["License Plate", "Name"] if request.method == "POST" else ["License Plate"]
    form = await request.form()
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise Refusal(400, "file is required")
    rows = list(csv.reader(io.StringIO((await upload.read()).decode("utf-8"), newline="")))
    await form.close()
    if not rows or rows[0] != columns or any(len(row) != len(columns) for row in rows):
        raise Refusal(400, "The columns must be " + ", ".join(columns))
    for row in rows[1:]:
        if request.method == "POST":
            _keep(state, row[0], row[1])
        else:
            state.plates.pop(row[0], None)
    state.batches.append((request.method, len(rows) - 1))
    return answer({"addedMs": to_micros(state.clock()) // 1000})


@router.get("/signed/{pass_id}/{kind}.jpg")
async def image(request: Request, pass_id: str, kind: str) -> Response:
    """The picture behind a signed link, which needs no token; 403 once it has ended (invented) or was tampered with."""
    state: VerkadaState = request.app.state.verkada
    until, seal = request.query_params.get("expires", ""), request.query_params.get("signature", "")
    good = until.isdigit() and hmac.compare_digest(seal, state.seal(pass_id, int(until)))
    if not good or int(until) < state.clock().timestamp():
        raise Refusal(403, "Request has expired")
    passing = next(passing for passing in state.world.passes[state.told_by] if passing.id == pass_id)
    # Drawing needs OpenCV and numpy, which nothing else of this service does.
    from .pictures import plate_crop, plate_jpeg

    drawn = await run_in_threadpool(plate_crop if kind == "plate" else plate_jpeg, passing.plate, seed=passing.number)
    return Response(drawn, media_type="image/jpeg")


def detection(state: VerkadaState, passing: Pass) -> dict[str, Any]:
    """One element of an answer: seconds, and no word on the camera (documented)."""
    return {
        "timestamp": passing.captured_at // 1_000_000, "license_plate": passing.plate,
        "image_url": state.image_url(passing, "plate"), "vehicle_image_url": state.image_url(passing, "vehicle"),
    }  # fmt: skip


def lpr_webhook(state: VerkadaState, passing: Pass, *, older: bool = False) -> dict[str, Any]:
    """The webhook of a pass: seconds and milliseconds in one object; the older form tells less (documented)."""
    left, top = 0.3 + passing.number % 7 / 100, 0.5 + passing.number % 5 / 100
    data: dict[str, Any] = {
        "camera_id": passing.camera.id, "created": passing.captured_at // 1_000_000,
        "license_plate_number": passing.plate, "confidence": passing.confidence,
    }  # fmt: skip
    if not older:
        data |= {"detected": passing.captured_at // 1000, "crop": [left, left + 0.03, top, top + 0.03],
                 "image_url": state.image_url(passing, "plate")}  # fmt: skip
        if passing.state is not None:
            data["license_plate_state"] = f"us-{passing.state.lower()}"
    named = str(UUID(hashlib.md5(passing.id.encode(), usedforsecurity=False).hexdigest()))
    return {"org_id": ORG_ID, "webhook_type": "lpr", "created_at": ceil(passing.captured_at / 1e6), "webhook_id": named,
            "data": data}  # fmt: skip


def signature(body: bytes, at: datetime, secret: str = WEBHOOK_SECRET) -> str:
    """The header `Verkada-Signature`: the time, a bar, and the HMAC over body, bar and time (documented)."""
    stamp = str(int(at.timestamp()))
    return f"{stamp}|{hmac.new(secret.encode(), body + b'|' + stamp.encode(), hashlib.sha256).hexdigest()}"


def push(state: VerkadaState, url: str, body: dict[str, Any], secret: str = WEBHOOK_SECRET) -> list[int]:
    """POST a webhook and give the status of each try: a second one follows where the first was not taken (documented).

    Both bear the signature of the first (seen in public code). invented: that 2xx alone counts as taken.
    """
    headers = {"Verkada-Signature": signature(_JSON.encode(body), state.clock(), secret)}
    tries = [post(url, body, headers)]
    if not 200 <= tries[0] < 300:
        tries.append(post(url, body, headers))
    state.deliveries += tries
    return tries


def _keep(state: VerkadaState, plate: str, description: str) -> dict[str, Any]:
    held = {"creation_time": int(state.clock().timestamp()), "description": description, "license_plate": plate}
    state.plates[plate] = held
    return held


def _held(request: Request, state: VerkadaState) -> dict[str, Any]:
    """The plate that the query names; invented: 404 for one that is not there."""
    held = state.plates.get(request.query_params.get("license_plate", ""))
    if held is None:
        raise Refusal(404, "License plate not found")
    return held


def _state_of(request: Request) -> VerkadaState:
    state: VerkadaState = request.app.state.verkada
    state.admit(request)
    return state


async def _object(request: Request) -> dict[str, Any]:
    body = await object_of(request)
    if body is None:
        raise Refusal(400, "Invalid JSON")
    return body


def _size(request: Request, kind: str) -> int:
    size = _whole(request.query_params.get("page_size"), _USUAL)
    if not 1 <= size <= _LARGEST[kind]:
        raise Refusal(400, f"page_size must be 1 to {_LARGEST[kind]}")
    return size


def _page(
    request: Request, state: VerkadaState, name: str, items: Sequence[Any], kind: str, *, as_text: bool = False
) -> Response:
    size, number = _size(request, kind), _whole(request.query_params.get("page_token"), 1)
    following: int | str | None = number + 1 if number * size < len(items) else None
    if state.faults.repeat_cursor:
        following = number
    if as_text and following is not None:
        following = str(following)
    return answer({name: items[(number - 1) * size : number * size], "next_page_token": following})


def _whole(text: str | None, usual: int) -> int:
    if not text:
        return usual
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, "Not a whole number")
    return int(text)


def _error(message: str) -> bytes:
    return _JSON.encode({"id": "0e2d", "message": message, "data": None})


def _refused(refusal: Refusal) -> Response:
    return _plainly(refusal.status, refusal.message)


def _plainly(status: int, words: str) -> Response:
    return Response(_error(words), status_code=status, media_type="application/json")
