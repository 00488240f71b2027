"""Plate Recognizer (Snapshot and Stream: what they push, answer and write) and ParkPow (its visits are pulled)."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote_to_bytes, urljoin, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, SecretStr

from connectors import contract, table
from connectors.auth import Header, pushed_by_ours
from connectors.contract import Connector, Document, Page, Record
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import Fields, elements, slices
from connectors.http import Http
from connectors.identity import derived_id
from connectors.multipart import parts
from connectors.paging import by_cursor
from connectors.pictures import is_picture, picture
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Read
from normalize.states import state
from normalize.times import Moment, Zone, from_iso
from normalize.word import Known, Word

_VISITS: Final = "/visit-list/"
_EVENTS: Final = (None, "recognition", "image.done")
_IMAGES: Final = ((ImageKind.FRAME, "upload"), (ImageKind.PLATE, "plate_img"))
_OFFSET: Final = re.compile(r"[+-][0-9]{2}:?[0-9]{2}$")
_FOLDER: Final = re.compile(r"(?:^|/)([^/]+)_screenshots/")
"""Where Stream puts its frames unless told otherwise: a folder named after the camera."""
_PYTHON: Final = ("[", "{")
_REFUSALS: Final = (
    ({"detail"}, "is an error answer, not a read"),
    ({"license_key"}, "is the SDK's word on itself, not a read"),
    ({"usage", "total_calls"}, "is a usage statistic, not a read"),
)
"""Answers that are the vendor's own and no reads, by the names they hold."""


class PlateRecognizerSettings(contract.PushSettings):
    """What an admin sets at Stream, Snapshot or ParkPow; for webhooks alone the push secret is enough."""

    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where the clocks stand whose times come without an offset."
    )
    unnamed_camera: str = Field(
        "unnamed", min_length=1, max_length=200, title="Unnamed camera",
        description="The camera of what comes without one, as Snapshot's webhooks do unless they are told a camera id.",
    )  # fmt: skip
    parkpow_url: str = Field(
        "https://app.parkpow.com/api/v1", title="ParkPow address", description="The cloud's API or that of your server."
    )
    parkpow_token: SecretStr | None = Field(
        None, title="ParkPow token", description="From ParkPow, under your account; without it no visits are pulled."
    )
    image_hosts: tuple[str, ...] = Field(
        (), title="Picture hosts", description="Domains beside ParkPow's own that hold the pictures of visits."
    )
    requests_per_second: float = Field(
        1.0, gt=0, title="Requests a second", description="ParkPow publishes no limit; raise it if they agree."
    )


class _Visits(msgspec.Struct):
    """A page of visits."""

    results: list[msgspec.Raw]
    next: str | None = None


class _Reading(NamedTuple):
    """One plate and its vehicle, from whichever of the shapes told of them."""

    plate: str
    score: float | None
    region: Word
    region_score: float | None
    candidates: tuple[Candidate, ...]
    vehicle: vehicle.Vehicle


class PlateRecognizerConnector(Connector[PlateRecognizerSettings]):
    """Plate Recognizer's webhooks, answers and CSV, and ParkPow's visits."""

    info = contract.Info(
        key="platerecognizer",
        name="Plate Recognizer",
        company="ParkPow, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="platerecognizer",
        limits=contract.Limits(per_second=1.0, page_size=100),
        look_back=timedelta(hours=12),
        known_limits=(
            "No event has an id: the id of a read is derived from camera, instant and plate, so that a webhook sent"
            " again and the same line of Stream's CSV are one read.",
            "Nothing pushed is signed; one fixed header is all the proof there is.",
            "Snapshot names no camera unless its caller did; such reads get the camera of the settings.",
            "On-premises answers tell times without a zone: the setting decides, or UTC is guessed.",
            "ParkPow keeps visits: a begin and an end are two reads; an end that comes more than twelve hours after its"
            " begin is not seen, nor are other sightings in between.",
            "The names of ParkPow's fields are those of its document of 2020 and of public code.",
            "ParkPow's tags are no hot lists, so none is pushed.",
        ),
    )
    Settings = PlateRecognizerSettings
    inbound = contract.Inbound(("application/json", "multipart/*", "application/x-www-form-urlencoded"))

    @cached_property
    def _http(self) -> Http:
        token = self.settings.parkpow_token
        if token is None or not _is_set(token):
            raise AdminMustFix("parkpow_token: is not set, and ParkPow tells of visits only to who shows one")
        limits = replace(self.info.limits, per_second=self.settings.requests_per_second)
        auth = Header("Authorization", token, "Token ")
        return self.closing(Http(self.settings.parkpow_url, self.frame, auth=auth, limits=limits))

    @cached_property
    def _pictures(self) -> Http:
        limits = contract.Limits(body_bytes=15_000_000)
        return self.closing(Http(self.settings.parkpow_url, self.frame, limits=limits, allow=self.settings.image_hosts))

    def check(self) -> str:
        """Asks ParkPow for the last hour where a token is set, and says what could not be checked."""
        pushed = "Webhooks are taken" if _is_set(self.settings.webhook_secret) else "Webhooks are not: no secret is set"
        if not _is_set(self.settings.parkpow_token):
            return f"{pushed}. No ParkPow token is set, so nothing could be asked and no visits are pulled."
        now = self.frame.clock.now()
        found = len(self._page(now - timedelta(hours=1), now).results)
        return f"ParkPow took the token and told of {found} visits of the last hour. {pushed}."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every visit that began in the window, page by page; the checkpoint moves once all of them were given.

        Nothing where no token is set: such an account only sends.
        """
        if not _is_set(self.settings.parkpow_token):
            return

        def page(number: str) -> _Visits:
            return self._page(window.since, window.until, number)

        for answer in by_cursor(page("1"), _next, page):
            yield Page([record for raw in answer.results for record in _visit(bytes(raw))])
        yield Page((), {"until": window.until.isoformat()})

    def _page(self, since: datetime, until: datetime, number: str = "1") -> _Visits:
        params = {"start": _text(since), "end": _text(until), "ordering": "start_date", "page": number}
        answer = self._http.get(_VISITS, params=params)
        if answer.body.lstrip()[:1] == b"[":  # ParkPow's own server of 2020
            return _Visits(answer.shaped(list[msgspec.Raw]))
        return answer.shaped(_Visits)

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: Document) -> Iterator[Record]:
        """Each plate of a webhook, an answer, a line of CSV or of JSON Lines; each end of a visit.

        An event without plates is one record that is no read. Raises `VendorChanged` for errors, statistics and
        whatever else is none of these.
        """
        attachments: Mapping[str, bytes] = {}
        body = document.body.removeprefix(b"\xef\xbb\xbf")
        found = parts(document)
        if found is not None:
            told = [part.body for part in found if part.name == "json"]
            if len(told) != 1:
                raise VendorChanged("is a form without the one field `json` that tells of plates", body)
            body = told[0]
            attachments = {part.name: part.body for part in found if is_picture(part.body)}
        elif body.lstrip()[:1] not in (b"{", b"["):
            form = _form(body)
            if form is None and b"timestamp" in body[:2000]:
                return _lines(body)
            body = body if form is None else form
        return _records(body, attachments)

    def read_of(self, record: Record) -> Read:
        """One result of an event, one line of CSV, one end of a visit."""
        if record.kind == "broken_row":
            raise Unusable("row", record.fields().text("broken"))
        if record.kind == "csv":
            return self._event(_from_csv(record.fields()), record)
        if record.kind == "visit":
            return self._visited(_without_none(record), "end" if record.part else "start")
        fields = record.fields()
        data = fields.inside("data") or fields
        if fields.text_or_none("hook.event") not in _EVENTS and not data.has("results"):
            raise NoRead("hook.event", "is none that tells of plates")
        return self._event(data, record)

    def _event(self, data: Fields, record: Record) -> Read:
        results = data.items("results")
        if not data.has("results"):
            raise Unusable("results", "is missing")
        if not results:
            raise NoRead("results", "is empty: a picture without plates")
        if record.part >= len(results):
            raise Unusable("results", "has fewer plates than the record says")
        result = Fields(results[record.part], f"results.{record.part}")
        reading = _reading(result)
        at = _when(data, self.settings.zone)
        camera = _named(data.ident_or_none("camera_id")) or self._camera_of(data)
        turn = _degrees(result)
        return Read(
            vendor_read_id=derived_id(camera, at, reading.plate),
            plate_raw=reading.plate,
            state=reading.region,
            plate_confidence=reading.score,
            state_confidence=reading.region_score,
            confidence_scale=Scale.UNIT,
            candidates=reading.candidates,
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=camera),
            direction=turn,
            direction_of=None if turn is None else "picture",
            vehicle=reading.vehicle,
            images=tuple(
                ImageRef(kind=kind, data=record.attachments[name])
                for kind, name in _IMAGES
                # Of several plates nobody says whose the picture of one is.
                if name in record.attachments and (kind is ImageKind.FRAME or len(results) == 1)
            ),
        )

    def _camera_of(self, data: Fields) -> str:
        found = _FOLDER.search(data.text_or_none("filename") or "")
        return found[1] if found else self.settings.unnamed_camera

    def _visited(self, visit: Fields, end: str) -> Read:
        """A visit's begin or end.

        Its plate is the vehicle's, which people may have corrected; the camera's reading stays beside it, and its score
        counts where the two are one.
        """
        at = from_iso(visit.text(f"{end}_date"), self.settings.zone, f"{end}_date")
        told = visit.inside(f"{end}_data") or visit.inside(f"{end}_prediction") or Fields({}, f"{end}_prediction")
        seen: _Reading | None = None
        with suppress(NoRead):
            seen = _reading(told)
        plate = visit.text_or_none("vehicle.license_plate") or (seen.plate if seen else None)
        if plate is None:
            raise Unusable("vehicle.license_plate", "is missing, and no reading stands in for it")
        agree = seen is not None and canonical(seen.plate) == canonical(plate)
        code = visit.ident_or_none(f"{end}_cam.code")
        name = visit.text_or_none(f"{end}_cam.name")
        url = visit.text_or_none(f"{end}_img")
        readings = seen.candidates if seen else ()
        if seen and not agree and all(other.text != seen.plate for other in readings):
            readings = (Candidate(text=seen.plate, confidence=seen.score), *readings)
        return Read(
            vendor_read_id=f"visit-{visit.ident('id')}-{end}",
            plate_raw=plate,
            state=seen.region if seen else state(None),
            plate_confidence=seen.score if seen and agree else None,
            state_confidence=seen.region_score if seen else None,
            confidence_scale=Scale.UNIT,
            candidates=readings,
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=code or name or self.settings.unnamed_camera, name=name),
            place=visit.place(f"{end}_cam.latitude", f"{end}_cam.longitude"),
            vehicle=seen.vehicle if seen else vehicle.Vehicle(),
            images=(ImageRef(kind=ImageKind.FRAME, url=self._address(url)),) if url else (),
        )

    def _address(self, url: str) -> str:
        """The whole address of a picture: on ParkPow's own host, or without `https://` as in the document of 2020."""
        whole = "://" in url or url.startswith("/")
        return urljoin(self.settings.parkpow_url, url) if whole else f"https://{url}"

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture of a visit, at most 15 MB, asked for without the token; raises `Gone` where it no longer is."""
        if not image.url:
            raise Gone("the read came without the address of a picture")
        return picture(self._pictures.request("GET", image.url, json=False, credentials=False).body)


def _is_set(secret: SecretStr | None) -> bool:
    return secret is not None and bool(secret.get_secret_value())


def _next(answer: _Visits) -> str | None:
    if not answer.next:
        return None
    pages = parse_qs(urlsplit(answer.next).query).get("page")
    if not pages:
        raise VendorChanged("the address of the next page names no page")
    return pages[0]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(sep=" ", timespec="seconds")


def _form(body: bytes) -> bytes | None:
    """The field `json` of a form body; None where the body is no such form."""
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name.strip() == b"json":
            return unquote_to_bytes(value.replace(b"+", b" "))
    return None


def _lines(body: bytes) -> Iterator[Record]:
    for row in table.rows(body, ("timestamp", "plate")):
        if row.broken:
            broken = {"row": row.number, "line": row.line, "broken": row.broken}
            yield Record("broken_row", msgspec.json.encode(broken))
        else:
            yield Record("csv", msgspec.json.encode({name.casefold(): cell for name, cell in row.cells.items()}))


def _records(body: bytes, attachments: Mapping[str, bytes]) -> Iterator[Record]:
    try:
        whole = slices(body)
    except VendorChanged:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) < 2 or b'"results"' not in lines[0] or not isinstance(slices(lines[0]), dict):
            raise
        for line in lines:  # JSON Lines, as Stream writes them: a line cut short costs that line
            yield from _events(line, attachments)
        return
    if isinstance(whole, list):
        for raw in whole:
            yield from _visit(raw) if b'"hook"' not in raw and b'"results"' not in raw else _events(raw, attachments)
    elif "results" in whole and ("next" in whole or "estimated_count" in whole):
        for raw in elements(whole["results"]):
            yield from _visit(raw)
    elif "start_date" in whole:
        yield from _visit(body)
    elif "results" in whole or "hook" in whole or "data" in whole:
        yield from _events(body, attachments)
    else:
        known = next((why for names, why in _REFUSALS if names <= set(whole)), "is no answer of Plate Recognizer's")
        raise VendorChanged(known, body)


def _events(payload: bytes, attachments: Mapping[str, bytes]) -> Iterator[Record]:
    """A record for each result of an event, one where there are none or nobody can tell."""
    count = 1
    with suppress(VendorChanged):
        names = slices(payload)
        if isinstance(names, dict) and "results" not in names:
            names = slices(names.get("data", b"{}"))
        if isinstance(names, dict):
            count = len(elements(names.get("results", b"[]"))) or 1
    for part in range(count):
        yield Record("event", payload, part, attachments)


def _visit(raw: bytes) -> Iterator[Record]:
    """A visit's begin, and its end once there is one that is not its begin."""
    yield Record("visit", raw)
    with suppress(Unusable):
        visit = _without_none(Record("visit", raw))
        if visit.has("end_date") and visit.text("end_date") != visit.text_or_none("start_date"):
            yield Record("visit", raw, 1)


def _without_none(record: Record) -> Fields:
    """A visit without the text "None", which ParkPow's document of 2020 has where nothing is known."""
    record.fields()
    told: dict[str, Any] = msgspec.json.decode(record.payload)
    return Fields({name: _known(value) for name, value in _known(told).items() if value != "None"})


def _known(value: Any) -> Any:
    return {name: held for name, held in value.items() if held != "None"} if isinstance(value, dict) else value


def _from_csv(cells: Fields) -> Fields:
    """A line of Stream's CSV as the event that the webhook would have sent of it.

    Its cells hold numbers as text and everything else as Python writes it (documented by sample).
    """
    names = ("score", "dscore", "model_make", "color", "vehicle", "region", "candidates", "direction", "plate")
    result = {name: _python(cells, name) for name in names}
    told = {name: cells.text_or_none(name) for name in ("timestamp", "timestamp_local", "timestamp_camera")}
    return Fields({**told, "camera_id": cells.text_or_none("camera_id"), "filename": cells.text_or_none("file"),
                   "results": [result]})  # fmt: skip


def _python(cells: Fields, name: str) -> Any:
    text = cells.text_or_none(name)
    if text is None or text == "None":
        return None
    if not text.startswith(_PYTHON):
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise Unusable(name, "is not what Python writes") from None


def _reading(result: Fields) -> _Reading:
    """One result, in the shape of plate mode, where `plate` is text, or of vehicle mode, where it is an object."""
    nested: Fields | None = None
    with suppress(Unusable):
        nested = result.inside("plate")
    return _flat(result) if nested is None else _nested(result, nested)


def _flat(result: Fields) -> _Reading:
    if not result.has("plate"):
        raise NoRead("plate", "is missing: a vehicle without a plate")
    return _Reading(
        plate=result.text("plate"),
        score=_share(result, "score"),
        region=_region(result.text_or_none("region.code")),
        region_score=_share(result, "region.score") if result.text_or_none("region.code") else None,
        candidates=_candidates(result.each("candidates"), "plate"),
        vehicle=_vehicle(result, result.each("model_make"), _best(result.each("color"), "color")),
    )


def _nested(result: Fields, plate: Fields) -> _Reading:
    """The first of the readings is the best (documented); there may be none."""
    readings = list(plate.each("props.plate"))
    if not readings:
        raise NoRead("plate", "is missing: a vehicle without a plate that could be read")
    regions = list(plate.each("props.region"))
    best = regions[0] if regions else Fields({})
    return _Reading(
        plate=readings[0].text("value"),
        score=_share(readings[0], "score"),
        region=_region(best.text_or_none("value")),
        region_score=_share(best, "score"),
        candidates=_candidates(readings, "value"),
        vehicle=_vehicle(
            result, result.each("vehicle.props.make_model"), _best(result.each("vehicle.props.color"), "value")
        ),
    )


def _vehicle(result: Fields, models: Iterable[Fields], colour: str | None) -> vehicle.Vehicle:
    kind = max(models, key=_sureness, default=Fields({}))
    model = kind.text_or_none("model")
    # With nothing found the type's score is 0 (documented), whatever the type says.
    found = result.decimal_or_none("vehicle.score") != 0
    return vehicle.Vehicle(
        make=vehicle.make(kind.text_or_none("make")),
        model=model[:100] if model and model.casefold() != "unknown" else None,
        colour=vehicle.colour(colour),
        body=vehicle.body(result.text_or_none("vehicle.type") if found else None),
    )


def _best(guesses: Iterable[Fields], name: str) -> str | None:
    return max(guesses, key=_sureness, default=Fields({})).text_or_none(name)


def _sureness(guess: Fields) -> float:
    return guess.decimal_or_none("score") or 0


def _candidates(readings: Iterable[Fields], name: str) -> tuple[Candidate, ...]:
    told = ((each.text_or_none(name), _share(each, "score")) for each in readings)
    return tuple(Candidate(text=text, confidence=score) for text, score in told if text)


def _region(code: str | None) -> Word:
    """A region: `us-ca` is a state; a code without a hyphen is a country (`de` is no Delaware), which we do not map."""
    if code is None or "-" in code:
        return state(code)
    return Word(said=code[:100], known=Known.UNMAPPED)


def _share(fields: Fields, path: str) -> float | None:
    return scaled(fields.decimal_or_none(path), Scale.UNIT, path)


def _degrees(result: Fields) -> float | None:
    """The direction of travel; None where it is no angle: no read is lost over it."""
    with suppress(Unusable):
        turn = result.decimal_or_none("direction")
        return turn if turn is not None and 0 <= turn <= 360 else None
    return None


def _named(camera: str | None) -> str | None:
    """A camera's id; None where it is the text "null" (on-premises) or "None"."""
    return None if camera is None or camera in ("null", "None") else camera


def _when(data: Fields, zone: ZoneInfo | None) -> Moment:
    """When the frame was taken.

    `timestamp_local` with an offset comes first: some Streams write a Z behind a `timestamp` that is local. Then
    whichever of `timestamp`, `timestamp_local` and `timestamp_camera` has a zone, and `timestamp` where none has.
    """
    local = data.text_or_none("timestamp_local")
    if local and _OFFSET.search(local):
        with suppress(Unusable):
            return from_iso(local, None, "timestamp_local")
    first: Moment | None = None
    for name in ("timestamp", "timestamp_local", "timestamp_camera"):
        said = data.text_or_none(name)
        if said is None:
            continue
        at = from_iso(said, zone, name)
        if at.zone is Zone.IN_DATA:
            return at
        first = first or at
    return first or from_iso(data.text("timestamp"), zone, "timestamp")
