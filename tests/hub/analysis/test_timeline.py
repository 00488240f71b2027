"""Timeline: where a plate went, and which leg no car drives."""

from datetime import timedelta
from math import inf

import pytest
from town import PLATE, WHY, Town, at, north

from hub.clock import SetClock
from hub.errors import Invalid
from hub.people import Actor
from hub.store.instant import to_micros


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
