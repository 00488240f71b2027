"""A stand-in for a supplier that speaks the NJ SNAP POI interface: searches, POIs, and hits that it pushes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from .callbacks import post
from .faults import Anatomy, Faults
from .gate import Voice
from .stand import answer, object_of, stand, ticking
from .world import TOWN, Pass, World, to_micros

API_KEY = "sandbox-key-nj-snap"  # opens nothing but this stand-in
NEW_YORK = ZoneInfo("America/New_York")
PAGE_SIZES = (20, 50, 100, 200, 500, 1000)  # documented
IMAGE_LIFE = timedelta(hours=24)  # documented: about 24 hours
ANATOMY = Anatomy(
    times=(("read_time",),),
    plates=(("plate_num",),),
    required=(("read_time",), ("camera_name",), ("plate_num",)),
)
_POI = ("ID", "Status", "StartDate", "ExpirationDate", "PlateNumber", "DeptORI")  # invented: which must be filled
_NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
_STAMP = "%Y%m%dT%H%M%SZ"
_JSON = msgspec.json.Encoder()

# invented: no 429 and no 503 is documented; the envelope is
_VOICE = Voice(
    b'{"error":{"code":"RATE_LIMITED","message":"Too many requests","details":null}}',
    b'{"error":{"code":"UNAVAILABLE","message":"Service unavailable","details":null}}',
    b"application/json",
)

router = APIRouter()


class Refusal(Exception):
    """An error in the documented envelope; invented: every code but INVALID_SEARCH, and the statuses."""

    def __init__(self, status: int, code: str, message: str, details: str | None = None) -> None:
        super().__init__(status, code)
        self.status, self.body = status, {"error": {"code": code, "message": message, "details": details}}


@dataclass
class NjSnapState:
    """Everything the stand-in holds; tests read and set it through `app.state.nj_snap`.

    `zone` is where its clock stands, for every time without one. `pois` are the entries in the order in which they
    came; `same_id` says what becomes of an id that comes twice.
    """

    world: World
    faults: Faults
    clock: Callable[[], datetime]
    api_key: str
    passes: list[Pass]
    zone: ZoneInfo = NEW_YORK
    origin: str = "http://127.0.0.1"  # where its pictures are
    same_id: Literal["replace", "ignore", "refuse"] = "replace"  # invented: no document says
    pois: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    _times: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._times = [passing.captured_at for passing in self.passes]

    def add_pass(self, passing: Pass) -> None:
        """Let one more car pass; it must not lie before the last one."""
        self.passes.append(passing)
        self._times.append(passing.captured_at)

    def admit(self, request: Request) -> None:
        """Let the right bearer token through; 401 otherwise."""
        if self.faults.take_expiry() or request.headers.get("authorization") != f"Bearer {self.api_key}":
            raise Refusal(401, "UNAUTHORIZED", "Invalid API key")

    def moment(self, text: Any, name: str, code: str = "INVALID_SEARCH") -> int:
        """A naive local time in microseconds; in the hour that comes twice the first is meant (invented)."""
        if not isinstance(text, str) or not _NAIVE.fullmatch(text):
            raise Refusal(400, code, f"{name} must be an ISO time without a zone")
        try:
            return to_micros(datetime.fromisoformat(text).replace(tzinfo=self.zone))
        except ValueError:
            raise Refusal(400, code, f"{name} is no time") from None

    def found(self, start: int, end: int, fits: Callable[[Pass], bool], page: int) -> list[Any]:
        """The reads of a window, oldest first (invented), with the faults of the records if any are on."""
        low, high = bisect_left(self._times, start), bisect_left(self._times, end + 1)
        return self.faults.told(
            [passing for passing in self.passes[low:high] if fits(passing)], self.read, ANATOMY, page
        )

    def read(self, passing: Pass) -> dict[str, Any]:
        """One result of a search (documented: the members; the time has whole seconds and a Z)."""
        return {
            "read_time": passing.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "camera_name": passing.camera.name,
            "plate_num": passing.plate,
            "plate_code": f"USA-{passing.state}" if passing.state else None,
            "make": passing.vehicle.make,
            "vehicle_type": passing.vehicle.body.title(),
            "color": passing.vehicle.colour.title(),
            "location": {"lat": passing.camera.latitude, "lon": passing.camera.longitude},
            "plate_img": self.signed(f"plates/{passing.number}.jpg"),
            "full_img": self.signed(f"vehicles/{passing.number}.jpg"),
        }

    def signed(self, path: str) -> str:
        """An address that shows a picture for a day, as the stores that are compatible with S3 write it."""
        query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={self.clock().astimezone(UTC).strftime(_STAMP)}"
        return f"{self.origin}/store/{path}?{query}&X-Amz-Expires={int(IMAGE_LIFE.total_seconds())}&X-Amz-Signature=0"

    def live(self, at: datetime | None = None) -> list[dict[str, Any]]:
        """The POIs that are in force at an instant, by default now."""
        now = to_micros(at or self.clock())
        return [
            poi for poi in self.pois.values()
            if self.moment(poi["StartDate"], "StartDate") <= now < self.moment(poi["ExpirationDate"], "ExpirationDate")
        ]  # fmt: skip

    def hits(self, passing: Pass) -> list[dict[str, Any]]:
        """The hits of a passage: one for every POI in force with its plate, all with the event's id."""
        return [hit(self, passing, poi["ID"]) for poi in self.live(passing.time) if poi["PlateNumber"] == passing.plate]


def nj_snap_app(
    world: World,
    *,
    passes: Sequence[Pass] | None = None,
    faults: Faults | None = None,
    clock: Callable[[], datetime] | None = None,
    api_key: str = API_KEY,
) -> FastAPI:
    """The stand-in as an ASGI app with the supplier's addresses at the root.

    It tells of `passes` in the order of time, by default those of the world's first vendor: the town is the same for
    all. What it holds is `app.state.nj_snap`, an `NjSnapState`, whose `origin` must be told where it runs.
    """
    state = NjSnapState(
        world=world,
        faults=faults if faults is not None else Faults(seed=world.seed),
        clock=ticking(world, clock),
        api_key=api_key,
        passes=list(passes if passes is not None else next(iter(world.passes.values()))),
    )
    app = stand("nj_snap", state, _VOICE, Refusal, _refused, _plainly)
    app.include_router(router)
    return app


def nj_snap_settings(url: str) -> dict[str, str]:
    """What a connector needs to reach the stand-in at a URL."""
    return {"base_url": url, "api_key": API_KEY, "zone": NEW_YORK.key}


def hit(state: NjSnapState, passing: Pass, poi: str) -> dict[str, Any]:
    """One element of `plateHits` (documented: the members; the time is local and has no zone)."""
    vehicle, camera = passing.vehicle, passing.camera
    return {
        "ID": poi,
        "eventID": passing.id,
        "eventDateTime": passing.time.astimezone(state.zone).strftime("%Y-%m-%d %H:%M:%S"),
        "plateNumber": passing.plate,
        "plateSt": passing.state or "",
        "plateNumber2": passing.plate[:-1] if passing.number % 3 == 0 else "",
        "confidence": "",
        "vehicleMake": vehicle.make,
        "vehicleModel": vehicle.model,
        "vehicleColor": vehicle.colour.title(),
        "vehicleSize": "Medium",
        "vehicleType": vehicle.body.upper(),
        "cameraID": str(camera.number),
        "cameraName": camera.name,
        "cameraType": "Fixed",
        "agency": TOWN,
        "ori": "NJ0SYN000",
        "latitude": camera.latitude,
        "longitude": camera.longitude,
        "direction": "North",
        "imageVehicle": state.signed(f"vehicles/{passing.number}.jpg"),
        "imagePlate": state.signed(f"plates/{passing.number}.jpg"),
        "additionalImage1": "",
        "additionalImage2": "",
    }


def push_hits(state: NjSnapState, url: str, passing: Pass, headers: dict[str, str] | None = None) -> int:
    """Push a passage's hits to a receiver and give its status; 0 where nobody answered, -1 where there are none."""
    hits = state.hits(passing)
    return post(url, {"plateHits": hits}, headers or {}) if hits else -1


@router.post("/api/alpr/v1/search")
async def search(request: Request) -> Response:
    """A page of the reads of a window; the number of pages is told on the first page alone (documented)."""
    state, asked = await _question(request)
    state.asked.append(asked)
    page, size = asked.get("page"), asked.get("page_size")
    if type(page) is not int or page < 1:
        raise Refusal(400, "INVALID_SEARCH", "Invalid page")
    if type(size) is not int or size not in PAGE_SIZES:
        raise Refusal(400, "INVALID_SEARCH", "Invalid page size")
    start, end = state.moment(asked.get("start_date"), "start_date"), state.moment(asked.get("end_date"), "end_date")
    if end <= start:
        raise Refusal(400, "INVALID_SEARCH", "Invalid date range specified", "End date must be after start date")
    records = state.found(start, end + 999_999, _wanted(asked), size)
    pages = -(-len(records) // size)
    results = records[(page - 1) * size : page * size]
    return answer({"metadata": {"page_count": pages if page == 1 else -1}, "results": results})


@router.post("/api/alpr/v1/hotlist")
async def hotlist(request: Request) -> Response:
    """Take POIs, all or none of them; invented: which members must be filled, and the answer."""
    state, asked = await _question(request)
    pois = asked.get("POIs")
    if not isinstance(pois, list) or not all(isinstance(poi, dict) for poi in pois):
        raise Refusal(400, "INVALID_HOTLIST", "POIs must be a list")
    for poi in pois:
        if lacking := next((name for name in _POI if not poi.get(name)), None):
            raise Refusal(400, "INVALID_HOTLIST", f"{lacking} is required")
        if poi["Status"] != "ADD":
            raise Refusal(400, "INVALID_HOTLIST", "Unknown Status")
        for name in ("StartDate", "ExpirationDate"):
            state.moment(poi[name], name, "INVALID_HOTLIST")
        if state.same_id == "refuse" and poi["ID"] in state.pois:
            raise Refusal(409, "DUPLICATE_ID", "The ID is taken")
    for poi in pois:
        if state.same_id == "replace" or poi["ID"] not in state.pois:
            state.pois[poi["ID"]] = poi
    return answer({"status": "OK"})


@router.get("/store/{kind}/{name}")
async def image(request: Request, kind: str, name: str) -> Response:
    """A picture for as long as its address is signed: 403 afterwards, and for whoever brings credentials along."""
    state: NjSnapState = request.app.state.nj_snap
    query, number = request.query_params, name.removesuffix(".jpg")
    try:
        signed = datetime.strptime(query["X-Amz-Date"], _STAMP).replace(tzinfo=UTC)
        until = signed + timedelta(seconds=int(query["X-Amz-Expires"]))
        passing = next(passing for passing in state.passes if str(passing.number) == number)
    except (KeyError, ValueError, StopIteration):
        raise Refusal(404, "NOT_FOUND", "No such picture") from None
    if state.clock() >= until or "authorization" in request.headers:
        raise Refusal(403, "EXPIRED", "Request has expired")
    # Drawing needs OpenCV and numpy, which nothing else of this service does.
    from .pictures import plate_crop, plate_jpeg

    draw = plate_crop if kind == "plates" else plate_jpeg
    jpeg = await run_in_threadpool(draw, passing.plate, seed=state.world.seed)
    return Response(jpeg, media_type="image/jpeg")


def _wanted(asked: dict[str, Any]) -> Callable[[Pass], bool]:
    """Whether a pass fits the plate, which must hold a `%`, and what else was asked for."""
    plate = asked.get("plate_num")
    if not isinstance(plate, str) or "%" not in plate:
        raise Refusal(400, "INVALID_SEARCH", "plate_num must hold a wildcard")
    form = re.compile(".*".join(map(re.escape, plate.upper().split("%"))))
    state, cameras = asked.get("plate_code"), asked.get("camera_names")
    return lambda passing: (
        form.fullmatch(passing.plate) is not None
        and (not state or passing.state == state)
        and (not cameras or passing.camera.name in cameras)
    )


async def _question(request: Request) -> tuple[NjSnapState, dict[str, Any]]:
    state: NjSnapState = request.app.state.nj_snap
    state.admit(request)
    asked = await object_of(request)
    if asked is None:
        raise Refusal(400, "INVALID_JSON", "The body is no JSON object")
    return state, asked


def _refused(refusal: Refusal) -> Response:
    return answer(refusal.body, refusal.status)


def _plainly(status: int, words: str) -> Response:
    return answer({"error": {"code": "NOT_FOUND", "message": words, "details": None}}, status)
