"""Flock's custom hot lists: whole lists, pages of entries, and batches added and deleted."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from .state import (
    READ_LISTS,
    STATE_WORDS,
    WRITE_LISTS,
    FlockState,
    Hotlist,
    Invalid,
    Refusal,
    answer,
    json_object,
    moment_of,
    nothing,
)

PAGE = 3000  # documented: default and maximum of a page of entries, and entries of one create or update

router = APIRouter()


@router.get("/hotlists")
async def list_all(request: Request) -> Response:
    """Every custom list of the organisation, by id and name only."""
    state = _admit(request, READ_LISTS)
    return answer([{"id": hotlist.id, "name": hotlist.name} for hotlist in state.hotlists.values()])


@router.post("/hotlists")
async def create(request: Request) -> Response:
    """201 with the id of a new list; 400 for bad entries or more than 3000, 413 over the organisation's limit."""
    state = _admit(request, WRITE_LISTS)
    body = await json_object(request)
    hotlist = Hotlist(str(uuid4()), _name(body))
    _fill(state, hotlist, _entries(body))
    state.hotlists[hotlist.id] = hotlist
    return answer({"id": hotlist.id}, 201)


@router.get("/hotlists/{list_id}")
async def fetch(request: Request, list_id: str) -> Response:
    """One list with all its entries.

    The schema requires `organizationId` without listing it as a property; it is left out here.
    """
    hotlist = _find(_admit(request, READ_LISTS), list_id)
    return answer({"id": hotlist.id, "name": hotlist.name, "entries": list(hotlist.entries.values())})


@router.put("/hotlists/{list_id}")
async def replace(request: Request, list_id: str) -> Response:
    """204 after a full replacement of name and entries; the list is unchanged when the answer is not 204."""
    state = _admit(request, WRITE_LISTS)
    hotlist = _find(state, list_id)
    body = await json_object(request)
    fresh = Hotlist(hotlist.id, _name(body))
    _fill(state, fresh, _entries(body), instead_of=len(hotlist.entries))
    state.hotlists[hotlist.id] = fresh
    return nothing()


@router.delete("/hotlists/{list_id}")
async def delete(request: Request, list_id: str) -> Response:
    """204 once the list is gone; 404 when there is none."""
    state = _admit(request, WRITE_LISTS)
    del state.hotlists[_find(state, list_id).id]
    return nothing()


@router.get("/hotlists/{list_id}/entries")
async def page_of_entries(request: Request, list_id: str) -> Response:
    """A page of entries, oldest first: `entries`, `totalResults`, and `nextPage` (null on the last page).

    400 for a bad limit or cursor (invented: no status is documented). A cursor names the last entry given,
    so entries deleted between two pages make none of the others slip by (invented).
    """
    state = _admit(request, READ_LISTS)
    hotlist = _find(state, list_id)
    limit = _limit(request.query_params.get("limit"))
    entries, faults = list(hotlist.entries.values()), state.faults
    if faults.touch_records:
        entries = faults.spread(entries, [entry["id"] for entry in entries], limit)
    start = _start(request.query_params.get("cursor"), [entry["id"] for entry in entries])
    page = entries[start : start + limit]
    more = start + limit < len(entries)
    cursor = _cursor(start + limit, page[-1]["id"]) if more and page else None
    if faults.repeat_cursor:
        cursor = request.query_params.get("cursor") or _cursor(0, "")
    return answer({"entries": page, "totalResults": len(hotlist.entries), "nextPage": cursor})


@router.post("/hotlists/{list_id}/entries/addBatch")
async def add_batch(request: Request, list_id: str) -> Response:
    """200 with the entries that were added and their ids; duplicates are left out of it.

    documented: O becomes 0, blanks are trimmed, duplicates are ignored, or (as the same page says) are a 400:
    see `refuse_duplicate_batch`. invented: the answer leaves the ignored ones out, and two entries with one
    plate are duplicates whatever their state.
    """
    state = _admit(request, WRITE_LISTS)
    hotlist = _find(state, list_id)
    entries = _entries(await json_object(request))
    plates = [entry["plate"] for entry in entries]
    if state.refuse_duplicate_batch and len(set(plates)) < len(plates):
        raise Refusal(400, "The batch contains a duplicate plate.")
    return answer({"entries": _fill(state, hotlist, entries)})


@router.post("/hotlists/{list_id}/entries/deleteBatch")
async def delete_batch(request: Request, list_id: str) -> Response:
    """200 once the entries with these ids are gone; ids that do not exist are ignored."""
    state = _admit(request, WRITE_LISTS)
    hotlist = _find(state, list_id)
    ids = (await json_object(request)).get("ids")
    if not isinstance(ids, list) or not all(isinstance(entry_id, str) for entry_id in ids):
        raise Refusal(400, "ids must be an array of strings")
    for entry_id in ids:
        hotlist.entries.pop(entry_id, None)
    return answer({})  # invented: only the status is documented


def held_plate(plate: str) -> str:
    """A plate as Flock keeps it in a list: trimmed, 0 for O (documented), upper case (invented)."""
    return plate.strip().upper().replace("O", "0")


def _admit(request: Request, scope: str) -> FlockState:
    state: FlockState = request.app.state.flock
    state.admit(request, scope)
    return state


def _find(state: FlockState, list_id: str) -> Hotlist:
    hotlist = state.hotlists.get(list_id)
    if hotlist is None:
        raise Refusal(404, "hotlist not found")
    return hotlist


def _name(body: dict[str, Any]) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Refusal(400, "name is required")
    return name


def _entries(body: dict[str, Any]) -> list[dict[str, Any]]:
    entries = body.get("entries")
    if not isinstance(entries, list):
        raise Refusal(400, "entries is required and must be an array")
    if len(entries) > PAGE:
        # documented: the number (for create and update); invented: the status, and that a batch obeys it too
        raise Refusal(400, f"entries must not have more than {PAGE} items")
    return [_entry(entry, index) for index, entry in enumerate(entries)]


def _entry(entry: Any, index: int) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise Refusal(400, f"entries[{index}] must be an object")
    for name in ("plate", "reason", "caseNumber"):
        if not isinstance(entry.get(name), str):
            raise Refusal(400, f"entries[{index}].{name} is required")
    kept = {"plate": held_plate(entry["plate"]), "reason": entry["reason"].strip(),
            "caseNumber": entry["caseNumber"].strip()}  # fmt: skip
    if not kept["plate"]:
        raise Refusal(400, f"entries[{index}].plate is empty")
    if "state" in entry:
        if not isinstance(entry["state"], str) or entry["state"] not in STATE_WORDS:
            raise Refusal(400, f"entries[{index}].state is not one of the allowed values")
        kept["state"] = entry["state"]
    if "expiry" in entry:
        try:
            moment_of(entry["expiry"], "expiry")
        except Invalid:
            raise Refusal(400, f"entries[{index}].expiry must be an ISO date-time") from None
        kept["expiry"] = entry["expiry"]
    if "note" in entry:
        if not isinstance(entry["note"], dict) or not isinstance(entry["note"].get("message"), str):
            raise Refusal(400, f"entries[{index}].note.message is required")
        kept["note"] = {"message": entry["note"]["message"]}
    return kept


def _fill(
    state: FlockState, hotlist: Hotlist, entries: list[dict[str, Any]], instead_of: int = 0
) -> list[dict[str, Any]]:
    """Add what is new and give it back; 413 before anything is added if the organisation would hold too many."""
    plates = hotlist.plates
    fresh = []
    for entry in entries:
        if entry["plate"] not in plates:
            plates.add(entry["plate"])
            fresh.append({"id": str(uuid4()), **entry})
    held = sum(len(hotlist.entries) for hotlist in state.hotlists.values()) - instead_of
    if held + len(fresh) > state.entry_limit:
        # documented: the words; invented: the number, and so the answer says that it is
        invented = f"({state.entry_limit} is this stand-in's number: Flock publishes none)"
        raise Refusal(413, f"The number of entries exceeds the organization's limit. {invented}")
    hotlist.entries.update((entry["id"], entry) for entry in fresh)
    return fresh


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= PAGE:
        raise Refusal(400, f"limit must be between 1 and {PAGE}")
    return int(text)


def _cursor(position: int, last_id: str) -> str:
    return base64.urlsafe_b64encode(f"{position}:{last_id}".encode()).decode()


def _start(cursor: str | None, ids: list[str]) -> int:
    """Where the page of a cursor begins: behind its entry if that is still there, else at its old place."""
    if cursor is None:
        return 0
    try:
        position, _, last_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        place = int(position)
    except ValueError:
        raise Refusal(400, "cursor is not valid") from None
    if 0 < place <= len(ids) and ids[place - 1] == last_id:
        return place
    return ids.index(last_id) + 1 if last_id in ids else min(place, len(ids))
