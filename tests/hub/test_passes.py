"""Passes: two vendors' reads of one car going by are one pass, and nothing else is."""

import random
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hub.passes
from hub.passes import SECONDS, CameraPosition, Pass, Sighting, distance, passes, spots, together

SECOND = 1_000_000
METRE = 1 / 111_195
"""Degrees of latitude."""


def seen(ident: int, second: float = 0, **more: Any) -> Sighting:
    """A read, by default of one plate at one camera."""
    said: dict[str, Any] = {
        "plate": "7SYN123",
        "plate_key": "75YN123",
        "plate_state": "US-CA",
        "expires_at": 10**15,
        "connection": "flock",
        "camera_id": 1,
        "camera": "pier",
        "site": None,
        "latitude": None,
        "longitude": None,
    }
    return Sighting(id=ident, captured_at=round(second * SECOND), **{**said, **more})


def ids(found: list[Pass]) -> list[tuple[int, ...]]:
    return [one.read_ids for one in found]


def test_two_vendors_at_one_site_make_one_pass_and_each_copy_keeps_its_own_life() -> None:
    one = seen(1, 0, expires_at=100, site="pier")
    other = seen(2, 7, connection="motorola", camera_id=2, camera="pier-2", site="pier", expires_at=900)
    (made,) = passes([other, one])
    assert made.connections == ("flock", "motorola")
    assert made.cameras == ("pier", "pier-2")
    assert made.sites == ("pier",)
    assert {read.id: read.expires_at for read in made.reads} == {1: 100, 2: 900}
    assert (made.first_at, made.last_at) == (0, 7 * SECOND)


def test_cameras_without_a_site_stand_together_within_a_hundred_metres() -> None:
    at = {"latitude": 33.86, "longitude": -118.4}
    near, far = ({"latitude": 33.86 + metres * METRE, "longitude": -118.4} for metres in (99, 101))
    one, close, away = seen(1, **at), seen(2, camera_id=2, **near), seen(3, camera_id=3, **far)
    assert ids(passes([one, close])) == [(1, 2)]
    assert ids(passes([one, away])) == [(1,), (3,)]


def test_a_camera_that_nobody_has_placed_stands_with_itself_alone() -> None:
    nowhere = seen(2, camera_id=2, site="")
    assert distance(seen(1), nowhere) is None
    assert ids(passes([seen(1, site=""), nowhere, seen(3, 5)])) == [(1, 3), (2,)]


def test_look_alikes_of_one_plate_share_a_pass_and_other_plates_do_not() -> None:
    assert ids(passes([seen(1), seen(2, plate="7SYNI23"), seen(3, plate="8SYN123", plate_key="85YN123")])) == [
        (1, 2),
        (3,),
    ]


@pytest.mark.parametrize(("later", "shared"), [(SECONDS, True), (SECONDS + 0.000001, False)])
def test_the_limit_belongs_to_the_pass(later: float, shared: bool) -> None:
    assert (len(passes([seen(1), seen(2, later)])) == 1) is shared


def test_a_parked_car_does_not_make_one_endless_pass() -> None:
    made = passes([seen(n, n) for n in range(100)])
    assert [len(one.reads) for one in made] == [21, 21, 21, 21, 16]


def test_cameras_in_a_row_do_not_chain_into_one_pass() -> None:
    row = [seen(n, camera_id=n, latitude=33.86 + n * 60 * METRE, longitude=-118.4) for n in range(1, 5)]
    assert ids(passes(row)) == [(1, 2), (3, 4)]


def test_the_limits_can_be_set() -> None:
    reads = [seen(1), seen(2, 3, camera_id=2, latitude=0.0, longitude=0.0)]
    assert len(passes([reads[0], seen(3, 3)], seconds=2)) == 2
    at = [seen(1, latitude=0.0, longitude=0.0), reads[1]._replace(latitude=500 * METRE)]
    assert (len(passes(at)), len(passes(at, metres=501))) == (2, 1)


SIGHTINGS = st.lists(
    st.builds(
        lambda key, second, camera, site, north: {
            "plate_key": key, "second": second, "camera_id": camera, "site": site,
            "latitude": None if north is None else north * METRE, "longitude": None if north is None else 180.0,
        },
        st.sampled_from("AB"),
        st.integers(0, 90),
        st.integers(1, 4),
        st.sampled_from([None, "pier", "mole"]),
        st.sampled_from([None, 0.0, 60.0, 120.0, 5000.0]),
    ),
    max_size=40,
).map(lambda given: [seen(n, **one) for n, one in enumerate(given)])  # fmt: skip


@given(SIGHTINGS, st.randoms(use_true_random=False))
def test_every_read_is_in_one_pass_and_shuffling_changes_nothing(reads: list[Sighting], chance: random.Random) -> None:
    made = passes(reads)
    assert Counter(read for one in made for read in one.reads) == Counter(reads)
    assert [one.first_at for one in made] == sorted(one.first_at for one in made)
    shuffled = list(reads)
    chance.shuffle(shuffled)
    assert passes(shuffled) == made


@given(SIGHTINGS)
def test_reads_further_apart_than_the_limits_never_share_a_pass(reads: list[Sighting]) -> None:
    for made in passes(reads):
        assert len({read.plate_key for read in made.reads}) == 1
        for one, other in combinations(made.reads, 2):
            assert abs(one.captured_at - other.captured_at) <= SECONDS * SECOND
            assert together(one.standing, other.standing)


@given(SIGHTINGS)
def test_no_two_passes_are_apart_for_nothing(reads: list[Sighting]) -> None:
    """The first read of a pass fits no pass that was open before it."""
    made = passes(reads)
    for later, first in ((one, one.reads[0]) for one in made):
        for earlier in made[: made.index(later)]:
            before = [read for read in earlier.reads if (read.captured_at, read.id) < (first.captured_at, first.id)]
            fits = all(together(read.standing, first.standing) for read in before)
            close = first.captured_at - earlier.first_at <= SECONDS * SECOND
            assert not (before and fits and close and earlier.reads[0].plate_key == first.plate_key)


def test_a_read_is_compared_with_its_neighbours_and_not_with_all_that_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that is no plate, and that every camera reads at once."""
    compared = []
    monkeypatch.setattr(hub.passes, "together", lambda *each: compared.append(each) or together(*each))
    reads = [seen(n, n % 10, camera_id=n // 2, latitude=n // 2 * 0.01 % 80, longitude=n % 7 / 9) for n in range(2000)]
    passes(reads)
    assert 0 < len(compared) <= len(reads)


def test_a_spot_is_counted_once_however_its_cameras_hang_together() -> None:
    row = [CameraPosition(n, None, n * 90 * METRE, 0.0) for n in range(1, 4)]
    mole = [
        CameraPosition(5, "mole", None, None),
        CameraPosition(9, "mole", 50.0, 8.0),
        CameraPosition(7, None, 50.0 + 50 * METRE, 8.0),
    ]
    alone = [CameraPosition(11, None, None, None), CameraPosition(12, None, None, None)]
    found = spots([*mole, *row, *alone])
    assert found == {1: 1, 2: 1, 3: 1, 5: 5, 7: 5, 9: 5, 11: 11, 12: 12}
    assert spots(reversed([*mole, *row, *alone])) == found


@given(
    st.lists(
        st.builds(
            CameraPosition,
            st.integers(1, 30),
            st.sampled_from([None, "", "pier", "mole"]),
            st.sampled_from([None, 0.0, 60 * METRE, 120 * METRE, 89.9995, -89.9995]),
            st.sampled_from([None, 0.0, 179.9996, -179.9996, 90.0]),
        ),
        max_size=15,
        unique_by=lambda one: one.camera_id,
    )
)
def test_spots_are_what_looking_at_every_pair_gives(cameras: list[CameraPosition]) -> None:
    spot = {camera.camera_id: {camera.camera_id} for camera in cameras}
    for one, other in combinations(cameras, 2):
        if together(one, other):
            joined = spot[one.camera_id] | spot[other.camera_id]
            spot.update(dict.fromkeys(joined, joined))
    assert spots(cameras) == {camera_id: min(members) for camera_id, members in spot.items()}


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((33.86, -118.4), (33.86, -118.4), 0.0),
        ((0.0, 0.0), (0.0, 180.0), 20_015_115),
        ((0.0, 179.9995), (0.0, -179.9995), 111.2),
        ((51.5074, -0.1278), (48.8566, 2.3522), 343_560),
    ],
)
def test_distances_follow_the_earth(one: tuple[float, float], other: tuple[float, float], metres: float) -> None:
    found = distance(CameraPosition(1, None, *one), CameraPosition(2, None, *other))
    assert found == pytest.approx(metres, rel=1e-3, abs=0.1)
