"""The made-up town: the same for the same seed, with what a demo and its tests rely on."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from alprhub.sandbox.world import RETENTION_DAYS, VENDORS, World, from_micros, to_micros

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


def test_the_same_seed_gives_the_same_world_and_another_seed_another(world: World) -> None:
    assert World(7, NOW, passes=600).passes == world.passes
    assert World(8, NOW, passes=600).passes != world.passes


def test_a_world_for_one_vendor_is_that_vendors_part_of_the_whole(world: World) -> None:
    assert World(7, NOW, passes=600, vendors=("rekor",)).passes == {"rekor": world.passes["rekor"]}


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendor_has_the_passes_asked_for_in_the_order_of_time(world: World, vendor: str) -> None:
    passes = world.passes[vendor]
    assert len(passes) == 600
    assert [one.number for one in passes] == list(range(1, 601))
    moments = [one.captured_at for one in passes]
    assert moments == sorted(moments)
    assert moments[-1] < to_micros(NOW)
    assert len({one.id for one in passes}) == 600
    assert len({(one.camera.number, one.captured_at // 1000) for one in passes}) == 600


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_the_expiring_passes_go_over_age_within_two_days(world: World, vendor: str) -> None:
    assert world.expiring(vendor, timedelta(0)) == ()
    expiring = world.expiring(vendor)
    assert len(expiring) == 10
    edge = NOW - timedelta(days=RETENTION_DAYS[vendor])
    assert all(timedelta(0) < one.time - edge < timedelta(hours=1, minutes=11) for one in expiring)
    assert {one.plate for one in expiring} == {wanted.plate for wanted in world.wanted}


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_wanted_plate_passes_every_vendor_and_at_least_once_in_the_last_day(world: World, vendor: str) -> None:
    assert len(world.wanted) == 10
    for wanted in world.wanted:
        seen = [one for one in world.passes[vendor] if (one.plate, one.state) == (wanted.plate, wanted.state)]
        assert len(seen) >= 4
        assert seen[-1].time > NOW - timedelta(days=1)


@pytest.mark.parametrize("vendor", VENDORS)
def test_one_wanted_plate_is_also_misread_and_one_is_also_of_another_state(world: World, vendor: str) -> None:
    first, second = world.wanted[:2]
    assert first.misread == first.plate.replace("0", "O").replace("B", "8") != first.plate
    assert [one.vehicle for one in world.passes[vendor] if one.plate == first.misread] == [first.vehicle]
    elsewhere = [one for one in world.passes[vendor] if one.plate == second.plate and one.state != second.state]
    assert [one.state for one in elsewhere] == [second.other_state] == ["NV"]


def test_some_passes_were_seen_by_two_vendors_within_two_seconds_at_one_pole(world: World) -> None:
    by_id = {one.id: one for passes in world.passes.values() for one in passes}
    shared = [one for one in by_id.values() if one.twin is not None]
    assert len(shared) == 3 * 60
    for one in shared:
        twin = by_id[one.twin or ""]
        assert (twin.twin, twin.plate, twin.vehicle) == (one.id, one.plate, one.vehicle)
        assert twin.vendor != one.vendor
        assert abs(twin.captured_at - one.captured_at) <= 2_010_000
        assert (twin.camera.latitude, twin.camera.longitude) == (one.camera.latitude, one.camera.longitude)


def test_traffic_is_uneven_comes_from_several_states_and_is_sometimes_misread(world: World) -> None:
    passes = [one for vendor in VENDORS for one in world.passes[vendor]]
    cars = Counter(one.vehicle.plate for one in passes).most_common()
    assert cars[0][1] > 20 * cars[-1][1]
    assert {"CA", "NV", "AZ", None} <= {one.state for one in passes}
    assert any(one.plate != one.vehicle.plate for one in passes)


@pytest.mark.parametrize(
    "bad",
    [{"passes": 100}, {"vehicles": 0}, {"vehicles": 10**6}, {"days": 28}, {"days": 0}, {"shared": 0.5}],
)
def test_a_world_that_cannot_keep_its_promises_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        World(7, NOW, **bad)  # type: ignore[arg-type]


def test_microseconds_and_moments_turn_into_each_other_exactly() -> None:
    moment = datetime(2025, 3, 9, 10, 59, 59, 999_999, tzinfo=UTC)
    assert from_micros(to_micros(moment)) == moment
    with pytest.raises(ValueError, match="zone"):
        to_micros(datetime(2025, 3, 9))  # noqa: DTZ001
