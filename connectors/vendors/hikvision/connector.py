"""Hikvision ISAPI: what ANPR cameras push, the plates they tell when asked, and their list of plates."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlsplit
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors import contract, xml
from connectors.answer import Answer
from connectors.auth import OneLogin, pushed_by_ours
from connectors.contract import Connector, Document, Entry, Page, Record, RemoteEntry
from connectors.errors import AdminMustFix, VendorChanged
from connectors.fields import Fields, slices
from connectors.hotlists import alive, one_a_plate
from connectors.http import Http
from connectors.multipart import Part, parts
from connectors.paging import by_moving_start
from connectors.pictures import is_picture
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Place, Read
from normalize.times import Moment, from_iso
from normalize.word import Known, Word, look_up

NO_PLATE: Final = frozenset({"unknown", "车牌"})
"""What a camera writes for a vehicle without a plate, with confidence 0."""
LISTS: Final = {"otherlist": None, "whitelist": "allowList", "allowlist": "allowList", "blocklist": "blockList"}
"""The lists of a device as an event names them, by the word they are written with; `otherList` is none of them."""
BLOCK: Final = frozenset({"0", "blocklist", "blacklist"})
"""The group of the device's list that the hub writes, in every spelling seen or likely."""
HEADER: Final = "No.,Plate,Group,Start,End,Card"
COLUMNS: Final = 6
PLATE, GROUP = 1, 2
LIST: Final = "licensePlateAuditData?fileType=csv"
_FAR: Final = "2099-12-31"
_TIME: Final = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)[.,]?(\d{0,6})\d*\s*(?:(Z)|([+-])(\d{1,2})(?::?(\d\d))?)?"
)
_DMS: Final = ("degree", "minute")


class HikvisionSettings(contract.PushSettings):
    """What an admin gets from whoever runs the camera, and what the admin decides."""

    base_url: str = Field(
        "",
        title="Camera address",
        description="Where its plates and its list are asked for; empty for cameras that only push.",
    )
    user: str = Field("", title="Camera user", description="A user of the camera who may use ISAPI.")
    password: SecretStr | None = Field(
        None, title="Camera password", description="That user's password; a wrong one is sent once and not again."
    )
    channel: int = Field(1, ge=1, le=1024, title="Channel", description="The channel whose plates are asked for.")
    camera_id: str | None = Field(
        None, title="Camera id", description="The camera's MAC address, for plates that are asked for: they name none."
    )
    method: Literal["POST", "GET"] = Field(
        "POST", title="Method", description="How the firmware wants to be asked for plates."
    )
    cursor: Literal["basic", "iso"] = Field(
        "basic", title="Form of times", description="How the firmware wants the time after which plates are asked for."
    )
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where the camera's clock stands, for times that come without an offset."
    )
    hot_list: str | None = Field(
        None,
        title="Hot list",
        description="The one hot list that becomes the block group of the device's list; others are refused.",
    )


class HikvisionConnector(Connector[HikvisionSettings]):
    """Hikvision cameras and recorders with plate recognition."""

    info = contract.Info(
        key="hikvision",
        name="Hikvision ANPR (ISAPI)",
        company="Hangzhou Hikvision Digital Technology Co., Ltd.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="hikvision",
        limits=contract.Limits(per_second=2.0, parallel=1, page_size=1000),
        known_limits=(
            "Push or pull, not both on one connection: a plate that is asked for has another id than the one pushed.",
            "How many plates one answer holds at most is not published, nor their order: plates are asked for until an"
            " answer brings nothing new.",
            "Pictures come with a push alone; where a camera keeps those of other plates differs by model.",
            "A device without a UUID in its events has read ids made of its address, channel, time and plate.",
            "Writing the device's list replaces all of it: the block group becomes the hub's, everything else is read,"
            " kept and written back, and what somebody changes in the second between is lost.",
            "The list has whole days for expiry and no reason: an entry leaves with the next push after its end.",
            "Directions are forward or reverse and makes are Hikvision's own numbers: neither becomes a code.",
            "Hikvision signs nothing it pushes; a secret in a header or in the address is all the proof there is.",
        ),
    )
    Settings = HikvisionSettings
    proof: ClassVar[contract.Proof] = contract.Proof.READ_BACK
    inbound = contract.Inbound(content_types=("multipart/*", "application/xml", "text/xml", "application/json"))

    def __init__(self, settings: HikvisionSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        self._http = self.closing(
            Http(
                settings.base_url,
                frame,
                auth=OneLogin(settings.user, settings.password or SecretStr("")),
                limits=self.info.limits,
            )
        )

    def check(self) -> str:
        """Asks for the plates of the last minute; raises `AdminMustFix` where the login does not open them."""
        if not self.settings.base_url and self.settings.webhook_secret:
            return "What the camera pushes is taken; it has no address here, so nothing was asked of it."
        found = self._after(self.frame.clock.now() - timedelta(minutes=1))
        return f"The camera took the login and told {len(found)} plates of the last minute."

    def _ask(self, method: str, path: str, *, body: bytes | None = None, kind: str = "application/xml") -> Answer:
        if not self.settings.base_url:
            raise AdminMustFix("the camera's address is not set")
        sending: dict[str, Any] = {"content": body, "headers": {"Content-Type": kind}} if body is not None else {}
        where = f"/ISAPI/Traffic/channels/{self.settings.channel}/{path}"
        return self._http.request(method, where, json=False, **sending)

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every plate since the window began, asked for again from the newest one on until its end or nothing new.

        The camera takes no end, so plates younger than the window come too. Raises `VendorChanged` where the camera
        refuses, and where answers do not end. Nothing where no address is set: such a camera only pushes.
        """
        if not self.settings.base_url:
            return
        # A second back: times are told in seconds and whether the edge counts as after is not published.
        stretches = by_moving_start(
            window.since, lambda after, _: self._after(after), self._time_of, back=timedelta(seconds=1)
        )
        for stretch in stretches:
            over = stretch.over or stretch.newest >= window.until
            records = [Record("asked", plate) for plate in stretch.fresh]
            yield Page(records, {"until": window.until.isoformat()} if over else None)
            if over:
                return

    def _after(self, at: datetime) -> list[bytes]:
        here = at.astimezone(self.settings.zone or UTC)
        offset = here.strftime("%z")
        if self.settings.cursor == "basic":
            told = f"{here:%Y%m%dT%H%M%S}{offset[0]}{int(offset[1:3])}{offset[3:5]}"
        else:
            told = here.isoformat(timespec="seconds")
        body = f"<AfterTime><picTime>{escape(told)}</picTime></AfterTime>".encode()
        answer = self._ask(self.settings.method, "vehicleDetect/plates", body=body)
        _must_be_done(answer.body)
        root = xml.element(answer.body)
        if xml.local(root.tag) != "Plates":
            raise VendorChanged("is no list of plates", answer.body)
        return list(xml.cut(answer.body, "Plate"))

    def _time_of(self, plate: bytes) -> datetime | None:
        try:
            said = xml.fields(Record("asked", plate)).text("captureTime")
            return _instant(said, self.settings.zone, "captureTime").at
        except Unusable:
            return None

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: Document) -> Iterator[Record]:
        """A push (multipart, bare XML or JSON) or an answer with plates as records, with the pictures beside them."""
        found = parts(document)
        if found is None:
            yield from _events(document.body, {})
            return
        told = [part for part in found if not is_picture(part.body) and part.body.lstrip()[:1] in (b"<", b"{", b"\xef")]
        if not told:
            raise VendorChanged("is multipart without an event", document.body)
        for number, part in enumerate(told):
            yield from _events(part.body, {} if number else _pictures(found))

    def read_of(self, record: Record) -> Read:
        """A pushed event in XML or JSON, or a plate that was asked for."""
        if record.kind == "asked":
            return self._asked(xml.fields(record))
        fields = record.fields() if record.kind == "json" else xml.fields(record)
        fields = fields.inside("EventNotificationAlert") or fields
        kind = fields.text_or_none("eventType")
        anpr = fields.inside(fields.first("ANPR", "aNPR", "anpr"))
        if kind is not None and kind.casefold() != "anpr":
            raise NoRead("eventType", "is not one that carries a read")
        if anpr is None:
            raise Unusable("ANPR", "is missing")
        return self._event(fields, anpr, record.attachments)

    def _event(self, fields: Fields, anpr: Fields, attached: Mapping[str, bytes]) -> Read:
        confidence = scaled(anpr.decimal_or_none("confidenceLevel"), Scale.PERCENT, "confidenceLevel")
        plate = _plate(anpr, "licensePlate", confidence)
        original = anpr.text_or_none("originalLicensePlate")
        at = _instant(fields.text("dateTime"), self.settings.zone, "dateTime")
        address = fields.text_or_none("macAddress") or self._camera()
        channel = fields.ident_or_none("channelID") or fields.ident_or_none("dynChannelID") or "1"
        uuid = fields.text_or_none("UUID") or f"{address}-{channel}-{at.at:%Y%m%dT%H%M%S.%f}-{canonical(plate)}"
        other = original if original and canonical(original) not in ("", canonical(plate)) else None
        said = anpr.text_or_none("vehicleListName") or "otherList"
        on_list = LISTS.get(said.casefold(), said)
        return Read(
            vendor_read_id=uuid,
            plate_raw=plate,
            state=_country(fields, anpr),
            plate_confidence=confidence,
            confidence_scale=Scale.PERCENT if confidence is not None else None,
            candidates=(Candidate(text=plate, confidence=confidence), Candidate(text=other)) if other else (),
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=f"{address}/{channel}", name=fields.text_or_none("channelName")),
            place=_place(fields, anpr),
            vehicle=_vehicle(anpr),
            images=tuple(ImageRef(kind=_shows(name), data=data) for name, data in attached.items() if is_picture(data)),
            matches=(Match(list_name=on_list[:500]),) if on_list else (),
        )

    def _asked(self, fields: Fields) -> Read:
        plate = _plate(fields, "plateNumber", None)
        at = _instant(fields.text("captureTime"), self.settings.zone, "captureTime")
        camera = self._camera()
        name = fields.text_or_none("picName") or f"{camera}-{at.at:%Y%m%dT%H%M%S.%f}-{canonical(plate)}"
        return Read(
            vendor_read_id=name,
            plate_raw=plate,
            state=look_up(fields.text_or_none("country"), {}),
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=f"{camera}/{self.settings.channel}"),
        )

    def _camera(self) -> str:
        return self.settings.camera_id or urlsplit(self.settings.base_url).hostname or "camera"

    def held_form(self, plate: str) -> str:
        """Upper case without blanks and hyphens: devices compare with what they read (seen in public code)."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Each plate once and without a state, which the device has no room for."""
        return {(form, None): entry for form, entry in one_a_plate(entries, self.held_form).items()}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Make the block group of the device's list `delta.complete`; every other row goes back as it came.

        Writing replaces the device's whole list, so it is read first, and read again to see that what was kept is
        there. Safe to repeat. Raises `AdminMustFix` for another hot list than the one of the settings, where the list
        is too long for the device, and, once everything else was sent, where a plate stands in another group too.
        """
        self._must_be_ours(delta.list_name)
        wanted = one_a_plate(alive(delta.complete, self.frame.clock.now()), self.held_form)
        head, rows = self._list()
        before = {canonical(row[PLATE]) for row in rows if _blocks(row)}
        kept = [row for row in rows if not _blocks(row)]
        clashes = wanted.keys() & {canonical(row[PLATE]) for row in kept}
        today = self._day(self.frame.clock.now())
        ours = [
            [*self._row(plate, entry, today), *[""] * (len(rows[0]) - COLUMNS if rows else 0)]
            for plate, entry in wanted.items()
            if plate not in clashes
        ]
        numbered = [[str(number), *row[1:]] for number, row in enumerate([*kept, *ours], start=1)]
        if numbered or rows:
            answer = self._ask("PUT", LIST, body=_csv(head, numbered), kind="text/csv")
            _must_be_done(answer.body)
            there = [row[1:] for row in self._list()[1]]
            if any(row[1:] not in there for row in kept):
                raise VendorChanged("the device lost entries of other groups that were written back", answer.body)
        if clashes:
            raise AdminMustFix(f"{len(clashes)} entries stand in another group of the device's list; the rest was sent")
        return contract.PushReport(added=len(wanted.keys() - before), removed=len(before - wanted.keys()))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The block group of the device's list; raises `AdminMustFix` for any other hot list than the settings'."""
        self._must_be_ours(list_name)
        return (RemoteEntry(canonical(row[PLATE])) for row in self._list()[1] if _blocks(row))

    def _day(self, at: datetime) -> str:
        return f"{at.astimezone(self.settings.zone or UTC):%Y-%m-%d}"

    def _row(self, plate: str, entry: Entry, today: str) -> list[str]:
        return ["", plate, "0", today, self._day(entry.expires_at) if entry.expires_at else _FAR, ""]

    def _must_be_ours(self, list_name: str) -> None:
        if list_name != self.settings.hot_list:
            raise AdminMustFix("the device holds one hot list, the one that its settings name, and this is another")

    def _list(self) -> tuple[str, list[list[str]]]:
        """The header line and the rows of the device's list; raises `VendorChanged` where a row cannot be told whole.

        A list that is read in part would be written back in part. The header is the firmware's own text.
        """
        body = self._ask("GET", LIST).body
        if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{"):
            _must_be_done(body)
            raise VendorChanged("is not the device's list", body)
        try:
            head, _, text = body.decode("utf-8-sig").lstrip().partition("\n")
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(row)]
        except (UnicodeDecodeError, csv.Error):
            raise VendorChanged("the device's list is not CSV in UTF-8", body) from None
        head = head.rstrip() or HEADER
        widths = {len(row) for row in rows}
        if head.count(",") < COLUMNS - 1 or len(widths) > 1 or any(width < COLUMNS for width in widths):
            raise VendorChanged("the device's list has other columns than it is known to have", body)
        if not all(row[PLATE].strip() for row in rows):
            raise VendorChanged("the device's list has a row without a plate", body)
        return head, rows


def _events(body: bytes, pictures: Mapping[str, bytes]) -> Iterator[Record]:
    """The records of one XML or JSON text; raises `VendorChanged` where it is another answer of a device."""
    plain = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if plain[:1] in (b"{", b"["):
        told = slices(body)
        for payload in told if isinstance(told, list) else [body]:
            names = slices(payload) if payload.lstrip()[:1] == b"{" else {}
            if "statusCode" in names:
                raise VendorChanged("is a device's answer to a request, not a read", body)
            yield Record("json", payload, 0, pictures)
        return
    root = xml.element(body)
    name = xml.local(root.tag)
    if name == "Plates":
        yield from (Record("asked", payload) for payload in xml.cut(body, "Plate"))
    elif name == "EventNotificationAlert":
        yield Record("xml", body, 0, pictures)
    elif name == "LPListAuditSearchResult":
        raise VendorChanged("is a list of plates, not reads", body)
    elif name == "ResponseStatus":
        raise VendorChanged("is a device's answer to a request, not a read", body)
    else:
        raise VendorChanged("is not an event of a Hikvision device", body)


def _pictures(found: Sequence[Part]) -> dict[str, bytes]:
    """The pictures of a push by the name of their file, or of their part where they have none."""
    named: dict[str, bytes] = {}
    for number, part in enumerate(found):
        if is_picture(part.body):
            name = part.filename or part.name or "picture"
            named[f"{number}-{name}" if name in named else name] = part.body
    return named


def _shows(name: str) -> ImageKind:
    """What a picture shows, by its name: part names vary, but say `plate` or `vehicle`."""
    lower = name.lower()
    if "plate" in lower:
        return ImageKind.PLATE
    return ImageKind.VEHICLE if "vehicle" in lower else ImageKind.FRAME


def _must_be_done(body: bytes) -> None:
    """Return unless a body says that the device refused: it does so with HTTP status 200.

    Raises `AdminMustFix` where the list is too long or the device cannot do it at all, `VendorChanged` otherwise.
    """
    plain = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if plain[:1] == b"{":
        told = slices(body)
        names = {name: raw.strip(b'"') for name, raw in told.items()} if isinstance(told, dict) else {}
        words = {name: raw.decode("utf-8", "replace") for name, raw in names.items()}
    elif plain[:1] == b"<":
        root = xml.element(body)
        if xml.local(root.tag).casefold() == "html":
            raise VendorChanged("the device answered with a web page", body)
        leaves = [each for each in root.iter() if not len(each)]
        words = {xml.local(each.tag): (each.text or "").strip() for each in leaves}
    else:
        words = {}
    if b"overLimit" in body[:4000]:  # said in more than one shape
        raise AdminMustFix("the device's list has no room for that many entries")
    code = words.get("statusCode", "1")
    if code == "1" and not any(word in body[:4000] for word in (b"importFail", b"importErrorData")):
        return
    why = re.sub(r"[^A-Za-z ]", "", words.get("subStatusCode") or words.get("statusString") or "")[:60]
    if why == "notSupport":
        raise AdminMustFix("the device says that it does not support this")
    raise VendorChanged(f"the device refused with status {code[:10]} {why}".rstrip(), body)


def _plate(fields: Fields, name: str, confidence: float | None) -> str:
    text = fields.text_or_none(name)
    if (text is None or text.casefold() in NO_PLATE) and (confidence == 0 or (confidence is None and text)):
        raise NoRead(name, "the vehicle has no plate that could be read")
    return text or fields.text(name)


def _instant(text: str, zone: ZoneInfo | None, name: str) -> Moment:
    """The instant of a time in any of the forms seen: ISO, without separators, digits only, offsets such as `-500`."""
    found = _TIME.fullmatch(text)
    if not found:
        raise Unusable(name, "is not a time")
    year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes = found.groups()
    offset = "Z" if utc else f"{sign}{int(hours):02d}:{minutes or '00'}" if sign else ""
    plain = f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction or '0':0<6}{offset}"
    return from_iso(plain, zone, name)


def _country(fields: Fields, anpr: Fields) -> Word:
    """The vendor's word for the country; no state, since two letters that are one country's are another's state."""
    said = fields.text_or_none("countryAbbreviation") or anpr.text_or_none("countryAbbreviation")
    if said == "NON":
        return Word(said=said, known=Known.UNKNOWN)
    return look_up(said or anpr.ident_or_none("country"), {})


def _vehicle(anpr: Fields) -> vehicle.Vehicle:
    """What is said of the vehicle; makes and models are numbers of Hikvision's own, where 0 is none."""
    told = anpr.inside("vehicleInfo") or Fields({})
    model = told.ident_or_none(told.first("vehileModel", "vehicleModel"))
    make = told.ident_or_none("vehicleLogoRecog")
    return vehicle.Vehicle(
        make=vehicle.make(None if make == "0" else make),
        model=None if model in (None, "0") else model[:100],
        colour=vehicle.colour(told.text_or_none("color")),
        body=vehicle.body(anpr.text_or_none("vehicleType")),
    )


def _place(fields: Fields, anpr: Fields) -> Place | None:
    """The position of degrees, minutes and seconds with their letters; None without letters and beyond any globe.

    A camera whose position nobody set tells nonsense there, and no read is lost over it.
    """
    try:
        told = fields.inside("DeviceGPSInfo") or anpr.inside(anpr.first("GPSInfo", "gPSInfo"))
        north = _degrees(told, ("Latitude", "latitude"), "latitudeType", "NS")
        east = _degrees(told, ("Longitude", "longitude"), "longitudeType", "EW")
    except Unusable:
        return None
    if north is None or east is None or (north == 0 and east == 0) or abs(north) > 90 or abs(east) > 180:
        return None
    return Place(latitude=north, longitude=east)


def _degrees(told: Fields | None, names: tuple[str, str], letter: str, letters: str) -> float | None:
    if told is None:
        return None
    side = (told.text_or_none(letter) or "").upper()
    angle = told.inside(told.first(*names))
    if angle is None or side not in letters or not side:
        return None
    degree, minute = (angle.decimal_or_none(name) for name in _DMS)
    second = angle.decimal_or_none(angle.first("sec", "second"))
    if degree is None:
        return None
    size = degree + (minute or 0) / 60 + (second or 0) / 3600
    return round(-size if side == letters[1] else size, 7)


def _blocks(row: Sequence[str]) -> bool:
    return row[GROUP].strip().casefold() in BLOCK


def _csv(head: str, rows: Sequence[Sequence[str]]) -> bytes:
    """A file as the device writes it itself: a byte order mark, and CRLF behind every row."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return f"\ufeff{head}\r\n{out.getvalue()}".encode()
