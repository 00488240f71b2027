"""NJ SNAP POI interface (GTBM) as Eyemetric ALPR speaks it: searches, hot lists of POIs, hits that are pushed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, SecretStr, field_validator

from connectors import contract
from connectors.auth import Header, must_prove, pushed_by_ours
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import Fields, elements, slices
from connectors.hotlists import alive
from connectors.http import Http
from connectors.identity import derived
from connectors.paging import by_number
from connectors.pictures import picture
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Place, Read
from normalize.states import postal, state
from normalize.times import Moment, from_epoch, from_iso

PAGE_SIZES: Final = (20, 50, 100, 200, 500, 1000)
STEP: Final = timedelta(days=1)
"""The time that is asked for at once, so that a long window keeps what it has reached."""
STRAY: Final = timedelta(minutes=29)
"""How far outside the asked time answers may lie before the setting `zone` is doubted; zones differ by more."""
_SEARCH: Final = "/api/alpr/v1/search"
_HOTLIST: Final = "/api/alpr/v1/hotlist"
_COMPASS: Final = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
_UNITS: Final = ((1e11, "s"), (1e14, "ms"), (1e17, "us"))
_CODE: Final = re.compile(r"[A-Z][A-Z_]{1,40}")
_OTHERS: Final = (("POIs", "is a hot list, not reads"), ("plate_num", "is a search request, not reads"))
_SCENE: Final = (ImageKind.FRAME, "additionalImage1"), (ImageKind.FRAME, "additionalImage2")


class NjSnapSettings(contract.PushSettings):
    """What an admin gets from the supplier, and what the agency tells of itself on its hot lists."""

    base_url: str = Field(title="Address", description="Root of the supplier's interface, before `/api/alpr`.")
    api_key: SecretStr = Field(title="API key", description="From the supplier; it travels as a bearer token.")
    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo = Field(
        ZoneInfo("America/New_York"),
        title="Time zone",
        description="Of every time that carries none: those that are asked for, of hits, and of hot lists.",
    )
    page_size: int = Field(
        1000, title="Page size", description="Reads asked for at a time: 20, 50, 100, 200, 500, 1000."
    )
    image_hosts: tuple[str, ...] = Field(
        ("wasabisys.com", "amazonaws.com"),
        title="Picture hosts",
        description="Domains that signed picture addresses may lead to.",
    )
    confidence_scale: Scale | None = Field(
        None, title="Confidence scale", description="Of hits; no document tells it, and unset no confidence is kept."
    )
    dept_ori: str = Field("", title="ORI", description="The agency's; every entry of a hot list must carry it.")
    dept_name: str = Field("", title="Agency", description="The agency's name on its entries.")
    contact_name: str = Field("", title="Contact", description="Whom to call about an entry.")
    contact_number: str = Field("", title="Contact's number", description="Of that person.")
    contact_email: str = Field("", title="Contact's mail", description="Of that person.")
    visible: bool = Field(True, title="Visible", description="Whether users of NJ SNAP may see the entries.")
    days_listed: int = Field(
        2,
        ge=1,
        le=30,
        title="Days on the list",
        description="After today, how long an entry lives that is not sent again: so long lives a withdrawn one, too.",
    )

    @field_validator("page_size")
    @classmethod
    def _is_offered(cls, size: int) -> int:
        if size not in PAGE_SIZES:
            raise ValueError(f"must be one of {', '.join(map(str, PAGE_SIZES))}")
        return size


class NjSnapConnector(Connector[NjSnapSettings]):
    """A supplier's ALPR server that speaks the NJ SNAP POI interface, and the hits that it pushes."""

    info = contract.Info(
        key="nj_snap",
        name="NJ SNAP / Eyemetric",
        company="GTBM, Inc.; Eyemetric Identity Systems",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="nj_snap",
        limits=contract.Limits(per_second=2.0, parallel=2, page_size=1000, push_batch=500),
        known_limits=(
            "A search answers without an id: a read is known by camera, instant and plate.",
            "A hit has an id of its own, so a passage that is searched for and also pushed gives two reads.",
            "Searches take times without a zone; answers that lie elsewhere stop the run until the zone is right.",
            "Of the values of Status only ADD is documented, so nothing can be deleted: each entry carries an end a few"
            " days ahead and is sent anew with each publication; a withdrawn one lives until its end.",
            "There is no way to read a hot list back: a push is accepted and never proved.",
            "Nothing is signed; a secret is all the proof that a pushed hit brings.",
            "The scale of a hit's confidence is not documented; the unit of a raw read's time is guessed by its size.",
        ),
    )
    Settings = NjSnapSettings
    proof: ClassVar[contract.Proof] = contract.Proof.ACCEPTED

    def __init__(self, settings: NjSnapSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        self._http = self.closing(
            Http(
                settings.base_url,
                frame,
                auth=Header("Authorization", settings.api_key, "Bearer "),
                limits=self.info.limits,
            )
        )
        pictures = contract.Limits(per_second=10.0, parallel=2, body_bytes=15_000_000)
        self._pictures = self.closing(Http(settings.base_url, frame, limits=pictures, allow=settings.image_hosts))

    def check(self) -> str:
        """Searches the last hour for one page; raises `AdminMustFix` where the key does not open it."""
        now = self.frame.clock.now()
        _, found = self._page(self._asking(now - timedelta(hours=1), now, "%"), 1, PAGE_SIZES[0])
        return f"The supplier took the key and answered a search; {'reads' if found else 'no reads'} came in an hour."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every read of the window, day by day, in the supplier's order within a day.

        A day is vouched for once its last page has come. Raises `AdminMustFix` where the answers lie outside the time
        that was asked for, which is how a wrong zone shows.
        """
        start = window.since
        while start < window.until:
            until = min(start + STEP, window.until)
            for found in self._pages(start, until, "%"):
                yield Page([Record("search", raw) for raw in found])
            yield Page((), {"until": until.isoformat()})
            start = until

    def lookup(self, query: contract.Lookup) -> Iterator[Page]:
        """Every read of one full plate in the window; neither reason nor case number is asked for.

        A search must hold a `%`, so longer plates come back too; they are left out. Raises `Unusable` before anything
        is sent where the plate is not one full plate.
        """
        plate = canonical(query.plate)
        if not plate or any(mark in query.plate for mark in "*?%_[]"):
            raise Unusable("plate", "must be one full plate")
        for found in self._pages(query.since, query.until, f"{plate}%"):
            yield Page([Record("search", raw) for raw in found if _plate_of(raw) in (plate, None)])

    def _pages(self, since: datetime, until: datetime, plates: str) -> Iterator[list[bytes]]:
        """The pages of a search. The number of pages is told on the first alone; the end is a page that is not full."""
        # The clock shows the hour of its change twice, so a window must neither begin nor end within it.
        while _is_twice(since, self.settings.zone):
            since -= timedelta(hours=1)
        while _is_twice(until, self.settings.zone):
            until += timedelta(hours=1)
        asking, size, pages = self._asking(since, until, plates), self.settings.page_size, 1

        def page(number: int) -> list[bytes]:
            nonlocal pages
            told, reads = self._page(asking, number, size)
            if number == 1:
                pages = told
                self._must_be_asked_for(reads, since, until)
            if not reads and number < pages:
                raise VendorChanged(f"page {number} of {pages} is empty")
            return reads

        return by_number(page, lambda reads: reads, lambda reads, number: number >= pages and len(reads) < size)

    def _asking(self, since: datetime, until: datetime, plates: str) -> dict[str, Any]:
        ends = (since, until + timedelta(seconds=1) - timedelta(microseconds=1))
        start, end = (at.astimezone(self.settings.zone).strftime("%Y-%m-%dT%H:%M:%S") for at in ends)
        return {"start_date": start, "end_date": end, "plate_num": plates}

    def _page(self, asking: Mapping[str, Any], number: int, size: int) -> tuple[int, list[bytes]]:
        """How many pages there are, where it is told, and the reads of one; raises `VendorChanged` for an error."""
        parts = _answer(self._post(_SEARCH, {"page": number, "page_size": size, **asking}))
        if "results" not in parts:
            raise VendorChanged("the answer holds no results")
        try:
            pages = Fields(msgspec.json.decode(parts.get("metadata", b"{}")) or {}).decimal_or_none("page_count")
        except Unusable as unusable:
            raise VendorChanged(f"the answer has another shape: {unusable}", parts["metadata"]) from None
        return int(pages or 0), elements(parts["results"])

    def _post(self, path: str, body: Mapping[str, Any], *, repeatable: bool = True) -> bytes:
        # The addresses are fixed, so a 404 means that the interface is another one, never that there is nothing.
        answer = self._http.request(
            "POST",
            path,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
            repeatable=repeatable,
            gone=(),
        )
        return answer.body

    def _must_be_asked_for(self, found: Sequence[bytes], since: datetime, until: datetime) -> None:
        times = [at for raw in found if (at := self._time_of(raw))]
        if times and not any(since - STRAY <= at <= until + STRAY for at in times):
            raise AdminMustFix("the reads lie outside the time that was asked for: the setting zone must be wrong")

    def _time_of(self, raw: bytes) -> datetime | None:
        with suppress(Unusable):
            return from_iso(Record("search", raw).fields().text("read_time"), self.settings.zone).at
        return None

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret, as a bearer token or as any push may; raises `AdminMustFix`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            must_prove({"authorization": token.strip()}, "authorization", self.settings.webhook_secret)
        else:
            pushed_by_ours(request, self.settings)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The hits of a push, the reads of an answer, or a raw read; raises `VendorChanged` for anything else."""
        parts = slices(document.body)
        if isinstance(parts, list):
            for element in parts:
                yield Record(_kind(element), element)
            return
        parts = _answer(document.body)
        for name, kind in (("plateHits", "hit"), ("results", "search")):
            if name in parts:
                yield from (Record(kind, element) for element in elements(parts[name]))
                return
        for name, why in _OTHERS:
            if name in parts and "read_time" not in parts:
                raise VendorChanged(why, document.body)
        yield Record(_kind(document.body), document.body)

    def read_of(self, record: Record) -> Read:
        """A hit, a search's read, or a raw read."""
        fields = record.fields()
        if record.kind == "hit":
            return self._hit(fields)
        if record.kind == "raw":
            return _raw(fields)
        if record.kind == "search":
            return self._found(fields)
        raise Unusable("record", "is neither a hit nor a read")

    def _found(self, fields: Fields) -> Read:
        at = from_iso(fields.text("read_time"), self.settings.zone, "read_time")
        camera, plate = fields.ident("camera_name"), fields.text("plate_num")
        return Read(
            vendor_read_id=_derived_id(camera, at, plate),
            plate_raw=plate,
            state=state(fields.text_or_none("plate_code"), "US"),
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=camera, name=camera),
            place=fields.place("location.lat", "location.lon"),
            vehicle=_vehicle(fields, "make", "color", "vehicle_type"),
            images=_images(fields, (ImageKind.PLATE, "plate_img"), (ImageKind.FRAME, "full_img")),
        )

    def _hit(self, fields: Fields) -> Read:
        at = from_iso(fields.text("eventDateTime"), self.settings.zone, "eventDateTime")
        camera = fields.ident_or_none("cameraID") or fields.ident("cameraName")
        plate = fields.text("plateNumber")
        event, second = fields.ident_or_none("eventID"), fields.text_or_none("plateNumber2")
        # The public example writes the plate there, which would make every passage of a car one and the same event.
        told = event is not None and canonical(event) != canonical(plate)
        scale = self.settings.confidence_scale
        share = scaled(fields.decimal_or_none("confidence"), scale, "confidence") if scale else None
        return Read(
            vendor_read_id=str(event) if told else _derived_id(camera, at, plate),
            plate_raw=plate,
            state=state(fields.text_or_none("plateSt"), "US"),
            plate_confidence=share,
            confidence_scale=None if share is None else scale,
            candidates=(Candidate(text=second),) if second else (),
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=camera, name=fields.text_or_none("cameraName")),
            place=fields.place("latitude", "longitude"),
            **_heading(fields.text_or_none("direction")),
            vehicle=_vehicle(fields, "vehicleMake", "vehicleColor", "vehicleType", "vehicleModel"),
            images=_images(fields, (ImageKind.VEHICLE, "imageVehicle"), (ImageKind.PLATE, "imagePlate"), *_SCENE),
            matches=(Match(list_name=f"NJ SNAP POI {fields.ident_or_none('ID') or 'without an ID'}"),),
        )

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture behind a signed address, asked for without credentials; at most 15 MB.

        Raises `Gone` where it no longer is, which the store says with 403 once the signature has expired.
        """
        if not image.url:
            raise Gone("the read came without the address of a picture")
        over = image.expires_at is None or image.expires_at <= self.frame.clock.now()
        gone = (403, 404, 410) if over else (404, 410)
        answer = self._pictures.request("GET", image.url, json=False, credentials=False, gone=gone)
        return picture(answer.body)

    def held_form(self, plate: str) -> str:
        """As it is: nothing is documented about how plates are kept."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Every plate and state."""
        return {(self.held_form(entry.plate), entry.state): entry for entry in entries}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Send the whole list as POIs to add, each with an end of its own or some days ahead; safe to repeat.

        An entry's id changes with its last day: what becomes of an id that comes twice is not documented, and whatever
        it is, the entry lives on. What was withdrawn is not sent any more and ends with its last day. Raises
        `AdminMustFix` where no ORI is set.
        """
        if not self.settings.dept_ori:
            raise AdminMustFix("dept_ori: is not set, and every entry must say whose it is")
        now = self.frame.clock.now()
        wanted = alive(delta.complete, now)
        pois = [self._poi(delta.list_name, entry, now) for entry in wanted]
        size = self.info.limits.push_batch
        for start in range(0, len(pois), size):
            _answer(self._post(_HOTLIST, {"POIs": pois[start : start + size]}, repeatable=False))
            self.frame.sent(len(pois[start : start + size]))
        return contract.PushReport(added=len(wanted), removed=0)

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """Nothing: the interface gives no list back, so this raises `Gone`."""
        raise Gone(f"the interface has no way to read {list_name!r} back")

    def _poi(self, list_name: str, entry: Entry, now: datetime) -> dict[str, str]:
        told, country = self.settings, (entry.state or "").partition("-")[0]
        today = datetime.combine(now.astimezone(told.zone).date(), time(), told.zone)
        last = today + timedelta(days=told.days_listed + 1)
        key = "\x1f".join((list_name, entry.plate, entry.state or "", last.date().isoformat()))
        return {
            "ID": sha256(key.encode()).hexdigest()[:16],
            "Status": "ADD",
            "StartDate": self._local(today),
            "ExpirationDate": self._local(min(last, entry.expires_at or last)),
            "UserVisibility": "Y" if told.visible else "N",
            "NJSNAPHitNotification": "Y",
            "ReasonType": "NON-NCIC",
            "Reason": entry.reason,
            "PlateNumber": entry.plate,
            "PlateSt": postal(entry.state) if entry.state and country in ("US", "CA") else "",
            "NICNum": "",
            **dict.fromkeys(("VehicleMake", "VehicleModel", "VehicleYear", "VehicleColor", "VehicleSize"), ""),
            "ContactName": told.contact_name,
            "ContactNo": told.contact_number,
            "ContactEmail": told.contact_email,
            "CaseNo": entry.case_number,
            "Comment": entry.note or "",
            "DeptORI": told.dept_ori,
            "DeptName": told.dept_name,
            "EntryDate": self._local(today),
        }

    def _local(self, at: datetime) -> str:
        return at.astimezone(self.settings.zone).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _answer(body: bytes) -> dict[str, bytes]:
    """The members of an answer; raises `VendorChanged` with the code where it is an error, whatever its status."""
    parts = slices(body) if body.strip() else {}
    if isinstance(parts, list):
        raise VendorChanged("the answer is a list", body)
    if parts.get("error", b"null") == b"null":
        return parts
    code = re.search(rb'"code"\s*:\s*"([^"]*)"', parts["error"])
    name = code[1].decode(errors="replace") if code else ""
    raise VendorChanged(f"is an error answer ({name if _CODE.fullmatch(name) else 'without a code'})", body)


def _kind(element: bytes) -> str:
    parts = slices(element) if element.startswith(b"{") else {}
    for name, kind in (("eventDateTime", "hit"), ("read_time", "search"), ("plate", "raw")):
        if name in parts:
            return kind
    return "other"


def _plate_of(raw: bytes) -> str | None:
    """The plate of a search's read; None where it cannot be told, so that the record is refused and not left out."""
    with suppress(Unusable):
        return canonical(Record("search", raw).fields().text("plate_num"))
    return None


def _raw(fields: Fields) -> Read:
    """A document of the raw feed, whose `timestamp` counts seconds or a smaller unit: its size tells which."""
    count = _count(fields)
    unit = next((unit for below, unit in _UNITS if abs(count) < below), "ns")
    at = from_epoch(count, unit, "timestamp")
    camera, plate = fields.ident("source.name"), fields.text("plate.tag")
    picture_id = fields.ident_or_none("image.id")
    return Read(
        vendor_read_id=_derived_id(camera, at, plate, picture_id or ""),
        plate_raw=plate,
        state=state(fields.text_or_none("plate.code"), "US"),
        captured_at=at.at,
        zone=at.zone,
        camera=Camera(id=camera, name=camera),
        place=_place(fields),
        vehicle=_vehicle(fields, "vehicle.make.name", "color.code", "vehicle.type.name"),
    )


def _count(fields: Fields) -> float | int:
    with suppress(Unusable):
        # A count of nanoseconds is larger than any other number on a wire, so it is read as an id is.
        if (digits := fields.ident("timestamp")).isdecimal():
            return int(digits)
    return fields.decimal("timestamp")


def _place(fields: Fields) -> Place | None:
    """The position as latitude and longitude by name, or as GeoJSON, which writes the longitude first."""
    location = fields.inside("location")
    if location is not None and location.has("coordinates"):
        point = dict(zip(("lon", "lat"), location.items("coordinates"), strict=False))
        location = Fields(point, "location.coordinates")
    return location.place("lat", "lon") if location else None


def _vehicle(fields: Fields, make: str, colour: str, body: str, model: str = "") -> vehicle.Vehicle:
    return vehicle.Vehicle(
        make=vehicle.make(fields.text_or_none(make)),
        model=(fields.text_or_none(model) if model else None),
        colour=vehicle.colour(fields.text_or_none(colour)),
        body=vehicle.body(fields.text_or_none(body)),
    )


def _heading(word: str | None) -> dict[str, Any]:
    """A word of the compass as degrees from north; nothing for any other word."""
    plain = "".join(filter(str.isalpha, word or "")).lower().removesuffix("bound")
    if plain not in _COMPASS:
        return {}
    return {"direction": 45 * _COMPASS.index(plain), "direction_of": "north"}


def _images(fields: Fields, *told: tuple[ImageKind, str]) -> tuple[ImageRef, ...]:
    found = ((kind, fields.text_or_none(name)) for kind, name in told)
    return tuple(ImageRef(kind=kind, url=url, expires_at=_end_of(url)) for kind, url in found if url and _leads(url))


def _leads(url: str) -> bool:
    """Whether it is an address: the public example writes words in its place."""
    try:
        return urlsplit(url).scheme in ("https", "http") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _end_of(url: str) -> datetime | None:
    """When a signed address ends, as its own query says; None where it does not."""
    try:
        query = parse_qs(urlsplit(url).query)
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))
    except (KeyError, ValueError, OverflowError):
        return None


def _is_twice(at: datetime, zone: ZoneInfo) -> bool:
    """Whether the local clock shows this instant's time a second time that night."""
    there = at.astimezone(zone)
    return there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()


def _derived_id(camera: str, at: Moment, plate: str, picture_id: str = "") -> str:
    """The same id for the same camera, instant and plate: a search tells no other."""
    return derived(camera, at.at.isoformat(), canonical(plate), picture_id)
