"""A stand-in for Rhombus Systems: every call a POST, vehicle events by window, saved vehicles and their labels."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from .faults import Anatomy, Faults
from .gate import Voice
from .stand import answer, object_of, stand, ticking
from .world import Pass, World, to_micros

API_KEY = "sandbox-key-rhombus"  # opens nothing but this stand-in
SCHEMES = {"api-token": "x-auth-apikey", "partner-api-token": "x-auth-apikey", "api-oauth-token": "x-auth-access-token"}
LOCATION = "5a11d000-0000-4000-a000-0000000000f0"
ANATOMY = Anatomy(
    times=(("eventTimestamp",),),
    plates=(("vehicleLicensePlate",),),
    required=(("uuid",), ("deviceUuid",), ("eventTimestamp",), ("vehicleLicensePlate",)),
)

# documented: the words and the plain text of a 429; invented: the body of a 503
_VOICE = Voice(b"Too many api requests. Enhance your calm.", b"Service Unavailable", b"text/plain; charset=utf-8")
_UNREADABLE = {"msg": "JSON doesn't match expected object structure"}  # documented for a body of another shape
_WEEK = 7 * 24 * 3600 * 1000
_JSON = msgspec.json.Encoder()

router = APIRouter()


class Refusal(Exception):
    """An answer that is not the one asked for."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Failure(Refusal):
    """A failure of the business kind, which Rhombus tells with status 200 (documented)."""

    def __init__(self, message: str) -> None:
        super().__init__(200, {"error": True, "errorMsg": message})


@dataclass
class RhombusState:
    """Everything the stand-in holds; tests read and set it through `app.state.rhombus`.

    `vehicles` maps a plate to its saved vehicle, `labels` a plate to its labels. `acted` is every change that was
    carried out, as (call, plate). `partly` makes every answer carry a warning that it is not whole.
    """

    world: World
    faults: Faults
    clock: Callable[[], datetime]
    api_key: str
    passes: list[Pass]
    scheme: str = "api-token"
    organisation: str = ""  # the customer that a partner must name
    most_events: int = 1_000_000  # invented: an answer holds the newest so many; no cap is published
    ends_inside: bool = True  # invented: whether the end of a window counts
    labels_within: str = "vehicleLabels"  # invented: the member that holds the map of labels; empty for a bare map
    partly: bool = False
    forbidden: set[str] = field(default_factory=set)  # calls that the key has no right to
    vehicles: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    acted: list[tuple[str, str]] = field(default_factory=list)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    _times: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._times = [passing.captured_at // 1000 for passing in self.passes]

    def add_pass(self, passing: Pass) -> None:
        """Let one more car pass; it must not lie before the last one."""
        self.passes.append(passing)
        self._times.append(passing.captured_at // 1000)

    def admit(self, request: Request) -> None:
        """Let the right headers through: 401 without them, 403 for a partner that names no customer of its own."""
        name = SCHEMES.get(request.headers.get("x-auth-scheme", ""), "")
        right = request.headers.get("x-auth-scheme") == self.scheme and request.headers.get(name) == self.api_key
        if self.faults.take_expiry() or not right:
            raise Refusal(401, {"authenticationFailed": True})
        call = request.url.path.rpartition("/")[2]
        stranger = self.scheme == "partner-api-token" and request.headers.get("x-auth-org") != self.organisation
        if stranger or call in self.forbidden:
            millis = to_micros(self.clock()) // 1000
            raise Refusal(403, {"status": 403, "error": "Forbidden", "timestamp": millis, "msg": "Not allowed"})

    def found(self, start: int, end: int) -> list[Any]:
        """The newest events of a window in ms, newest first, with the faults of the records if any are on."""
        low, high = bisect_left(self._times, start), bisect_left(self._times, end + int(self.ends_inside))
        events = self.faults.told(self.passes[low:high][::-1], event, ANATOMY, self.most_events)
        return events[: self.most_events]


def rhombus_app(
    world: World,
    *,
    passes: Sequence[Pass] | None = None,
    faults: Faults | None = None,
    clock: Callable[[], datetime] | None = None,
    api_key: str = API_KEY,
) -> FastAPI:
    """The stand-in as an ASGI app with the API below `/api`.

    It tells of `passes` in the order of time, by default those of the world's first vendor: the town is the same for
    all. What it holds is `app.state.rhombus`, a `RhombusState`; its faults are `app.state.faults`.
    """
    state = RhombusState(
        world=world,
        faults=faults if faults is not None else Faults(seed=world.seed),
        clock=ticking(world, clock),
        api_key=api_key,
        passes=list(passes if passes is not None else next(iter(world.passes.values()))),
    )
    app = stand("rhombus", state, _VOICE, Refusal, _refused, _plainly)
    app.include_router(router, prefix="/api")
    return app


def rhombus_settings(url: str) -> dict[str, str]:
    """What a connector needs to reach the stand-in at a URL."""
    return {"base_url": f"{url}/api", "api_key": API_KEY}


def event(passing: Pass) -> dict[str, Any]:
    """One vehicle event (seen in the vendor's own code: the members)."""
    return {
        "uuid": passing.id,
        "deviceUuid": passing.camera.id,
        "eventTimestamp": passing.captured_at // 1000,
        "imageS3Key": f"frames/{passing.id}.jpg",
        "thumbnailS3Key": f"thumbnails/{passing.id}.jpg",
        "locationUuid": LOCATION,
        "vehicleLicensePlate": passing.plate,
    }


@router.post("/vehicle/getVehicleEvents")
async def events(request: Request) -> Response:
    """The events between `startTimeMs` and `endTimeMs`, by default of the last seven days (seen as a comment)."""
    state, asked = await _question(request)
    now = to_micros(state.clock()) // 1000
    end = _whole(asked, "endTimeMs", now)
    start = _whole(asked, "startTimeMs", end - _WEEK)
    if start > end:
        raise Failure("startTimeMs lies after endTimeMs")
    events = state.found(start, end)
    if devices := asked.get("deviceUuidFilter"):
        events = [record for record in events if isinstance(record, dict) and record.get("deviceUuid") in devices]
    if places := asked.get("locationUuidFilter"):
        events = [record for record in events if isinstance(record, dict) and record.get("locationUuid") in places]
    if text := asked.get("licensePlateFuzzyQuery"):  # invented: how fuzzy it is
        events = [
            record
            for record in events
            if isinstance(record, dict) and str(text) in str(record.get("vehicleLicensePlate"))
        ]
    return _answer(state, {"events": events})


@router.post("/vehicle/getVehicles")
async def vehicles(request: Request) -> Response:
    """Every saved vehicle; its plate is under `licensePlate`, another name than the one that writes it."""
    state, _ = await _question(request)
    return _answer(state, {"vehicles": list(state.vehicles.values())})


@router.post("/vehicle/saveVehicle")
async def save(request: Request) -> Response:
    """Save a vehicle under `vehicleLicensePlate`; again overwrites it, and any other key saves an empty plate."""
    state, asked = await _question(request)
    plate = _text(asked, "vehicleLicensePlate")
    state.vehicles[plate] = {
        "name": _text(asked, "name"),
        "description": _text(asked, "description"),
        "licensePlate": plate,
        "orgUuid": "5a11d000-0000-4000-a000-0000000000a0",
        "createdAtMillis": to_micros(state.clock()) // 1000,
    }
    state.acted.append(("saveVehicle", plate))
    return _answer(state, {})


@router.post("/vehicle/deleteVehicle")
async def delete(request: Request) -> Response:
    """Delete a saved vehicle; invented: its labels go with it, and an unknown plate is a failure."""
    state, asked = await _question(request)
    plate = _text(asked, "vehicleLicensePlate")
    if state.vehicles.pop(plate, None) is None:
        raise Failure(f"No vehicle {plate}")
    state.labels.pop(plate, None)
    state.acted.append(("deleteVehicle", plate))
    return _answer(state, {})


@router.post("/vehicle/addVehicleLabel")
async def add_label(request: Request) -> Response:
    """Give a plate a label; invented: a plate that is not saved is a failure."""
    state, asked = await _question(request)
    plate, label = _text(asked, "vehicleLicensePlate"), _text(asked, "label")
    if plate not in state.vehicles:
        raise Failure(f"No vehicle {plate}")
    labels = state.labels.setdefault(plate, [])
    if label not in labels:
        labels.append(label)
    state.acted.append(("addVehicleLabel", plate))
    return _answer(state, {})


@router.post("/vehicle/removeVehicleLabel")
async def remove_label(request: Request) -> Response:
    """Take a label from a plate; invented: one that it does not carry is a failure."""
    state, asked = await _question(request)
    plate, label = _text(asked, "vehicleLicensePlate"), _text(asked, "label")
    if label not in state.labels.get(plate, ()):
        raise Failure(f"No label {label} on {plate}")
    state.labels[plate].remove(label)
    if not state.labels[plate]:
        del state.labels[plate]
    state.acted.append(("removeVehicleLabel", plate))
    return _answer(state, {})


@router.post("/vehicle/getVehicleLabelsForOrg")
async def labels(request: Request) -> Response:
    """A map of plates to their labels (seen in the vendor's own code)."""
    state, _ = await _question(request)
    return _answer(state, {state.labels_within: state.labels} if state.labels_within else dict(state.labels))


async def _question(request: Request) -> tuple[RhombusState, dict[str, Any]]:
    """The state and the request's members, once it has shown its key; 400 for a body that is no object."""
    state: RhombusState = request.app.state.rhombus
    state.admit(request)
    asked = await object_of(request)
    if asked is None:
        raise Refusal(400, _UNREADABLE)
    return state, asked


def _whole(asked: dict[str, Any], name: str, default: int) -> int:
    value = asked.get(name)
    if value is None:
        return default
    if type(value) is not int:
        raise Refusal(400, _UNREADABLE)
    return value


def _text(asked: dict[str, Any], name: str) -> str:
    """The text of a member; an empty one where it is missing, which is how an empty plate comes to be saved."""
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise Refusal(400, _UNREADABLE)
    return value or ""


def _answer(state: RhombusState, body: dict[str, Any]) -> Response:
    warning = {"warningMsg": "Not everything could be read"} if state.partly else {}
    return answer({**body, **warning})


def _refused(refusal: Refusal) -> Response:
    return answer(refusal.body, refusal.status)


def _plainly(status: int, words: str) -> Response:
    return Response(_JSON.encode({"msg": words}), status_code=status)
