"""Genetec: what Sharps and third parties push, the files Sharps drop, and hot lists that Security Center watches."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field

from connectors import contract, table, xml
from connectors.auth import pushed_by_ours
from connectors.contract import Connector, Document, Entry, Page, Record, RemoteEntry
from connectors.drop import Drop, PlaceSettings
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import Fields, slices
from connectors.hotlists import alive, file_stem
from connectors.identity import derived
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, ImageKind, ImageRef, Read
from normalize.states import postal, state
from normalize.times import Moment, Zone, from_iso

PRIORITIES: Final = {"high": 0, "medium": 50, "low": 100}
"""Genetec counts down: 0 is the highest priority and 100 the lowest (documented)."""
ATTRIBUTES: Final = (
    "PlateNumber", "PlateState", "Category", "EffectiveDate", "ExpiryDate", "Priority", "CaseNumber",
)  # fmt: skip
"""The columns of a hot-list file in their order; Security Center must be told the same."""
LARGEST: Final = 16 * 1024 * 1024
NOTHING: Final = "-"
"""What Genetec writes for what it could not tell (documented), there with the score -1."""
_GUID: Final = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_TOKEN: Final = re.compile(r"#[A-Z_]+#(\{[^}]*\})?")
_UTC_DATE: Final = re.compile(r"([0-9]{4})[:/.-]([0-9]{2})[:/.-]([0-9]{2})")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")


class GenetecSettings(PlaceSettings, contract.PushSettings):
    """Where files are dropped, and where a camera's clock stands."""

    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where Sharp cameras' clocks stand: their JSON carries no offset."
    )
    reads_folder: str = Field("reads", title="Folder of reads", description="Below the place: where the XML arrives.")
    hotlists_folder: str = Field(
        "hotlists", title="Folder of hot lists", description="Below the place: what Security Center watches."
    )
    file_pattern: str = Field("*_lpr.xml", title="File pattern", description="Which files are reads.")
    settle_seconds: int = Field(30, ge=0, title="Settle time", description="How long a file must lie still, seconds.")
    delimiter: Literal[";", ":", ",", "Tab"] = Field(
        ";", title="Delimiter", description="Of hot-list files, as it is set in Security Center."
    )


class GenetecConnector(Connector[GenetecSettings]):
    """SharpOS, the ingestion of third-party reads, FTP output, and watched hot-list files."""

    info = contract.Info(
        key="genetec",
        name="Genetec AutoVu",
        company="Genetec Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="genetec",
        limits=contract.Limits(parallel=1, page_size=100),
        known_limits=(
            "Security Center itself is not asked: what its reports answer is not published.",
            "The JSON of a Sharp carries no offset: without the time zone setting its times are guessed.",
            "The older webhook has no id of a read: it is made of camera, instant and plate.",
            "Genetec signs nothing it pushes: a secret in a header, a password or the address is all the proof.",
            "A hot list is a file that Security Center watches; nothing tells that it was loaded: no push is proved.",
            "Security Desk may rewrite a hot-list file; the next push writes it anew and such edits are gone.",
            "Priority belongs to a whole list in Security Center; the column that is written is an annotation there.",
            "Security Desk's editor loads at most 100 000 rows: keep it off for longer lists.",
            "An expiry is a day: an entry leaves with the first push after its end.",
            "Files stay where they are dropped: clear the folder from time to time.",
        ),
    )
    Settings = GenetecSettings
    proof: ClassVar[contract.Proof] = contract.Proof.ACCEPTED
    inbound: ClassVar[contract.Inbound] = contract.Inbound(
        content_types=("application/json", "text/json", "application/xml", "text/xml")
    )

    @cached_property
    def _drop(self) -> Drop:
        return self.closing(Drop(self.settings, self.frame.clock, replace(self.info.limits, body_bytes=LARGEST)))

    def check(self) -> str:
        """Lists the folder of reads; raises `AdminMustFix` where neither files nor pushes can arrive."""
        if self.settings.place:
            drop = self._drop
            with drop.opened() as place:
                return f"The place answers, with {len(drop.exports(place))} files of reads in it."
        if self.settings.webhook_secret is None:
            raise AdminMustFix("neither a place nor a push secret is set, so no read can arrive")
        return "Nothing can be asked of cameras: reads come once they push to this connection with the secret."

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every dropped file not taken yet, whatever its time; nothing where no place is set.

        A file that is no read goes on as a record, so that it is refused alone and kept.
        """
        if self.settings.place:
            yield from self._drop.pages(window, self._of_file)

    def _of_file(self, file: Document) -> Sequence[Record]:
        try:
            return list(self.unpack(Document(file.body, "application/xml", file.name)))
        except VendorChanged:
            return [Record("autovu", file.body)]

    def unpack(self, document: Document) -> Iterator[Record]:
        """The reads of a push or a file; raises `VendorChanged` for lists of plates and for other things."""
        body = document.body
        text = body.removeprefix(b"\xef\xbb\xbf")
        plain = text.lstrip()
        if plain.startswith(b"<"):
            name = xml.local(str(xml.element(body).tag))
            if name not in ("Plate", "AutoVu"):
                raise VendorChanged("is XML, but neither a Sharp's read nor its FTP file", body)
            yield Record("sharp_xml" if name == "Plate" else "autovu", body)
        elif plain.startswith((b"{", b"[")):
            parts = slices(text)
            if not parts:
                raise VendorChanged("is empty and tells of no read", body)
            for payload in parts if isinstance(parts, list) else [text]:
                yield Record(_form(payload, body), payload)
        elif re.match(rb"[^\r\n]{0,500}?[;,\t]", plain):
            raise VendorChanged("is a delimited list of plates, not reads", body)
        else:
            raise VendorChanged("is neither JSON nor XML", body)

    def read_of(self, record: Record) -> Read:
        """A Sharp's read in JSON or XML, its FTP file, a third party's read, or the older webhook's."""
        if record.kind == "autovu":
            return self._file(_without_tokens(_xml(record)))
        if record.kind == "sharp_xml":
            return self._sharp(_xml(record))
        data = _json(record)
        if record.kind == "lpringestion":
            return self._ingested(data)
        return self._webhook(data) if record.kind == "webhook" else self._sharp(data)

    def _sharp(self, data: dict[str, Any]) -> Read:
        plate, fields, told = _plate(data, "PlateRead"), Fields(data), _Told(_analytics(data.get("PlateAnalytics")))
        said = fields.text("Timestamp")
        at = from_iso(said, self.settings.zone, "Timestamp")
        return self._read(
            fields,
            plate,
            at,
            camera=_camera(fields, "SourceUrl", "LprCameraName"),
            ident=("Id", said),
            share=(told.get("confidence score"), Scale.PERCENT, "PlateAnalytics.Confidence Score"),
            state=state(told.said("state name"), told.country()),
            place=fields.place("Latitude", "Longitude"),
            vehicle=told.vehicle(),
        )

    def _file(self, data: dict[str, Any]) -> Read:
        plate, fields = _plate(data, "Plate"), Fields(data)
        date, clock = fields.text("UTCDate"), fields.text("UTCTime")
        day = _UTC_DATE.fullmatch(date)
        if day is None:
            raise Unusable("UTCDate", "is not a year, a month and a day")
        return self._read(
            fields,
            plate,
            _in_utc(f"{day[1]}-{day[2]}-{day[3]}T{clock}", "UTCDate and UTCTime"),
            camera=_camera(fields, "SourceName", "CameraName"),
            ident=("Guid", f"{date} {clock}"),
            share=(_measured(data, "ConfidenceScore"), Scale.PERCENT, "ConfidenceScore"),
            state=state(fields.text_or_none("State")),
            place=fields.place("LatitudeY", "LongitudeX"),
        )

    def _ingested(self, data: dict[str, Any]) -> Read:
        plate, fields = _plate(data, "Plate"), Fields(data)
        said = fields.text("ReadTimeUtc")
        return self._read(
            fields,
            plate,
            _in_utc(said, "ReadTimeUtc"),
            camera=_camera(fields, "ReferenceCameraId", "CameraName"),
            ident=("ReferenceReadId", said),
            share=(_measured(data, "Confidence"), Scale.UNIT, "Confidence"),
            state=state(fields.text_or_none("PlateStateProvince")),
        )

    def _webhook(self, data: dict[str, Any]) -> Read:
        attributes = data.get("Attributes")
        told = _Told(attributes.items() if isinstance(attributes, dict) else ())
        plate, fields = _plate(data, "Plate"), Fields(data)
        date, clock = fields.text("DateUtc"), fields.text("TimeUtc")
        day = _DAY_FIRST.fullmatch(date)
        if day is None:
            raise Unusable("DateUtc", "is not a day, a month and a year")
        sure = told.get("state name confidence score")
        return self._read(
            fields,
            plate,
            _in_utc(f"{day[3]}-{day[2]:0>2}-{day[1]:0>2}T{clock}", "DateUtc and TimeUtc"),
            camera=_camera(fields, "CameraName", "CameraName"),
            ident=("", f"{date} {clock}"),
            share=(_measured(data, "ConfidenceScore"), Scale.PERCENT, "ConfidenceScore"),
            state=state(fields.text_or_none("State") or told.said("state name"), told.country()),
            state_confidence=scaled(sure, Scale.PERCENT, "Attributes.State Name Confidence Score"),
            vehicle=told.vehicle(),
        )

    def _read(
        self,
        fields: Fields,
        plate: str,
        at: Moment,
        *,
        camera: Camera,
        ident: tuple[str, str],
        share: tuple[float | str | None, Scale, str],
        **more: Any,
    ) -> Read:
        """What all forms share. `ident` is the id's field, and the time as it is written for where there is none."""
        told = fields.ident_or_none(ident[0])
        confidence = scaled(*share)
        images = ((ImageKind.FRAME, "ContextImage"), (ImageKind.PLATE, "PlateImage"))
        return Read(
            vendor_read_id=_ident(told, ident[0], camera) if told else derived(camera.id, ident[1], canonical(plate)),
            plate_raw=plate,
            plate_confidence=confidence,
            confidence_scale=None if confidence is None else share[1],
            captured_at=at.at,
            zone=at.zone,
            camera=camera,
            images=tuple(
                ImageRef(kind=kind, data=data) for kind, path in images if (data := fields.picture_or_none(path))
            ),
            **more,
        )

    def held_form(self, plate: str) -> str:
        """As it is: nothing is published about how Security Center rewrites plates."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Every plate and state once."""
        found: dict[tuple[str, str | None], Entry] = {}
        for entry in entries:
            found.setdefault((self.held_form(entry.plate), entry.state), entry)
        return found

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Write the whole list to its file, which Security Center reads anew on change; safe to repeat."""
        folder, name = self.settings.hotlists_folder, f"{file_stem(delta.list_name)}.txt"
        body = self._rows(alive(delta.complete, self.frame.clock.now()))
        with self._drop.opened() as place:
            try:
                same = place.read(folder, name, len(body)) == body
            except (Gone, AdminMustFix):
                same = False
            if not same:
                place.write(folder, name, body)
        return contract.PushReport(added=len(delta.add), removed=len(delta.remove))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The list as its file has it now, which proves what lies there and not what Security Center loaded.

        Raises `Gone` where there is no file, and `VendorChanged` at a row that cannot be read.
        """
        with self._drop.opened() as place:
            body = place.read(self.settings.hotlists_folder, f"{file_stem(list_name)}.txt", self.info.limits.body_bytes)
        found = []
        for number, (line, readable) in enumerate(table.decoded(body, "utf-8-sig"), start=1):
            cells = line.split(self._sign)
            if not line.strip():
                continue
            if not readable or len(cells) < 2 or not cells[0].strip():
                raise VendorChanged(f"line {number} of the hot-list file is not a plate and a state", body)
            found.append(RemoteEntry(cells[0].strip(), state(cells[1], "US").code))
        return iter(found)

    @property
    def _sign(self) -> str:
        return "\t" if self.settings.delimiter == "Tab" else self.settings.delimiter

    def _rows(self, entries: Sequence[Entry]) -> bytes:
        lines = []
        for (plate, _), entry in self.as_held(entries).items():
            until = entry.expires_at.date().isoformat() if entry.expires_at else ""
            where = entry.state or ""
            shown = postal(where) if where.startswith(("US-", "CA-")) else where
            cells = (plate, shown, entry.reason, "", until, str(PRIORITIES[entry.alert]), entry.case_number)
            lines.append(self._sign.join(self._cell(text) for text in cells))
        return "".join(f"{line}\r\n" for line in sorted(lines)).encode()

    def _cell(self, text: str) -> str:
        """A text without line ends and delimiters: nothing is published about quotes."""
        return " ".join(text.replace(self._sign, " ").split())


class _Told:
    """What Genetec says of a read by key, whatever the case of the key; `-` is what it could not tell."""

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self._said: dict[str, str] = {}
        for key, value in pairs:
            if isinstance(key, str) and (text := _text(value)):
                self._said.setdefault(key.strip().casefold(), text)

    def said(self, key: str) -> str | None:
        return self._said.get(key)

    def get(self, key: str) -> str | None:
        text = self.said(key)
        return None if text == NOTHING else text

    def country(self) -> str | None:
        """The region set that the Sharp reads by, where it is a country's."""
        context = self.get("context") or ""
        return context.upper() if len(context) == 2 and context.isalpha() else None

    def vehicle(self) -> vehicle.Vehicle:
        return vehicle.Vehicle(
            make=vehicle.make(self.said("vehicle make")),
            model=self.get("vehicle model"),
            colour=vehicle.colour(self.said("vehicle color")),
            body=vehicle.body(self.said("vehicle type")),
        )


def _text(value: Any) -> str | None:
    """A value as short text; None for what is neither text nor a number."""
    if type(value) in (int, float):
        return str(value)[:100]
    return value.strip()[:100] or None if isinstance(value, str) else None


def _analytics(told: Any) -> Iterator[tuple[Any, Any]]:
    """Keys and values of PlateAnalytics, a list in JSON and nested in itself in XML; a score of -1 says nothing."""
    if isinstance(told, dict):
        told = told.get("PlateAnalytics", told)
    for each in told if isinstance(told, list) else [told]:
        if isinstance(each, dict):
            score = _text(each.get("Score")) or ""
            yield each.get("Key"), NOTHING if re.fullmatch(r"-1(\.0*)?", score) else each.get("Value")


def _form(payload: bytes, body: bytes) -> str:
    names = slices(payload) if payload.lstrip().startswith(b"{") else {}
    if "PlateRead" in names:
        return "sharp"
    if "ReferenceReadId" in names:
        return "lpringestion"
    if "Plate" in names and "DateUtc" in names:
        return "webhook"
    raise VendorChanged("is JSON, but none of the forms in which Genetec tells of reads", body)


def _json(record: Record) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(record.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unusable("record", "is not JSON") from None
    if not isinstance(data, dict):
        raise Unusable("record", "is not an object")
    return data


def _xml(record: Record) -> dict[str, Any]:
    try:
        told = _bare(xml.tree(xml.element(record.payload)))
    except VendorChanged as changed:
        raise Unusable("record", str(changed)) from None
    return told if isinstance(told, dict) else {}


def _bare(value: Any) -> Any:
    """The same without attributes, which tell of types and of nothing (`nil`) and never of a read."""
    if isinstance(value, list):
        return [_bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _bare(each) for name, each in value.items() if not name.startswith(("@", "#"))}
    return inner or value.get("#text")


def _without_tokens(data: dict[str, Any]) -> dict[str, Any]:
    """The same without what a Sharp left as its template has it; raises `Unusable` where that is the plate."""
    left = {name for name, value in data.items() if isinstance(value, str) and _TOKEN.fullmatch(value)}
    if "Plate" in left:
        raise Unusable("Plate", "is a placeholder of the template, not a plate")
    return {name: None if name in left else value for name, value in data.items()}


def _plate(data: dict[str, Any], name: str) -> str:
    if name not in data:
        raise Unusable(name, "is missing")
    plate = Fields(data).ident_or_none(name)
    if plate is None or plate == NOTHING:
        raise NoRead(name, "no plate was read")
    return plate


def _camera(fields: Fields, ident: str, name: str) -> Camera:
    known = fields.text_or_none(name)
    return Camera(id=fields.ident_or_none(ident) or fields.ident(name), name=known and known[:500])


def _ident(told: str, field: str, camera: Camera) -> str:
    """A Guid without braces and capitals, which differ by form; the id of a third party's read with its camera's."""
    guid = _GUID.fullmatch(told)
    known = guid[1].lower() if guid else told
    return f"{camera.id}/{known}" if field == "ReferenceReadId" else known


def _measured(data: dict[str, Any], path: str) -> float | None:
    """A number, or text that is one; None where it is empty and where Genetec could not tell."""
    return None if data.get(path) == NOTHING else Fields(data).decimal_or_none(path)


def _in_utc(text: str, field: str) -> Moment:
    """The instant of a time whose name says that it is in UTC, with an offset or without."""
    return Moment(from_iso(text, None, field).at, Zone.IN_DATA)
