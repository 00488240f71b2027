"""Scout's alert lists: listed, created, filled from a CSV file, exported as one, deleted.

Listing is documented; the rest was seen in public code: in the importer for state files, and, for the import's answer,
the export and the deletion, in the script of Scout's own web page.
"""

from __future__ import annotations

import csv
import io
import re

import msgspec
from fastapi import APIRouter
from starlette.datastructures import UploadFile
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
            {
                "pk": alert_list.id,
                "model": "restapi.alertgroup",
                "fields": {"name": alert_list.name, "list_type": alert_list.list_type},
            }
            for alert_list in lists
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
    results = [{"id": alert_list.id, "name": alert_list.name} for alert_list in kept[(page - 1) * size : page * size]]
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
    alert_list = AlertList(id=max(state.lists, default=100) + 1, name=name)
    state.lists[alert_list.id] = alert_list
    return answer({"id": alert_list.id}, 201)


@router.post("/api/alert-group-import-csv/")
async def import_csv(request: Request) -> Response:
    """200 once a CSV file is in the list; the list is unchanged when the answer is not 200.

    seen: the multipart fields name=import, pk, files, async, and an answer that counts what was added, modified,
    left alone and deleted, so that an import replaces the list. invented: that the file is taken whole or not at all,
    that it is in at once whatever `async` says, and with `import_replaces` off, that it is merged.
    """
    state = state_of(request)
    form = await request.form()
    try:
        if form.get("name") != "import":
            raise Refusal(400, "Unknown action")
        kept = _list_of(state, form.get("pk"))
        upload = form.get("files")
        if not isinstance(upload, UploadFile):
            raise Refusal(400, "files is required")
        entries = _entries(await upload.read(), state.max_import_rows)
    finally:
        await form.close()
    held = kept.entries
    kept.entries = entries if state.import_replaces else held | entries
    kept.imports += 1
    return answer(
        {
            "success": True,
            "added": len(entries.keys() - held.keys()),
            "modified": sum(plate in held and held[plate] != entry for plate, entry in entries.items()),
            "unmodified": sum(held.get(plate) == entry for plate, entry in entries.items()),
            "deleted": len(held.keys() - kept.entries.keys()),
        }
    )


@router.get("/api/alert-group-export-csv/")
async def export_csv(request: Request) -> Response:
    """The list as a CSV file (seen: the path with pk and name; invented: that its columns are the import's)."""
    kept = _list_of(state_of(request), request.query_params.get("pk"))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    writer.writerows((plate, entry.description, entry.state) for plate, entry in kept.entries.items())
    return Response(out.getvalue(), media_type="text/csv")


@router.delete("/api/alert-group/delete/{pk}/")
async def delete(request: Request, pk: str) -> Response:
    """204 once the list is gone (seen: the path and the verb; invented: the status)."""
    state = state_of(request)
    del state.lists[_list_of(state, pk).id]
    return Response(status_code=204)


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


def _list_of(state: RekorState, pk: object) -> AlertList:
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
            raise Refusal(400, f"More than {most} rows (this stand-in's number: Rekor only advises to split files)")
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
