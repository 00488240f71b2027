"""Dahua cameras and their kin (Intelbras, CP Plus, Amcrest): what they push, what their streams say, their history."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors import contract
from connectors.auth import Digest, pushed_by_ours
from connectors.contract import Connector, Document, Page, Record, Reply
from connectors.errors import AdminMustFix, ConnectorError, VendorChanged
from connectors.fields import Fields, elements, slices
from connectors.http import Http
from connectors.identity import derived
from connectors.multipart import parts
from connectors.paging import by_number
from connectors.pictures import is_picture
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Read
from normalize.times import Moment, from_epoch, from_iso, local
from normalize.word import Word, look_up

MOST_FILES: Final = 100
"""Files asked for in one answer about the history; the client chooses (documented)."""
UNKNOWN: Final = frozenset({"unknow", "unknown"})
"""Words for what was not read; `Unknow`, `unknow`, `Unknown` and nothing at all are seen on one wire."""
KEPT: Final = Reply(body=b'{"Result":true,"Message":"Success"}')
_FINDER: Final = "/cgi-bin/mediaFileFind.cgi?action="
_ENDS: Final = re.compile(r"\r\n|\n|\r")
_PREFIX: Final = re.compile(rb"[ \t]*((?:Events|items)\[[0-9]{1,6}\])\.")
_BOUNDARY: Final = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{1,69})\r?\n")
_NEXT_JPEG: Final = re.compile(rb"(?<=\xff\xd9)\x00*(?=\xff\xd8\xff)")


class DahuaSettings(contract.PushSettings):
    """Where the camera is, how to log in, and where its clock stands."""

    base_url: str | None = Field(
        None, title="Camera address", description="`http://…` of the camera; empty where it only pushes."
    )
    username: str = Field("admin", title="User", description="A user of the camera who may search its files.")
    password: SecretStr | None = Field(None, title="Password", description="Of that user; it never travels.")
    channel: int = Field(1, ge=0, le=1024, title="Channel", description="Whose history is asked for, from 1.")
    camera_id: str | None = Field(
        None, title="Camera id", description="What the camera is called where its data does not say."
    )
    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where the camera's clock stands: it writes local time without an offset."
    )


class DahuaConnector(Connector[DahuaSettings]):
    """Dahua's ITSAPI push, its event texts and its file search."""

    info = contract.Info(
        key="dahua",
        name="Dahua",
        company="Zhejiang Dahua Technology Co., Ltd.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="dahua",
        limits=contract.Limits(per_second=4.0, parallel=1, page_size=MOST_FILES),
        known_limits=(
            "No form has an id of a read: it is made of camera, instant and plate, or of camera, group, day and plate.",
            "Times are local without an offset, and TimeZone is none: without the time zone setting they are guessed.",
            "UTC of an event was seen to be the local wall clock: RealUTC is used, and UTC where there is no other.",
            "The streams that must be held open are not attached to: a relay may hand their parts on by push.",
            "A find result tells when a file begins: of a recording, not of a picture, the plate may come later.",
            "Pictures of the history are not fetched; those that are pushed are kept.",
            "The allow and block lists of a camera are left alone: their field names differ by firmware.",
            "The region of a plate and the direction of travel have no published meaning and name no state or course.",
            "Cameras sign nothing, and digest is not asked of them: a secret at the end of the address is the proof.",
            "Push and history of one camera give different ids: choose one of them for a connection.",
        ),
    )
    Settings = DahuaSettings
    inbound: ClassVar[contract.Inbound] = contract.Inbound(
        content_types=("application/json", "text/plain", "multipart/*"), most_bytes=32 * 1024 * 1024
    )

    def __init__(self, settings: DahuaSettings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        login = Digest(settings.username, settings.password) if settings.password else None
        self._http = self.closing(Http(settings.base_url or "", frame, auth=login, limits=self.info.limits))

    def check(self) -> str:
        """Opens a search at the camera and closes it; raises `AdminMustFix` where neither search nor push can work."""
        if self.settings.base_url:
            self._close(self._finder())
            return "The camera took the login and opened a search of its files."
        if self.settings.webhook_secret is None:
            raise AdminMustFix("neither a camera address nor a push secret is set, so no read can arrive")
        return "Nothing can be asked of the camera: reads come once it pushes to this connection with the secret."

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def reply(self, _request: contract.Request) -> Reply:
        """`Result` true for reads, heartbeats and greetings: without it a camera sends for ever. Opens no gate."""
        return KEPT

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every picture file of the window with what the camera read on it; nothing where no camera address is set.

        Raises `AdminMustFix` without a time zone, since the camera searches by its own clock, and `VendorChanged` where
        an answer has other files than it counts or comes twice.
        """
        if not self.settings.base_url:
            return
        if self.settings.zone is None:
            raise AdminMustFix("the time zone is not set, and the camera searches by its own clock")
        finder = self._finder()
        try:
            self._find(finder, window, self.settings.zone)
            for _, records in by_number(lambda _: self._next_files(finder), lambda told: [told[0]]):
                yield Page(records)
        finally:
            with suppress(ConnectorError):
                self._close(finder)
        yield Page((), {"until": window.until.isoformat()})

    def _finder(self) -> str:
        body = self._ask("factory.create").body
        told = re.fullmatch(rb"result=([0-9]{1,20})", body.strip())
        if told is None:
            raise VendorChanged("the camera opened no search", body)
        return told[1].decode()

    def _find(self, finder: str, window: contract.Window, zone: ZoneInfo) -> None:
        since, until = (at.astimezone(zone).replace(tzinfo=None) for at in (window.since, window.until))
        # In the night when clocks go back the wall clock alone would leave an hour out, so the longer of both is asked.
        long = window.until - window.since
        since, until = min(since, until - long), max(until, since + long)
        span = f"condition.StartTime={_clock(since)}&condition.EndTime={_clock(until + timedelta(seconds=1))}"
        where = f"condition.Channel={self.settings.channel}&{span}&condition.Types[0]=jpg"
        body = self._ask(f"findFile&object={finder}&{where}").body
        if body.strip() != b"OK":
            raise VendorChanged("the camera did not take the search", body)

    def _next_files(self, finder: str) -> tuple[bytes, list[Record]] | None:
        """The next files of a search, as the camera wrote them and as records; None where there are no more."""
        body: bytes = self._ask(f"findNextFile&object={finder}&count={MOST_FILES}").body
        records = list(self.unpack(Document(body, "text/plain")))
        if len(records) != _found(body):
            raise VendorChanged("the camera counts other files than it tells of", body)
        return (body, records) if records else None

    def _close(self, finder: str) -> None:
        self._ask(f"close&object={finder}")

    def _ask(self, action: str) -> Any:
        # Each answer moves the search on, so none is asked for twice.
        return self._http.request("GET", _FINDER + action, json=False, repeatable=False, gone=())

    def unpack(self, document: Document) -> Iterator[Record]:
        """Pushed JSON, an event's JSON or text, a find result's files, or the parts of a stream, as records."""
        told = parts(_with_boundary(document))
        if told is None:
            yield from _unpacked(document.body, {})
            return
        texts = [at for at, part in enumerate(told) if not part.content_type.startswith("image/")]
        if not texts:
            raise VendorChanged("has pictures and no text that tells of them", document.body)
        for at, until in zip(texts, [*texts[1:], len(told)], strict=True):
            # The pictures of an event come behind its text, before the next one's.
            yield from _unpacked(told[at].body, {str(n): told[n].body for n in range(at + 1, until)})

    def read_of(self, record: Record) -> Read:
        """A pushed read, an event of either form, or a file of the history."""
        if record.kind == "notice":
            raise NoRead("record", "is a heartbeat or a greeting and carries no read")
        if record.kind == "tollgate":
            return self._pushed(record.fields())
        if record.kind == "event":
            return self._event(record.fields(), record)
        if record.kind == "coded":
            return self._event(Record("data", record.payload.partition(b"data=")[2]).fields(), record)
        told = _tree(record.payload)
        return self._event(told, record) if record.kind == "text" else self._file(told)

    def _pushed(self, fields: Fields) -> Read:
        picture = fields.inside("Picture")
        if picture is None or not picture.has("Plate"):
            raise Unusable("Picture.Plate", "is missing")
        plate = _known(picture, "Plate.PlateNumber")
        if plate is None or (picture.has("Plate.IsExist") and not picture.flag("Plate.IsExist")):
            raise NoRead("Picture.Plate.PlateNumber", "no plate was read")
        when = next((name for name in ("AccurateTime", "SnapTime") if picture.text_or_none(f"SnapInfo.{name}")), None)
        said = picture.text(f"SnapInfo.{when or 'AccurateTime'}")
        at = from_iso(said, self.settings.zone, f"Picture.SnapInfo.{when}")
        camera = self._camera(picture.ident_or_none("SnapInfo.DeviceID"), "Picture.SnapInfo.DeviceID")
        confidence = _percent(picture, "Plate.Confidence")
        blocked = picture.flag("SnapInfo.BlockUser")
        return Read(
            vendor_read_id=derived(camera.id, said, canonical(plate)),
            plate_raw=plate,
            state=_region(picture.text_or_none("Plate.Region")),
            plate_confidence=confidence,
            confidence_scale=None if confidence is None else Scale.PERCENT,
            captured_at=at.at,
            zone=at.zone,
            camera=camera,
            vehicle=vehicle.Vehicle(
                make=vehicle.make(picture.text_or_none("Vehicle.VehicleSign")),
                model=_known(picture, "Vehicle.VehicleSeries"),
                colour=vehicle.colour(picture.text_or_none("Vehicle.VehicleColor")),
                body=vehicle.body(picture.text_or_none("Vehicle.VehicleType")),
            ),
            images=tuple(_pictures(picture)),
            matches=(Match(list_name="the camera's block list"),) if blocked else (),
        )

    def _event(self, outer: Fields, record: Record) -> Read:
        fields = outer.inside("Data") or outer
        car = _known(fields, "TrafficCar.PlateNumber")
        seen = _known(fields, "Object.Text") if fields.text_or_none("Object.ObjectType") == "Plate" else None
        plate = seen or car
        if plate is None:
            raise NoRead("TrafficCar.PlateNumber", "the event tells of no plate")
        at, stamp = self._instant(fields)
        machine = fields.ident_or_none("TrafficCar.MachineName") or fields.ident_or_none("MachineName")
        camera = self._camera(machine, "TrafficCar.MachineName")
        group = fields.ident_or_none("GroupID") or fields.ident_or_none("TrafficCar.GroupID")
        grouped = group is not None and group != "0"
        # Whether a group's number comes again is not published, so the day and the plate stand beside it.
        one = (group or "", stamp[:10]) if grouped else (stamp,)
        return Read(
            vendor_read_id=derived(camera.id, *one, canonical(plate)),
            pass_id=f"{camera.id[:200]}/{'/'.join(one)}"[:500] if grouped else None,
            plate_raw=plate,
            candidates=(Candidate(text=car),) if seen and car and canonical(car) != canonical(seen) else (),
            captured_at=at.at,
            zone=at.zone,
            camera=camera,
            vehicle=vehicle.Vehicle(
                make=vehicle.make(fields.text_or_none("TrafficCar.VehicleSign")),
                colour=vehicle.colour(fields.text_or_none("TrafficCar.VehicleColor")),
                body=vehicle.body(fields.text_or_none("Vehicle.Category")),
            ),
            images=tuple(
                ImageRef(kind=ImageKind.FRAME, data=data) for data in record.attachments.values() if is_picture(data)
            ),
        )

    def _file(self, fields: Fields) -> Read:
        plate = _known(fields, "Summary.TrafficCar.PlateNumber")
        if plate is None:
            raise NoRead("Summary.TrafficCar.PlateNumber", "no plate was read")
        said = fields.text("StartTime")
        at = from_iso(said, self.settings.zone, "StartTime")
        channel = fields.ident_or_none("Channel")
        camera = self._camera(self.settings.camera_id or (channel and f"channel-{channel}"), "Channel")
        return Read(
            vendor_read_id=derived(camera.id, said, canonical(plate)),
            plate_raw=plate,
            captured_at=at.at,
            zone=at.zone,
            camera=camera,
            vehicle=vehicle.Vehicle(
                make=vehicle.make(fields.text_or_none("Summary.TrafficCar.VehicleSign")),
                colour=vehicle.colour(fields.text_or_none("Summary.TrafficCar.VehicleColor")),
            ),
        )

    def _camera(self, told: str | None, field: str) -> Camera:
        found = told or self.settings.camera_id
        if not found:
            raise Unusable(field, "is missing or empty, and no camera id is set for that case")
        return Camera(id=found)

    def _instant(self, fields: Fields) -> tuple[Moment, str]:
        """RealUTC as it is, else UTC, which was seen to be the camera's wall clock as a count; and what it shows."""
        millis = fields.decimal_or_none("UTCMS") or 0
        rest = int(millis) if 0 <= millis < 1000 else 0
        real = fields.decimal_or_none("RealUTC")
        if real:
            at = from_epoch(int(real) * 1000 + rest, "ms", "RealUTC")
            return at, at.at.isoformat()
        name = "UTC" if fields.has("UTC") or not fields.has("TrafficCar.UTC") else "TrafficCar.UTC"
        wall = from_epoch(int(fields.decimal(name)) * 1000 + rest, "ms", name).at
        # Ids are made of what the clock showed: they must not change when an admin says later where it stands.
        return local(wall.replace(tzinfo=None), self.settings.zone, name), wall.isoformat()


def _with_boundary(document: Document) -> Document:
    """The same document; a captured stream is told by its first line, since its parts name no form fields."""
    first = _BOUNDARY.match(document.body)
    if first is None or document.content_type.startswith("multipart/"):
        return document
    return Document(document.body, f'multipart/mixed; boundary="{first[1].decode()}"', document.name)


def _unpacked(body: bytes, pictures: dict[str, bytes]) -> Iterator[Record]:
    text = body.removeprefix(b"\xef\xbb\xbf")
    plain = text.strip()
    if plain.startswith((b"{", b"[")):
        yield from _json(text)
    elif plain.startswith(b"Code=") and b"data={" in plain:
        yield Record("coded", text, 0, pictures)
    elif plain == b"Heartbeat":
        yield Record("notice", text)
    elif plain.startswith((b"Events[", b"found=", b"items[")):
        kind = "text" if plain.startswith(b"Events[") else "file"
        yield from (Record(kind, lines, 0, pictures) for lines in _grouped(text))
    elif plain.startswith(b"Error"):
        raise VendorChanged("is an error of the camera, not a read", body)
    else:
        raise VendorChanged("is nothing that a Dahua camera tells of reads", body)


def _json(body: bytes) -> Iterator[Record]:
    told = slices(body)
    if isinstance(told, list):
        raise VendorChanged("is a list, which no Dahua camera pushes", body)
    if "Picture" in told:
        yield Record("tollgate", body)
    elif "params" in told:
        inside = slices(told["params"]) if told["params"].startswith(b"{") else {}
        if isinstance(inside, list) or "eventList" not in inside:
            raise VendorChanged("is an answer of the camera, not an event", body)
        yield from (Record("event", event) for event in elements(inside["eventList"]))
    elif "DeviceID" in told and "Result" not in told:
        yield Record("notice", body)
    else:
        raise VendorChanged("is JSON that tells of no read, no heartbeat and no camera", body)


def _grouped(body: bytes) -> list[bytes]:
    """The lines of each `Events[n]` or `items[n]`, as they arrived and in the order of their first lines."""
    found: dict[bytes, list[bytes]] = {}
    for line in body.splitlines(keepends=True):
        if whose := _PREFIX.match(line):
            found.setdefault(whose[1], []).append(line)
    return [b"".join(lines) for lines in found.values()]


def _found(body: bytes) -> int:
    """How many files an answer says that it tells of; raises `VendorChanged` where it does not say."""
    told = re.match(rb"found=([0-9]{1,9})\s", body.lstrip() + b"\n")
    if told is None:
        raise VendorChanged("the camera does not say how many files it found", body)
    return int(told[1])


def _tree(payload: bytes) -> Fields:
    """`Events[0].TrafficCar.PlateNumber=…` lines as nested fields below their first name."""
    try:
        lines = _ENDS.split(payload.decode())
    except UnicodeDecodeError:
        raise Unusable("record", "is not text in UTF-8") from None
    root: dict[str, Any] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        steps = name.strip().split(".")[1:]
        if not equals or not steps:
            continue
        at = root
        for step in steps[:-1]:
            at = at.setdefault(step, {})
            if not isinstance(at, dict):
                raise Unusable("record", "gives one name a value and names below it")
        at[steps[-1]] = value
    return Fields(root)


def _known(fields: Fields, path: str) -> str | None:
    """A text that is not one of the words for what was not read."""
    text = fields.text_or_none(path)
    return None if text is None or text.lower() in UNKNOWN else text


def _percent(fields: Fields, path: str) -> float | None:
    """A confidence from 0 to 100; what lies beyond is on no published scale and tells nothing."""
    value = fields.decimal_or_none(path)
    return scaled(value, Scale.PERCENT, path) if value is not None and 0 <= value <= 100 else None


def _region(said: str | None) -> Word:
    """The plate's region in the camera's word alone: `IN` may be a country as well as a state."""
    return look_up(said, {})


def _pictures(picture: Fields) -> Iterator[ImageRef]:
    for name, kinds in (
        ("NormalPic", (ImageKind.FRAME,)),
        ("VehiclePic", (ImageKind.VEHICLE, ImageKind.PLATE)),
        ("CutoutPic", (ImageKind.PLATE,)),
    ):
        data = picture.picture_or_none(f"{name}.Content")
        if data is None:
            continue
        # CP Plus joins the vehicle's picture and the plate's in one content.
        for kind, single in zip(kinds, _singles(data), strict=False):
            yield ImageRef(kind=kind, data=single)


def _singles(data: bytes) -> Sequence[bytes]:
    return _NEXT_JPEG.split(data) if data.startswith(b"\xff\xd8") else (data,)


def _clock(at: datetime) -> str:
    return quote(at.isoformat(" ", "seconds"))
