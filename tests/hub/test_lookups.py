"""Sources that answer one plate at a time: asked for what cases watch, and every question is on record."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from alprhub.sandbox import Service, World, flock_settings
from alprhub.sandbox.flock import flock_app
from connectors.errors import VendorChanged
from connectors.vendors.flock import FlockConnector
from hub.audit.record import Actor
from hub.hotlists.lists import NewEntry
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=30)


@pytest.fixture
def flock(tmp_path: Path) -> Any:
    """A hub with a Flock connection, and the stand-in behind it."""
    world = World(5, NOW, passes=300)
    app = flock_app(world)
    with Service(app) as service, open_hub(HubSettings(data=tmp_path)) as hub:
        hub.connections.add(ACTOR, "flock", "flock", {**flock_settings(service.url), "requests_per_second": 100})
        yield hub, app.state.flock, world


def asked(hub: Hub) -> list[dict[str, Any]]:
    return [event for event in hub.audit.events() if event["action"] == "reads.lookup"]


def test_without_a_watched_plate_nothing_is_asked(flock: Any) -> None:
    hub, state, _ = flock
    assert hub.sync.run(ACTOR, "flock", SINCE, NOW).pulled == 0
    assert state.lookups == []
    assert asked(hub) == []


def test_every_watched_plate_is_asked_for_with_reason_and_case_and_on_record_before(flock: Any) -> None:
    hub, state, world = flock
    one, other = world.wanted[2], world.wanted[3]
    hub.hotlists.load(
        ACTOR, "wanted", [NewEntry(car.plate, "stolen vehicle", car.case_number, "US-CA") for car in (one, other)]
    )
    saved = hub.sync.run(ACTOR, "flock", SINCE, NOW)
    assert saved.stored == sum(seen.plate in (one.plate, other.plate) for seen in world.passes["flock"])
    assert saved.hits == saved.stored
    assert {(event["detail"]["plate"], event["reason"], event["case_number"]) for event in asked(hub)} == {
        (one.plate, "stolen vehicle", one.case_number),
        (other.plate, "stolen vehicle", other.case_number),
    }
    assert len(state.lookups) == 2
    with hub.store.read() as connection:
        assert set(connection.scalars(text("SELECT obtained FROM reads"))) == {"lookup"}


def test_a_withdrawn_plate_is_not_asked_for_again(flock: Any) -> None:
    hub, state, world = flock
    hub.hotlists.load(ACTOR, "wanted", [NewEntry(world.wanted[2].plate, "stolen vehicle", "26-1", "US-CA")])
    hub.hotlists.withdraw(ACTOR, "wanted", world.wanted[2].plate, None, "recovered")
    hub.sync.run(ACTOR, "flock", SINCE, NOW)
    assert state.lookups == []


def test_one_plate_that_the_vendor_will_not_take_does_not_hide_the_others(
    flock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _, world = flock
    odd, good = "9XODD00", world.wanted[2].plate
    hub.hotlists.load(ACTOR, "wanted", [NewEntry(plate, "stolen vehicle", "26-1", "US-CA") for plate in (odd, good)])
    real = FlockConnector.lookup

    def picky(self: FlockConnector, query: Any) -> Any:
        if query.plate == odd:
            raise VendorChanged("the vendor answered 422")
        return real(self, query)

    monkeypatch.setattr(FlockConnector, "lookup", picky)
    with pytest.raises(VendorChanged, match="not every watched plate"):
        hub.sync.run(ACTOR, "flock", SINCE, NOW)
    with hub.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM reads")) > 0
        assert connection.scalar(text("SELECT checkpoint FROM connections")) is None
        assert connection.scalar(text("SELECT outcome FROM runs")) == "VendorChanged"


def test_a_token_that_is_revoked_in_the_middle_is_renewed_once(flock: Any) -> None:
    hub, state, world = flock
    hub.hotlists.load(
        ACTOR, "wanted", [NewEntry(car.plate, "stolen vehicle", car.case_number, "US-CA") for car in world.wanted]
    )
    state.faults.expire_token = True
    assert hub.sync.run(ACTOR, "flock", SINCE, NOW).stored > 0
