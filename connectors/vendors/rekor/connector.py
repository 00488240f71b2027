"""Rekor Scout (OpenALPR): searches by time window, what agents and Scout push, and alert lists by CSV import."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar, Final, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, SecretStr

from connectors import contract
from connectors.auth import QueryKey, pushed_by_ours
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import Fields, elements, slices, vendor_says
from connectors.hotlists import alive, as_csv, exported, one_a_plate
from connectors.http import Http
from connectors.paging import by_moving_start, by_number
from connectors.pictures import picture
from normalize import vehicle
from normalize.confidence import Scale
from normalize.fault import NoRead, Unusable
from normalize.plate import LONGEST, canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Read
from normalize.states import state
from normalize.times import Moment, from_epoch, from_iso, rfc3339

WIDEST: Final = 16
"""How many times its size a page may grow to get past many reads of one instant."""
MOST_ROWS: Final = 250_000
LISTS_PAGE: Final = 5000
HEADER: Final = ("Plate Number", "Description", "State/Province")
_TICK: Final = timedelta(milliseconds=1)
_LISTS: Final = "/api/v2/alert-lists/"


class RekorSettings(contract.PushSettings):
    """What an admin gets from Scout, and what the admin decides."""

    api_key: SecretStr = Field(title="API key", description="From Scout, under your user; it travels in the query.")
    base_url: str = Field(
        "https://cloud.openalpr.com", title="Scout address", description="The cloud, the police cloud or your server."
    )
    search: Literal["plate", "group"] = Field(
        "plate", title="Search", description="`plate` for today's Scout, `group` for old servers."
    )
    page_size: int = Field(1000, ge=10, le=10_000, title="Page size", description="Reads asked for at a time.")
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where Scout's clock stands, for times that come without an offset."
    )
    fetch_images: bool = Field(True, title="Fetch pictures", description="Fetch the picture of each read from Scout.")
    requests_per_second: float = Field(
        5.0, gt=0, title="Requests a second", description="Scout publishes no limit; raise it if Rekor agrees."
    )


class _When(msgspec.Struct):
    epoch_time_start: str | int | float | None = None
    epoch_time: str | int | float | None = None


class _Row(_When):
    """No more of a search result than its time: what walking the window needs, without reading the rest."""

    fields: _When | None = None


class _Import(msgspec.Struct):
    success: bool | None = None
    added: int | None = None
    modified: int = 0
    unmodified: int = 0
    deleted: int = 0


class RekorConnector(Connector[RekorSettings]):
    """Rekor Scout's web server, its alerts, and OpenALPR agents."""

    info = contract.Info(
        key="rekor",
        name="Rekor Scout",
        company="Rekor Systems, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="rekor",
        limits=contract.Limits(per_second=5.0, parallel=2, page_size=1000, push_batch=MOST_ROWS),
        known_limits=(
            "Scout has no cursor: reads are asked for by time, and more than 16 pages of one instant stop the run.",
            "Scout's search tells no state, vehicle or place; only what agents push does.",
            "Agents and Scout sign nothing they push; a secret in a header is all the proof there is.",
            "Pictures lie on the agent's disk and vanish when it is full.",
            "An import replaces an alert list and its export reads it back: both are seen in Scout's own pages, not"
            " documented, and that the API key opens them is assumed.",
            "An alert list holds a plate once, without expiry: an entry leaves with the next push after its end.",
        ),
    )
    Settings = RekorSettings
    proof: ClassVar[contract.Proof] = contract.Proof.READ_BACK

    def __init__(self, settings: RekorSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        key = QueryKey("api_key", settings.api_key)
        limits = replace(self.info.limits, per_second=settings.requests_per_second)
        self._http = self.closing(Http(settings.base_url, frame, auth=key, limits=limits))

    def check(self) -> str:
        """Searches the last hour for one read; raises `AdminMustFix` where the key does not open it."""
        now = self.frame.clock.now()
        found = self._search(now - timedelta(hours=1), now, 1)
        return f"Scout took the key and answered a search; {'reads' if found else 'no reads'} came in the last hour."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every read of the window, oldest first, by moving the start of the search; both ends count as inside.

        Ends only when a search brings nothing new, so that a cap on Scout's side cannot pass for the end. Raises
        `VendorChanged` where answers are not oldest first, and where one instant has more reads than can be asked for.
        """
        times = dict[bytes, datetime | None]()

        def search(start: datetime, topn: int) -> list[bytes]:
            nonlocal times
            found = self._search(start, window.until, topn)
            times = {raw: self._time_of(raw, start, window.until) for raw in dict.fromkeys(found)}
            if any(late < early for early, late in pairwise(filter(None, times.values()))):
                raise VendorChanged("the reads of a search are not oldest first")
            return found

        size = self.settings.page_size
        for stretch in by_moving_start(window.since, search, lambda raw: times[raw], size=size, widest=WIDEST):
            # Reads of the last instant may still be missing, so a page vouches only for what lies before it.
            covered = window.until if stretch.over else stretch.newest - _TICK
            yield Page([Record("scout", raw) for raw in stretch.fresh], {"until": covered.isoformat()})

    def _search(self, start: datetime, until: datetime, topn: int) -> list[bytes]:
        params = {"start": rfc3339(start), "end": rfc3339(until), "topn": topn, "order": "asc"}
        answer = self._http.get(f"/api/search/{self.settings.search}", params=params)
        return [bytes(raw) for raw in answer.shaped(list[msgspec.Raw])]

    def _time_of(self, raw: bytes, start: datetime, until: datetime) -> datetime | None:
        """When a read says it began; None where it does not, or says a time that was not asked for."""
        try:
            shape = msgspec.json.decode(raw, type=_Row)
            told = shape.fields or shape
            at = _instant(told.epoch_time_start or told.epoch_time or "", self.settings.zone).at
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unusable):
            return None
        return at if start <= at <= until else None

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """A push, or a search answer, as records; a test call as none, a frame with several plates as several."""
        body = document.body
        if b"plate number" in body[:2000].lower() and body.lstrip()[:1] not in (b"{", b"["):
            raise VendorChanged("is a list of plates in CSV, not reads", body)
        parts = slices(body)
        for payload in parts if isinstance(parts, list) else [body]:
            names = parts if isinstance(parts, dict) else slices(payload) if payload.startswith(b"{") else {}
            if isinstance(names, dict) and "openalpr_webhook" not in names:
                plates = names.get("results", b"") if names.get("data_type") == b'"alpr_results"' else b""
                count = len(elements(plates)) if plates.startswith(b"[") else 1
                yield from (Record("scout" if "fields" in names else "push", payload, part) for part in range(count))

    def read_of(self, record: Record) -> Read:
        """A search result, a group, a frame's plate (`part` says which) or an alert with the group inside."""
        if record.kind == "scout":
            return self._found(_flat(record.payload))
        fields = record.fields()
        kind = fields.text_or_none("data_type")
        if kind == "alpr_group":
            return Read(**self._group(fields))
        if kind == "alpr_results":
            return self._frame(fields, record.part)
        if kind == "alpr_alert":
            return self._alert(fields)
        if kind == "heartbeat":
            raise NoRead("data_type", "a heartbeat carries no read")
        raise Unusable("data_type", "is missing" if kind is None else "is not one that carries a read")

    def _found(self, fields: Fields) -> Read:
        # Today's searches speak of the best plate of a group; those of old servers, of one plate.
        best = "" if fields.has("plate") or fields.has("uuid") else "best_"
        at = _when(fields, ("epoch_time_start", "epoch_time"), self.settings.zone)
        uuid = fields.ident(f"{best}uuid")
        agent = fields.ident_or_none("agent_uid")
        url = f"/img/{quote(agent, safe='')}/{quote(uuid, safe='')}" if agent and self.settings.fetch_images else None
        return Read(
            vendor_read_id=_id(uuid, fields.number_or_none("best_index")),
            pass_id=uuid,
            plate_raw=fields.text(f"{best}plate"),
            state=state(fields.text_or_none(f"{best}region"), "US"),
            plate_confidence=fields.share(f"{best}confidence", Scale.PERCENT),
            confidence_scale=Scale.PERCENT,
            captured_at=at.at,
            zone=at.zone,
            camera=_camera(fields.ident(fields.first("camera_id", "camera"))),
            images=(ImageRef(kind=ImageKind.FRAME, url=url),) if url else (),
        )

    def _group(self, fields: Fields) -> dict[str, Any]:
        uuid = fields.text("best_uuid")
        at = _when(fields, ("epoch_start",), self.settings.zone)
        turn = fields.number_or_none("travel_direction")
        turned = turn is not None and 0 <= turn <= 360
        return {
            "vendor_read_id": _id(
                uuid, fields.number_or_none("best_index") or fields.number_or_none("best_plate.plate_index")
            ),
            "pass_id": uuid,
            "plate_raw": fields.text(fields.first("best_plate_number", "best_plate.plate")),
            "state": state(fields.text_or_none("best_region"), fields.text_or_none("country")),
            "plate_confidence": fields.share("best_confidence", Scale.PERCENT),
            "state_confidence": fields.share("best_region_confidence", Scale.PERCENT),
            "confidence_scale": Scale.PERCENT,
            "candidates": _candidates(fields),
            "captured_at": at.at,
            "zone": at.zone,
            "camera": Camera(id=fields.ident("camera_id")),
            "place": fields.place("gps_latitude", "gps_longitude"),
            "direction": turn if turned else None,
            "direction_of": "picture" if turned else None,
            "vehicle": _vehicle(fields),
            "images": _crops(
                fields, (ImageKind.VEHICLE, "vehicle_crop_jpeg"), (ImageKind.PLATE, "best_plate.plate_crop_jpeg")
            ),
            "engine": _engine(fields),
        }

    def _alert(self, fields: Fields) -> Read:
        group = fields.inside("group")
        if group is None:
            raise Unusable("group", "is missing: the alert tells of no passage")
        told = self._group(group)
        name, reason = fields.text("alert_list"), fields.text_or_none("description")
        if fields.text_or_none("list_type") == "Whitelist":
            reason = "is not on this list of allowed plates"
        told["matches"] = (Match(list_name=name, reason=reason and reason[:500]),)
        told["camera"] = Camera(id=told["camera"].id, name=fields.text_or_none("camera_name"))
        # An id of its own: agents send the bare group too, and of two equal ids only the first is kept, match or not.
        told["vendor_read_id"] += f"/alert-{fields.ident_or_none('alert_list_id') or name[:100]}"
        return Read(**told)

    def _frame(self, fields: Fields, part: int) -> Read:
        uuid = fields.text_or_none("uuid")
        if uuid is None:
            raise Unusable("uuid", "is empty: a single picture's answer names no camera and no event")
        results = fields.items("results")
        if part >= len(results):
            raise Unusable("results", "has fewer plates than the record says")
        result = Fields(results[part], f"results.{part}")
        at = _when(fields, ("epoch_time",), self.settings.zone)
        index = result.ident_or_none("plate_index")
        return Read(
            vendor_read_id=f"{uuid}-{part if index is None else index}",
            plate_raw=result.text("plate"),
            state=state(result.text_or_none("region"), "US"),
            plate_confidence=result.share("confidence", Scale.PERCENT),
            state_confidence=result.share("region_confidence", Scale.PERCENT),
            confidence_scale=Scale.PERCENT,
            candidates=_candidates(result),
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=fields.ident("camera_id")),
            images=_crops(result, (ImageKind.PLATE, "plate_crop_jpeg")),
            engine=_engine(fields),
        )

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture, which Scout asks its agent for; raises `Gone` where the agent's disk no longer has it."""
        if not image.url:
            raise Gone("the read came without the address of a picture")
        return picture(self._http.get(image.url, json=False).body)

    def cameras(self) -> Iterator[contract.CameraInfo]:
        """The account's cameras; the path is documented, the shape of an answer is not."""
        for raw in self._all("/api/cameras/"):
            with vendor_says(raw):
                camera = _flat(raw)
                number = camera.ident(camera.first("camera_id", "camera_number", "id"))
                name = camera.text_or_none(camera.first("camera_name", "name"))
                place = camera.place("gps_latitude", "gps_longitude")
                found = contract.CameraInfo(number, name, *((place.latitude, place.longitude) if place else ()))
            yield found

    def held_form(self, plate: str) -> str:
        """Upper case without blanks and hyphens (seen in the public importer)."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once."""
        return {(form, entry.state): entry for form, entry in one_a_plate(entries, self.held_form).items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Import `delta.complete`, which replaces what the list held; safe to repeat.

        Raises `AdminMustFix` above 250 000 entries, where Rekor advises to split, and for plates above 15 characters,
        which no import takes, and `VendorChanged` where Scout refuses the file or counts other entries than were sent.
        """
        entries = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        if len(entries) > MOST_ROWS:
            raise AdminMustFix(
                f"the list has {len(entries):,} entries; Rekor advises to split imports above {MOST_ROWS:,}, and that"
                " Scout takes more is published nowhere: make two lists of it"
            )
        if long := sum(len(plate) > LONGEST for plate in entries):
            raise AdminMustFix(f"{long} entries have plates of more than {LONGEST} characters, which no import takes")
        pk = self._id_of(delta.list_name)
        if pk is None:
            made = self._http.request("POST", _LISTS, data={"name": delta.list_name}, repeatable=False)
            with vendor_says(made.body):
                pk = Fields(made.json()).ident("id")
        form = {"name": "import", "pk": pk}
        files = {"files": ("import.csv", _csv(entries.values()), "text/csv")}
        answer = self._http.request("POST", "/api/alert-group-import-csv/", data=form, files=files)
        counts = answer.shaped(_Import)
        if counts.success is False:
            raise VendorChanged("Scout refused the import", answer.body)
        if counts.added is None:
            return contract.PushReport(added=len(delta.add), removed=len(delta.remove))
        if counts.added + counts.modified + counts.unmodified != len(entries):
            raise VendorChanged(f"Scout counted other entries than the {len(entries)} that were sent", answer.body)
        return contract.PushReport(added=counts.added, removed=counts.deleted)

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The list as Scout exports it; raises `Gone` where Scout has none of that name."""
        pk = self._id_of(list_name)
        if pk is None:
            raise Gone("Scout holds no alert list of that name")
        params = {"pk": pk, "name": list_name}
        # The list is there, so a 404 here means that the way to read it back is not.
        path = "/api/alert-group-export-csv/"
        return exported(self._http.request("GET", path, params=params, json=False, gone=()).body)

    def drop_list(self, list_name: str) -> None:
        """Delete the alert list of that name (path and verb seen in Scout's own pages); safe to repeat."""
        pk = self._id_of(list_name)
        if pk is not None:
            with suppress(Gone):
                self._http.request("DELETE", f"/api/alert-group/delete/{quote(pk, safe='')}/", json=False)

    def _id_of(self, list_name: str) -> str | None:
        found = []
        for raw in self._all(_LISTS):
            with vendor_says(raw):
                if _flat(raw).text_or_none("name") == list_name:
                    outer = Record("list", raw).fields()
                    found.append(outer.ident_or_none("pk") or outer.ident("id"))
        if len(found) > 1:
            raise AdminMustFix("Scout holds two alert lists of that name; rename or delete one of them")
        return found[0] if found else None

    def _all(self, path: str) -> Iterator[bytes]:
        """Every element of a list that comes bare, or in pages under `results` with `next` (both shapes were seen)."""

        def page(number: int) -> tuple[list[bytes], bool]:
            parts = slices(self._http.get(path, params={"page": number, "page_size": LISTS_PAGE}).body)
            if isinstance(parts, list):
                return parts, True
            return elements(parts.get("results", b"")), parts.get("next", b"null") == b"null"

        for held, _ in by_number(page, lambda told: told[0], lambda told, _: told[1]):
            yield from held


def _flat(raw: bytes) -> Fields:
    """The fields of a Django-serialised record, or of a plain one."""
    outer = Record("scout", raw).fields()
    return outer.inside("fields") or outer


def _when(fields: Fields, names: Sequence[str], zone: ZoneInfo | None) -> Moment:
    """The time under the first name that is there: milliseconds, or ISO 8601 although the name says epoch."""
    name = fields.first(*names)
    return _instant(fields.number_or_text(name), zone, name)


def _instant(said: float | int | str, zone: ZoneInfo | None, name: str = "captured_at") -> Moment:
    return from_iso(said, zone, name) if isinstance(said, str) else from_epoch(said, "ms", name)


def _id(uuid: str, index: float | int | None) -> str:
    """A group's id: that of its best picture, and which plate of that picture where it is not the first."""
    return f"{uuid}:{int(index)}" if index else uuid


@lru_cache(maxsize=4096)
def _camera(ident: str) -> Camera:
    return Camera(id=ident)


def _candidates(fields: Fields) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(text=text, confidence=item.share("confidence", Scale.PERCENT))
        for item in fields.each("candidates")
        if (text := item.text_or_none("plate"))
    )


def _best(fields: Fields, trait: str) -> str | None:
    """The name that the agent is surest of among the guesses at one trait."""
    guesses = [(each.number_or_none("confidence") or 0, each.text_or_none("name")) for each in fields.each(trait)]
    return max(guesses, key=lambda guess: guess[0], default=(0, None))[1]


def _vehicle(fields: Fields) -> vehicle.Vehicle:
    make, model = _best(fields, "vehicle.make"), _best(fields, "vehicle.make_model")
    return vehicle.Vehicle(
        make=vehicle.make(make),
        model=model and model.removeprefix(f"{make}_").replace("_", " ")[:100],
        colour=vehicle.colour(_best(fields, "vehicle.color")),
        body=vehicle.body(_best(fields, "vehicle.body_type")),
        year=_best(fields, "vehicle.year"),
    )


def _crops(fields: Fields, *crops: tuple[ImageKind, str]) -> tuple[ImageRef, ...]:
    found = ((kind, fields.picture_or_none(path)) for kind, path in crops)
    return tuple(ImageRef(kind=kind, data=data) for kind, data in found if data)


def _engine(fields: Fields) -> str | None:
    version = fields.text_or_none("agent_version")
    return f"OpenALPR {version}" if version else None


def _csv(entries: Iterable[Entry]) -> bytes:
    """The import's file: commas, quotes and line ends leave the text, as the public importer has it."""
    told = ((entry, " ".join(f"{entry.reason} {entry.case_number} {entry.note or ''}".split())) for entry in entries)
    plain = ((entry, text.replace(",", "").replace('"', "")[:1000]) for entry, text in told)
    return as_csv(HEADER, ((entry.plate, text, (entry.state or "").lower()) for entry, text in plain))
