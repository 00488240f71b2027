"""Scout's read side: searches in a window of time, details, cameras, agents and pictures."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ..world import Pass, to_micros
from .records import (
    COMPANY_ID,
    FIRST_PK,
    SITE,
    SITE_ID,
    agent_record,
    alert_record,
    camera_record,
    candidate_records,
    candidates,
)
from .state import Refusal, RekorState, answer, moment_of, state_of, whole_of

router = APIRouter()


@router.get("/api/search/plate")
async def search_plate(request: Request) -> Response:
    """At most `topn` reads of a window as `[{pk, model, fields}]`; there is no cursor to go on from.

    400 plain text without start and end or for a bad parameter, 401 for a bad key.
    """
    state = state_of(request)
    places, topn = _selection(request, state)
    return Response(state.page(places, topn), media_type="application/json")


@router.get("/api/search/platecandidate")
async def search_candidate(request: Request) -> Response:
    """Every reading of the reads of a window, at most `topn` of them (invented: what a record holds)."""
    state = state_of(request)
    places, topn = _selection(request, state, readings=True)
    records = [record for place in places[:topn] for record in candidate_records(state.passes[place])]
    return answer(records[:topn])


@router.get("/api/detail/platecandidate/{group_id}")
async def detail_candidate(request: Request, group_id: str) -> Response:
    """The readings of one plate group (its pk in a search); 404 when there is none."""
    state = state_of(request)
    place = int(group_id) - FIRST_PK - 1 if group_id.isascii() and group_id.isdigit() else -1
    if not 0 <= place < len(state.passes):
        raise Refusal(404, "Not Found")
    return answer(candidate_records(state.passes[place]))


@router.get("/api/search/alert")
async def search_alert(request: Request) -> Response:
    """The hits of a window on the alert lists, under the documented fields; matching is exact."""
    state = state_of(request)
    places, topn = _selection(request, state)
    records = []
    for place in places:
        passing = state.passes[place]
        for kept in state.lists.values():
            entry = kept.entries.get(passing.plate)
            if entry is not None and kept.list_type == "Blacklist":
                number = 10 * (FIRST_PK + passing.number) + kept.id
                records.append(alert_record(passing, number, kept.id, kept.name, entry.description))
    return answer(records[:topn])


@router.get("/api/cameras/")
async def cameras(request: Request) -> Response:
    """Every camera of the company."""
    return answer([camera_record(camera) for camera in state_of(request).world.cameras["rekor"]])


@router.get("/api/agents/")
async def agents(request: Request) -> Response:
    """Every agent of the company."""
    uids = dict.fromkeys(camera.agent_uid for camera in state_of(request).world.cameras["rekor"])
    return answer([agent_record(number, uid) for number, uid in enumerate(uids, start=1)])


@router.get("/img/{agent_uid}/{image_uuid}")
async def image(request: Request, agent_uid: str, image_uuid: str) -> Response:
    """The JPEG of a read out of its agent's rolling buffer; 404 when it has rolled over or never was.

    `x`, `y`, `width`, `height` cut a part out and `max_width` shrinks it.
    """
    state = state_of(request)
    passing = state.by_uuid.get(image_uuid.removesuffix(".jpg"))
    oldest = to_micros(state.clock() - timedelta(days=state.image_days))
    if passing is None or passing.camera.agent_uid != agent_uid or passing.captured_at < oldest:
        raise Refusal(404, "Not Found")
    x, y, width, height, widest = (
        whole_of(request, name, 0, least=0) for name in ("x", "y", "width", "height", "max_width")
    )
    # Drawing needs OpenCV and numpy, which nothing else of this service does.
    from ..pictures import plate_jpeg

    jpeg = await run_in_threadpool(
        plate_jpeg, passing.plate, seed=state.world.seed, crop=(x, y, width, height), max_width=widest
    )
    return Response(jpeg, media_type="image/jpeg")


def _selection(request: Request, state: RekorState, *, readings: bool = False) -> tuple[list[int] | range, int]:
    """The places of the reads that a search asks for, in its order, and the cap on their number.

    documented: the parameters, and that start or end must be there. invented: newest first by default, a plate
    is compared whole and in upper case, a site by name or number, a topn above the highest is cut down.
    """
    query = request.query_params
    start, end = moment_of(request, "start"), moment_of(request, "end")
    if start is None and end is None:
        raise Refusal(400, "At least one of start and end is required")
    order = query.get("order") or "desc"
    if order not in ("asc", "desc"):
        raise Refusal(400, "Invalid order")
    topn = min(whole_of(request, "topn", state.default_topn), state.max_topn)
    places: list[int] | range = state.window(start, end)
    if order == "desc":
        places = places[::-1]
    if query.get("site", SITE) not in (SITE, str(SITE_ID)) or query.get("company_id", COMPANY_ID) != COMPANY_ID:
        return [], topn
    plate, camera = query.get("plate", "").strip().upper(), query.get("camera")
    if plate:
        places = [place for place in places if plate in _readings(state.passes[place], readings)]
    if camera:
        number = whole_of(request, "camera", 0)
        places = [place for place in places if state.passes[place].camera.number == number]
    return places, topn


def _readings(passing: Pass, all_of_them: bool) -> list[str]:
    return [plate for plate, _ in candidates(passing)] if all_of_them else [passing.plate]
