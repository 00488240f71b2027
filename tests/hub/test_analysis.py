"""Analysis: where a plate went, with whom, who was at several scenes, and when it usually goes."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from math import exp, factorial, inf, log10
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

from connectors.contract import Document
from hub.analysis import co_travel as co_travel_step
from hub.analysis import sightings as sightings_step
from hub.analysis import watched as watched_step
from hub.analysis.chance import DAY, HOUR, Habit, Known, Span, chance, surprise, wall
from hub.analysis.scenes import AtCamera, AtSite, Scene
from hub.analysis.service import Analysis
from hub.area import Circle, Polygon, cell_of
from hub.audit.record import Actor, Why
from hub.clock import SetClock
from hub.errors import Invalid, NotFound, PolicyRefused
from hub.store.instant import to_micros
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
PLATE = "7SYN123"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LOCAL = ZoneInfo("America/Los_Angeles")
NORTH = 1 / 111_195
"""Degrees of latitude to a metre."""

Seen = tuple[str, str, datetime]
"""A plate at a camera at an instant; `CAMERA@STATE` where the plate's state is not California, `CAMERA@` for none."""


class Town:
    """A hub with two connections, `feed` and `other`, whose cameras somebody has placed."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.ask = Analysis(hub.store, hub.asking, hub.clock, hub.profile.zone)
        self._count = 0
        (folder / "other").mkdir()
        hub.connections.add(Actor("tester"), "other", "plain", {"folder": str(folder / "other")})

    def saw(self, *reads: Seen, connection: str = "feed") -> None:
        """Keep reads of a connection."""
        account, connector = self.hub.connections.open(connection)
        body = []
        for plate, camera, moment in reads:
            self._count += 1
            name, _, state = camera.partition("@")
            state = state if "@" in camera else "us-ca"
            body.append(
                {"id": f"r{self._count}", "plate": plate, "at": moment.isoformat(), "camera": name, "state": state}
            )
        page = connector.unpack(Document(msgspec.json.encode(body)))
        self.hub.intake.take(connector, account.id, page, obtained="pull")

    def place(self, camera: str, metres: float | None = None, site: str | None = None) -> None:
        """Put a camera so many metres north of the pier, and at a site; without them, nowhere."""
        self.change(
            "UPDATE cameras SET latitude = :north, longitude = :east, site = :site WHERE vendor_id = :camera",
            north=None if metres is None else north(metres),
            east=None if metres is None else -118.4,
            site=site,
            camera=camera,
        )

    def change(self, statement: str, **bound: Any) -> None:
        """Change the store behind the hub's back."""
        with self.hub.store.write() as connection:
            connection.execute(text(statement), bound)


@pytest.fixture
def town(opened: Hub, feed: Path, tmp_path: Path) -> Town:
    return Town(opened, tmp_path)


def north(metres: float) -> float:
    """A latitude so many metres north of the pier."""
    return 33.86 + metres * NORTH


def at(minutes: float) -> datetime:
    """An instant so many minutes after eight in the morning, UTC, of the day on which everybody asks."""
    return NOON - timedelta(hours=4) + timedelta(minutes=minutes)


# Every question


TYPED: list[Callable[[Analysis, Actor, Why, str], Any]] = [
    lambda ask, actor, why, plate: ask.timeline(actor, why, plate),
    lambda ask, actor, why, plate: ask.co_travel(actor, why, plate, min_cameras=1),
    lambda ask, actor, why, plate: ask.pattern(actor, why, plate),
]
HERE = Scene(AtCamera("c1"), at(-10), at(10))
QUESTIONS: dict[str, Callable[[Analysis, Actor, Why], Any]] = {
    "reads.timeline": lambda ask, actor, why: ask.timeline(actor, why, PLATE),
    "reads.co_travel": lambda ask, actor, why: ask.co_travel(actor, why, PLATE, min_cameras=1),
    "reads.pattern": lambda ask, actor, why: ask.pattern(actor, why, PLATE),
    "reads.scenes": lambda ask, actor, why: ask.scenes(actor, why, [HERE, Scene(AtCamera("c2"), at(0), at(90))]),
}


@pytest.fixture
def seen(town: Town) -> Town:
    """PLATE at two places, and one other car with it."""
    town.saw((PLATE, "c1", at(0)), (PLATE, "c2", at(30)), ("8SYN456", "c1", at(0.5)), ("8SYN456", "c2", at(30.5)))
    return town


@pytest.mark.parametrize("action", QUESTIONS)
def test_every_question_is_on_record_with_what_was_asked_and_how_much_left(
    seen: Town, actor: Actor, action: str
) -> None:
    QUESTIONS[action](seen.ask, actor, WHY)
    kept = seen.hub.audit.events(1)[0]
    counts = {"reads.timeline": 2, "reads.co_travel": 1, "reads.pattern": 2, "reads.scenes": 2}
    assert (kept["action"], kept["outcome"], kept["results"]) == (action, "done", counts[action])
    assert (kept["purpose"], kept["reason"], kept["case_number"]) == (WHY.purpose, WHY.reason, "26-1")
    query = kept["detail"]["query"]
    if action == "reads.scenes":
        assert [scene["place"] for scene in query["scenes"]] == [{"camera": "c1"}, {"camera": "c2"}]
    else:
        assert query["plate"] == PLATE


@pytest.mark.parametrize("why", [Why("", "a stolen car"), Why("stolen_vehicle", " "), Why("curiosity", "a stolen car")])
def test_without_purpose_or_reason_nothing_is_answered_and_the_refusal_is_on_record(
    seen: Town, actor: Actor, why: Why
) -> None:
    for action, ask in QUESTIONS.items():
        with pytest.raises(PolicyRefused):
            ask(seen.ask, actor, why)
        kept = seen.hub.audit.events(1)[0]
        assert (kept["action"], kept["outcome"], kept["results"]) == (action, "refused", None)


def test_no_record_no_answer(seen: Town, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(seen.hub.audit, "record", full)
    for ask in QUESTIONS.values():
        with pytest.raises(OSError, match="no space"):
            ask(seen.ask, actor, WHY)


def test_a_plate_must_be_whole(town: Town, actor: Actor) -> None:
    for ask, typed in product(TYPED, ["", " - ", "7SYN?23", "7SYN*", "7SYN？23"]):
        with pytest.raises(Invalid, match=r"^plate: "):
            ask(town.ask, actor, WHY, typed)


def test_a_plate_is_understood_as_people_type_it(seen: Town, actor: Actor) -> None:
    for ask, typed in product(TYPED, ["7syn-123", " 7SYN 123 ", "７ＳＹＮ１２３"]):
        answer = ask(seen.ask, actor, WHY, typed)
        assert answer.plate == PLATE
        assert answer == ask(seen.ask, actor, WHY, PLATE)


@pytest.mark.parametrize("ask", TYPED)
def test_a_plate_that_nobody_saw_is_an_empty_answer_that_names_every_connection(
    town: Town, actor: Actor, ask: Any
) -> None:
    town.hub.connections.pause(actor, "other", "contract ended")
    answer = ask(town.ask, actor, WHY, "8NOBODY")
    assert [(one.connection, one.state, one.reads, one.first_at) for one in answer.connections] == [
        ("feed", "active", 0, None),
        ("other", "paused", 0, None),
    ]


def test_a_window_must_have_a_beginning_before_its_end(town: Town, actor: Actor) -> None:
    for ask in (town.ask.timeline, town.ask.co_travel, town.ask.pattern):
        with pytest.raises(Invalid, match=r"^since: "):
            ask(actor, WHY, PLATE, at(1), at(1))


@pytest.mark.parametrize("ask", TYPED)
def test_a_plate_with_too_many_reads_is_asked_for_in_parts(
    seen: Town, actor: Actor, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings_step, "MOST_READS", 1)
    with pytest.raises(Invalid, match="more than 1 reads"):
        ask(seen.ask, actor, WHY, PLATE)
    assert len(seen.ask.timeline(actor, WHY, PLATE, at(0), at(30)).passes) == 1


def test_only_visible_reads_are_used_purged_or_not(seen: Town, actor: Actor, clock: SetClock) -> None:
    clock.advance(at(0) + timedelta(days=30) - clock.now() - timedelta(microseconds=1))
    assert len(seen.ask.timeline(actor, WHY, PLATE).passes) == 2
    assert seen.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions
    clock.advance(timedelta(microseconds=1))
    assert [one.cameras for one in seen.ask.timeline(actor, WHY, PLATE).passes] == [("c2",)]
    assert not seen.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions
    assert seen.ask.pattern(actor, WHY, PLATE).passes == 1
    clock.advance(timedelta(seconds=30))  # now the other car's read at c1 is over as well
    answer = seen.ask.scenes(actor, WHY, [HERE, Scene(AtCamera("c2"), at(0), at(90))])
    assert (answer.plates, [one.plates for one in answer.scenes]) == ((), [0, 2])
    assert [one.reads for one in answer.scenes[0].connections] == [0, 0]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)  # PostgreSQL scans what is as small as this
@pytest.mark.parametrize("action", QUESTIONS)
def test_reads_are_found_by_index_and_never_by_looking_at_all(seen: Town, actor: Actor, action: str) -> None:
    seen.place("c1", 0.0)
    asked: list[tuple[str, Any]] = []
    reader = seen.hub.store._reader

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(reader, "before_cursor_execute", note)
    QUESTIONS[action](seen.ask, actor, WHY)
    if action == "reads.scenes":
        seen.ask.scenes(actor, WHY, [HERE, Scene(Circle(33.86, -118.4, 500), at(0), at(90))])
    event.remove(reader, "before_cursor_execute", note)
    plans = []
    with seen.hub.store.read() as connection:
        for statement, parameters in asked:
            if "reads r" in statement:
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans += [row[3] for row in rows if row[3].split()[1] == "r"]
    assert plans
    indexes = ("plate (plate_id=?", "camera (camera_id=?", "cell (cell=?")
    assert all(plan.startswith(tuple(f"SEARCH r USING INDEX ix_reads_{one}" for one in indexes)) for plan in plans), (
        plans
    )


# Timeline


def test_a_timeline_tells_passes_in_order_with_the_way_between_them(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "mole", at(10)), (PLATE, "pier", at(0)))
    town.saw((PLATE, "pier-2", at(0.1)), connection="other")
    for camera, metres, site in (("pier", 0.0, "Pier"), ("pier-2", 20.0, "Pier"), ("mole", 10_000.0, None)):
        town.place(camera, metres, site)
    answer = town.ask.timeline(actor, WHY, PLATE)
    first, second = answer.passes
    assert (first.number, first.cameras, first.sites) == (1, ("pier", "pier-2"), ("Pier",))
    assert (first.connections, first.plates, first.plate_states) == (("feed", "other"), (PLATE,), ("US-CA",))
    assert (first.first_at, first.last_at, first.leg) == (at(0), at(0.1), None)
    assert [(copy.connection, copy.camera, copy.captured_at) for copy in first.reads] == [
        ("feed", "pier", at(0)),
        ("other", "pier-2", at(0.1)),
    ]
    assert second.leg is not None
    assert (second.leg.from_pass, second.leg.seconds, second.leg.impossible) == (1, 594.0, False)
    assert second.leg.metres == pytest.approx(9980, abs=1)
    assert second.leg.kmh == pytest.approx(9980 / 594 * 3.6, abs=0.1)
    assert second.leg.least_kmh == pytest.approx((9980 - 200) / 599 * 3.6, abs=0.1)
    assert (answer.mode, answer.first_at, answer.last_at) == ("exact", at(0), at(10))
    assert (answer.plate_states, answer.impossible) == ({"US-CA": 2}, 0)
    assert [(one.connection, one.reads, one.first_at, one.last_at) for one in answer.connections] == [
        ("feed", 2, at(0), at(10)),
        ("other", 1, at(0.1), at(0.1)),
    ]


def test_every_copy_of_a_pass_has_its_own_life(town: Town, actor: Actor, clock: SetClock) -> None:
    town.saw((PLATE, "c1", at(0)))
    town.saw((PLATE, "c9", at(0)), connection="other")
    town.place("c1", 0.0)
    town.place("c9", 50.0)
    ends = to_micros(clock.now() + timedelta(hours=1))
    town.change("UPDATE reads SET expires_at = :at WHERE camera_id = (SELECT max(id) FROM cameras)", at=ends)
    (made,) = town.ask.timeline(actor, WHY, PLATE).passes
    assert [copy.expires_at for copy in made.reads] == [at(0) + timedelta(days=30), clock.now() + timedelta(hours=1)]
    clock.advance(timedelta(hours=1))
    (made,) = town.ask.timeline(actor, WHY, PLATE).passes
    assert (made.connections, len(made.reads)) == (("feed",), 1)


def test_a_leg_that_no_car_drives_is_flagged(town: Town, actor: Actor) -> None:
    cases = [
        (100_000, 300, True),  # 1200 km/h
        (100_000, 3600, False),
        (400, 1, False),  # what clocks and places may be off
        (2_000, 0, True),
    ]
    for n, (metres, seconds, impossible) in enumerate(cases):
        plate = f"7SYN12{n}"
        town.saw((plate, "c1", at(0)), (plate, f"far{n}", at(0) + timedelta(seconds=seconds)))
        town.place("c1", 0.0)
        town.place(f"far{n}", metres)
        answer = town.ask.timeline(actor, WHY, plate)
        leg = answer.passes[-1].leg
        assert leg is not None
        assert (leg.impossible, answer.impossible) == (impossible, int(impossible))
        assert (leg.kmh is None) == (seconds == 0)


def test_how_fast_is_impossible_can_be_set(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "c1", at(0)), (PLATE, "c2", at(60)))
    town.place("c1", 0.0)
    town.place("c2", 100_000.0)
    assert town.ask.timeline(actor, WHY, PLATE, fastest_kmh=90).impossible == 1
    for wrong in (0, -1, float("nan"), inf):
        with pytest.raises(Invalid, match="fastest_kmh"):
            town.ask.timeline(actor, WHY, PLATE, fastest_kmh=wrong)


def test_a_camera_without_a_place_gives_no_distance_and_hides_none(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "c1", at(0)), (PLATE, "c2", at(5)), (PLATE, "c3", at(10)))
    town.place("c1", 0.0)
    town.place("c3", 200_000.0)
    town.change("UPDATE cameras SET latitude = 33.9 WHERE vendor_id = 'c2'")  # half a place is none
    first, second, third = town.ask.timeline(actor, WHY, PLATE).passes
    assert second.leg is not None
    assert (second.leg.from_pass, second.leg.seconds) == (1, 300.0)
    assert (second.leg.metres, second.leg.kmh, second.leg.least_kmh, second.leg.impossible) == (None,) * 4
    assert third.leg is not None
    assert (third.leg.from_pass, third.leg.seconds, third.leg.impossible) == (1, 600.0, True)
    assert (first.latitude, second.longitude) == (33.86, None)


def test_where_a_read_has_a_place_of_its_own_it_counts(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "c1", at(0)), (PLATE, "c1", at(60)))
    town.place("c1", 0.0)
    town.change(
        "UPDATE reads SET latitude = :north, longitude = -118.4 WHERE captured_at = :at",
        north=north(5000),
        at=to_micros(at(60)),
    )
    leg = town.ask.timeline(actor, WHY, PLATE).passes[1].leg
    assert leg is not None
    assert leg.metres == pytest.approx(5000, abs=1)


def test_a_state_that_differs_is_flagged(town: Town, actor: Actor) -> None:
    states = ("us-ca", "us-ca", "", "us-nv", "", "us-nv", "us-ca")
    town.saw(*((PLATE, f"c1@{state}", at(10 * n)) for n, state in enumerate(states)))
    town.saw((PLATE, "c1@us-az", at(60)), connection="other")
    town.place("c1", 0.0)
    answer = town.ask.timeline(actor, WHY, PLATE)
    assert [one.other_state for one in answer.passes] == [False, False, False, True, False, False, True]
    assert answer.passes[-1].plate_states == ("US-AZ", "US-CA")
    assert answer.plate_states == {"US-CA": 3, "US-NV": 2, "US-AZ": 1}


def test_look_alikes_are_meant_only_where_they_are_asked_for(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "c1", at(0)), ("7SYNI23", "c1", at(10)), ("7SYN124", "c1", at(20)))
    exact = town.ask.timeline(actor, WHY, PLATE)
    alike = town.ask.timeline(actor, WHY, PLATE, alike=True)
    assert (exact.mode, [one.plates for one in exact.passes]) == ("exact", [("7SYN123",)])
    assert (alike.mode, [one.plates for one in alike.passes]) == ("look-alike", [("7SYN123",), ("7SYNI23",)])
    assert (town.ask.pattern(actor, WHY, PLATE).passes, town.ask.pattern(actor, WHY, PLATE, alike=True).passes) == (
        1,
        2,
    )


def test_since_is_included_and_until_is_not(town: Town, actor: Actor) -> None:
    town.saw(*((PLATE, "c1", at(10 * n)) for n in range(4)))
    assert [one.first_at for one in town.ask.timeline(actor, WHY, PLATE, at(10), at(30)).passes] == [at(10), at(20)]


# Co-travel


def local(day: int, hour: float) -> datetime:
    """A time on the clock of the agency, `day` days after Sunday 3 May 2026."""
    return (datetime(2026, 5, 3, tzinfo=LOCAL) + timedelta(days=day, hours=hour)).astimezone(UTC)


@pytest.fixture
def month(town: Town) -> Town:
    """Four weeks in which PLATE drives to work in the rush hour, and on four nights goes out with 9CNVOY1 behind it.

    9CMMT01 shares its minute every workday, 9CMMT02 its hour; 9BUS001 comes every twenty minutes all day. Strangers
    pass once each, most of them in the rush hour.
    """
    chance = random.Random(7)
    workdays = [day for day in range(28) if day % 7 not in (0, 6)]
    trips: list[tuple[str, int, float]] = [("9BUS001", day, 5 + turn / 3) for day in range(28) for turn in range(54)]
    for day in range(28):
        trips += [(f"8S{day:02d}N{car:02d}", day, 24 * chance.random()) for car in range(15)]
    for day in workdays:
        trips += [(f"8S{day:02d}R{car:02d}", day, 7.5 + chance.random()) for car in range(30)]
        start = 8 + chance.uniform(0, 20) / 3600
        trips += [(PLATE, day, start), ("9CMMT01", day, start + 30 / 3600), ("9CMMT02", day, 7.5 + chance.random())]
    for day, hour in ((3, 2.2), (9, 3.4), (15, 1.3), (24, 4.1)):
        trips += [(PLATE, day, hour), ("9CNVOY1", day, hour + 12 / 3600)]
    cameras = ("c1", "c2", "c3")
    town.saw(
        *((plate, camera, local(day, hour + n / 20)) for plate, day, hour in trips for n, camera in enumerate(cameras))
    )
    for n, camera in enumerate(cameras):
        town.place(camera, n * 3000.0)
    return town


def test_a_convoy_on_quiet_nights_outranks_commuters_and_a_bus(
    month: Town, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = month.ask.co_travel(actor, WHY, PLATE, limit=200)
    assert (answer.passes, answer.cameras, answer.candidates) == (72, 3, len(answer.companions))
    found = {one.plates[0]: one for one in answer.companions}
    convoy, commuter, bus = found["9CNVOY1"], found["9CMMT01"], found["9BUS001"]
    assert answer.companions[0] is convoy
    assert (convoy.meetings, convoy.cameras, convoy.days, convoy.passes) == (12, 3, 4, 12)
    assert (convoy.ahead, convoy.behind, convoy.median_gap_seconds) == (0, 12, 12.0)
    assert convoy.expected < 1
    assert convoy.score > 10
    # The commuter was met five times as often; but that it would be there could be known beforehand.
    assert (commuter.meetings, commuter.cameras, commuter.days) == (60, 3, 20)
    assert commuter.expected == pytest.approx(60, rel=0.05)
    assert commuter.score < 1
    assert (bus.meetings > 12, bus.score < 1) == (True, True)
    assert all(one.score < 4 for one in answer.companions[1:])

    few = month.ask.co_travel(actor, WHY, PLATE, limit=2)
    assert few.companions == answer.companions[:2]
    assert few.candidates == answer.candidates
    # Nothing is lost by looking closely at few: whoever is looked at in whatever order, the highest are the same.
    monkeypatch.setattr(co_travel_step, "_most", lambda _met: inf)
    assert month.ask.co_travel(actor, WHY, PLATE, limit=2) == few


def test_a_meeting_names_both_reads_and_every_copy_of_the_other(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "c1", at(0)), ("8SYN456", "c1", at(-0.5)), (PLATE, "c2", at(30)), ("8SYN456", "c2", at(30.2)))
    town.saw(("8SYN456", "c9", at(-0.4)), connection="other")
    town.place("c1", 0.0)
    town.place("c9", 60.0)
    town.place("c2", 5000.0)
    (one,) = town.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions
    first, second = one.met
    assert [(copy.connection, copy.captured_at) for copy in first.reads] == [("feed", at(-0.5)), ("other", at(-0.4))]
    assert (first.place, first.gap_seconds, first.read_id) == ("c1 + c9", -24.0, first.reads[1].id)
    own = town.ask.timeline(actor, WHY, PLATE).passes
    assert (first.of_read_id, second.of_read_id) == (own[0].reads[0].id, own[1].reads[0].id)
    assert (one.ahead, one.behind, one.median_gap_seconds, one.days) == (1, 1, 18.0, 1)
    assert (one.connections, one.first_at, one.last_at) == ({"feed": 2, "other": 1}, at(-0.4), at(30.2))


def test_who_comes_later_than_asked_for_was_not_met(town: Town, actor: Actor) -> None:
    gaps = {"8SYN111": 60.0, "8SYN222": -60.0, "8SYN333": 60.000001, "8SYN444": -60.000001}
    town.saw((PLATE, "c1", at(0)), *((plate, "c1", at(0) + timedelta(seconds=gap)) for plate, gap in gaps.items()))
    found = town.ask.co_travel(actor, WHY, PLATE, within=60, min_cameras=1).companions
    assert {one.plates[0] for one in found} == {"8SYN111", "8SYN222"}


def test_cameras_that_stand_together_count_once_and_see_for_each_other(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "c1", at(0)), (PLATE, "c2", at(60)))
    town.saw(("8SYN456", "c8", at(0)), ("8SYN456", "c9", at(60)), connection="other")
    for camera, metres in (("c1", 0.0), ("c8", 50.0), ("c9", None), ("c2", 120.0)):
        town.place(camera, metres, site="Pier" if camera in ("c2", "c9") else None)
    (one,) = town.ask.co_travel(actor, WHY, PLATE, min_cameras=1).companions
    assert (one.meetings, one.cameras, one.connections) == (2, 1, {"other": 2})
    assert {meeting.place for meeting in one.met} == {"Pier"}
    assert not town.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions
    town.place("c2", 5000.0, site="Pier")
    (one,) = town.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions
    assert (one.meetings, one.cameras) == (2, 2)


def test_passes_that_overlap_at_one_place_hide_no_meeting(town: Town, actor: Actor) -> None:
    row = {"c1": 0.0, "c2": 60.0, "c3": 120.0}  # the first and the last do not stand together
    seconds = (("c1", 0), ("c3", 5), ("c1", 10))
    town.saw(*((PLATE, camera, at(0) + timedelta(seconds=late)) for camera, late in seconds))
    town.saw(("8SYN456", "c3", at(0) + timedelta(seconds=5)), ("8SYN789", "c2", at(-60)))
    for camera, metres in row.items():
        town.place(camera, metres)
    assert len(town.ask.timeline(actor, WHY, PLATE).passes) == 2
    (one,) = town.ask.co_travel(actor, WHY, PLATE, within=1, min_cameras=1).companions
    assert (one.plates, one.meetings, one.median_gap_seconds) == (("8SYN456",), 1, 0.0)


def test_cameras_that_nobody_has_placed_see_for_themselves_only(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "c1", at(0)), ("8SYN456", "c2", at(0)), ("8SYN789", "c1", at(0)))
    (one,) = town.ask.co_travel(actor, WHY, PLATE, min_cameras=1).companions
    assert one.plates == ("8SYN789",)


def test_a_camera_that_moves_meets_where_it_is_and_not_where_it_stood(town: Town, actor: Actor) -> None:
    town.saw((PLATE, "c1", at(0)), ("8SYN456", "c9", at(0)), ("8SYN789", "c9", at(0.1)))
    town.place("c1", 0.0)
    town.place("c9", 10.0)
    town.change(
        "UPDATE reads SET latitude = :north, longitude = -118.4 WHERE captured_at = :at",
        north=north(9000),
        at=to_micros(at(0.1)),
    )
    (one,) = town.ask.co_travel(actor, WHY, PLATE, min_cameras=1).companions
    assert one.plates == ("8SYN456",)


def test_a_parked_car_is_met_once_by_each_however_often_it_is_read(town: Town, actor: Actor) -> None:
    town.saw(*((PLATE, "c1", at(n / 2)) for n in range(120)), *(("8SYN456", "c1", at(10 + n)) for n in range(20)))
    answer = town.ask.co_travel(actor, WHY, PLATE, min_cameras=1)
    (one,) = answer.companions
    assert (one.meetings, len(one.met[0].reads)) == (1, 20)
    assert one.expected > 0.5


def test_the_plate_itself_is_no_companion_and_what_may_be_its_misread_is_marked(town: Town, actor: Actor) -> None:
    others = ("7SYNI23", "7SYN12", "7SYN1234", "7SYM123", "8SYM123", "7SYN132")
    for camera in ("c1", "c2"):
        begun = at(0 if camera == "c1" else 60)
        town.saw((PLATE, camera, begun), *((plate, camera, begun) for plate in others))
    found = town.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions
    marked = {one.plates[0]: one.may_be_misread for one in found}
    assert marked == {"7SYN12": True, "7SYN1234": True, "7SYM123": True, "8SYM123": False, "7SYN132": False}


def test_spellings_of_another_plate_are_one_companion(town: Town, actor: Actor) -> None:
    for n, (camera, plate) in enumerate((("c1", "8SYN0OO"), ("c2", "8SYNO00"), ("c3", "8SYNO00"))):
        town.saw((PLATE, camera, at(60 * n)), (plate, f"{camera}@us-nv", at(60 * n + 0.1)))
    (one,) = town.ask.co_travel(actor, WHY, PLATE).companions
    assert (one.plates, one.plate_states, one.cameras) == (("8SYNO00", "8SYN0OO"), ("US-NV",), 3)


def test_what_is_everywhere_is_named_and_not_judged(seen: Town, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(co_travel_step, "MOST_HISTORY", 1)
    answer = seen.ask.co_travel(actor, WHY, PLATE, min_cameras=2)
    assert (answer.candidates, answer.companions, answer.everywhere) == (1, (), ("8SYN456",))


def test_a_plate_that_is_everywhere_itself_is_asked_about_in_parts(
    seen: Town, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_step, "MOST_OCCASIONS", 1)
    with pytest.raises(Invalid, match="more than 1 occasions"):
        seen.ask.co_travel(actor, WHY, PLATE)


def test_a_question_about_company_must_make_sense(town: Town, actor: Actor) -> None:
    wrong = {"within": (0.5, 3601, float("nan")), "min_cameras": (0,), "limit": (0, 201)}
    for field, value in ((field, value) for field, values in wrong.items() for value in values):
        with pytest.raises(Invalid, match=f"^{field}: "):
            town.ask.co_travel(actor, WHY, PLATE, **{field: value})


def test_chance_looks_back_four_weeks_at_least(seen: Town, actor: Actor, clock: SetClock) -> None:
    answer = seen.ask.co_travel(actor, WHY, PLATE, at(-5), at(40))
    assert answer.base_until == at(40)
    assert answer.base_since == at(40) - timedelta(days=28)
    longer = seen.ask.co_travel(actor, WHY, PLATE, at(0) - timedelta(days=90), clock.now())
    assert longer.base_since == clock.now() - timedelta(days=28)  # there is nothing to look at before the first pass


def test_chance_knows_of_visible_reads_only(seen: Town, actor: Actor) -> None:
    seen.saw(("8SYN456", "c1", at(0) - timedelta(days=1)), ("8SYN456", "c1", at(0) - timedelta(days=2)))
    assert seen.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions[0].passes == 4
    seen.change("UPDATE reads SET expires_at = 1 WHERE captured_at = :at", at=to_micros(at(0) - timedelta(days=2)))
    assert seen.ask.co_travel(actor, WHY, PLATE, min_cameras=2).companions[0].passes == 3


# The arithmetic of chance


@given(st.integers(0, 30), st.floats(0.001, 40))
def test_a_score_is_the_poisson_tail(meetings: int, expected: float) -> None:
    below = sum(exp(-expected) * expected**count / factorial(count) for count in range(meetings))
    tail = sum(exp(-expected) * expected**count / factorial(count) for count in range(meetings, 150))
    score = surprise(meetings, expected)
    assert score >= 0
    assert score == pytest.approx(-log10(tail), rel=1e-6, abs=1e-6) or tail > 1 - 1e-9
    assert 10**-score == pytest.approx(1 - below, abs=1e-9)


@given(st.integers(1, 2000), st.floats(1e-6, 2000), st.floats(1.01, 3))
def test_more_meetings_surprise_more_and_more_expected_ones_less(meetings: int, expected: float, more: float) -> None:
    here = surprise(meetings, expected)
    assert surprise(meetings + 1, expected) >= here - 1e-9
    assert surprise(meetings, expected * more) <= here + 1e-9


MONDAY = wall(to_micros(datetime(2026, 5, 4, 8, tzinfo=LOCAL)), LOCAL)
SPAN = Span(MONDAY + 14 * DAY, MONDAY + 14 * DAY + 2 * HOUR // 60, 4)
KNOWN = Known(MONDAY - DAY, MONDAY + 28 * DAY, 10_000.0)
WORKDAYS = [day for day in range(28) if day % 7 < 5]


def worth(*times: float) -> float:
    """The chance of a plate that passes at these times, in days after the first Monday at eight, to be in SPAN."""
    habit = Habit([MONDAY + round(at * DAY) for at in times])
    return chance(SPAN, habit, KNOWN, SPAN.other_days(KNOWN))


def test_the_other_days_of_a_kind_are_counted_where_the_place_is_known() -> None:
    assert SPAN.other_days(KNOWN) == 19
    assert Span(MONDAY + 5 * DAY, MONDAY + 5 * DAY + 1, 0).other_days(KNOWN) == 8
    assert SPAN.other_days(Known(SPAN.start, SPAN.end, 1.0)) == 0


def test_who_is_there_every_workday_at_that_minute_is_expected() -> None:
    assert worth(*WORKDAYS) == 1.0
    assert worth(*WORKDAYS[:10]) == pytest.approx(10 / 19)


def test_who_was_there_on_the_day_alone_is_not_expected() -> None:
    once = worth(14.0001)
    assert once == pytest.approx(1 - exp(-4 / 10_000))
    assert worth() == 0.0


def test_who_keeps_the_hour_is_expected_for_his_share_of_it() -> None:
    loose = worth(*(day + 0.01 for day in WORKDAYS if day != 14))  # a quarter past eight
    assert loose == pytest.approx(1 - exp(-19 * 2 / (19 * 62)))


def test_weekends_say_nothing_about_workdays() -> None:
    weekends = [day for day in range(28) if day % 7 >= 5]
    assert worth(*weekends) < 0.01


def test_who_passes_at_all_hours_is_expected_at_any() -> None:
    bus = Habit([MONDAY + n * DAY // 72 + HOUR // 10 for n in range(28 * 72)])
    busy = Known(KNOWN.since, KNOWN.until, 1e6)
    assert chance(SPAN, bus, busy, 19) == pytest.approx(1 - exp(-2 / 20), rel=0.1)


def test_in_dense_traffic_anybody_is_expected_more() -> None:
    dense = Span(SPAN.start, SPAN.end, 400)
    assert chance(dense, Habit([SPAN.start]), KNOWN, 0) > 90 * chance(SPAN, Habit([SPAN.start]), KNOWN, 0)


def test_a_habit_keeps_its_hour_over_a_change_of_the_clocks() -> None:
    before, after = (datetime(2026, 3, day, 8, tzinfo=LOCAL) for day in (7, 9))
    assert wall(to_micros(after), LOCAL) - wall(to_micros(before), LOCAL) == 2 * DAY
    assert to_micros(after) - to_micros(before) == 2 * DAY - HOUR


def test_a_habit_around_midnight_is_one() -> None:
    midnight = MONDAY + 16 * HOUR
    span = Span(midnight + 14 * DAY - HOUR // 60, midnight + 14 * DAY + HOUR // 60, 1)
    habit = Habit([midnight + day * DAY + (-1) ** day * HOUR // 120 for day in range(28)])
    days = span.other_days(KNOWN)
    assert chance(span, habit, KNOWN, days) == 1.0


# Scenes


@pytest.fixture
def streets(town: Town) -> Town:
    """Three places; 7SYN111 was at all, 7SYN222 at two, others at one."""
    town.saw(("7SYN111", "c1", at(0)), ("7SYN111", "c1", at(5)), ("7SYN222", "c1", at(1)), ("8SYN333", "c1", at(2)))
    town.saw(("7SYN222", "c2", at(60)), ("7SYN111", "c2", at(61)), ("8SYN444", "c2", at(200)))
    town.saw(("7SYNI11", "c9", at(120)), ("8SYN333", "c9", at(240)), connection="other")
    for camera, metres, site in (("c1", 0.0, None), ("c2", 3000.0, "Mole"), ("c9", None, "Harbour")):
        town.place(camera, metres, site)
    return town


PIER, MOLE, HARBOUR = (
    Scene(Circle(33.86, -118.4, 200), at(-1), at(10)),
    Scene(AtSite("Mole"), at(50), at(70)),
    Scene(AtCamera("c9"), at(110), at(130)),
)


def test_plates_that_were_at_all_scenes_are_found_with_their_reads(streets: Town, actor: Actor) -> None:
    answer = streets.ask.scenes(actor, WHY, [PIER, MOLE, HARBOUR])
    (one,) = answer.plates
    assert (one.plates, one.scenes, one.plate_states) == (("7SYN111", "7SYNI11"), 3, ("US-CA",))
    assert [[copy.captured_at for copy in reads] for reads in one.reads] == [[at(0), at(5)], [at(61)], [at(120)]]
    assert (answer.at_least, answer.left_out) == (3, 0)
    assert [scene.plates for scene in answer.scenes] == [3, 2, 1]
    given = [[(one.connection, one.reads) for one in scene.connections] for scene in answer.scenes]
    assert given == [[("feed", 4), ("other", 0)], [("feed", 2), ("other", 0)], [("feed", 0), ("other", 1)]]
    assert (answer.scenes[0].connections[0].first_at, answer.scenes[0].connections[0].last_at) == (at(0), at(5))


def test_some_of_the_scenes_may_be_enough(streets: Town, actor: Actor) -> None:
    answer = streets.ask.scenes(actor, WHY, [PIER, MOLE, HARBOUR], at_least=2)
    assert [(one.plates[0], one.scenes) for one in answer.plates] == [("7SYN111", 3), ("7SYN222", 2)]
    assert [len(reads) for reads in answer.plates[1].reads] == [1, 1, 0]
    first = streets.ask.scenes(actor, WHY, [PIER, MOLE, HARBOUR], at_least=2, limit=1)
    assert (first.plates, first.left_out) == (answer.plates[:1], 1)


def test_a_scene_includes_its_beginning_and_not_its_end(streets: Town, actor: Actor) -> None:
    begins = Scene(AtCamera("c2"), at(60), at(61))
    assert [one.plates for one in streets.ask.scenes(actor, WHY, [PIER, begins]).plates] == [("7SYN222",)]


@pytest.mark.parametrize("metres", [200.0, 4000.0, 60_000.0])
def test_a_read_lies_where_it_was_made_and_without_a_place_where_its_camera_stands(
    streets: Town, actor: Actor, metres: float
) -> None:
    far = north(100_000)
    streets.change(
        "UPDATE reads SET latitude = :north, longitude = -118.4, cell = :cell WHERE captured_at = :at",
        north=far,
        cell=cell_of(far, -118.4),
        at=to_micros(at(5)),
    )
    there = Scene(Circle(far, -118.4, metres), at(-1), at(10))
    here = Scene(Circle(33.86, -118.4, metres), at(-1), at(10))
    answer = streets.ask.scenes(actor, WHY, [here, there])
    assert [scene.plates for scene in answer.scenes] == [3, 1]
    (one,) = answer.plates
    assert [[copy.captured_at for copy in reads] for reads in one.reads] == [[at(0)], [at(5)]]
    assert [scene.connections[0].reads for scene in answer.scenes] == [3, 1]


def test_an_area_may_have_corners(streets: Town, actor: Actor) -> None:
    around = Polygon(((33.859, -118.41), (33.859, -118.39), (33.861, -118.39), (33.861, -118.41)))
    answer = streets.ask.scenes(actor, WHY, [Scene(around, at(-1), at(10)), MOLE])
    assert [one.plates[0] for one in answer.plates] == ["7SYN111", "7SYN222"]


def test_scenes_find_what_a_plain_scan_finds(town: Town, actor: Actor) -> None:
    chance = random.Random(3)
    plates = ("7SYN111", "7SYNI11", "8SYN222", "9SYN333", "9SYN444")
    reads = [(chance.choice(plates), f"c{chance.randrange(3)}", chance.randrange(60)) for _ in range(60)]
    town.saw(*((plate, camera, at(minute)) for plate, camera, minute in reads))
    for n in range(3):
        town.place(f"c{n}", n * 1000.0)
    for _ in range(40):
        windows = {(chance.randrange(3), chance.randrange(50), chance.randrange(1, 20)) for _ in range(4)}
        asked = [
            Scene(
                chance.choice([AtCamera(f"c{n}"), Circle(north(n * 1000.0), -118.4, 300)]), at(since), at(since + long)
            )
            for n, since, long in sorted(windows)
        ]
        if len(asked) < 2:
            continue
        wanted = chance.randrange(2, len(asked) + 1)
        there = [
            {
                plate.replace("I", "1")
                for plate, camera, minute in reads
                if camera == f"c{n}" and since <= minute < since + long
            }
            for n, since, long in sorted(windows)
        ]
        counted = Counter(plate for present in there for plate in present)
        answer = town.ask.scenes(actor, WHY, asked, at_least=wanted)
        found = {one.plates[0].replace("I", "1"): one.scenes for one in answer.plates}
        assert found == {plate: times for plate, times in counted.items() if times >= wanted}


def test_scenes_that_cannot_be_asked_about_are_refused(streets: Town, actor: Actor) -> None:
    endless = Scene(AtSite("Mole"), at(0), at(0) + timedelta(days=32))
    wrong: list[tuple[list[Scene], dict[str, int], str]] = [
        ([PIER], {}, "scenes: must be 2 to 10"),
        ([PIER] * 11, {}, "scenes: must be 2 to 10"),
        ([PIER, PIER], {}, "scene 2: is there twice"),
        ([PIER, Scene(AtSite("Mole"), at(1), at(1))], {}, "scene 2: since: "),
        ([PIER, endless], {}, "scene 2: until: "),
        ([PIER, MOLE], {"at_least": 1}, "at_least: "),
        ([PIER, MOLE], {"at_least": 3}, "at_least: "),
        ([PIER, MOLE], {"limit": 0}, "limit: "),
    ]
    for scenes, more, said in wrong:
        with pytest.raises(Invalid, match=f"^{said}"):
            streets.ask.scenes(actor, WHY, scenes, **more)


def test_a_name_that_nobody_knows_is_told_and_is_not_an_empty_street(streets: Town, actor: Actor) -> None:
    unknown: list[tuple[AtCamera | AtSite, str]] = [(AtCamera("c7"), "camera"), (AtSite("mole"), "site")]
    for place, said in unknown:
        with pytest.raises(NotFound, match=f"^scene 2: {said}: none is called"):
            streets.ask.scenes(actor, WHY, [PIER, Scene(place, at(0), at(1))])


# Pattern of life


def test_a_pattern_counts_passes_by_weekday_and_hour_in_all_and_at_each_place(town: Town, actor: Actor) -> None:
    monday, tuesday = local(1, 8.5), local(2, 17.2)
    town.saw((PLATE, "c1", monday), (PLATE, "c1", monday + timedelta(days=7)), (PLATE, "c2", tuesday))
    town.saw(
        (PLATE, "c9", monday + timedelta(seconds=5)), (PLATE, "c2", tuesday + timedelta(hours=1)), connection="other"
    )
    for camera in ("c1", "c9"):
        town.place(camera, site="Pier")
    answer = town.ask.pattern(actor, WHY, PLATE)
    assert (answer.passes, answer.zone) == (4, "America/Los_Angeles")
    cells = {(day, hour): n for day, hours in enumerate(answer.week) for hour, n in enumerate(hours) if n}
    assert cells == {(0, 8): 2, (1, 17): 1, (1, 18): 1}
    assert [len(hours) for hours in answer.week] == [24] * 7
    assert [(one.site, one.camera, one.connections, one.passes) for one in answer.places] == [
        ("Pier", None, ["feed", "other"], 2),
        (None, "c2", ["feed"], 1),
        (None, "c2", ["other"], 1),
    ]
    assert (answer.places[0].week[0][8], sum(map(sum, answer.places[0].week))) == (2, 2)
    assert (answer.first_at, answer.last_at) == (monday, monday + timedelta(days=7))
    assert [(one.connection, one.reads) for one in answer.connections] == [("feed", 3), ("other", 2)]


@pytest.mark.parametrize(
    ("moments", "cells"),
    [
        (["2026-03-08T09:59:00+00:00", "2026-03-08T10:01:00+00:00"], {(6, 1): 1, (6, 3): 1}),  # two o'clock is skipped
        (["2026-11-01T08:30:00+00:00", "2026-11-01T09:30:00+00:00"], {(6, 1): 2}),  # one o'clock comes twice
        (["2026-06-02T06:59:30+00:00", "2026-06-02T07:00:00+00:00"], {(0, 23): 1, (1, 0): 1}),
    ],
)
def test_hours_are_those_of_the_agencys_clock_through_every_change(
    town: Town, actor: Actor, clock: SetClock, moments: list[str], cells: dict[tuple[int, int], int]
) -> None:
    passed = [datetime.fromisoformat(moment) for moment in moments]
    clock.advance(passed[-1] + timedelta(days=1) - clock.now())
    town.saw(*((PLATE, "c1", moment) for moment in passed))
    week = town.ask.pattern(actor, WHY, PLATE).week
    assert {(day, hour): n for day, hours in enumerate(week) for hour, n in enumerate(hours) if n} == cells
