"""The main job from end to end, on stand-ins for three vendors and cameras of one's own: what `alprhub demo` shows."""

import os
import shutil
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO, cast

from alprhub.acting import acting
from alprhub.demo_told import Story, Teller
from alprhub.plain import print_json
from alprhub.sandbox import Sandbox, open_sandbox
from alprhub.sandbox.motorola import drop_settings
from connectors.contract import ListsCameras
from hub.clock import SystemClock
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.policy.durations import Duration
from hub.search.query import MOST_ROWS, Query
from hub.settings import HubSettings, from_environment
from hub.wiring import Hub, open_hub
from hub.words import count
from normalize.plate import fold
from normalize.states import state

AGENCY = "Marisol Beach (made up)"
SCHEDULE = Path(__file__).with_name("demo-schedule.yaml")
"""What its policy leaves to a schedule, signed."""
SOURCES = ("flock", "rekor", "motorola", "native")
HOT_LIST = "demo-wanted"
REACH = timedelta(days=366)
DAYS, PASSES = 7, 1500
PHOTOS = 12
SHOWN = 8
OTHER_STATE = "US-NV"
WHY = Why("stolen_vehicle", "trying the demonstration")


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


def run(*, once: bool, pictures: Path | None, as_json: bool) -> None:
    """Run the demonstration in a folder of its own; `once` ends without asking, `as_json` prints one object."""
    folder = from_environment().data / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    teller = Teller(quiet=as_json)
    started = time.monotonic()
    models = pictures and from_environment().models
    # Whatever the environment says: a demonstration never touches the store of an agency.
    settings = HubSettings(
        data=folder, database_url=None, images=None, agency=AGENCY, profile="hermosa-beach", decisions=SCHEDULE,
        models=models,
    )  # fmt: skip
    clock = _ShiftedClock()
    with ExitStack() as stack:
        with teller.step("Starting stand-ins for three vendors, with a week of made-up traffic") as done:
            sandbox = stack.enter_context(
                open_sandbox(folder / "vendors", seed=7, now=clock.now(), passes=PASSES, days=DAYS)
            )
            hub = stack.enter_context(open_hub(settings, clock))
            done("Stand-ins for three vendors run, with a week of made-up traffic")
        result, story = _job(hub, clock, sandbox, _photos(sandbox, pictures, clock.now()), teller)
        result["seconds"] = round(time.monotonic() - started, 1)
        if as_json:
            print_json(result)
            return
        teller.tell(result, story, folder)
        if not once:
            _wait(teller)


def _wait(teller: Teller) -> None:
    """Stay until somebody presses Enter or ends the input; where nobody can, not at all."""
    # Python has no stdin at all where it was closed, which its types do not say.
    if (typed := cast("TextIO | None", sys.stdin)) is None or not typed.isatty():
        return
    with suppress(EOFError):
        teller.console.input("\nThe stand-ins answer until you press Enter; the store stays for the commands above. ")


def _job(
    hub: Hub, clock: _ShiftedClock, sandbox: Sandbox, native: Path, teller: Teller
) -> tuple[dict[str, Any], Story]:
    actor = acting()
    names = {name: hub.connections.accounts.kind(name).info.name for name in SOURCES}
    with teller.step("Joining the hub to four sources, each tried first") as done:
        for name, values in _connections(sandbox, native, hub.settings.models).items():
            hub.connections.accounts.add(actor, name, name, values)
        wanted = _wanted(sandbox)
        hub.hotlists.lists.load(actor, HOT_LIST, wanted)
        done(f"Four sources are joined, each was tried first; {count(len(wanted), 'wanted car')} are on a list")
    since = clock.now() - REACH

    def pull(name: str, again: bool = False) -> dict[str, int]:
        doing = f"Asking {names[name]}{' again' if again else ''} for what its cameras saw"
        with teller.step(doing) as done:
            seen = asdict(
                hub.ingest.sync.run(actor, name, None if name == "native" else since, progress=teller.counting(doing))
            )
            done("" if again else f"{names[name]}: {count(seen['stored'], 'read')} kept")
        return seen

    first = {name: pull(name) for name in SOURCES}
    second = {name: pull(name, again=True) for name in SOURCES}
    stored_again = sum(counts["stored"] for counts in second.values())
    teller.did(f"All four were asked a second time: {count(stored_again, 'read')} kept twice")
    story = _story(hub, actor, names)
    outcomes = [_published(hub, actor, sandbox, teller, f"the list of {count(len(wanted), 'car')}")]
    vehicle = sandbox.world.wanted[0].vehicle
    hub.hotlists.lists.withdraw(actor, HOT_LIST, vehicle.plate, None, "recovered")
    teller.did(f"{vehicle.plate} was found and is taken off the list")
    outcomes.append(_published(hub, actor, sandbox, teller, "the list without it"))
    with teller.step("Two days pass: destroying what has reached the end of its time") as done:
        clock.move_on(timedelta(days=2))
        purged = hub.retention.expired.purge(actor)
        story.destroyed = hub.retention.certificates.list()
        story.certificates = hub.retention.certificates.verify()
        done(f"Two days have passed: {count(sum(purged.values()), 'read')} destroyed, each with a certificate")
    engine = hub.connections.accounts.check("native").partition(";")[0]
    published = _merged(*outcomes)
    hits = sum(counts["hits"] for counts in first.values())
    seen = first["native"]
    result = {
        "ok": _ok(first, second, published, purged, hits),
        "seconds": 0.0,
        "connections": [
            {"key": name, **{k: first[name][k] for k in ("pulled", "stored", "duplicates", "quarantined")}}
            for name in SOURCES
        ],
        "second_sync_stored": stored_again,
        "hits": hits,
        "publish": published,
        "purged": purged,
        "native": {
            "engine": engine,
            "pictures": sum(1 for file in native.iterdir() if file.is_file()),
            "plates": seen["stored"],
        },
    }
    return result, story


def _story(hub: Hub, actor: Actor, names: dict[str, str]) -> Story:
    """What people are shown and programs are not: the newest hits in full, and a read with a picture."""
    rows = hub.search.reads.find(actor, Query(WHY, hits_only=True, limit=MOST_ROWS)).rows
    # One of another state is always among them: it is what a person must see before anybody is stopped.
    strangers = hub.search.reads.find(actor, Query(WHY, hits_only=True, states=(OTHER_STATE,), limit=1)).rows
    chosen = {row.id: row for row in (*rows[:SHOWN], *strangers)}
    newest = [hub.search.one.show(actor, WHY, ident) for ident in chosen]
    pictured = next(iter(hub.search.reads.find(actor, Query(WHY, connections=("native",), limit=1)).rows), None)
    cameras = {
        name: len(
            {row.camera for row in hub.search.reads.find(actor, Query(WHY, connections=(name,), limit=MOST_ROWS)).rows}
        )
        for name in SOURCES
    }
    cars = len({fold(row.plate) for row in rows})
    _, rekor = hub.connections.accounts.open("rekor")  # its reads have numbers for cameras, and names stand in a list
    with rekor:
        listed = rekor.cameras() if isinstance(rekor, ListsCameras) else ()
        called = {camera.id: camera.name for camera in listed if camera.name}
    limits = {rule.id: rule.max.dur for rule in hub.governing.profile.rules if rule.max is not None}
    periods = {rule: _period(duration) for rule, duration in limits.items()}
    shown = pictured.id if pictured else None
    return Story(names, cameras, len(rows), cars, newest, shown, hub.governing.profile.zone, called, periods)


def _period(duration: Duration) -> str:
    """A period of the calendar in words."""
    years, months = divmod(duration.months, 12)
    parts = ((years, "year"), (months, "month"), (duration.elapsed.days, "day"))
    return " and ".join(count(number, noun) for number, noun in parts if number)


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
        "motorola": dict(drop_settings(Path(sandbox.motorola["folder"]))),
        "native": {"source": str(native), "camera_id": "pier-1", "camera_name": "Pier Entrance", "models": models},
    }


def _wanted(sandbox: Sandbox) -> list[NewEntry]:
    return [
        NewEntry(entry.plate, entry.reason, entry.case_number, state(entry.vehicle.state, "US").code)
        for entry in sandbox.world.wanted
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
        copy = shutil.copyfile(photo, folder / f"pier-1_{taken:%Y%m%dT%H%M%S}Z{photo.suffix.lower()}")
        os.utime(copy, (taken.timestamp(), taken.timestamp()))
    return folder


def _published(hub: Hub, actor: Actor, sandbox: Sandbox, teller: Teller, what: str) -> list[dict[str, Any]]:
    """Send the list out, let somebody load Motorola's file, and read every copy back."""
    with teller.step(f"Sending {what} to every source that takes lists, and asking each what it holds") as done:
        sent = {name: asdict(hub.hotlists.publishing.publish(actor, HOT_LIST, name)) for name in sorted(SOURCES)}
        sandbox.drop.load()
        held = [asdict(hub.hotlists.publishing.verify(actor, HOT_LIST, name)) for name in sorted(SOURCES)]
        takers = [row["verified"] for row in held if row["proof"] != "matched_by_hub"]
        done(f"Every source that takes lists was sent {what} and asked: {sum(takers)} of {len(takers)} proved")
    return [{**sent[row["connection"]], **_proof(row)} for row in held]


def _proof(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("connection", "verified", "proof", "missing", "unexpected")}


def _merged(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both rounds as one line a source: what went, what was withdrawn, and whether both were proved."""
    return [
        {
            "connection": earlier["connection"],
            "added": (earlier["added"] or 0) + (later["added"] or 0),
            "removed": (earlier["removed"] or 0) + (later["removed"] or 0),
            "verified": earlier["verified"] and later["verified"],
            "proof": later["proof"],
        }
        for earlier, later in zip(first, second, strict=True)
    ]
