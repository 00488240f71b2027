"""`native`: the agency's own cameras, as one more connector. Folders of pictures, video files, or one RTSP stream.

A picture or a video becomes records of what the engine saw, with the crop and the frame beside them; `parse` then
works on such a record as on any vendor's. Files are taken once: the hub remembers name, size and time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, SecretStr, field_validator

from connectors import contract
from connectors.contract import Connector, Document, Evidence, Info, Limits, LyingFile, Page, Record, Window
from connectors.counted import counted
from connectors.errors import AdminMustFix, TryAgain, VendorChanged
from connectors.fields import Fields
from connectors.file_words import readable
from native_reader.choice import best_engine
from native_reader.engine import Engine, Pixels, SeenPlate
from native_reader.pictures import LIMITS, PictureRefused, decode_picture, encode_jpeg, walk
from native_reader.video import SUFFIXES as VIDEOS
from native_reader.video import StreamBroken, passings
from native_reader.weights import WeightsRefused
from normalize.confidence import Scale, scaled
from normalize.fault import Unusable
from normalize.read import Camera, Candidate, Grade, ImageKind, ImageRef, Place, Read
from normalize.times import Moment, Zone, from_iso, local

SETTLE: Final = timedelta(seconds=1)
"""A file that changed more recently may still be growing."""
PAGE: Final = 20
_BEYOND: Final = 2**63
_STAMPED: Final = re.compile(r"(?P<camera>.+?)[_ ](?P<stamp>\d{8}T\d{6}(?:\.\d{1,6})?)(?P<utc>Z?)")
"""`gate-3_20260131T081502.250Z`: camera, then an ISO 8601 basic time, Z for UTC, local time without it."""
MARGIN: Final = 0.15
"""Share of its size by which a kept plate crop is larger than its box."""


class NativeSettings(contract.Settings):
    """Where the pictures come from, and what to write where a file name does not say."""

    source: str = Field(title="Source", description="Folder of pictures and videos, one file, or an rtsp:// address.")
    stream_user: str = Field("", title="Stream user", description="For an rtsp:// address that asks who you are.")
    stream_password: SecretStr | None = Field(
        None, title="Stream password", description="Goes here and not into the address, so that it is kept sealed."
    )
    camera_id: str = Field("camera", title="Camera id", description="For files whose name names no camera.")
    camera_name: str | None = Field(None, title="Camera name", description="As people call it.")
    latitude: float | None = Field(
        None, ge=-90, le=90, title="Latitude", description="Degrees, where the camera stands."
    )
    longitude: float | None = Field(
        None, ge=-180, le=180, title="Longitude", description="Degrees, where the camera stands."
    )
    zone: ZoneInfo = Field(
        ZoneInfo("UTC"), title="Zone", description="Where the clock stands that names files without a Z."
    )
    models: Path | None = Field(None, title="Models", description="Folder with weights of the better engine.")
    listen_seconds: float = Field(
        60.0, title="Listen", description="How long one run listens to an RTSP address, in seconds.", gt=0
    )

    @field_validator("source")
    @classmethod
    def _holds_no_password(cls, source: str) -> str:
        if "://" in source and "@" in source.partition("://")[2].partition("/")[0]:
            raise ValueError("holds a user or a password; they have settings of their own")
        return source

    def address(self) -> str:
        """The stream's address with the credentials that it needs."""
        if self.stream_password is None:
            return self.source
        scheme, _, rest = self.source.partition("://")
        return f"{scheme}://{quote(self.stream_user, '')}:{quote(self.stream_password.get_secret_value(), '')}@{rest}"


class _Seen(msgspec.Struct):
    """One sighting on its way to a record."""

    file: str
    id: str
    camera: str
    captured_at: str
    zone: str
    text: str
    confidence: float
    box: tuple[int, int, int, int]
    candidates: tuple[tuple[str, float], ...]
    engine: str
    weights: dict[str, str]
    alert_grade: bool
    grade_rule: str
    may_be_cut: bool


class NativeConnector(Connector[NativeSettings]):
    """The agency's own reader."""

    info = Info(
        key="native",
        name="Native reader",
        company="The agency itself",
        evidence=Evidence.LIVE,
        retention_vendor="native",
        origin="native_reader",
        limits=Limits(page_size=PAGE),
        look_back=timedelta(0),
        known_limits=(
            "A file name that carries no time gives the time at which the file was written, marked as guessed.",
            "The state on a plate is not read.",
            "One process reads one camera; a stream that breaks is taken up again by the next run.",
        ),
    )
    Settings: ClassVar[type[contract.Settings]] = NativeSettings

    def check(self) -> str:
        """What would be read with, and how many files wait; raises `AdminMustFix` where the source is not there."""
        engine = self._engine()
        if self._is_stream():
            return f"{engine.name}; the stream is opened when it is read"
        return f"{engine.name}; {counted(sum(1 for _ in self._files()), 'file')}"

    def pull(self, window: Window) -> Iterator[Page]:
        """Pages of what the engine sees in the files that were not taken yet, or in the stream for a while."""
        engine = self._engine()
        if self._is_stream():
            yield from self._listen(engine, window)
            return
        records: list[Record] = []
        taken: list[LyingFile] = []
        lying = {file: path for path in self._files() if (file := self._lying(path)) is not None}
        for file in window.fresh(list(lying)):
            path, name = lying[file], readable(file.name)
            if datetime.fromtimestamp(file.modified / 1e9, UTC) > window.until - SETTLE:
                continue
            try:
                records += self._records_of(path, engine, file.size)
            except FileNotFoundError:
                continue
            except OSError as failed:
                # Not marked as taken: a file that we may not read yet is tried again by the next run.
                records.append(_refused(name, f"{name}: {failed.strerror or 'cannot be read'}", b""))
                continue
            taken.append(file)
            if len(taken) == PAGE:
                yield Page(records, {"until": window.since.isoformat()}, taken)
                records, taken = [], []
        yield Page(records, {"until": window.until.isoformat()}, taken)

    def unpack(self, document: Document) -> Iterable[Record]:
        """A picture's sightings, or one record that was kept before."""
        if document.content_type.startswith("image/"):
            stamp = Moment(datetime(2000, 1, 1, tzinfo=UTC), Zone.GUESSED)
            engine = self._engine()
            yield from self._of_picture(document.body, document.name or "picture", engine, stamp)
            return
        if not document.body.lstrip().startswith(b"{"):
            raise VendorChanged("is neither a picture nor a record of this reader", document.body[:1000])
        yield Record("sighting", document.body, attachments=document.attachments)

    def read_of(self, record: Record) -> Read:
        """The read of one sighting; a file that could not be read says why."""
        fields = record.fields()
        if reason := fields.text_or_none("refused"):
            raise Unusable("file", reason)
        zone = fields.text("zone")
        if zone not in tuple(Zone):
            raise Unusable("zone", "is none of this reader's words")
        settings = self.settings
        camera = fields.text("camera")
        return Read(
            vendor_read_id=fields.text("id"),
            plate_raw=fields.text("text"),
            plate_confidence=scaled(fields.number("confidence"), Scale.UNIT, "confidence"),
            confidence_scale=Scale.UNIT,
            candidates=tuple(_candidate(pair) for pair in fields.items("candidates")),
            captured_at=from_iso(fields.text("captured_at")).at,
            zone=Zone(zone),
            camera=Camera(id=camera, name=settings.camera_name if camera == settings.camera_id else None),
            place=_place(settings.latitude, settings.longitude),
            images=tuple(
                ImageRef(kind=kind, data=record.attachments[kind])
                for kind in (ImageKind.PLATE, ImageKind.FRAME)
                if kind in record.attachments
            ),
            engine=fields.text("engine"),
            grade=_grade(fields),
        )

    def _engine(self) -> Engine:
        try:
            return _engine(self.settings.models)
        except WeightsRefused as refused:
            raise AdminMustFix(f"models: {refused}") from None

    def _is_stream(self) -> bool:
        return self.settings.source.startswith(("rtsp://", "rtsps://"))

    def _files(self) -> Iterator[Path]:
        root = Path(self.settings.source)
        if not root.exists():
            raise AdminMustFix(
                f"source: the file or folder {str(root)!r} is not there: mount its disk, or mend the setting"
            )
        try:
            yield from walk(root)
        except PictureRefused as refused:
            raise AdminMustFix(str(refused)) from None
        if root.is_dir():
            yield from walk(root, VIDEOS)

    def _lying(self, path: Path) -> LyingFile | None:
        """A file as it lies there; None where it left since it was listed, or cannot be looked at."""
        try:
            status = path.stat()
        except OSError:
            return None
        if not 0 <= status.st_mtime_ns < _BEYOND:
            return None  # no clock showed that time, and no database keeps it
        return LyingFile(self._name(path), status.st_size, status.st_mtime_ns)

    def _name(self, path: Path) -> str:
        root = Path(self.settings.source)
        return path.name if path == root else path.relative_to(root).as_posix()

    def _records_of(self, path: Path, engine: Engine, size: int) -> list[Record]:
        camera, moment = self._stamp(path)
        name = readable(self._name(path))
        if path.suffix.lower() in VIDEOS:
            records: list[Record] = []
            try:
                for record in self._of_video(path, name, camera, moment, engine):
                    records.append(record)  # one by one: what passed before a video breaks off is kept
            except StreamBroken as broken:
                records.append(_refused(name, str(broken), b""))
            return records
        if size > LIMITS.bytes:
            return [_refused(name, f"{name}: is larger than {LIMITS.bytes} bytes", b"")]
        return list(self._of_picture(path.read_bytes(), name, engine, moment, camera))

    def _of_picture(
        self, body: bytes, name: str, engine: Engine, moment: Moment, camera: str | None = None
    ) -> Iterator[Record]:
        try:
            picture = decode_picture(body, name)
        except PictureRefused as refused:
            yield _refused(name, str(refused), body)
            return
        digest = sha256(body).hexdigest()[:24]
        frame = body if body.startswith(b"\xff\xd8") else encode_jpeg(picture)
        for index, sighting in enumerate(engine.read(picture)):
            ident = f"{digest}-{index}"
            at = camera or self.settings.camera_id
            yield _record(name, ident, at, moment, sighting, engine, crop(picture, sighting), frame)

    def _of_video(self, path: Path, name: str, camera: str, moment: Moment, engine: Engine) -> Iterator[Record]:
        with path.open("rb") as file:
            digest = sha256(file.read(1 << 20)).hexdigest()[:24]
        size, seen = path.stat().st_size, Counter[str]()
        for passing in passings(path, engine):
            frame = passing.frame
            at = Moment(moment.at + timedelta(seconds=frame.seconds), moment.zone)
            ident = _apart(f"{digest}-{size}-{frame.number}", seen)
            yield _record(
                name, ident, camera, at, passing.sighting, engine, crop(frame.picture, passing.sighting),
                encode_jpeg(frame.picture),
            )  # fmt: skip

    def _listen(self, engine: Engine, window: Window) -> Iterator[Page]:
        settings = self.settings
        start = self.frame.clock.now()
        done, seen = {"until": window.until.isoformat()}, Counter[str]()
        try:
            for passing in passings(settings.address(), engine, listen=settings.listen_seconds):
                at = Moment(start + timedelta(seconds=passing.frame.seconds), Zone.IN_DATA)
                ident = _apart(f"{settings.camera_id}-{int(at.at.timestamp() * 1000)}", seen)
                sighting, picture = passing.sighting, passing.frame.picture
                yield Page(
                    [
                        _record(
                            "stream", ident, settings.camera_id, at, sighting, engine, crop(picture, sighting),
                            encode_jpeg(picture),
                        )
                    ],
                    done,
                )  # fmt: skip
        except StreamBroken as broken:
            raise TryAgain(str(broken)) from None
        yield Page([], done)

    def _stamp(self, path: Path) -> tuple[str, Moment]:
        """Camera and time out of a file's name; else the configured camera and the time the file was written."""
        match = _STAMPED.fullmatch(path.stem)
        if match:
            camera = readable(match["camera"])
            try:
                at = datetime.fromisoformat(match["stamp"])
                if match["utc"]:
                    return camera, from_iso(f"{at.isoformat()}Z")
                return camera, local(at, self.settings.zone)
            except ValueError:  # digits that are no time, or a time that no clock showed (`Unusable` is one too)
                pass
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return self.settings.camera_id, Moment(written, Zone.GUESSED)


@lru_cache(maxsize=2)
def _engine(models: Path | None) -> Engine:
    return best_engine(models)


def _apart(ident: str, seen: Counter[str]) -> str:
    """The id, numbered where it was given before: two vehicles may be best seen in one frame."""
    seen[ident] += 1
    return ident if seen[ident] == 1 else f"{ident}-{seen[ident]}"


def crop(picture: Pixels, sighting: SeenPlate) -> bytes:
    """The plate with a margin around it, as JPEG."""
    x, y, width, height = sighting.box
    dx, dy = int(width * MARGIN), int(height * MARGIN)
    return encode_jpeg(picture[max(y - dy, 0) : y + height + dy, max(x - dx, 0) : x + width + dx])


def _record(
    name: str, ident: str, camera: str, moment: Moment, sighting: SeenPlate, engine: Engine, plate: bytes, frame: bytes
) -> Record:
    seen = _Seen(
        file=name,
        id=ident,
        camera=camera,
        captured_at=moment.at.isoformat(),
        zone=moment.zone.value,
        text=sighting.text,
        confidence=round(sighting.confidence, 4),
        box=sighting.box,
        candidates=tuple((text, round(share, 4)) for text, share in sighting.candidates),
        engine=f"{engine.name} [{', '.join(f'{name} {digest[:12]}' for name, digest in engine.weights.items())}]",
        weights=dict(engine.weights),
        alert_grade=sighting.alert_grade,
        grade_rule=sighting.grade_rule,
        may_be_cut=sighting.may_be_cut,
    )
    attachments = {ImageKind.PLATE.value: plate, ImageKind.FRAME.value: frame}
    return Record("sighting", msgspec.json.encode(seen), attachments=attachments)


def _refused(name: str, reason: str, body: bytes) -> Record:
    payload = {"file": name, "refused": reason, "sha256": sha256(body).hexdigest()}
    return Record("refused", msgspec.json.encode(payload), attachments={"file": body} if body else {})


def _candidate(pair: Any) -> Candidate:
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
        raise Unusable("candidates", "are not pairs of a text and a confidence")
    share = pair[1]
    if isinstance(share, bool) or not isinstance(share, int | float):
        raise Unusable("candidates", "have a confidence that is not a number")
    return Candidate(text=pair[0], confidence=scaled(share, Scale.UNIT, "candidates"))


def _grade(fields: Fields) -> Grade | None:
    """The reading's grade; None in records of a time when there was none."""
    rule = fields.text_or_none("grade_rule")
    if rule is None:
        return None
    return Grade(alert=fields.flag("alert_grade"), rule=rule, may_be_cut=fields.flag("may_be_cut"))


def _place(latitude: float | None, longitude: float | None) -> Place | None:
    return None if latitude is None or longitude is None else Place(latitude=latitude, longitude=longitude)
