"""No read is destroyed before the floor under which it was kept, whatever comes into force later."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import manuals
import pytest
import two
from plain import PlainConnector, record, write_page
from registries import Always
from sqlalchemy import text

from hub.cases.orders import NewOrder
from hub.clock import SetClock
from hub.people import Actor
from hub.settings import HubSettings
from hub.store.instant import from_micros
from hub.wiring import Hub

ACTOR = Actor("tester")
KEPT = datetime(2026, 6, 1, 12, tzinfo=UTC)
CAPTURED = KEPT - timedelta(hours=1)
FLOOR = datetime(2027, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the vendor has: one read."""
    write_page(tmp_path / "feed", 1, [record(1, "9SYN001", CAPTURED.isoformat())])
    return tmp_path / "feed"


@pytest.fixture
def westminster(settings: HubSettings, clock: SetClock, folder: Path) -> Iterator[Hub]:
    """A hub under Westminster's manual, a year at least and two at most, with one read that is kept."""
    with manuals.under(settings, clock, "westminster", registry=Always(PlainConnector)) as hub:
        hub.connections.accounts.add(ACTOR, "feed", "plain", {"folder": str(folder)})
        assert hub.ingest.sync.run(ACTOR, "feed").stored == 1
        yield hub


def ends(hub: Hub) -> list[datetime]:
    with hub.store.read() as connection:
        return [from_micros(end) for end in connection.scalars(text("SELECT expires_at FROM reads ORDER BY id"))]


def shortened(hub: Hub) -> None:
    two.activate(hub, ACTOR, "hermosa-beach", "the council has decided it")
    hub.retention.recompute.run(ACTOR)


@pytest.mark.clause("westminster 462.4 ¶2 s1")
def test_a_policy_without_the_floor_ends_no_read_before_it_that_was_kept_under_it(
    westminster: Hub, clock: SetClock
) -> None:
    clock.advance(56 * DAY)
    shortened(westminster)
    assert ends(westminster) == [FLOOR]
    assert westminster.retention.expired.purge(ACTOR) == {"feed": 0}
    clock.advance(FLOOR - clock.now())
    assert westminster.retention.expired.purge(ACTOR) == {"feed": 1}


def test_an_end_before_the_floor_hides_a_read_and_destroys_it_not(westminster: Hub, clock: SetClock) -> None:
    """One that came later than the room between the two is marked for a person."""
    shortened(westminster)
    with westminster.store.write() as connection:
        connection.execute(text("UPDATE reads SET expires_at = captured_at"))
    assert westminster.retention.expired.purge(ACTOR) == {"feed": 0}
    clock.advance(FLOOR - clock.now())
    assert westminster.retention.expired.purge(ACTOR) == {"feed": 1}


def test_what_comes_under_the_policy_without_a_floor_lives_by_that_alone(
    westminster: Hub, clock: SetClock, folder: Path
) -> None:
    shortened(westminster)
    clock.advance(DAY)
    write_page(folder, 2, [record(2, "9SYN002", clock.now().isoformat())])
    assert westminster.ingest.sync.run(ACTOR, "feed").stored == 1
    assert ends(westminster) == [FLOOR, clock.now() + 30 * DAY]


def test_neither_another_kind_nor_the_removal_of_its_connection_destroys_it_sooner(
    westminster: Hub, clock: SetClock
) -> None:
    shortened(westminster)
    clock.advance(DAY)
    westminster.connections.changes.change(ACTOR, "feed", {}, kind="native_reader", expire=True)
    westminster.connections.removals.remove(ACTOR, "feed", reads="purge", reason="the contract has ended")
    assert ends(westminster) == [FLOOR]


def test_a_court_orders_it_destroyed_before_its_floor(westminster: Hub, clock: SetClock) -> None:
    shortened(westminster)
    order = NewOrder("24-CV-0007", "Superior Court", "sealed", b"%PDF")
    with westminster.store.read() as connection:
        (ident,) = connection.scalars(text("SELECT id FROM reads")).all()
    two.destroy(westminster, ACTOR, order, reads=[ident])
    assert ends(westminster) == []


def test_a_read_that_was_kept_before_floors_were_noted_has_the_one_of_the_policy_of_then(
    westminster: Hub, clock: SetClock
) -> None:
    with westminster.store.write() as connection:
        connection.execute(text("UPDATE reads SET floor_at = NULL"))
    clock.advance(56 * DAY)
    shortened(westminster)
    assert westminster.retention.expired.purge(ACTOR) == {"feed": 0}
    assert ends(westminster) == [FLOOR]
