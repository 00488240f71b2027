"""Five days at five vendors that do everything wrong: in the end the hub holds exactly what they hold.

The days go by on a clock that is set forward; nobody waits. Whatever goes wrong is drawn from a seeded generator.
"""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from alprhub.sandbox import Faults, MotorolaDrop, Service, World, flock_settings, rekor_settings
from alprhub.sandbox.flock import flock_app
from alprhub.sandbox.motorola import Style, record_id
from alprhub.sandbox.parkpow import TOKEN, parkpow_app
from alprhub.sandbox.rekor import best_uuid, rekor_app
from alprhub.sandbox.rhombus import rhombus_app, rhombus_settings
from alprhub.sandbox.world import Pass
from connectors.errors import AdminMustFix, ConnectorError, Gone, TryAgain
from connectors.vendors.platerecognizer import PlateRecognizerConnector
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
SEED = 20260601
START = datetime(2026, 6, 1, tzinfo=UTC)
END = START + timedelta(days=5)
STEP = timedelta(hours=3)
READS = 600
WANTED = 5
"""Plates that Flock is asked for, each by a search of its own; among them a misread one and one of another state."""
EXPORT = {
    "file_pattern": "*.csv", "time_format": "iso", "zone": "America/Los_Angeles", "read_id_column": "Record ID",
    "plate_column": "Plate", "state_column": "State", "captured_at_column": "Timestamp", "camera_id_column": "Camera",
    "camera_name_column": "Site", "latitude_column": "Latitude", "longitude_column": "Longitude",
    "confidence_column": "Confidence", "make_column": "Make", "model_column": "Model", "colour_column": "Color",
}  # fmt: skip

Truth = dict[str, tuple[str, int]]


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """ParkPow's stand-in has none, and asking for each would only make the five days longer."""

    def gone(*_: object) -> bytes:
        raise Gone("there are no pictures here")

    monkeypatch.setattr(PlateRecognizerConnector, "fetch_image", gone)
    monkeypatch.setattr(logging.getLogger("alprhub.pictures"), "disabled", True)


@dataclass
class Vendor:
    """One sandbox as the test sees it: what it holds by the hub's read id, and how to make its next hours bad."""

    name: str
    connector: str
    settings: dict[str, Any]
    truth: Truth
    worsen: Callable[[Random], str]
    heal: Callable[[], None]
    answers: Callable[[], Counter[str]]
    did: Counter[str] = field(default_factory=Counter)


def truth_of(passes: list[Pass], name: Callable[[Pass], str], unit: int) -> Truth:
    """Plate and time, the latter as exact as the vendor tells it."""
    return {name(one): (one.plate, one.captured_at // unit) for one in passes}


class Weather:
    """Draws the faults of one service for some hours at a time."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._dark = 0

    def worsen(self, rng: Random) -> str:
        faults = self._faults
        if self._dark:  # an outage of days goes on, whatever else is drawn
            self._dark -= 1
            faults.outage(requests=1_000_000, reset=rng.random() < 0.5)
            return "long outage"
        self.heal()
        faults.duplicate = rng.choice((0.0, 0.05, 0.2))
        if rng.random() < 0.4:
            faults.late = faults.requests + rng.randint(1, 8)
        what = rng.choice(("fair", "429", "429", "500", "reset", "web pages", "cut short", "broken off", "long outage"))
        if what == "429":
            faults.throttle = rng.choice((1, 2, 3))
            faults.retry_after = rng.choice(("seconds", "date", "none"))  # type: ignore[assignment]
        elif what in ("500", "reset"):
            faults.outage(requests=rng.randint(1, 25), reset=what == "reset")
        elif what == "web pages":
            faults.html = rng.choice((1, 2, 3))
        elif what in ("cut short", "broken off"):
            faults.truncate = rng.choice((1, 2, 3))
            faults.truncate_how = "body" if what == "cut short" else "connection"
        elif what == "long outage":
            self._dark = rng.choice((0, 1, 4, 9))
            faults.outage(requests=1_000_000, reset=rng.random() < 0.5)
        return what

    def heal(self) -> None:
        """Everything but the records that show up late: they do so to the end."""
        delayed, seconds = self._faults.delayed, self._faults.delay_seconds
        self._faults.heal()
        self._faults.outage()
        self._faults.delayed, self._faults.delay_seconds = delayed, seconds


class Drop:
    """A folder that exports arrive in: late, twice, half written, or as something else altogether."""

    def __init__(self, drop: MotorolaDrop, clock: SetClock, rng: Random) -> None:
        self._drop, self._clock, self._rng = drop, clock, rng
        self._waiting = list(drop.world.passes["motorola"])
        self._finish: list[tuple[Path, Callable[[], None]]] = []
        self._number = 0

    def worsen(self, rng: Random) -> str:
        now = self._clock.now()
        for path in self._drop.reads.glob("*-page.csv"):
            if path.stat().st_mtime < (now - STEP * 1.5).timestamp():
                path.unlink()
        for path, finish in self._finish:
            finish()
            self._stamp(path)
        self._finish = []
        due = [one for one in self._waiting if one.time < now and rng.random() < 0.9]
        what = rng.choice(("fair", "fair", "nothing", "twice", "half a file", "a web page"))
        if what == "nothing" or not due:
            return "nothing"
        self._waiting = [one for one in self._waiting if one not in due]
        self._number += 1
        name = f"export-{self._number:04d}.csv"
        if what == "half a file":
            path, finish = self._drop.export_growing(due, name)
            self._finish.append((path, finish))
        else:
            path = self._drop.export(due, name)
        self._stamp(path)
        if what == "twice":
            self._stamp(self._drop.repeat(path, f"again-{self._number:04d}.csv"))
        if what == "a web page":
            page = self._drop.reads / f"{self._number:04d}-page.csv"
            page.write_text("<!doctype html><html><body>Sign in</body></html>")
            self._stamp(page)
        return what

    def heal(self) -> None:
        self._clock.advance(timedelta(seconds=1))
        while self._waiting or self._finish:
            self.worsen(self._rng)
        for path in self._drop.reads.glob("*-page.csv"):
            path.unlink()

    def _stamp(self, path: Path) -> None:
        at = self._clock.now().timestamp()
        os.utime(path, (at, at))


@contextmanager
def vendors(folder: Path, clock: SetClock, rng: Random) -> Iterator[list[Vendor]]:
    """Rekor, Flock, Rhombus and ParkPow on loopback, and a Motorola drop folder; each has a world of its own."""

    def world(number: int, told_by: str) -> World:
        return World(SEED + number, END, vehicles=300, passes=READS, days=5, expiring=0, vendors=(told_by,))

    with ExitStack() as stack:

        def served(
            name: str, app: Any, state: Any, url_settings: Callable[[str], dict[str, Any]], truth: Truth
        ) -> Vendor:
            service = stack.enter_context(Service(app))
            if hasattr(state, "origin"):
                state.origin = service.url
            weather = Weather(app.state.faults)

            def answers() -> Counter[str]:
                return Counter("reset" if status == 0 else str(status) for _, _, status in state.log)

            key = "platerecognizer" if name == "parkpow" else name
            return Vendor(name, key, url_settings(service.url), truth, weather.worsen, weather.heal, answers)

        def faults(number: int, delayed: float = 0.0, hours: float = 0.0) -> Faults:
            # A Retry-After that names a date is told by the machine's clock: here that is a wish for months.
            return Faults(seed=SEED + number, delayed=delayed, delay_seconds=hours * 3600, today=clock.now)

        made = []
        one = world(1, "rekor")
        app = rekor_app(one, faults=faults(1, 0.1, 9.0), clock=clock.now)
        quick = {"requests_per_second": 1000.0}
        told = {"page_size": 20, "fetch_images": False, **quick}
        truth = truth_of(list(one.passes["rekor"]), best_uuid, 1000)
        made.append(served("rekor", app, app.state.rekor, lambda url: {**rekor_settings(url), **told}, truth))

        two = world(2, "flock")
        app = flock_app(two, faults=faults(2, 0.2, 0.25), clock=clock.now)
        looked_for = two.wanted[:WANTED]
        wanted = {car.plate for car in looked_for}
        truth = truth_of([seen for seen in two.passes["flock"] if seen.plate in wanted], lambda seen: seen.id, 1)
        made.append(served("flock", app, app.state.flock, lambda url: {**flock_settings(url), **quick}, truth))

        three = world(3, "rekor")
        app = rhombus_app(three, passes=three.passes["rekor"], faults=faults(3), clock=clock.now)
        truth = truth_of(list(three.passes["rekor"]), lambda seen: seen.id, 1000)
        made.append(served("rhombus", app, app.state.rhombus, lambda url: {**rhombus_settings(url), **quick}, truth))

        four = world(4, "rekor")
        app = parkpow_app(four, faults=faults(4), clock=clock.now)
        truth = truth_of(list(four.passes["rekor"]), lambda seen: f"visit-{seen.number}-start", 1)
        address = lambda url: {"parkpow_url": f"{url}/api/v1", "parkpow_token": TOKEN, **quick}  # noqa: E731
        made.append(served("parkpow", app, app.state.parkpow, address, truth))

        five = world(5, "motorola")
        exports = Drop(MotorolaDrop(folder / "drop", five, clock=clock.now, style=Style(times="iso")), clock, rng)
        truth = truth_of(list(five.passes["motorola"]), record_id, 1_000_000)
        settings = {"place": str(folder / "drop"), **EXPORT}
        made.append(Vendor("motorola", "motorola", settings, truth, exports.worsen, exports.heal, Counter))
        wanted_by_flock.clear()
        wanted_by_flock.extend((car.plate, car.case_number) for car in looked_for)
        yield made


wanted_by_flock: list[tuple[str, str]] = []


def kept(hub: Hub, name: str) -> list[tuple[str, str, int]]:
    sql = (
        "SELECT r.vendor_read_id, p.plate, r.captured_at FROM reads r JOIN plates p ON p.id = r.plate_id "
        "JOIN connections c ON c.id = r.connection_id WHERE c.name = :name"
    )
    with hub.store.read() as connection:
        return [tuple(row) for row in connection.execute(text(sql), {"name": name})]  # type: ignore[misc]


def pull(hub: Hub, vendor: Vendor) -> None:
    try:
        saved = hub.ingest.sync.run(ACTOR, vendor.name)
        vendor.did["good runs"] += 1
        vendor.did["pulled"] += saved.pulled
    except AdminMustFix:
        raise
    except ConnectorError as failed:
        vendor.did[f"failed: {type(failed).__name__}"] += 1


@pytest.mark.slow
def test_five_days_of_everything_going_wrong_lose_nothing_and_invent_nothing(
    settings: HubSettings, tmp_path: Path
) -> None:
    rng, clock = Random(SEED), SetClock(START)

    def sleep(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))

    with vendors(tmp_path, clock, rng) as made, open_hub(settings, clock, sleep) as hub:
        for vendor in made:
            hub.connections.accounts.add(ACTOR, vendor.name, vendor.connector, vendor.settings, check=False)
        hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(plate, "stolen", case) for plate, case in wanted_by_flock])
        now = START
        while now < END:
            now += STEP
            clock.advance(max(now - clock.now(), timedelta()))
            for vendor in made:
                vendor.did[vendor.worsen(rng)] += 1
                pull(hub, vendor)
        clock.advance(max(END + timedelta(hours=12) - clock.now(), timedelta()))
        for vendor in made:
            vendor.heal()
        clock.advance(timedelta(hours=1))
        for vendor in made:
            # A drop folder is looked at twice before a file is taken; Scout may still hand out a copy of an old read.
            for _ in range(2):
                pull(hub, vendor)
                clock.advance(timedelta(minutes=5))
            before = len(kept(hub, vendor.name))
            hub.ingest.sync.backfill(ACTOR, vendor.name, since=START)
            vendor.did["only by back-fill"] = len(kept(hub, vendor.name)) - before
            hub.ingest.sync.run(ACTOR, vendor.name)
        for vendor in made:
            told(vendor, kept(hub, vendor.name))
        for vendor in made:
            unit = {"rekor": 1000, "rhombus": 1000, "motorola": 1_000_000}.get(vendor.connector, 1)
            rows = kept(hub, vendor.name)
            assert len({ident for ident, _, _ in rows}) == len(rows), "each read is kept once"
            assert {ident: (plate, at // unit) for ident, plate, at in rows} == vendor.truth
            assert vendor.did["good runs"] > 10
            assert sum(vendor.did[name] for name in vendor.did if name.startswith("failed")) > 3
        assert [gap for gap in hub.ingest.gaps.find(ACTOR, since=START, until=END) if gap.camera is None] == []
        with hub.store.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM ledger")) == sum(len(one.truth) for one in made)
            refused = connection.execute(text("SELECT field, reason FROM quarantine")).all()
        # A bad answer is kept once, to be looked at; no record is in it.
        assert {field for field, _ in refused} <= {"document"}


def told(vendor: Vendor, rows: list[tuple[str, str, int]]) -> None:
    """Print what became of a vendor's reads."""
    runs = dict(sorted(vendor.did.items()))
    wire = dict(sorted(vendor.answers().items()))
    missing = len(vendor.truth.keys() - {ident for ident, _, _ in rows})
    invented = len({ident for ident, _, _ in rows} - vendor.truth.keys())
    print(  # noqa: T201
        f"{vendor.name}: {len(vendor.truth)} held, {len(rows)} kept, {missing} missing, {invented} invented;"
        f" answers {wire}; {runs}"
    )


def test_an_outage_in_the_middle_of_the_first_run_is_waited_out_on_the_same_clock(tmp_path: Path) -> None:
    clock = SetClock(END)
    world = World(SEED, END, passes=200, days=5, expiring=0, vendors=("rekor",))
    app = rekor_app(world, clock=clock.now)
    app.state.faults.outage(requests=5)
    started = clock.now()
    with (
        Service(app) as service,
        open_hub(HubSettings(data=tmp_path), clock, lambda s: clock.advance(timedelta(seconds=s))) as hub,
    ):
        account = {**rekor_settings(service.url), "fetch_images": False, "requests_per_second": 1000.0}
        hub.connections.accounts.add(ACTOR, "rekor", "rekor", account, check=False)
        assert hub.ingest.sync.run(ACTOR, "rekor", START, END).stored == 200
        assert clock.now() - started >= timedelta(seconds=7)  # at the least half of 1, 2, 4 and 8
        app.state.faults.outage(requests=1_000_000)
        with pytest.raises(TryAgain):
            hub.ingest.sync.run(ACTOR, "rekor", START, END)
