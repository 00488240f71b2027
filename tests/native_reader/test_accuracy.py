"""Both engines reach what was measured, on some of the real photos where they are here; more by `test-thorough`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from effort import tries

from native_reader.engine import Engine, SeenPlate
from native_reader.pictures import load_picture

Size = tuple[int, ...]
Reading = Callable[[Engine, Path], tuple[Size, list[SeenPlate]]]

_FOLDED = str.maketrans("OQI", "001")


@dataclass(frozen=True)
class Result:
    photos: int
    exact: float
    fold: float
    extra: float
    confident: list[tuple[float, bool]]


@pytest.fixture(scope="module")
def reading() -> Reading:
    """The size of a photo and what an engine sees on it, looked at once for all tests."""
    known: dict[tuple[str, Path], tuple[Size, list[SeenPlate]]] = {}

    def read(engine: Engine, photo: Path) -> tuple[Size, list[SeenPlate]]:
        key = type(engine).__name__, photo
        if key not in known:
            picture = load_picture(photo)
            known[key] = picture.shape, engine.read(picture)
        return known[key]

    return read


def _measure(reading: Reading, engine: Engine, folder: Path, step: int) -> Result:
    """Read every `step`-th photo of the folder; the truth writes O and 0 as it likes, so compare folded too."""
    rows = [line.split("\t") for line in (folder / "truth.tsv").read_text().splitlines()][::step]
    exact = fold = extra = 0
    confident = []
    for name, *place, text in rows:
        x, y, width, height = map(int, place)
        there: list[SeenPlate] = []
        for plate in reading(engine, folder / name)[1]:
            middle = plate.box[0] + plate.box[2] / 2, plate.box[1] + plate.box[3] / 2
            if x <= middle[0] <= x + width and y <= middle[1] <= y + height and not there:
                there.append(plate)
            else:
                extra += 1
        exact += any(plate.text == text for plate in there)
        right = any(plate.text.translate(_FOLDED) == text.translate(_FOLDED) for plate in there)
        fold += right
        confident += [(plate.confidence, right) for plate in there]
    count = len(rows)
    return Result(count, exact / count, fold / count, extra / count, confident)


@pytest.mark.slow
def test_fast_plate_ocr_reads_american_plates(shared: Path, fast_plate, reading: Reading) -> None:
    result = _measure(reading, fast_plate, shared / "plates/us", 2)
    assert result.fold >= 0.92
    assert result.exact >= 0.90
    assert result.extra <= 0.05


@pytest.mark.slow
def test_fast_plate_ocr_reads_european_plates(shared: Path, fast_plate, reading: Reading) -> None:
    result = _measure(reading, fast_plate, shared / "plates/eu", 2)
    assert result.fold >= 0.97
    assert result.exact >= 0.88, "the truth writes O for 0 in one plate of twelve"
    assert result.extra <= 0.1


@pytest.mark.slow
def test_the_offline_engine_reads_american_plates(shared: Path, offline, reading: Reading) -> None:
    result = _measure(reading, offline, shared / "plates/us", tries(9, 3))
    assert result.fold >= 0.74
    assert result.extra <= 0.1


@pytest.mark.slow
def test_the_offline_engine_reads_european_plates(shared: Path, offline, reading: Reading) -> None:
    result = _measure(reading, offline, shared / "plates/eu", tries(6, 3))
    assert result.fold >= 0.93
    assert result.extra <= 0.1


@pytest.mark.slow
def test_what_is_told_with_confidence_is_right(shared: Path, fast_plate, reading: Reading) -> None:
    told = _measure(reading, fast_plate, shared / "plates/us", 2).confident
    sure = [right for confidence, right in told if confidence >= 0.95]
    assert len(sure) >= 0.7 * len(told), "confidence is not won by doubting everything"
    assert sum(sure) >= 0.96 * len(sure)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "step"), [("fast_plate", 16), ("offline", 18)])
def test_every_sighting_keeps_the_promises_of_a_sighting(
    shared: Path, name: str, step: int, reading: Reading, request
) -> None:
    engine: Engine = request.getfixturevalue(name)
    rows = [line.split("\t") for line in (shared / "plates/us/truth.tsv").read_text().splitlines()][
        ::step
    ]  # photos that are measured too
    for row in rows:
        size, sightings = reading(engine, shared / "plates/us" / row[0])
        for plate in sightings:
            x, y, width, height = plate.box
            assert plate.text
            assert plate.text.isalnum()
            assert plate.text.isupper() or plate.text.isdigit()
            assert 0 <= plate.confidence <= 1
            assert x >= 0
            assert y >= 0
            assert x + width <= size[1]
            assert y + height <= size[0]
            assert plate.candidates[0] == (plate.text, plate.confidence)
            assert plate.slots is not None
            assert plate.slots.shape == (10, 37)
