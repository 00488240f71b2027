"""Flock's plate lookup: one full plate with a reason, refused wherever the documents say so."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ..faults import Anatomy
from ..world import RETENTION_DAYS, Pass, to_micros
from .state import LOOKUP, STATE_WORDS, STATES, FlockState, Invalid, answer, json_object, moment_of, rfc3339

MAX_LIMIT = 50  # documented
DEFAULT_LIMIT = 50  # invented
ANATOMY = Anatomy(
    times=(("capturedAt",),),
    plates=(("plate", "plate"),),
    required=(("id",), ("capturedAt",), ("device",), ("plate",)),
)

# invented: which characters make a full plate. That wildcards are refused follows from "full characters".
_FULL_PLATE = re.compile(r"[A-Za-z0-9]{1,10}")
_EARTH_MILES = 3958.8

router = APIRouter()


@dataclass(frozen=True, slots=True)
class _Question:
    plate: str
    reason: str
    case_number: str | None
    start: datetime
    end: datetime
    limit: int
    state: str | None
    newest_first: bool
    confidences: dict[str, float]
    circle: tuple[float, float, float] | None
    ring: list[tuple[float, float]] | None


@dataclass(slots=True)
class _Search:
    """One answered lookup, kept so that its pages can be asked for; all pages die together."""

    reads: list[Any]
    limit: int
    page_ids: list[str]
    dies_at: float


@router.post("/reads/lookup")
async def look_up(request: Request) -> Response:
    """The first page of one plate's reads; 400 no JSON object, 401, 403, 422 a bad field."""
    state: FlockState = request.app.state.flock
    state.admit(request, LOOKUP)
    body = await json_object(request)
    question = _understand(body)
    matches = _matching(state, question)
    if state.faults.touch_records:
        ids, times = [passing.id for passing in matches], [passing.captured_at for passing in matches]
        matches = state.faults.spread(matches, ids, question.limit, times)
    reads = [state.faults.spoil(read_of(state, passing), passing.id, ANATOMY) for passing in matches]
    pages = max(1, -(-len(reads) // question.limit))
    search = _Search(reads, question.limit, [uuid4().hex for _ in range(pages)], time.monotonic() + state.page_seconds)
    for number, page_id in enumerate(search.page_ids):
        state.pages[page_id] = (search, number)
    audited = {key: body.get(key) for key in ("plate", "reason", "caseNumber", "startDate", "endDate")}
    state.lookups.append(audited | {"results": len(reads)})
    return _page(state, search, 0)


@router.get("/reads/lookup/page/{page_id}")
async def look_up_page(request: Request, page_id: str) -> Response:
    """A further page of a lookup; 422 for an id that is unknown or too old (invented: only "missing" is told)."""
    state: FlockState = request.app.state.flock
    state.admit(request, LOOKUP)
    search, number = state.pages.get(page_id, (None, 0))
    if search is None or search.dies_at <= time.monotonic():
        state.pages.pop(page_id, None)
        raise Invalid("pageId", "The page ID is missing, unknown or expired")
    return _page(state, search, number)


def read_of(state: FlockState, passing: Pass) -> dict[str, Any]:
    """One pass as a documented `LicensePlateRead`; `state` is absent where the reader gave none."""
    record: dict[str, Any] = {
        "id": passing.id,
        "capturedAt": rfc3339(passing.time),
        "device": state.devices[passing.camera.id],
        "plate": {"plate": passing.plate, "confidence": passing.confidence},
        "link": f"{state.origin}/lookup/{passing.id}",
    }
    if passing.state is not None:
        record["state"] = {"state": STATES[passing.state], "confidence": passing.state_confidence}
    return record


def _page(state: FlockState, search: _Search, number: int) -> Response:
    start = number * search.limit
    body: dict[str, Any] = {"results": search.reads[start : start + search.limit], "totalItems": len(search.reads)}
    last = number + 1 >= len(search.page_ids)
    if state.faults.repeat_cursor:
        body["nextPageId"] = search.page_ids[number]
    elif not last:
        body["nextPageId"] = search.page_ids[number + 1]
    if number > 0:
        body["previousPageId"] = search.page_ids[number - 1]
    return answer(body)


def _matching(state: FlockState, question: _Question) -> list[Pass]:
    # documented: reads live for 30 days by default
    oldest = max(question.start, state.clock() - timedelta(days=RETENTION_DAYS["flock"]))
    low, high = to_micros(oldest), to_micros(question.end)
    passes = [
        passing
        for passing in state.by_plate.get(question.plate, ())
        if low <= passing.captured_at <= high and _fits(passing, question)
    ]
    return sorted(passes, key=lambda passing: (passing.captured_at, passing.id), reverse=question.newest_first)


def _fits(passing: Pass, question: _Question) -> bool:
    if question.state is not None and (passing.state is None or STATES[passing.state] != question.state):
        return False
    if passing.confidence < question.confidences.get("plate", 0.0):
        return False
    if "state" in question.confidences and (
        passing.state is None or passing.state_confidence < question.confidences["state"]
    ):
        return False
    place = passing.camera.latitude, passing.camera.longitude
    if question.circle is not None and miles(*place, *question.circle[:2]) > question.circle[2]:
        return False
    return question.ring is None or _inside(*place, question.ring)


def _understand(body: dict[str, Any]) -> _Question:
    plate = _text(body, "plate").strip()
    if not _FULL_PLATE.fullmatch(plate):
        raise Invalid("plate", "plate must be a full license plate without wildcards")
    reason = _text(body, "reason").strip()
    if not reason:
        raise Invalid("reason", "reason is required")
    start, end = moment_of(body.get("startDate"), "startDate"), moment_of(body.get("endDate"), "endDate")
    if start > end:
        raise Invalid("endDate", "endDate must not be before startDate")
    limit = body.get("limit", DEFAULT_LIMIT)
    if not _is_number(limit) or not 1 <= limit <= MAX_LIMIT or limit != int(limit):
        raise Invalid("limit", f"limit must be between 1 and {MAX_LIMIT}")
    state = body.get("state")
    if state is not None and (not isinstance(state, str) or state not in STATE_WORDS):
        raise Invalid("state", "state is not one of the allowed values")
    case_number = body.get("caseNumber")
    if case_number is not None and not isinstance(case_number, str):
        raise Invalid("caseNumber", "caseNumber must be a string")
    if "radius" in body and "area" in body:
        raise Invalid("area", "radius and area must not be given together")
    circle = _circle(body["radius"]) if "radius" in body else None
    ring = _ring(body["area"]) if "area" in body else None
    return _Question(
        plate.upper(), reason, case_number, start, end, int(limit), state, _newest_first(body.get("sort", [])),
        _confidences(body.get("minConfidences", [])), circle, ring,
    )  # fmt: skip


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise Invalid(name, f"{name} is required")
    return value


def _newest_first(sort: Any) -> bool:
    if not isinstance(sort, list):
        raise Invalid("sort", "sort must be an array")
    for criterion in sort:
        if not isinstance(criterion, dict) or criterion.get("field") != "capturedAt":
            raise Invalid("sort.field", "sort.field must be capturedAt")
        if criterion.get("order") not in ("asc", "desc"):
            raise Invalid("sort.order", "sort.order must be asc or desc")
    return not sort or bool(sort[0]["order"] == "desc")  # invented: newest first where nothing is asked


def _confidences(filters: Any) -> dict[str, float]:
    if not isinstance(filters, list):
        raise Invalid("minConfidences", "minConfidences must be an array")
    confidences = {}
    for entry in filters:
        if not isinstance(entry, dict) or entry.get("attribute") not in ("plate", "state"):
            raise Invalid("minConfidences.attribute", "attribute must be plate or state")
        least: Any = entry.get("minConfidence")
        if not _is_number(least) or not 0 <= least <= 1:
            raise Invalid("minConfidences.minConfidence", "minConfidence must be between 0 and 1")
        confidences[entry["attribute"]] = float(least)
    return confidences


def _circle(wrapped: Any) -> tuple[float, float, float]:
    circle = wrapped.get("radius") if isinstance(wrapped, dict) else None
    if not isinstance(circle, dict):
        raise Invalid("radius.radius", "radius.radius must be an object")
    # invented: that all three are required; the schema says so nowhere
    if not all(_is_number(circle.get(name)) for name in ("latitude", "longitude", "radius")):
        raise Invalid("radius.radius", "latitude, longitude and radius must be numbers")
    latitude, longitude, distance = (float(circle[name]) for name in ("latitude", "longitude", "radius"))
    if not 1 <= distance <= 2000:
        raise Invalid("radius.radius.radius", "radius must be between 1 and 2000 miles")
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise Invalid("radius.radius", "latitude or longitude is out of range")
    return latitude, longitude, distance


def _ring(wrapped: Any) -> list[tuple[float, float]]:
    area = wrapped.get("area") if isinstance(wrapped, dict) else None
    if not isinstance(area, dict) or area.get("type") != "Polygon":
        raise Invalid("area.area.type", "area.area must be a GeoJSON Polygon")
    rings = area.get("coordinates")
    if not isinstance(rings, list) or len(rings) != 1 or not isinstance(rings[0], list) or len(rings[0]) < 4:
        raise Invalid("area.area.coordinates", "a polygon needs exactly one ring of at least four points")
    ring = []
    for point in rings[0]:
        if not isinstance(point, list) or len(point) != 2 or not all(_is_number(part) for part in point):
            raise Invalid("area.area.coordinates", "every point must be [longitude, latitude]")
        ring.append((float(point[0]), float(point[1])))
    if ring[0] != ring[-1]:
        raise Invalid("area.area.coordinates", "the ring must end where it begins")
    return ring


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def miles(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The distance of two places in degrees, over the ground, in miles."""
    start, end = radians(latitude), radians(other_latitude)
    half = sin((end - start) / 2) ** 2
    half += cos(start) * cos(end) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * _EARTH_MILES * asin(sqrt(half))


def _inside(latitude: float, longitude: float, ring: list[tuple[float, float]]) -> bool:
    """Whether a place lies in a ring of (longitude, latitude), by counting the edges to its east."""
    inside = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > latitude) != (y2 > latitude) and longitude < x1 + (latitude - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside
