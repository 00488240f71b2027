"""The other side of a Vigilant drop folder: writes exports of reads, and loads hot lists as a person would.

Motorola publishes no interface for its readers, so there is no service to stand in for. documented: the rules
for a hot-list file (mandatory columns, size, complete or incremental load, records made inactive and kept).
invented: the export's columns and forms, what a file name says about the load, and the receipts.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from .faults import Anatomy, Faults
from .world import TOWN_ZONE, Pass, World

# invented: the header of an export. The letter beyond ASCII in every site shows which encoding a file has.
COLUMNS = (
    "Record ID", "Plate", "State", "Timestamp", "Camera", "Site", "Latitude", "Longitude", "Confidence", "Make",
    "Model", "Color",
)  # fmt: skip
SITE = "Peñasco Pier"
MANDATORY = ("Hot Plate", "State", "Alert")  # documented
MAX_BYTES = 30_000_000  # documented: under 30 MB

ANATOMY = Anatomy(times=(("Timestamp",),), plates=(("Plate",),), required=(("Record ID",), ("Plate",), ("Timestamp",)))

Mode = Literal["complete", "add", "remove"]


@dataclass(frozen=True, slots=True)
class Style:
    """How an export is written: its form, and what is wrong with it. All of it is invented.

    `times` is "12h" (05/31/2025 05:34:16 PM) or "iso" (2025-05-31T17:34:16), always the wall clock of `zone`
    without naming it, to the second. `wrong_columns` rows get a cell too many. `cut_last_line` ends the file in
    the middle of its last row.
    """

    times: Literal["12h", "iso"] = "12h"
    zone: str = TOWN_ZONE
    header: bool = True
    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    bom: bool = False
    crlf: bool = False
    wrong_columns: int = 0
    cut_last_line: bool = False


@dataclass
class HotRecord:
    """One record of the loaded hot list; removal makes it inactive and keeps it (documented)."""

    plate: str
    state: str
    alert: str
    more: dict[str, str]
    active: bool = True


@dataclass
class MotorolaDrop:
    """A drop folder with `reads/` (we write, the hub reads) and `hotlists/` (the hub writes, we load).

    `records` maps (plate, state) to what was ever loaded. Row faults come from `faults`: malformed and duplicate.
    """

    folder: Path
    world: World
    faults: Faults = field(default_factory=Faults)
    clock: Callable[[], datetime] | None = None
    style: Style = Style()
    records: dict[tuple[str, str], HotRecord] = field(default_factory=dict)
    receipts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reads, self.hotlists = self.folder / "reads", self.folder / "hotlists"
        self.taken = self.hotlists / "taken"
        for place in (self.reads, self.taken):
            place.mkdir(parents=True, exist_ok=True)

    @property
    def active(self) -> set[tuple[str, str]]:
        """(plate, state) of every record in force."""
        return {key for key, record in self.records.items() if record.active}

    def export(self, passes: Iterable[Pass], name: str, style: Style | None = None) -> Path:
        """Write one export, whole or not at all: the name appears when the content is complete."""
        path = self.reads / name
        hidden = self.reads / f".{name}.part"
        hidden.write_bytes(self.render(passes, style))
        os.replace(hidden, path)
        return path

    def export_days(self, style: Style | None = None) -> list[Path]:
        """Write every pass of the world, one file per local day, `reads_<yyyymmdd>.csv`."""
        zone = ZoneInfo((style or self.style).zone)
        days: defaultdict[str, list[Pass]] = defaultdict(list)
        for passing in self.world.passes["motorola"]:
            days[passing.time.astimezone(zone).strftime("%Y%m%d")].append(passing)
        return [self.export(passes, f"reads_{day}.csv", style) for day, passes in days.items()]

    def export_growing(
        self, passes: Iterable[Pass], name: str, style: Style | None = None
    ) -> tuple[Path, Callable[[], None]]:
        """Write the first half under the final name, as a slow copy does; the callable writes the rest."""
        raw = self.render(passes, style)
        path = self.reads / name
        path.write_bytes(raw[: len(raw) // 2])

        def finish() -> None:
            with path.open("ab") as file:
                file.write(raw[len(raw) // 2 :])

        return path, finish

    def repeat(self, path: Path, name: str) -> Path:
        """The same bytes once more under another name."""
        again = self.reads / name
        shutil.copyfile(path, again)
        return again

    def render(self, passes: Iterable[Pass], style: Style | None = None) -> bytes:
        """The bytes of an export."""
        how = style or self.style
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n" if how.crlf else "\n")
        if how.header:
            writer.writerow(COLUMNS)
        rows = self._rows(list(passes), how)
        for index, row in enumerate(rows):
            writer.writerow([*row, "?"] if index < how.wrong_columns else row)
        raw = text.getvalue().encode(how.encoding)
        if how.cut_last_line:
            raw = raw[: -max(2, len(raw.splitlines()[-1]) // 2)]
        return b"\xef\xbb\xbf" + raw if how.bom else raw

    def load(self, mode: Mode | None = None) -> list[dict[str, Any]]:
        """Load every hot-list file that waits, in the order of their names; the receipts, which are also written.

        A file moves to `hotlists/taken/`, and `<file name>.receipt.json` appears in `hotlists/`: file, sha256,
        rows (taken into the list), loaded_at, rejected (row and reason; row 0 is the whole file). Without a
        `mode`, a name ending in `-add.csv` or `-remove.csv` is incremental and any other complete. Names that
        begin with a dot or end in .tmp or .part are still being written and stay.
        """
        waiting = [path for path in sorted(self.hotlists.iterdir()) if path.is_file() and _is_ready(path.name)]
        return [self._load_one(path, mode or _mode_of(path.name)) for path in waiting]

    def _load_one(self, path: Path, mode: Mode) -> dict[str, Any]:
        raw = path.read_bytes()
        accepted, rejected = _check(raw)
        if not any(problem["row"] == 0 for problem in rejected):
            self._apply(accepted, mode)
        now = self.clock() if self.clock is not None else self.world.now
        receipt = {
            "file": path.name, "sha256": hashlib.sha256(raw).hexdigest(), "rows": len(accepted),
            "loaded_at": now.isoformat(), "rejected": rejected,
        }  # fmt: skip
        os.replace(path, self.taken / path.name)
        hidden = self.hotlists / f".{path.name}.receipt.json.part"
        hidden.write_text(json.dumps(receipt, indent=1), encoding="utf-8")
        os.replace(hidden, self.hotlists / f"{path.name}.receipt.json")
        self.receipts.append(receipt)
        return receipt

    def _apply(self, accepted: Sequence[HotRecord], mode: Mode) -> None:
        if mode == "complete":
            for record in self.records.values():
                record.active = False
        for record in accepted:
            key = record.plate, record.state
            if mode != "remove":
                self.records[key] = record
            elif key in self.records:
                self.records[key].active = False

    def _rows(self, passes: list[Pass], how: Style) -> list[list[str]]:
        zone = ZoneInfo(how.zone)
        names = [record_id(passing) for passing in passes]
        rows = []
        for passing in self.faults.spread(passes, names, len(passes)):
            row = self.faults.spoil(_row(passing, zone, how.times), record_id(passing), ANATOMY)
            # A dropped cell moves all that follow it, and garbage is a row of a single cell.
            rows.append([str(cell) for cell in row.values()] if isinstance(row, dict) else [str(row)])
        return rows


def drop_settings(folder: Path) -> dict[str, str]:
    """What a connector needs to read a drop's exports and to put hot lists there: the columns as an admin maps them."""
    return {
        "place": str(folder), "settle_seconds": "0", "time_format": "%m/%d/%Y %I:%M:%S %p", "zone": TOWN_ZONE,
        "read_id_column": "Record ID", "plate_column": "Plate", "state_column": "State",
        "captured_at_column": "Timestamp", "camera_id_column": "Camera", "camera_name_column": "Camera",
        "latitude_column": "Latitude", "longitude_column": "Longitude", "confidence_column": "Confidence",
        "make_column": "Make", "model_column": "Model", "colour_column": "Color",
    }  # fmt: skip


def record_id(passing: Pass) -> str:
    """The name of a record in an export."""
    return f"DET-{passing.number:09d}"


def _row(passing: Pass, zone: ZoneInfo, times: str) -> dict[str, str]:
    local = passing.time.astimezone(zone)
    stamp = local.strftime("%m/%d/%Y %I:%M:%S %p" if times == "12h" else "%Y-%m-%dT%H:%M:%S")
    cells = (
        record_id(passing), passing.plate, passing.state or "", stamp, passing.camera.name, SITE,
        str(passing.camera.latitude), str(passing.camera.longitude), f"{passing.confidence * 100:.1f}",
        passing.vehicle.make, passing.vehicle.model, passing.vehicle.colour,
    )  # fmt: skip
    return dict(zip(COLUMNS, cells, strict=True))


def _is_ready(name: str) -> bool:
    return not name.startswith(".") and not name.endswith((".tmp", ".part", ".receipt.json"))


def _mode_of(name: str) -> Mode:
    match = re.search(r"-(add|remove)\.[^.]+$", name.lower())
    if match is None:
        return "complete"
    return "add" if match.group(1) == "add" else "remove"


def _check(raw: bytes) -> tuple[list[HotRecord], list[dict[str, Any]]]:
    """The records of a hot-list file and what was rejected; row 0 stands for the whole file, 1 for its first row."""
    whole = _whole_file(raw)
    if isinstance(whole, str):
        return [], [{"row": 0, "reason": whole}]
    accepted: list[HotRecord] = []
    rejected: list[dict[str, Any]] = []
    for number, row in enumerate(whole, start=1):
        plate, state, alert = ((row[name] or "").strip() for name in MANDATORY)
        reason = None
        if None in row or None in row.values():
            reason = "wrong number of columns"
        elif not plate or not alert:
            reason = "Hot Plate and Alert must not be empty"
        elif not re.fullmatch(r"[A-Za-z]{2}", state):  # invented: that a state is its two letters
            reason = "State must be two letters"
        if reason is not None:
            rejected.append({"row": number, "reason": reason})
            continue
        more = {name: text for name, text in row.items() if name not in MANDATORY}
        accepted.append(HotRecord(plate.upper(), state.upper(), alert, more))
    return accepted, rejected


def _whole_file(raw: bytes) -> list[dict[str, str]] | str:
    """The rows of a hot-list file, or why it is refused as a whole."""
    if len(raw) >= MAX_BYTES:
        return "the file must be under 30 MB"
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "the file is not UTF-8"
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in MANDATORY if name not in (reader.fieldnames or ())]
    return f"missing columns: {', '.join(missing)}" if missing else list(reader)
