"""The engine with weights of its own: what it promises beyond accuracy. Needs the weights in ../shared."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from native_reader.calibration import Calibration
from native_reader.fast_plate import PLAN, FastPlateEngine
from native_reader.pictures import load_picture


def _photo(shared: Path, name: str = "car9-2.jpg") -> np.ndarray:
    return load_picture(shared / "plates/us" / name)


def _truth(shared: Path, name: str = "car9-2.jpg") -> str:
    rows = (line.split("\t") for line in (shared / "plates/us/truth.tsv").read_text().splitlines())
    return next(row[-1] for row in rows if row[0] == name)


def test_a_plate_both_models_agree_on_is_told_with_confidence(shared: Path, fast_plate: FastPlateEngine) -> None:
    (plate,) = fast_plate.read(_photo(shared))
    assert plate.text == _truth(shared)
    assert plate.confidence > 0.95


def test_a_plate_in_two_minds_is_told_with_doubt(shared: Path, fast_plate: FastPlateEngine) -> None:
    picture = _photo(shared)
    small = np.ascontiguousarray(picture[::3, ::3])
    for plate in fast_plate.read(small):
        assert plate.text == _truth(shared) or plate.confidence < 0.8


def test_a_plate_that_the_side_cuts_is_never_good_enough_to_alert_on_and_one_without_its_rim_is_read(
    shared: Path, fast_plate: FastPlateEngine
) -> None:
    picture = _photo(shared)
    (plate,) = fast_plate.read(picture)
    x, y, width, height = plate.box
    for cut in (picture[:, : x + 3 * width // 4], picture[:, x + width // 4 :]):
        for other in fast_plate.read(np.ascontiguousarray(cut)):
            assert other.may_be_cut
            assert other.confidence <= 0.5
            assert not other.alert_grade
    (rimless,) = fast_plate.read(np.ascontiguousarray(picture[y + height // 10 :]))
    assert rimless.text == plate.text


@pytest.mark.parametrize("share", [0.04, 0.06])
def test_a_whole_plate_near_the_side_is_read_and_marked(
    shared: Path, fast_plate: FastPlateEngine, share: float
) -> None:
    picture = _photo(shared)
    (plate,) = fast_plate.read(picture)
    x, _, width, _ = plate.box
    gap = round(share * width)
    for near in (picture[:, : x + width + gap], picture[:, x - gap :]):
        (seen,) = fast_plate.read(np.ascontiguousarray(near))
        assert (seen.text, seen.may_be_cut, seen.alert_grade) == (plate.text, True, False)
        assert seen.grade_rule.startswith("not alert-grade: the plate may be cut")


def test_what_both_models_read_of_a_whole_plate_is_alert_grade(shared: Path, fast_plate: FastPlateEngine) -> None:
    (plate,) = fast_plate.read(_photo(shared))
    assert plate.alert_grade
    assert plate.grade_rule == "alert-grade: two models agree, uncut, calibrated 0.99 or more"


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3), (900, 2, 3), (31, 33, 3)])
def test_pictures_too_small_for_anything_are_empty(fast_plate: FastPlateEngine, shape: tuple[int, ...]) -> None:
    assert fast_plate.read(np.zeros(shape, np.uint8)) == []


def test_the_same_pictures_read_the_same_from_several_threads(shared: Path, fast_plate: FastPlateEngine) -> None:
    photos = [_photo(shared, name) for name in ("car9-2.jpg", "us2.jpg")] * 4
    one_by_one = [fast_plate.read(photo) for photo in photos]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fast_plate.read, photos)) == one_by_one


def test_the_same_models_look_by_another_plan_and_stay_as_they_are(shared: Path, fast_plate: FastPlateEngine) -> None:
    doubtful = fast_plate.by(replace(PLAN, worth=Calibration(-9.0, 0.0, 0.0)))
    before = fast_plate.read(_photo(shared))
    assert max(plate.confidence for plate in doubtful.read(_photo(shared))) < 0.01
    assert doubtful.finder is fast_plate.finder
    assert fast_plate.read(_photo(shared)) == before
