"""Scenes: who was at several places at their times."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from town import WHY, Town, at, north

from hub.analysis.scenes import AtCamera, AtSite, Scene
from hub.area import Circle, Polygon, cell_of
from hub.errors import Invalid, NotFound
from hub.people import Actor
from hub.store.instant import to_micros


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
    unknown: list[tuple[AtCamera | AtSite, str]] = [
        (AtCamera("c7"), "camera called 'c7'; there are: c1, c2, c9"),
        (AtSite("mole"), "site called 'mole'; did you mean 'Mole'"),
    ]
    for place, said in unknown:
        with pytest.raises(NotFound, match=f"^scene 2: there is no {said}"):
            streets.ask.scenes(actor, WHY, [PIER, Scene(place, at(0), at(1))])
