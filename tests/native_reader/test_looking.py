"""Where a plate is, how it is looked at, and what a reading is worth then; no weights are needed for that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from native_reader import finding
from native_reader.boxes import Edge, edge_of
from native_reader.calibration import Calibration
from native_reader.engine import Box, SeenPlate
from native_reader.fast_plate import FURTHER, PLAN, Look, Margin, added_up
from native_reader.finding import PlateFinder
from native_reader.slots import Slots, decode, from_candidates
from native_reader.weights import WeightsRefused

PICTURE = np.zeros((400, 1000, 3), np.uint8)


class Detector:
    """A detector that sees what it is told, in the coordinates of its own 416 pixels, and keeps what it was shown."""

    def __init__(self, rows: Sequence[tuple[float, ...]], shape: Sequence[int] = (1, 3, 416, 416)) -> None:
        self._rows, self._shape = rows, list(shape)

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="images", shape=self._shape, type="tensor(float)")]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="output0")]

    def run(self, _: object, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.shown = given["images"]
        return [np.array([(0, *corners, 0, score) for *corners, score in self._rows], np.float32).reshape(-1, 7)]


def _finder(monkeypatch: pytest.MonkeyPatch, detector: Detector) -> PlateFinder:
    monkeypatch.setattr(finding, "open_session", lambda path, threads: detector)
    return PlateFinder(Path("yolo.onnx"), 1)


def test_boxes_come_back_in_the_pictures_own_pixels(monkeypatch) -> None:
    # 1000 × 400 becomes 416 × 166 with 125 grey lines above.
    found = _finder(monkeypatch, Detector([(104, 166.6, 145.6, 187.4, 0.9)])).find(PICTURE)
    assert found == [(250, 100, 100, 49)]


def test_the_detector_is_shown_the_picture_between_grey_bands(monkeypatch) -> None:
    detector = Detector([])
    _finder(monkeypatch, detector).find(np.full((400, 1000, 3), (255, 51, 0), np.uint8))
    assert detector.shown.shape == (1, 3, 416, 416)
    assert detector.shown.dtype == np.float32
    assert detector.shown[0, :, 208, 208] == pytest.approx([1, 0.2, 0], abs=0.01)
    assert detector.shown[0, :, 5, 208] == pytest.approx([114 / 255] * 3)


def test_one_place_gives_one_box_the_surest(monkeypatch) -> None:
    rows = [(100, 160, 150, 185, 0.6), (102, 161, 152, 186, 0.9), (98, 150, 170, 200, 0.4), (300, 160, 350, 185, 0.5)]
    found = _finder(monkeypatch, Detector(rows)).find(PICTURE)
    assert [box[0] for box in found] == [245, 721]


def test_the_unsure_and_the_tiny_are_no_plates(monkeypatch) -> None:
    rows = [(100, 160, 150, 185, 0.2), (200, 160, 205, 163, 0.9)]
    assert _finder(monkeypatch, Detector(rows)).find(PICTURE) == []


def test_weights_of_something_else_are_refused_by_name(monkeypatch) -> None:
    with pytest.raises(WeightsRefused, match=r"yolo\.onnx"):
        _finder(monkeypatch, Detector([], (1, 3, 416, 300)))


@pytest.mark.parametrize(
    ("box", "edge"),
    [
        ((400, 100, 200, 100), Edge.CLEAR),
        ((21, 100, 200, 100), Edge.CLEAR),
        ((15, 100, 200, 100), Edge.NEAR),
        ((790, 100, 200, 100), Edge.NEAR),
        ((0, 100, 200, 100), Edge.CUT),
        ((800, 100, 200, 100), Edge.CUT),
        ((799, 100, 200, 100), Edge.NEAR),
        ((400, 0, 200, 100), Edge.CLEAR),
        ((0, 0, 990, 390), Edge.CLOSE_UP),
    ],
)
def test_how_near_the_side_a_plate_is(box: Box, edge: Edge) -> None:
    assert edge_of(box, PICTURE) is edge


def _asked(texts: dict[Margin, str], asked: list[Margin], sure: float = 0.99) -> Look:
    def look(margins: Sequence[Margin]) -> list[Slots]:
        asked.extend(margins)
        shares = [(sure, ""), ((1 - sure) * 0.4, "A"), ((1 - sure) * 0.35, "B"), ((1 - sure) * 0.25, "C")]
        return [from_candidates([(texts[m][:-1] + (other or texts[m][-1]), s) for s, other in shares]) for m in margins]

    return look


def test_two_models_that_agree_look_once_close_and_once_wide() -> None:
    v1: list[Margin] = []
    v2: list[Margin] = []
    texts = {PLAN.close: "7ZZX123", PLAN.wide: "7ZZX123"}
    slots, agreed = added_up(_asked(texts, v1), _asked(texts, v2), PLAN)
    assert (decode(slots)[0], agreed) == ("7ZZX123", True)
    assert (v1, v2) == ([PLAN.close], [PLAN.wide])


@pytest.mark.parametrize(("wide", "sure"), [("7ZZX128", 0.99), ("7ZZX123", 0.45)])
def test_two_that_differ_or_doubt_look_at_all_of_it(wide: str, sure: float) -> None:
    v1: list[Margin] = []
    v2: list[Margin] = []
    texts = {PLAN.close: "7ZZX123", PLAN.wide: wide, **dict.fromkeys(FURTHER, "7ZZX123")}
    slots, agreed = added_up(_asked(texts, v1, sure), _asked(texts, v2, sure), PLAN)
    assert (decode(slots)[0], agreed) == ("7ZZX123", False)
    assert sorted(v1) == sorted(v2) == sorted((PLAN.close, PLAN.wide, *FURTHER))


def test_what_neither_model_can_read_is_looked_at_no_further() -> None:
    v1: list[Margin] = []
    v2: list[Margin] = []
    texts = {PLAN.close: "7ZZX123", PLAN.wide: "7ZZX128"}
    _, agreed = added_up(_asked(texts, v1, 0.3), _asked(texts, v2, 0.3), PLAN)
    assert not agreed
    assert (v1, v2) == ([PLAN.close], [PLAN.wide])


def test_worth_grows_with_probability_and_with_agreement() -> None:
    worth = Calibration(1.0, 1.2, 1.5)
    alone = [worth.earned(probability / 10, agreed=False) for probability in range(11)]
    together = [worth.earned(probability / 10, agreed=True) for probability in range(11)]
    assert alone == sorted(alone)
    assert all(0 < less < more < 1 for less, more in zip(alone, together, strict=True))


@pytest.mark.parametrize(
    ("changed", "lack"),
    [
        ({"agreed": False}, "no two models agree"),
        ({"may_be_cut": True}, "the plate may be cut"),
        ({"confidence": 0.98}, "calibrated below 0.99"),
    ],
)
def test_alert_grade_names_what_it_lacks(changed: dict[str, float], lack: str) -> None:
    good: dict[str, float | bool] = {"confidence": 0.995, "agreed": True}
    assert SeenPlate("7ZZX123", box=(1, 2, 3, 4), **good).alert_grade  # type: ignore[arg-type]
    less = SeenPlate("7ZZX123", box=(1, 2, 3, 4), **{**good, **changed})  # type: ignore[arg-type]
    assert (less.alert_grade, less.grade_rule) == (False, f"not alert-grade: {lack}")
