"""Neology BOSS4 (PIPS, 3M): JSON files of reads, as fusion centres get them on SFTP, in S3 or in a folder."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from functools import cached_property
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors import contract
from connectors.cameras import camera_of
from connectors.contract import Connector, Page, Record
from connectors.counted import counted
from connectors.damage import own_id
from connectors.drop import Drop, DropSettings
from connectors.encoding import in_utf8
from connectors.errors import VendorChanged
from connectors.fields import Fields, slices
from connectors.identity import derived_id
from connectors.jsontext import decoded
from connectors.plates import SAYS_NONE, is_none
from normalize.fault import NoRead, Unusable
from normalize.read import Camera, ImageKind, ImageRef, Read
from normalize.read import Place as WhereAt
from normalize.times import Moment, from_iso

_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
"""A whole string, or one of the signs that give JSON its shape; a quote alone is a string without an end."""
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}")
_PHOTOS: Final = ((ImageKind.PLATE, "LPRVehiclePlatePhoto"), (ImageKind.FRAME, "LPRAdditionalPhoto"))
_FILE: Final = "file"
_PLATE: Final = "VehicleLicensePlateID"
_LEAVES: Final = frozenset({
    "LPREventID", "eventDate", "eventTime", _PLATE, "LPRCameraID", "LPRCameraName",
    *(f"{axis}{part}Value" for axis in ("Latitude", "Longitude") for part in ("Degree", "Minute", "Second")),
    *(name for _, name in _PHOTOS),
})  # fmt: skip


class Boss4Settings(DropSettings):
    """Where the files are dropped, and where the clocks of the cameras stand."""

    reads_folder: str = Field(
        "boss4", min_length=1, title="Folder of reads", description="Below the place: where the files arrive."
    )
    file_pattern: str = Field("*.json", title="File pattern", description="Which files hold reads.")
    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo = Field(
        ZoneInfo("America/Los_Angeles"),
        title="Time zone",
        description="Where the cameras' clocks stand: the files carry local time without an offset.",
    )


class Boss4Connector(Connector[Boss4Settings]):
    """BOSS4 by file drop; a county's BOSS (SCSO) writes the same files."""

    info = contract.Info(
        key="boss4",
        name="Neology BOSS4",
        company="Neology, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="boss4",
        limits=contract.Limits(parallel=1, page_size=100, body_bytes=256 * 1024 * 1024),
        known_limits=(
            "Neology publishes no interface: the file's field names are known from one hub's public code alone, and"
            " where they stand in the record is not, so each is found by its name, wherever it is.",
            "Times are the cameras' local clock without a zone; in the hour that comes twice the first is taken.",
            "A file cut short gives the reads before the cut; the rest waits in quarantine and is not mended.",
            "A read without an event id is known by camera, instant and plate, so two equal ones are one.",
            "State, confidence and vehicle are in none of the known fields; the agency's name and ORI stay in the"
            " record as it came.",
            "Hot lists cannot be sent this way.",
        ),
    )
    Settings = Boss4Settings

    @cached_property
    def _drop(self) -> Drop:
        return self.closing(Drop(self.settings, self.frame.clock, self.info.limits))

    def check(self) -> str:
        """Lists the folder and unpacks the newest file."""
        files, newest = self._drop.newest()
        if newest is None:
            return f"The place answers; no file of reads lies in {self.settings.reads_folder!r} yet."
        count = sum(record.kind == "read" for record in self.unpack(newest))
        return f"The place answers with {counted(files, 'file')}; the newest holds {counted(count, 'read')}."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every file not taken yet, by name, each with all that it holds, as `Drop` promises it."""
        return self._drop.pages(window, self.unpack)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The elements of the list, each as its bytes; of a list cut short, those before the cut and then the rest.

        An empty file has none: such files are known to come. Raises `VendorChanged` where the file neither is a list
        nor begins like one.
        """
        body, name = in_utf8(document.body), {_FILE: document.name.encode()} if document.name else {}
        if not body.strip():
            return
        try:
            parts = slices(body)
        except VendorChanged:
            if body.lstrip()[:1] != b"[":
                raise
            yield from _whole_ones(body, name)
            return
        yield from (Record("read", payload) for payload in (parts if isinstance(parts, list) else [body]))

    def read_of(self, record: Record) -> Read:
        """One element, by the names of its innermost fields."""
        if record.kind == "cut":
            name = record.attachments.get(_FILE, b"").decode(errors="replace")[:200]
            reason = "is cut short, or goes on after its end: this came after the last whole read"
            raise Unusable("file", f"{name} {reason}".lstrip())
        leaves = _Leaves(record.payload)
        plate, at = leaves.plate(), self._moment(leaves)
        called = leaves.text("LPRCameraName")
        camera = camera_of(leaves.text("LPRCameraID"), called)
        return Read(
            vendor_read_id=own_id(leaves.text("LPREventID")) or derived_id(camera, at, plate),
            plate_raw=plate,
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=camera, name=called),
            place=leaves.place(),
            images=tuple(ImageRef(kind=kind, data=data) for kind, data in leaves.photos()),
        )

    def _moment(self, leaves: "_Leaves") -> Moment:
        said, clock = leaves.must("eventDate"), leaves.must("eventTime")
        try:
            day = datetime.strptime(said, "%Y-%m-%d").date()  # noqa: DTZ007 - the setting `zone` says it
        except ValueError:
            raise Unusable("eventDate", "is not a date such as 2026-01-31") from None
        try:
            at = datetime.combine(day, time.fromisoformat(clock))
        except ValueError:
            raise Unusable("eventTime", "is not a time such as 23:59:59") from None
        return from_iso(at.isoformat(), self.settings.zone, "eventTime")


class _Leaves:
    """The innermost fields of a record by the last part of their path, which is all that is known of it."""

    def __init__(self, payload: bytes) -> None:
        try:
            outer = decoded(payload)
        except VendorChanged:
            reason = "is not JSON" + (": it holds a placeholder that was not filled in" if b"${" in payload else "")
            raise Unusable("record", reason) from None
        if not isinstance(outer, dict):
            raise Unusable("record", "is not an object")
        self._found: dict[str, list[Any]] = {}
        self._empty: set[str] = set()
        todo: list[tuple[str, Any]] = [("", outer)]
        while todo:
            name, value = todo.pop()
            if isinstance(value, dict):
                # The names are those of NIEM, whose JSON may carry a prefix such as `nc:`.
                todo.extend((key.rpartition(":")[2], value[key]) for key in reversed(value))
            elif isinstance(value, list):
                todo.extend((name, item) for item in reversed(value))
            elif name in _LEAVES and not _says_nothing(value):
                self._found.setdefault(name, []).append(value)
            elif name in _LEAVES:
                self._empty.add(name)

    def _fields(self, name: str) -> Fields:
        """The field alone; raises `Unusable` where it is there several times and says different things."""
        said = self._found.get(name, [])
        if any(str(one).strip() != str(said[0]).strip() for one in said[1:]):
            raise Unusable(name, "is there several times and says different things")
        return Fields({name: said[0]} if said else {})

    def text(self, name: str) -> str | None:
        filled = self._fields(name).ident_or_none(name)
        return None if filled is None or _PLACEHOLDER.search(filled) else filled

    def must(self, name: str) -> str:
        filled = self._fields(name).ident(name)
        if _PLACEHOLDER.search(filled):
            raise Unusable(name, "is a placeholder that was not filled in")
        return filled

    def plate(self) -> str:
        """The plate; raises `NoRead` where its field is there and says that none was read."""
        if _PLATE in self._empty and _PLATE not in self._found:
            raise NoRead(_PLATE, "is empty: no plate was read")
        plate = self.must(_PLATE)
        if is_none(plate, None):
            raise NoRead(_PLATE, SAYS_NONE)
        return plate

    def place(self) -> WhereAt | None:
        """The position in degrees, minutes and seconds; None where it is absent or 0/0."""
        north, east = self._degrees("Latitude"), self._degrees("Longitude")
        return Fields({"latitude": north, "longitude": east}).place("latitude", "longitude")

    def _degrees(self, axis: str) -> float | None:
        whole, *parts = (f"{axis}{part}Value" for part in ("Degree", "Minute", "Second"))
        degrees = self._fields(whole).decimal_or_none(whole)
        if degrees is None:
            return None
        turn = abs(float(degrees))
        for name, share in zip(parts, (60, 3600), strict=True):
            part = self._fields(name).decimal_or_none(name) or 0
            if not 0 <= part <= 60:
                raise Unusable(name, "is not between 0 and 60")
            turn += part / share
        # Only the degrees carry the sign; minutes and seconds lead away from zero on either side of it.
        below = str(self._found[whole][0]).lstrip().startswith("-")
        return round(-turn if below else turn, 7)

    def photos(self) -> Iterator[tuple[ImageKind, bytes]]:
        for kind, name in _PHOTOS:
            for said in self._found.get(name, ()):
                if data := Fields({name: said}).picture_or_none(name):
                    yield kind, data


def _says_nothing(value: Any) -> bool:
    """Null, blank text, and the word that Python writes for nothing, which these files hold as text."""
    return value is None or (isinstance(value, str) and value.strip() in ("", "None"))


def _whole_ones(body: bytes, name: Mapping[str, bytes]) -> Iterator[Record]:
    """The elements of a list that JSON as a whole it is not: every one that ends, and the rest as `cut`.

    An element that is broken in itself is a record of its own, so it costs no other one.
    """
    depth, start, end = 0, 0, 0
    for token in _TOKEN.finditer(body):
        sign = token[0]
        if sign == b'"':
            break
        if sign in b"[{":
            depth += 1
            start = token.end() if depth == 1 else start
        elif sign in b"]}":
            depth -= 1
            end = token.end() if depth == 1 else end
        if depth > 1 or (depth == 1 and sign != b","):
            continue
        if element := body[start : token.start()].strip():
            yield Record("read", element)
        start = token.end()
        if depth == 0:
            break
    if depth and end > start:
        yield Record("read", body[start:end].strip())
        start = end
    rest = body[start:]
    if depth or rest.strip():
        yield Record("cut", rest, attachments=name)
