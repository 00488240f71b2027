"""Co-travel: who went with a plate, and how far that may be chance."""

import random
from datetime import timedelta
from math import inf

import pytest
from town import PLATE, WHY, Town, at, local, north

from hub.analysis import co_travel as co_travel_step
from hub.analysis import watched as watched_step
from hub.clock import SetClock
from hub.errors import Invalid
from hub.people import Actor
from hub.store.instant import to_micros


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
