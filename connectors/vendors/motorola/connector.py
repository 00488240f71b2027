"""Motorola Vigilant: no public interface exists, so reads come as CSV exports and hot lists leave as CSV files."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import ClassVar, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field

from connectors import contract, table
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.drop import CsvSettings, Drop
from connectors.errors import AdminMustFix, Gone, TryAgain, VendorChanged
from connectors.fields import Fields
from connectors.hotlists import alive, as_csv, file_stem
from connectors.identity import derived_id
from connectors.places import DropPlace
from normalize import vehicle
from normalize.confidence import Scale, scaled
from normalize.fault import Unusable
from normalize.plate import canonical
from normalize.read import Camera, ImageKind, ImageRef, Read
from normalize.read import Place as WhereAt
from normalize.states import postal, state
from normalize.times import Moment, from_iso, local

LARGEST_LIST: Final = 30_000_000
"""Bytes in the largest hot-list file the vendor's help allows: under 30 MB (documented)."""
COLUMNS: Final = ("Hot Plate", "State", "Alert", "Reason", "Case", "Expires")
RECEIPT: Final = ".receipt.json"
TAKEN: Final = "taken"


class MotorolaSettings(CsvSettings):
    """Where the files are dropped, and which column means what."""

    hotlists_folder: str = Field(
        "hotlists", title="Folder of hot lists", description="Below the place: where hot-list files are put."
    )
    time_format: str = Field(
        "iso", title="Time format", description="`iso`, or a pattern such as `%m/%d/%Y %I:%M:%S %p`."
    )
    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo | None = Field(None, title="Time zone", description="Of times without an offset.")
    plate_column: str = Field("plate", title="Plate column", description="Must be in every export.")
    captured_at_column: str = Field("captured_at", title="Time column", description="Must be in every export.")
    camera_id_column: str = Field("camera_id", title="Camera column", description="Must be in every export.")
    read_id_column: str = Field("read_id", title="Read id column", description="If there is one.")
    state_column: str = Field("state", title="State column", description="If there is one.")
    confidence_column: str = Field("confidence", title="Confidence column", description="If there is one.")
    confidence_scale: Scale = Field(Scale.PERCENT, title="Confidence scale", description="Of that column.")
    camera_name_column: str = Field("camera_name", title="Camera name column", description="If there is one.")
    latitude_column: str = Field("latitude", title="Latitude column", description="Degrees, if there is one.")
    longitude_column: str = Field("longitude", title="Longitude column", description="Degrees, if there is one.")
    make_column: str = Field("make", title="Make column", description="If there is one.")
    model_column: str = Field("model", title="Model column", description="If there is one.")
    colour_column: str = Field("color", title="Colour column", description="If there is one.")
    image_column: str = Field("image", title="Picture column", description="Name of a file beside the export, if any.")
    list_mode: Literal["complete", "incremental"] = Field(
        "complete", title="Hot-list load", description="As the vendor's template is set: whole lists, or changes only."
    )
    unknown_state: str = Field(
        "", title="State if unknown", description="Written where an entry names no state; the vendor demands a column."
    )


class _Refusal(msgspec.Struct):
    row: int
    reason: str = ""


class _Receipt(msgspec.Struct):
    """What the loader says of a file it loaded; this form is ours, no vendor publishes one."""

    file: str
    sha256: str
    rows: int
    loaded_at: str
    rejected: list[_Refusal] = []


class _Sent(NamedTuple):
    """A hot-list file that was put there, and where it lies now."""

    number: int
    content: str
    kind: str
    name: str
    folder: str


class MotorolaConnector(Connector[MotorolaSettings]):
    """Vigilant by file drop, through a user-set column map."""

    info = contract.Info(
        key="motorola",
        name="Motorola Vigilant",
        company="Motorola Solutions, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="motorola",
        limits=contract.Limits(parallel=1, page_size=1000),
        known_limits=(
            "Motorola publishes no interface for plate reads: this connector reads CSV exports and writes CSV lists.",
            "Which columns an export has, when it comes and who moves it is between the agency and the vendor.",
            "The receipt that proves a list was loaded is a convention of this hub: the other end must write it.",
            "Whether a list may hold rows without a state is not published.",
            "A file is under 30 MB; expired entries leave with the next push, the vendor ages lists in its own way.",
        ),
    )
    Settings = MotorolaSettings
    proof: ClassVar[contract.Proof] = contract.Proof.RECEIPT

    @cached_property
    def _drop(self) -> Drop:
        return self.closing(Drop(self.settings, self.frame.clock, self.info.limits))

    def check(self) -> str:
        """Lists the folder of reads and looks at the newest export's header."""
        count, newest = self._drop.newest()
        if newest is None:
            return f"The place answers; no export lies in {self.settings.reads_folder!r} yet."
        rows = sum(1 for _ in self.unpack(newest))
        return f"The place answers with {count} exports; the newest has {rows} rows under a header that fits."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every export not taken yet, by name, each with all its rows, as `Drop` promises it."""
        return self._drop.pages(window, self.unpack)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The rows of an export; raises `VendorChanged` where the header lacks a column that must be there."""
        told = self.settings
        required = {
            getattr(told, setting): f"--set {setting}=COLUMN"
            for setting in ("plate_column", "captured_at_column", "camera_id_column")
        }
        return table.records(
            document.body, required, encoding=told.encoding, delimiter=told.delimiter, file=document.name
        )

    def read_of(self, record: Record) -> Read:
        """One row through the column map."""
        told, cells = self.settings, _Cells(record)
        plate, camera = cells.must(told.plate_column), cells.must(told.camera_id_column)
        at = self._moment(cells.must(told.captured_at_column))
        share = scaled(cells.get(told.confidence_column), told.confidence_scale, told.confidence_column)
        image = cells.get(told.image_column)
        return Read(
            vendor_read_id=cells.get(told.read_id_column) or derived_id(camera, at, plate),
            plate_raw=plate,
            state=state(cells.get(told.state_column), "US"),
            plate_confidence=share,
            confidence_scale=None if share is None else told.confidence_scale,
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=camera, name=cells.get(told.camera_name_column)),
            place=cells.place(told.latitude_column, told.longitude_column),
            vehicle=vehicle.Vehicle(
                make=vehicle.make(cells.get(told.make_column)),
                model=cells.get(told.model_column),
                colour=vehicle.colour(cells.get(told.colour_column)),
            ),
            images=(ImageRef(kind=ImageKind.FRAME, url=image),) if image else (),
        )

    def _moment(self, text: str) -> Moment:
        column, pattern, zone = self.settings.captured_at_column, self.settings.time_format, self.settings.zone
        if pattern == "iso":
            return from_iso(text, zone, column)
        try:
            at = datetime.strptime(text, pattern)  # noqa: DTZ007 - what it lacks, the setting `zone` says
        except ValueError:
            raise Unusable(column, "does not fit the time format of the settings") from None
        return local(at, zone, column) if at.tzinfo is None else from_iso(at.isoformat(), field=column)

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture file beside the export, at most 15 MB; raises `Gone` where there is none of that name."""
        return self._drop.picture(image.url or "")

    def held_form(self, plate: str) -> str:
        """As it is: nothing is published about how the vendor writes plates."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Every plate and state; what is put for an unknown state is what comes back for it."""
        unknown = state(self.settings.unknown_state, "US").code
        return {(self.held_form(entry.plate), entry.state or unknown): entry for entry in entries}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Put the list, or its changes, there as CSV; nothing where the newest file says the same, so repeats are free.

        Raises `AdminMustFix` where a file would not stay under the vendor's 30 MB (documented).
        """
        now, folder = self.frame.clock.now(), self.settings.hotlists_folder
        if self.settings.list_mode == "complete":
            parts: dict[str, Sequence[Entry]] = {"complete": alive(delta.complete, now)}
        else:
            changes = {"remove": delta.remove, "add": alive(delta.add, now)}
            parts = {kind: entries for kind, entries in changes.items() if entries}
        bodies = {kind: self._csv(entries) for kind, entries in parts.items()}
        if any(len(body) >= LARGEST_LIST for body in bodies.values()):
            raise AdminMustFix(f"the hot-list file would not stay under the vendor's {LARGEST_LIST} bytes")
        said = [(kind, sha256(body).hexdigest()[:16]) for kind, body in bodies.items()]
        with self._drop.opened() as place:
            sent = _sent(place, folder, delta.list_name)
            if [(one.kind, one.content) for one in sent[-len(said) :]] != said:
                last = sent[-1].number if sent else 0
                # Numbered, because a loader that finds several files can only go by their names.
                for number, (kind, content) in enumerate(said, start=last + 1):
                    name = f"{file_stem(delta.list_name)}-{number:06d}-{content}-{kind}.csv"
                    place.write(folder, name, bodies[kind])
        return contract.PushReport(added=len(delta.add), removed=len(delta.remove))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """What the loader's receipts say was loaded: the last complete file and every change after it.

        Raises `Gone` where no file was put there, `TryAgain` where a file has no receipt yet, and `VendorChanged` where
        a receipt does not fit its file.
        """
        folder, held = self.settings.hotlists_folder, dict[tuple[str, str], RemoteEntry]()
        with self._drop.opened() as place:
            sent = _sent(place, folder, list_name)
            if not sent:
                raise Gone("no file of that hot list lies in the place")
            receipts = {file.name for file in place.files(folder)}
            begin = max((index for index, one in enumerate(sent) if one.kind == "complete"), default=0)
            for one in sent[begin:]:
                if one.name + RECEIPT not in receipts:
                    raise TryAgain("a file of that hot list has no receipt yet")
                body = place.read(one.folder, one.name, LARGEST_LIST)
                for row in _loaded(place.read(folder, one.name + RECEIPT, LARGEST_LIST), one.name, body):
                    key = row["Hot Plate"], row["State"]
                    if one.kind == "remove":
                        held.pop(key, None)
                    else:
                        held[key] = RemoteEntry(key[0], state(key[1], "US").code)
        return iter(held.values())

    def _csv(self, entries: Sequence[Entry]) -> bytes:
        rows: dict[tuple[str, str], tuple[str, ...]] = {}
        for entry in entries:
            country = (entry.state or "").partition("-")[0]
            short = postal(entry.state) if entry.state and country in ("US", "CA") else entry.state
            until = entry.expires_at.isoformat(timespec="seconds") if entry.expires_at else ""
            row = (entry.plate, short or self.settings.unknown_state, entry.alert.capitalize())
            rows.setdefault((row[0], row[1]), (*row, entry.reason, entry.case_number, until))
        return as_csv(COLUMNS, (rows[key] for key in sorted(rows)))


class _Cells:
    """A row's cells by column name, whatever the case of its letters; empty cells count as absent."""

    def __init__(self, record: Record) -> None:
        self._cells = table.cells(record)

    def get(self, column: str) -> str | None:
        return Fields({"cell": self._cells.get(column.casefold())}, column).text_or_none("cell")

    def must(self, column: str) -> str:
        found = self.get(column)
        if found is None:
            raise Unusable(column, "is missing or empty")
        return found

    def number(self, column: str) -> float | None:
        text = self.get(column)
        try:
            return float(text) if text else None
        except ValueError:
            raise Unusable(column, "is not a number") from None

    def place(self, latitude: str, longitude: str) -> WhereAt | None:
        return Fields({"latitude": self.number(latitude), "longitude": self.number(longitude)}).place(
            "latitude", "longitude"
        )


def _sent(place: DropPlace, folder: str, list_name: str) -> list[_Sent]:
    """The files of a list in the order in which they were put there, loaded and moved to `taken` or not."""
    form = re.compile(rf"{re.escape(file_stem(list_name))}-(\d{{6}})-([0-9a-f]{{16}})-(complete|add|remove)\.csv")
    found = {}
    for where in (f"{folder}/{TAKEN}", folder):
        for file in place.files(where):
            if fits := form.fullmatch(file.name):
                found[file.name] = _Sent(int(fits[1]), fits[2], fits[3], file.name, where)
    return sorted(found.values())


def _loaded(receipt: bytes, name: str, body: bytes) -> Iterator[dict[str, str]]:
    """The rows of a file that were loaded; raises `VendorChanged` where the receipt does not fit the file."""
    try:
        told = msgspec.json.decode(receipt, type=_Receipt)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise VendorChanged("the receipt is not one", receipt) from None
    if told.file != name or told.sha256 != sha256(body).hexdigest():
        raise VendorChanged("the receipt is for other content than the file's", receipt)
    refused = {refusal.row for refusal in told.rejected}
    rows = list(table.rows(body, COLUMNS[:1]))
    if 0 in refused or told.rows + len(refused) != len(rows) or any(row.broken for row in rows):
        raise VendorChanged(f"the loader took {told.rows} of {len(rows)} rows and does not say which", receipt)
    return (row.cells for number, row in enumerate(rows, start=1) if number not in refused)
