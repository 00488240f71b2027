"""The offline engine is judged on photos that did not choose its numbers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench import offline
from bench.offline import PLANS, OfflineChoice, RememberingEyes
from bench.photos import FOLDS, Photo
from native_reader.engine import SeenPlate
from native_reader.eyes import Eyes
from native_reader.ppocr import PLAN, LinePlan

LUCKY = PLANS[-1]
"""A plan that reads the first fold right, and no other; the one that is shipped reads all others right."""


class Engine:
    def __init__(self, *, plan: LinePlan, eyes: object) -> None:
        self._plan = plan

    def read(self, photo: Path) -> list[SeenPlate]:
        right = (photo.name == "0") == (self._plan == LUCKY)
        text, sure = ("7ZZX123", 0.9) if right else ("7ZZX128", 0.6)
        return [SeenPlate(text, sure, (10, 10, 100, 50), ((text, sure),), probability=sure)]


def test_a_fold_is_read_by_what_the_others_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "PPOCREngine", Engine)
    monkeypatch.setattr(offline, "RememberingEyes", lambda: SimpleNamespace(forget=lambda: None))
    monkeypatch.setattr(offline, "load_picture", lambda path: path)
    photos = [Photo("us", Path(str(f)), (0, 0, 200, 200), "7ZZX123", f, "7ZZX123") for f in range(FOLDS)]
    readings = OfflineChoice(photos).readings()
    assert [one.right for one in readings] == [False] + [True] * (FOLDS - 1)


def test_plans_are_few_and_the_one_that_is_shipped_is_timed() -> None:
    assert PLANS[0] == PLAN
    assert len(PLANS) <= 12


def test_what_plans_have_in_common_is_seen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    monkeypatch.setattr(Eyes, "__init__", lambda self: None)
    monkeypatch.setattr(Eyes, "lines", lambda self, picture, scale: seen.append(scale) or [])
    eyes = RememberingEyes()
    picture = np.zeros((4, 6, 3), np.uint8)
    for _ in range(2):
        eyes.lines(picture, 1.0)
        eyes.lines(picture.reshape(6, 4, 3), 1.0)
    assert seen == [1.0, 1.0]
    eyes.forget()
    eyes.lines(picture, 1.0)
    assert len(seen) == 3
