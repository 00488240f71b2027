"""Whatever one person does, and whatever two sign: no floor and no ceiling is broken that a read was kept under."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import manuals
import migrated
import pytest
import two
from effort import tries
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from plain import PlainConnector, record, write_page
from registries import Always
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import HubError
from hub.people import Actor
from hub.policy.profile import names
from hub.settings import HubSettings
from hub.store.instant import from_micros
from hub.wiring import Hub, open_hub

ONE: Final = Actor("jlee")
BEGIN: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY: Final = timedelta(days=1)
AGES: Final = (timedelta(hours=1), 5 * DAY, 20 * DAY)
"""How old the reads are when they are kept, one of each."""
REGISTRY: Final = Always(PlainConnector)
KINDS: Final = ("own", "commercial", "native_reader")


class Promise(NamedTuple):
    """What was promised to a read when it was kept: until when nobody deletes it, and when it must be gone."""

    floor: datetime | None
    ceiling: datetime


class Seeds:
    """A hub under each manual with reads that are kept under it, to be copied."""

    def __init__(self, folder: Path, file: Path) -> None:
        self._folder = folder
        self._file = file
        self._promises: dict[str, dict[str, Promise]] = {}

    @contextmanager
    def opened(self, manual: str) -> Iterator[tuple[Hub, SetClock, dict[str, Promise]]]:
        if manual not in self._promises:
            self._promises[manual] = self._made(manual)
        with tempfile.TemporaryDirectory(dir=self._folder) as inside:
            data, clock = Path(inside) / "data", SetClock(BEGIN + timedelta(seconds=1))
            shutil.copytree(self._folder / manual / "data", data)
            with open_hub(HubSettings(data=data, profile=manual, decisions=None), clock, registry=REGISTRY) as hub:
                yield hub, clock, self._promises[manual]

    def _made(self, manual: str) -> dict[str, Promise]:
        data, feed = self._folder / manual / "data", self._folder / manual / "feed"
        migrated.seed(data, self._file)
        write_page(feed, 1, [record(n, f"9SYN00{n}", (BEGIN - age).isoformat()) for n, age in enumerate(AGES)])
        with manuals.under(HubSettings(data=data), SetClock(BEGIN), manual, registry=REGISTRY) as hub:
            hub.connections.accounts.add(ONE, "feed", "plain", {"folder": str(feed)})
            assert hub.ingest.sync.run(ONE, "feed", BEGIN - 99 * DAY, BEGIN).stored == len(AGES)
            profile = hub.governing.profile
            floors = [profile.floor("own", "flock", None, BEGIN - age, BEGIN) for age in AGES]
            ends = [profile.expiry("own", "flock", None, BEGIN - age, received_at=BEGIN).at for age in AGES]
        return {
            f"r{n}": Promise(floor.at if floor else None, end)
            for n, (floor, end) in enumerate(zip(floors, ends, strict=True))
        }


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Seeds:
    """The hubs that every example begins with."""
    return Seeds(tmp_path_factory.mktemp("seeds"), migrated_file)


def alone(manual: str, forged: bool) -> Callable[[Hub, SetClock], None]:
    """One person proposes a policy, with the office's signature in his own hand or without, and approves it too."""

    def move(hub: Hub, _: SetClock) -> None:
        before = hub.governing.profile.name
        decisions = two.signed(hub, manual) if forged else ()
        with suppress(HubError):
            ident = hub.governing.activate.activate(ONE, manual, "because I say so", decisions).id
            hub.access.approvals.approve(ONE, ident)
        assert hub.governing.profile.name == before

    return move


def both(manual: str) -> Callable[[Hub, SetClock], None]:
    """Two people put a policy in force, with what its office signs, but not that what is kept lives longer."""

    def move(hub: Hub, _: SetClock) -> None:
        signed = [manuals.decided(*manuals.SCHEDULED[manual])] if manual in manuals.SCHEDULED else []
        if hub.governing.profile.name != manual:
            two.activate(hub, ONE, manual, "the council has decided it", signed)

    return move


def another_kind(kind: str) -> Callable[[Hub, SetClock], None]:
    def move(hub: Hub, _: SetClock) -> None:
        with suppress(HubError):
            hub.connections.changes.change(ONE, "feed", {}, kind=kind, expire=True)

    return move


def wait(days: int) -> Callable[[Hub, SetClock], None]:
    return lambda _, clock: clock.advance(days * DAY)


def pull_again(hub: Hub, clock: SetClock) -> None:
    """The vendor gives all that it ever had, to another connection too."""
    known = {account.name for account in hub.connections.accounts.list()}
    if "again" not in known:
        feed = hub.connections.accounts.open("feed")[1].settings.folder
        hub.connections.accounts.add(ONE, "again", "plain", {"folder": str(feed)})
    for name in ("feed", "again"):
        hub.ingest.sync.run(ONE, name, BEGIN - 99 * DAY, clock.now())


MANUALS: Final = st.sampled_from(names())
MOVES: Final = st.one_of(
    st.builds(alone, MANUALS, st.booleans()),
    st.builds(both, MANUALS),
    st.builds(another_kind, st.sampled_from(KINDS)),
    st.builds(wait, st.sampled_from([1, 20, 40, 200, 400])),
    st.just(pull_again),
)


@settings(max_examples=tries(12, 100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(manual=MANUALS, moves=st.lists(MOVES, min_size=2, max_size=5))
@example("westminster", [wait(56), alone("hermosa-beach", True), both("hermosa-beach"), wait(200), wait(200)])
@example("hermosa-beach", [wait(40), both("long-beach"), pull_again])
@example("hermosa-beach", [both("hayward"), wait(20), pull_again])
@example("palm-springs", [both("westminster"), pull_again, another_kind("commercial"), both("palm-springs"), wait(40)])
def test_no_read_ends_before_its_floor_nor_lives_past_its_ceiling_whatever_comes_into_force(
    seeds: Seeds, manual: str, moves: list[Callable[[Hub, SetClock], None]]
) -> None:
    with seeds.opened(manual) as (hub, clock, promised):
        for move in moves:
            before = rows(hub)
            move(hub, clock)
            hub.retention.recompute.run(ONE)
            hub.retention.expired.purge(ONE)
            now, kept = clock.now(), rows(hub)
            for ident, (floor, ceiling) in promised.items():
                end = kept.get(("feed", ident))
                if floor is not None and now < floor:
                    assert end is not None, f"{ident} is gone before {floor}"
                    assert end >= floor, f"{ident} ends at {end}, before {floor}"
                if end is not None and ("feed", ident) in before:
                    assert end <= max(ceiling, floor or ceiling), f"{ident} lives until {end}, past {ceiling}"
                fresh = [name for name, one in kept if one == ident and (name, one) not in before]
                assert not fresh or now < ceiling, f"{ident} was over at {ceiling}, and is back in {fresh}"


def rows(hub: Hub) -> dict[tuple[str, str], datetime]:
    """The end of every read that is in the store, by its connection and its vendor's id."""
    sql = "SELECT c.name, r.vendor_read_id, r.expires_at FROM reads r JOIN connections c ON c.id = r.connection_id"
    with hub.store.read() as connection:
        found: Any = connection.execute(text(sql)).tuples()
        return {(name, ident): from_micros(end) for name, ident, end in found}
