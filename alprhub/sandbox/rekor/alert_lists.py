"""Scout's alert lists: listed, created, and filled from a CSV file; nothing public reads their entries back."""

from __future__ import annotations

import csv
import io
import re

import msgspec
from fastapi import APIRouter
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from .state import AlertList, Entry, Refusal, RekorState, answer, state_of, whole_of

HEADER = ["Plate Number", "Description", "State/Province"]  # seen in the public importer
_STATE = re.compile(r"[a-z]{2}-[a-z]{2}")
_MOST_LISTS = 5000

router = APIRouter()


@router.get("/api/alert-lists/")
async def list_all(request: Request) -> Response:
    """Every alert list (documented path; invented: the record, shaped like those of a search)."""
    lists = state_of(request).lists.values()
    return answer(
        [
            {"pk": one.id, "model": "restapi.alertgroup", "fields": {"name": one.name, "list_type": one.list_type}}
            for one in lists
        ]
    )


@router.get("/api/v2/alert-lists/")
async def list_page(request: Request) -> Response:
    """A page of alert lists with id and name.

    seen: the path and `page_size`. invented: an object with count, next, previous and results; with
    `lists_as_array` the results alone.
    """
    state = state_of(request)
    size, page = min(whole_of(request, "page_size", 100), _MOST_LISTS), whole_of(request, "page", 1)
    kept = list(state.lists.values())
    results = [{"id": one.id, "name": one.name} for one in kept[(page - 1) * size : page * size]]
    if state.lists_as_array:
        return answer(results)
    following = f"?page={page + 1}&page_size={size}" if page * size < len(kept) else None
    before = f"?page={page - 1}&page_size={size}" if page > 1 else None
    return answer({"count": len(kept), "next": following, "previous": before, "results": results})


@router.post("/api/v2/alert-lists/")
async def create(request: Request) -> Response:
    """201 with the id of a new list; 400 without a name, which comes as JSON or as a form."""
    state = state_of(request)
    name = await _posted_name(request)
    made = AlertList(id=101 + len(state.lists), name=name)
    state.lists[made.id] = made
    return answer({"id": made.id}, 201)


@router.post("/api/alert-group-import-csv/")
async def import_csv(request: Request) -> Response:
    """200 once a CSV file is in the list; the list is unchanged when the answer is not 200.

    seen: the multipart fields name=import, pk, files, async. invented: that the file is taken whole or not at
    all, that it is in at once whatever `async` says, and the answer's body.
    """
    state = state_of(request)
    form = await request.form()
    try:
        if form.get("name") != "import":
            raise Refusal(400, "Unknown action")
        kept = _list_of(state, form)
        upload = form.get("files")
        if not isinstance(upload, UploadFile):
            raise Refusal(400, "files is required")
        entries = _entries(await upload.read(), state.max_import_rows)
    finally:
        await form.close()
    if state.import_replaces:
        kept.entries = entries
    else:
        kept.entries.update(entries)
    kept.imports += 1
    return answer({"status": "ok"})


def clean_plate(plate: str) -> str:
    """seen: a plate without blanks and dashes, in upper case."""
    return plate.replace("-", "").replace(" ", "").upper()


async def _posted_name(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            body = msgspec.json.decode(await request.body())
        except msgspec.DecodeError:
            raise Refusal(400, "Invalid JSON") from None
        name = body.get("name") if isinstance(body, dict) else None
    else:
        name = (await request.form()).get("name")
    if not isinstance(name, str) or not name.strip():
        raise Refusal(400, "name is required")
    return name.strip()


def _list_of(state: RekorState, form: FormData) -> AlertList:
    pk = form.get("pk")
    kept = state.lists.get(int(pk)) if isinstance(pk, str) and pk.isascii() and pk.isdigit() else None
    if kept is None:
        raise Refusal(404, "Not Found")
    return kept


def _entries(raw: bytes, most: int) -> dict[str, Entry]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(400, "The file is not UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""))
    if next(rows, None) != HEADER:
        raise Refusal(400, "The header must be " + ",".join(HEADER))
    entries: dict[str, Entry] = {}
    for number, row in enumerate(rows, start=1):
        if number > most:
            raise Refusal(400, f"More than {most} rows")
        if not row:
            continue
        if len(row) != len(HEADER):
            raise Refusal(400, f"Row {number}: {len(row)} columns")
        plate, description, place = clean_plate(row[0]), row[1], row[2].strip()
        if not 1 <= len(plate) <= 15:
            raise Refusal(400, f"Row {number}: Plate Number must have 1 to 15 characters")
        if len(description) > 1000:
            raise Refusal(400, f"Row {number}: Description must have at most 1000 characters")
        if place and not _STATE.fullmatch(place):
            raise Refusal(400, f"Row {number}: State/Province must look like us-ca")
        entries[plate] = Entry(plate, description, place)
    return entries
