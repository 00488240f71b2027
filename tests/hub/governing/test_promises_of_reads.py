"""Which policy's floor and which promise a read carries, of all that were in force: told from the policies alone."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import manuals
import pytest
import two
import yaml

from hub.governing.floors import NONE, Floors, FloorsOfPage, Kept, floor_of
from hub.governing.lives import Promises
from hub.governing.promised import Promised
from hub.policy.document import FOLDER
from hub.policy.profile import Profile, load, of_bytes
from hub.policy.provenance import Provenance
from hub.store.instant import to_micros

OWN = Provenance("own", "flock")
BOUGHT = Provenance("commercial", "flock")
CAPTURED = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECEIVED = CAPTURED + timedelta(days=90)
TIMES = to_micros(CAPTURED), to_micros(RECEIVED)
DAY = 86_400_000_000
NUMBER = manuals.decided("wm-d1", "wm-server", "P13M")
CEILING = two.decision(
    "conflict:wm-server:wm-server", prevails="ceiling", counsel="opinion 1", decided_at=NUMBER.decided_at
)


@pytest.fixture(scope="module")
def year() -> Profile:
    """A year at least, from the arrival."""
    return load("westminster", [NUMBER])


@pytest.fixture(scope="module")
def cut() -> Profile:
    """The same year, which gives way where the ceiling comes first."""
    return load("westminster", [NUMBER, CEILING])


def kept(ingested_at: int, floor_at: int | None = None, connection_id: int = 1) -> Kept:
    return Kept(connection_id, *TIMES, ingested_at, floor_at)


def test_a_read_without_a_floor_of_its_own_has_that_of_the_policy_under_which_it_was_kept(
    year: Profile, cut: Profile
) -> None:
    floors = Floors([(100, year), (200, cut), (300, load("hermosa-beach"))], {1: OWN})
    uncut, shorter = floor_of(year, OWN, *TIMES), floor_of(cut, OWN, *TIMES)
    assert uncut == to_micros(datetime(2027, 5, 30, 12, tzinfo=UTC)) > shorter
    by_time = {50: uncut, 100: uncut, 199: uncut, 200: shorter, 299: shorter, 300: NONE, 301: NONE}
    assert {at: floors.of(kept(at)) for at in by_time} == by_time


def test_a_read_carries_its_own_floor_whatever_policies_say_and_one_of_no_connection_none(year: Profile) -> None:
    floors = Floors([(100, year)], {1: OWN})
    assert [floors.of(one) for one in (kept(100, 7), kept(100, NONE), kept(100, connection_id=2))] == [7, NONE, NONE]


def test_an_end_comes_no_sooner_than_the_floor_but_for_one_that_it_had_already(year: Profile) -> None:
    floors, read = Floors([(100, year)], {1: OWN}), kept(100, 50)
    asked = {(40, 60): 50, (40, 45): 45, (40, 40): 40, (40, 30): 40, (55, 60): 55, (70, 60): 70}
    assert {one: floors.end(read, *one) for one in asked} == asked


@pytest.mark.parametrize("late", [timedelta(), timedelta(hours=1), timedelta(days=90)])
@pytest.mark.parametrize("which", ["year", "cut", "from the capture", "none"])
def test_the_floors_of_a_page_are_those_of_each_of_its_reads(
    year: Profile, cut: Profile, which: str, late: timedelta
) -> None:
    profile = {"year": year, "cut": cut, "none": load("hermosa-beach")}.get(which) or from_the_capture()
    of_page = FloorsOfPage(profile, OWN, RECEIVED).of(RECEIVED - late)
    alone = profile.floor(*OWN, RECEIVED - late, RECEIVED)
    assert of_page == (alone.at if alone else None)
    assert (of_page is None) == (which == "none")


def from_the_capture() -> Profile:
    """A year at least, from the capture."""
    data = yaml.safe_load(FOLDER.joinpath("westminster.yaml").read_text("utf-8"))
    data["retention"]["rules"][0]["min"]["clock"] = "captured_at"
    return of_bytes(yaml.safe_dump(data).encode(), "ours.yaml", [NUMBER])


def test_only_a_policy_that_came_after_the_vendor_was_known_has_promised_otherwise_before(year: Profile) -> None:
    history = [(100, load("hermosa-beach")), (200, year)]
    anything = {at: Promised(history, OWN, at).anything for at in (50, 199, 200, 201)}
    assert anything == {50: True, 199: True, 200: False, 201: False}
    assert not Promised(history[:1], OWN, 50).anything


def test_a_kind_that_a_source_had_before_counts_and_the_one_that_it_has_does_not(year: Profile) -> None:
    history = [(100, year)]
    assert Promised(history, OWN, 50, [(300, BOUGHT)]).anything
    assert not Promised(history, OWN, 50, [(300, OWN)]).anything


def test_what_is_collected_from_then_on_lives_by_the_new_policy_alone_and_what_came_before_by_the_old() -> None:
    newest = to_micros(RECEIVED)
    history = [(TIMES[0] - DAY, load("hermosa-beach")), (newest, load("long-beach"))]
    promised = Promised(history, OWN, TIMES[0] - DAY)
    before = promised.end(RECEIVED - timedelta(microseconds=1), RECEIVED, linked=False)
    assert before is not None
    assert before.rule == "hb-flock"
    assert promised.end(RECEIVED, RECEIVED, linked=False) is None


@pytest.mark.parametrize(
    ("policies", "ends"),
    [
        ([(0, 30, False), (5, 60, False)], 30),
        ([(0, 30, False), (5, 60, True)], 60),
        ([(0, 30, False), (35, 60, True)], 30),  # it was over by then
        ([(0, 30, False), (30, 60, True)], 30),  # and at that instant
        ([(0, 60, False), (5, 30, False)], 30),
        ([(0, 60, False), (5, None, False)], 60),
        ([(-9, 10, False), (-1, 60, False)], 60),  # of before it was kept
        ([(-9, 10, False), (0, 60, False)], 10),
        ([(0, None, False)], None),
    ],
)
def test_a_shorter_policy_shortens_a_promise_and_a_longer_one_lengthens_it_where_that_is_signed(
    monkeypatch: pytest.MonkeyPatch, policies: list[tuple[int, int | None, bool]], ends: int | None
) -> None:
    def lives(profile: SimpleNamespace, _: object) -> SimpleNamespace:
        end = None if profile.days is None else (profile.days, "rule")
        return SimpleNamespace(end=lambda *_: end)

    monkeypatch.setattr("hub.governing.lives.Lives", lives)
    told = [(since, SimpleNamespace(days=days, lengthens=lengthens)) for since, days, lengthens in policies]
    found = Promises(told, {}).end(1, 0, 0, 0, linked=False)  # type: ignore[arg-type]
    assert (found and found[0]) == ends
