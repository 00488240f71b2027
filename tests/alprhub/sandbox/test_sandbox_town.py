"""The town of `alprhub sandbox`: every stand-in runs, time goes on there, and it is taken up where it was left."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from alprhub.sandbox.service import Service
from alprhub.sandbox.stand_ins import MAKERS
from alprhub.sandbox.town import Town
from alprhub.sandbox.world import World

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WINDOW = {"start": "2026-05-01T00:00:00Z", "topn": 5000}


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town where no time goes on, for tests that only look."""
    with Town(tmp_path_factory.mktemp("still"), passes=120, clock=Hands(), ticking=False) as opened:
        yield opened


@pytest.fixture
def town(tmp_path: Path, clock: Hands) -> Iterator[Town]:
    with Town(tmp_path / "town", passes=120, clock=clock, ticking=False) as opened:
        yield opened


def rekor_ids(town: Town) -> list[int]:
    settings = next(one.settings for one in town.standing if one.name == "rekor")
    asked = httpx.get(
        f"{settings['base_url']}/api/search/plate", params={**WINDOW, "api_key": settings["api_key"], "order": "asc"}
    )
    return [row["pk"] for row in asked.json()]


def test_all_stand_ins_run_that_need_nobody_to_send_to(still: Town) -> None:
    assert {one.name for one in still.standing} == set(MAKERS) - {"stream"}
    for one in still.standing:
        if one.where.startswith("http"):
            assert httpx.get(one.where).status_code in (401, 404)
        else:
            assert any(file.is_file() for file in Path(one.where).rglob("*"))


def test_every_vendor_has_cameras_with_names_of_their_own(still: Town) -> None:
    names = [camera.name for cameras in still.world.cameras.values() for camera in cameras]
    assert len(names) == len(set(names)) == 8 * len(MAKERS)


def test_the_same_seed_lets_the_same_cars_pass_in_the_same_minute(still: Town) -> None:
    same, other = (World(seed, NOW, passes=120, expiring=0) for seed in (7, 8))
    for minute in (0, 1, 500):
        assert same.later("rekor", minute) == still.world.later("rekor", minute)
        assert same.later("rekor", minute) != other.later("rekor", minute)
        for one in same.later("rekor", minute):
            assert timedelta(minutes=minute) <= one.time - NOW < timedelta(minutes=minute + 1)


def test_time_goes_on_and_every_stand_in_has_something_new_each_minute(town: Town, clock: Hands) -> None:
    before = rekor_ids(town)
    files = {name: set((town.folder / name).rglob("*.*")) for name in ("motorola", "harbor", "pier")}
    for minute in range(1, 4):
        clock.turn(minutes=1)
        assert town.pass_on() >= len(town.standing)
        after = rekor_ids(town)
        assert len(after) > len(before)
        assert after[: len(before)] == before
        before = after
        for name, known in files.items():
            fresh = set((town.folder / name).rglob("*.*")) - known
            assert len(fresh) == minute, name
    assert town.pass_on() == 0


def test_a_wanted_car_passes_now_and_then(still: Town) -> None:
    plates = {one.plate for one in still.world.wanted}
    passes = [one for minute in range(60) for one in still.world.later("flock", minute)]
    assert 5 <= sum(one.plate in plates for one in passes) <= 40


def test_files_of_hot_lists_are_loaded_by_somebody(town: Town) -> None:
    hotlists = town.folder / "motorola" / "hotlists"
    (hotlists / "wanted.csv").write_text("Hot Plate,State,Alert\n9XAA111,CA,high\n")
    town.pass_on()
    assert json.loads((hotlists / "wanted.csv.receipt.json").read_text())["rows"] == 1


def test_the_list_of_wanted_cars_lies_beside(still: Town) -> None:
    with still.hotlist.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["plate"] for row in rows] == [one.plate for one in still.world.wanted]
    assert all(row["state"] and row["reason"] and row["case"] for row in rows)


def test_a_town_is_taken_up_at_the_same_ports_with_the_cars_that_passed_meanwhile(tmp_path: Path, clock: Hands) -> None:
    def run(**more: Any) -> tuple[list[int], str]:
        with Town(tmp_path, ["rekor", "harbor"], passes=120, clock=clock, ticking=False, **more) as town:
            return rekor_ids(town), town.standing[0].where

    first, where = run()
    clock.turn(minutes=10)
    again, there = run()
    assert there == where
    assert again[: len(first)] == first
    assert len(first) + 10 <= len(again) <= len(first) + 30
    with pytest.raises(ValueError, match="--seed 7"):
        run(seed=8)
    clock.turn(days=8)
    with pytest.raises(ValueError, match="more than 7 days ago"):
        run()


def test_ports_are_counted_from_the_one_that_is_named(tmp_path: Path, clock: Hands) -> None:
    with Town(tmp_path / "a", ["rekor"], passes=120, clock=clock, ticking=False) as first:
        port = int(first.standing[0].where.rpartition(":")[2])
        with pytest.raises(ValueError, match=f"port {port}, for rhombus, is taken"):
            Town(tmp_path / "b", ["rhombus"], port=port, passes=120, clock=clock, ticking=False).__enter__()
    with Town(tmp_path / "b", ["rhombus"], port=port, passes=120, clock=clock, ticking=False) as second:
        assert second.standing[0].where == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(("names", "said"), [(["floc"], "no stand-in called 'floc'"), (["stream"], "--push-to")])
def test_a_name_that_is_none_and_one_that_has_nobody_to_send_to_are_refused(
    tmp_path: Path, clock: Hands, names: list[str], said: str
) -> None:
    with pytest.raises(ValueError, match=said), Town(tmp_path, names, passes=120, clock=clock, ticking=False):
        pass


def test_those_that_send_send_what_passes_to_the_receiver(tmp_path: Path, clock: Hands) -> None:
    came: list[tuple[str, str | None, dict[str, Any]]] = []
    receiver = FastAPI()

    @receiver.post("/in/{name}")
    async def take(name: str, request: Request) -> dict[str, str]:
        came.append((name, request.headers.get("x-alprhub-key"), await request.json()))
        return {}

    with (
        Service(receiver) as service,
        Town(tmp_path, ["stream"], passes=120, clock=clock, ticking=False, push_to=service.url) as town,
    ):
        clock.turn(minutes=1)
        count = town.pass_on()
        key = town.standing[0].settings["webhook_secret"]
    assert count == len(came) > 0
    assert [(name, sent) for name, sent, _ in came] == [("stream", key)] * count
    assert [body["plate"] for _, _, body in came] == [one.plate for one in town.world.later("stream", 0)]
