"""Sources that answer one plate at a time: asked for what cases watch, and every question is on record."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import migrated
import pytest
from registries import PLAIN
from sqlalchemy import text

import hub.ingest.sync as syncing
from alprhub.sandbox import Service, World, flock_settings
from alprhub.sandbox.flock import flock_app
from connectors.errors import VendorChanged
from connectors.vendors.flock import FlockConnector
from hub.errors import Stopped
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=30)


@pytest.fixture
def flock(tmp_path: Path, migrated_file: Path) -> Any:
    """A hub with a Flock connection, and the stand-in behind it."""
    world = World(5, NOW, passes=300)
    app = flock_app(world)
    settings = HubSettings(data=tmp_path / "data")
    migrated.seed(settings.data, migrated_file)
    with Service(app) as service, open_hub(settings, registry=PLAIN) as hub:
        hub.connections.accounts.add(
            ACTOR, "flock", "flock", {**flock_settings(service.url), "requests_per_second": 1000}
        )
        yield hub, app.state.flock, world


def asked(hub: Hub) -> list[dict[str, Any]]:
    return [event for event in hub.audit.events() if event["action"] == "reads.lookup"]


def test_without_a_watched_plate_nothing_is_asked(flock: Any) -> None:
    hub, state, _ = flock
    assert hub.ingest.sync.run(ACTOR, "flock", SINCE, NOW).pulled == 0
    assert state.lookups == []
    assert asked(hub) == []


def test_every_watched_plate_is_asked_for_with_reason_and_case_and_on_record_before(flock: Any) -> None:
    hub, state, world = flock
    one, other = world.wanted[2], world.wanted[3]
    hub.hotlists.lists.load(
        ACTOR, "wanted", [NewEntry(car.plate, "stolen vehicle", car.case_number, "US-CA") for car in (one, other)]
    )
    saved = hub.ingest.sync.run(ACTOR, "flock", SINCE, NOW)
    assert saved.stored == sum(seen.plate in (one.plate, other.plate) for seen in world.passes["flock"])
    assert saved.hits == saved.stored
    assert {(event["detail"]["plate"], event["reason"], event["case_number"]) for event in asked(hub)} == {
        (one.plate, "stolen vehicle", one.case_number),
        (other.plate, "stolen vehicle", other.case_number),
    }
    assert len(state.lookups) == 2
    with hub.store.read() as connection:
        assert set(connection.scalars(text("SELECT obtained FROM reads"))) == {"lookup"}


def test_where_the_question_cannot_be_put_on_record_the_vendor_is_not_asked(
    flock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, state, world = flock
    hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(world.wanted[2].plate, "stolen vehicle", "26-1", "US-CA")])

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(hub.audit, "record", full)
    with pytest.raises(OSError, match="no space"):
        hub.ingest.sync.run(ACTOR, "flock", SINCE, NOW)
    assert state.lookups == []


def test_a_withdrawn_plate_is_not_asked_for_again(flock: Any) -> None:
    hub, state, world = flock
    hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(world.wanted[2].plate, "stolen vehicle", "26-1", "US-CA")])
    hub.hotlists.lists.withdraw(ACTOR, "wanted", world.wanted[2].plate, None, "recovered")
    hub.ingest.sync.run(ACTOR, "flock", SINCE, NOW)
    assert state.lookups == []


def test_one_plate_that_the_vendor_will_not_take_does_not_hide_the_others(
    flock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _, world = flock
    odd, good = "9XODD00", world.wanted[2].plate
    hub.hotlists.lists.load(
        ACTOR, "wanted", [NewEntry(plate, "stolen vehicle", "26-1", "US-CA") for plate in (odd, good)]
    )
    real = FlockConnector.lookup

    def picky(self: FlockConnector, query: Any) -> Any:
        if query.plate == odd:
            raise VendorChanged("the vendor answered 422")
        return real(self, query)

    monkeypatch.setattr(FlockConnector, "lookup", picky)
    with pytest.raises(VendorChanged, match="not every watched plate"):
        hub.ingest.sync.run(ACTOR, "flock", SINCE, NOW)
    with hub.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM reads")) > 0
        assert connection.scalar(text("SELECT checkpoint FROM connections")) is None
        assert connection.scalar(text("SELECT outcome FROM runs")) == "VendorChanged"


def test_a_token_that_is_revoked_in_the_middle_is_renewed_once(flock: Any) -> None:
    hub, state, world = flock
    hub.hotlists.lists.load(
        ACTOR, "wanted", [NewEntry(car.plate, "stolen vehicle", car.case_number, "US-CA") for car in world.wanted]
    )
    state.faults.expire_token = True
    assert hub.ingest.sync.run(ACTOR, "flock", SINCE, NOW).stored > 0


def lookups_of(state: Any) -> list[str]:
    """The plates that were asked for, in their order."""
    return [body["plate"] for body in state.lookups]


def watch(hub: Hub, world: World, plates: int) -> list[str]:
    """Put cars on a list; gives their plates in the order in which they came on it."""
    cars = world.wanted[:plates]
    hub.hotlists.lists.load(
        ACTOR, "wanted", [NewEntry(car.plate, "stolen vehicle", car.case_number, "US-CA") for car in cars]
    )
    return [car.plate for car in cars]


def outcomes(hub: Hub) -> list[str]:
    with hub.store.read() as connection:
        return list(connection.scalars(text("SELECT outcome FROM runs ORDER BY id")))


def test_a_round_that_takes_longer_than_a_run_may_is_gone_on_with_and_counts_when_it_is_over(
    flock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, state, world = flock
    plates = watch(hub, world, 3)
    monkeypatch.setattr(syncing, "LOOKING", timedelta(0))  # each run has time for one plate
    first = hub.ingest.sync.run(ACTOR, "flock")
    assert (first.plates_asked, first.plates_left) == (1, 2)
    assert (outcomes(hub), hub.ingest.sync.run(ACTOR, "flock").plates_left) == (["unfinished"], 1)
    with hub.store.read() as connection:
        assert connection.scalar(text("SELECT checkpoint FROM connections")) is None
    last = hub.ingest.sync.run(ACTOR, "flock")
    assert last.plates_left <= 3
    assert lookups_of(state)[:3] == plates
    assert outcomes(hub)[:3] == ["unfinished", "unfinished", "done"]
    with hub.store.read() as connection:
        spans = connection.execute(text("SELECT since, until FROM runs WHERE id <= 3")).all()
        assert connection.scalar(text("SELECT checkpoint FROM connections")) is not None
    assert len(set(spans)) == 1  # one round asks every plate for the same time
    assert hub.connections.health.of("flock").cards == []


def test_a_round_that_was_killed_asks_for_no_plate_twice(flock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, state, world = flock
    plates = watch(hub, world, 3)
    real = FlockConnector.lookup

    def dies(self: FlockConnector, query: Any) -> Any:
        if query.plate == plates[1]:
            raise KeyboardInterrupt
        return real(self, query)

    monkeypatch.setattr(FlockConnector, "lookup", dies)
    with pytest.raises(KeyboardInterrupt):
        hub.ingest.sync.run(ACTOR, "flock")
    monkeypatch.setattr(FlockConnector, "lookup", real)
    hub.ingest.sync.run(ACTOR, "flock")
    assert lookups_of(state)[:3] == plates


def test_whoever_stops_a_round_finds_it_where_it_was(flock: Any) -> None:
    hub, state, world = flock
    plates = watch(hub, world, 3)

    def told(now: Any) -> None:
        if now.plates == (2, 3):
            raise Stopped("somebody stopped it")

    with pytest.raises(Stopped):
        hub.ingest.sync.run(ACTOR, "flock", SINCE, progress=told)
    assert outcomes(hub) == ["stopped"]
    hub.ingest.sync.run(ACTOR, "flock", SINCE)
    assert lookups_of(state) == plates


def test_a_plate_that_was_refused_in_an_earlier_run_of_the_round_is_not_forgotten(
    flock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _, world = flock
    plates = watch(hub, world, 2)
    monkeypatch.setattr(syncing, "LOOKING", timedelta(0))
    real = FlockConnector.lookup

    def picky(self: FlockConnector, query: Any) -> Any:
        if query.plate == plates[0]:
            raise VendorChanged("the vendor answered 422")
        return real(self, query)

    monkeypatch.setattr(FlockConnector, "lookup", picky)
    hub.ingest.sync.run(ACTOR, "flock")
    with pytest.raises(VendorChanged, match="1 in earlier runs of this round"):
        hub.ingest.sync.run(ACTOR, "flock")
    with hub.store.read() as connection:
        assert connection.scalar(text("SELECT checkpoint FROM connections")) is None


def test_what_cannot_be_asked_between_two_runs_is_said(flock: Any) -> None:
    hub, _, world = flock
    watch(hub, world, 3)
    assert hub.ingest.standing.too_long() == []
    hub.connections.changes.change(ACTOR, "flock", {"requests_per_second": 0.001}, check=False)
    (long,) = hub.ingest.standing.too_long()
    assert (long.connection, long.plates, long.seconds) == ("flock", 3, 3000.0)


def test_a_run_asks_for_no_longer_than_until_the_next_is_due(flock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _, world = flock
    watch(hub, world, 3)
    hub.connections.accounts.schedule(ACTOR, "flock", timedelta(minutes=1))
    seconds, real = [0.0], FlockConnector.lookup
    monkeypatch.setattr(syncing, "time", SimpleNamespace(monotonic=lambda: seconds[0]))

    def slow(self: FlockConnector, query: Any) -> Any:
        seconds[0] += 40
        return real(self, query)

    monkeypatch.setattr(FlockConnector, "lookup", slow)
    done = hub.ingest.sync.run(ACTOR, "flock")
    assert (done.plates_asked, done.plates_left) == (2, 1)  # 80 s: the minute is over, ten are not


def test_of_a_connection_that_is_paused_no_warning_is_given_and_nothing_is_opened(
    flock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _, world = flock
    watch(hub, world, 3)
    hub.connections.changes.change(ACTOR, "flock", {"requests_per_second": 0.001}, check=False)
    hub.connections.accounts.pause(ACTOR, "flock", "contract ended")
    opened: list[str] = []
    monkeypatch.setattr(hub.connections.accounts, "open", opened.append)
    assert (hub.ingest.standing.too_long(), opened) == ([], [])
