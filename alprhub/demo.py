"""The main job from end to end, on stand-ins for every vendor: what `alprhub demo` shows."""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from alprhub.cli.output import print_json
from alprhub.sandbox import Sandbox, open_sandbox
from hub.audit.record import Actor
from hub.clock import SystemClock
from hub.hotlists.lists import NewEntry
from hub.hotlists.publishing import Published
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub
from normalize.states import state

SOURCES = ("flock", "rekor", "motorola", "native")
HOT_LIST = "demo-wanted"
REACH = timedelta(days=366)
STEPS = 15
PHOTOS = 12
MOTOROLA_EXPORT = {
    "settle_seconds": 0,
    "time_format": "%m/%d/%Y %I:%M:%S %p",
    "zone": "America/Los_Angeles",
    "read_id_column": "Record ID",
    "plate_column": "Plate",
    "state_column": "State",
    "captured_at_column": "Timestamp",
    "camera_id_column": "Camera",
    "camera_name_column": "Site",
    "latitude_column": "Latitude",
    "longitude_column": "Longitude",
    "confidence_column": "Confidence",
    "make_column": "Make",
    "model_column": "Model",
    "colour_column": "Color",
}
"""The column map an admin would set for the exports of this stand-in."""
Round = Callable[[], list[dict[str, Any]]]


class _ShiftedClock(SystemClock):
    """The machine's clock, moved on when the demonstration cannot wait for days."""

    def __init__(self) -> None:
        self._shift = timedelta()

    def now(self) -> datetime:
        """The machine's time plus the shift."""
        return super().now() + self._shift

    def move_on(self, by: timedelta) -> None:
        """Let days pass."""
        self._shift += by


@dataclass
class _Show:
    """Tells a person what happens, or stays silent."""

    progress: Progress
    task: Any

    def step(self, text: str) -> None:
        """One step is about to happen."""
        self.progress.update(self.task, description=text)
        self.progress.advance(self.task)


def run(*, once: bool, pictures: Path | None, as_json: bool) -> None:
    """Run the demonstration in a folder of its own; `once` ends without asking, `as_json` prints one object."""
    folder = HubSettings().data / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    console = Console(stderr=as_json)
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    models = pictures and HubSettings().models
    settings = HubSettings(data=folder, agency="Marisol Beach (made up)", profile="hermosa-beach", models=models)
    clock = _ShiftedClock()
    with (
        Progress(*columns, console=console, transient=True, disable=as_json) as progress,
        open_sandbox(folder / "vendors", seed=7, now=clock.now(), passes=300) as sandbox,
        open_hub(settings, clock) as hub,
    ):
        show = _Show(progress, progress.add_task("starting", total=STEPS))
        result = _job(hub, clock, sandbox, _photos(sandbox, pictures, clock.now()), show)
    result["seconds"] = round(time.monotonic() - started, 1)
    if as_json:
        print_json(result)
    else:
        _print(console, result, folder)
    if not once and not as_json and sys.stdin.isatty():
        console.input("Enter ends the demonstration; its store stays for the commands above. ")


def _job(hub: Hub, clock: _ShiftedClock, sandbox: Sandbox, native: Path, show: _Show) -> dict[str, Any]:
    actor = Actor.of_process()
    show.step("adding four connections, each after a live check")
    for name, values in _connections(sandbox, native, hub.settings.models).items():
        hub.connections.add(actor, name, name, values)
    hub.hotlists.load(actor, HOT_LIST, _wanted(sandbox))
    since = clock.now() - REACH

    def pull(name: str) -> dict[str, int]:
        show.step(f"sync {name}")
        return asdict(hub.sync.run(actor, name, None if name == "native" else since))

    def each(run: Callable[[Actor, str, str], Published]) -> list[dict[str, Any]]:
        return [asdict(run(actor, HOT_LIST, name)) for name in sorted(SOURCES)]

    first = {name: pull(name) for name in SOURCES}
    second = {name: pull(name) for name in SOURCES}
    publish, verify = partial(each, hub.publishing.publish), partial(each, hub.publishing.verify)
    outcomes = [_published(publish, verify, sandbox, show)]
    stolen = sandbox.world.wanted[0].vehicle
    hub.hotlists.withdraw(actor, HOT_LIST, stolen.plate, None, "recovered")
    outcomes.append(_published(publish, verify, sandbox, show))
    show.step("two days pass; what has expired is purged")
    clock.move_on(timedelta(days=2))
    purged = hub.retention.purge(actor)
    _, connector = hub.connections.open("native")
    published = _merged(*outcomes)
    hits = sum(counts["hits"] for counts in first.values())
    seen = first["native"]
    return {
        "ok": _ok(first, second, published, purged, hits),
        "seconds": 0.0,
        "connections": [
            {"key": name, **{k: first[name][k] for k in ("pulled", "stored", "duplicates", "quarantined")}}
            for name in SOURCES
        ],
        "second_sync_stored": sum(counts["stored"] for counts in second.values()),
        "hits": hits,
        "publish": published,
        "purged": purged,
        "native": {
            "engine": connector.check().partition(";")[0],
            "pictures": sum(1 for file in native.iterdir() if file.is_file()),
            "plates": seen["stored"],
        },
    }


def _ok(
    first: dict[str, dict[str, int]],
    second: dict[str, dict[str, int]],
    published: list[dict[str, Any]],
    purged: dict[str, int],
    hits: int,
) -> bool:
    """Whether everything that the demonstration promises came true."""
    return (
        all(counts["stored"] > 0 for counts in first.values())
        and not any(counts["stored"] for counts in second.values())
        and all(row["verified"] for row in published)
        and all(purged[name] > 0 for name in ("flock", "rekor", "motorola"))
        and hits > 0
    )


def _connections(sandbox: Sandbox, native: Path, models: Path | None) -> dict[str, dict[str, Any]]:
    """The settings of the four connections, as an admin would give them."""
    return {
        "flock": {**sandbox.flock, "requests_per_second": 100},
        # One request a picture would be most of the demonstration; the native reader shows kept pictures.
        "rekor": {**sandbox.rekor, "fetch_images": False, "requests_per_second": 100},
        "motorola": {"place": sandbox.motorola["folder"], **MOTOROLA_EXPORT},
        "native": {"source": str(native), "camera_id": "pier-1", "models": models},
    }


def _wanted(sandbox: Sandbox) -> list[NewEntry]:
    return [
        NewEntry(one.plate, one.reason, one.case_number, state(one.vehicle.state, "US").code)
        for one in sandbox.world.wanted
    ]


def _photos(sandbox: Sandbox, named: Path | None, now: datetime) -> Path:
    """The folder the native reader reads: drawn pictures, or copies of real photos that are at hand."""
    drawn = Path(sandbox.native["folder"])
    real = named or Path.cwd().parent / "shared" / "plates" / "us"
    if not real.is_dir():
        return drawn
    folder = drawn.with_name("photos")
    folder.mkdir()
    photos = sorted(file for file in real.iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for index, photo in enumerate(photos[:PHOTOS]):
        taken = now - timedelta(minutes=PHOTOS - index)
        shutil.copyfile(photo, folder / f"pier-1_{taken:%Y%m%dT%H%M%S}Z{photo.suffix.lower()}")
    return folder


def _published(publish: Round, verify: Round, sandbox: Sandbox, show: _Show) -> list[dict[str, Any]]:
    """Send the list out, let somebody load Motorola's file, and read every copy back."""
    show.step("publish the hot list to every source")
    sent = {row["connection"]: row for row in publish()}
    sandbox.drop.load()
    show.step("read every copy back and compare")
    return [{**sent[row["connection"]], **_proof(row)} for row in verify()]


def _proof(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("connection", "verified", "proof", "missing", "unexpected")}


def _merged(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both rounds as one line a source: what went, what was withdrawn, and whether both were proved."""
    return [
        {
            "connection": one["connection"],
            "added": one["added"] + two["added"],
            "removed": one["removed"] + two["removed"],
            "verified": one["verified"] and two["verified"],
            "proof": two["proof"],
        }
        for one, two in zip(first, second, strict=True)
    ]


def _print(console: Console, result: dict[str, Any], folder: Path) -> None:
    counts = Table("source", "pulled", "stored", "quarantined", "hot list", "proof", "purged", box=None)
    published = {row["connection"]: row for row in result["publish"]}
    for row in result["connections"]:
        list_row = published[row["key"]]
        proof = f"{list_row['proof']}{'' if list_row['verified'] else ' (not proved)'}"
        counts.add_row(
            row["key"],
            *(str(row[key]) for key in ("pulled", "stored", "quarantined")),
            f"+{list_row['added']} -{list_row['removed']}",
            proof,
            str(result["purged"][row["key"]]),
        )
    console.print(counts)
    native = result["native"]
    console.print(
        f"{result['hits']} unverified hits; a second sync stored {result['second_sync_stored']}; "
        f"{native['plates']} plates in {native['pictures']} pictures by {native['engine']}; {result['seconds']} s\n"
    )
    console.print("Try on the same store:")
    alprhub = Path(sys.argv[0])
    for command in (
        "search '9X*' --purpose stolen_vehicle --reason 'trying the demonstration'",
        "connections list",
        "quarantine list",
        "connectors list",
    ):
        console.print(f"  ALPRHUB_DATA={folder} {alprhub} {command}", markup=False, highlight=False, soft_wrap=True)
