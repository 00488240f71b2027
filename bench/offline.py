"""The choice of the offline engine's numbers, learnt from some photos only."""

import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

import numpy as np

from bench.looks import HOPELESS, fitted
from bench.photos import FOLDS, Photo, Reading, alike, judged
from native_reader.ctc import Columns
from native_reader.engine import Pixels
from native_reader.eyes import Eyes
from native_reader.lines import Line
from native_reader.pictures import load_picture
from native_reader.ppocr import PLAN, LinePlan, PPOCREngine

PLANS: Final = tuple(dict.fromkeys((PLAN, *(replace(PLAN, rare=rare) for rare in (0.05, 0.1, 0.2)))))
"""Few, so that the best of them is not merely the luckiest. The one that is shipped comes first: its time is taken."""


class RememberingEyes(Eyes):
    """Sees everything once: what plans ask for in common costs one of them only."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[tuple[bytes, float], list[Line]] = {}
        self._read: dict[bytes, tuple[Columns, str]] = {}

    def lines(self, picture: Pixels, scale: float) -> list[Line]:
        """As `Eyes` does."""
        key = _digest(picture), scale
        if key not in self._lines:
            self._lines[key] = super().lines(picture, scale)
        return self._lines[key]

    def read(self, crop: Pixels) -> tuple[Columns, str]:
        """As `Eyes` does."""
        key = _digest(crop)
        if key not in self._read:
            self._read[key] = super().read(crop)
        return self._read[key]

    def forget(self) -> None:
        """Give the memory of a photo back before the next."""
        self._lines.clear()
        self._read.clear()


def _digest(picture: Pixels) -> bytes:
    return blake2b(np.ascontiguousarray(picture).data, digest_size=16, key=repr(picture.shape).encode()).digest()


class OfflineChoice:
    """Reads all photos by every plan, and chooses one by the photos of all folds but one."""

    def __init__(self, photos: Sequence[Photo]) -> None:
        eyes = RememberingEyes()
        engines = [PPOCREngine(plan=plan, eyes=eyes) for plan in PLANS]
        self._folds = np.array([photo.fold for photo in photos])
        self._readings: list[list[Reading]] = [[] for _ in PLANS]
        for photo in photos:
            picture = load_picture(photo.path)
            started = time.process_time()
            seen = [engines[0].read(picture)]
            milliseconds = (time.process_time() - started) * 1000
            seen += [engine.read(picture) for engine in engines[1:]]
            for plates, made in zip(seen, self._readings, strict=True):
                made.append(judged(photo, plates, milliseconds))
            eyes.forget()
        self._sense = np.array([[_sense(one) for one in made] for made in self._readings])

    def without(self, fold: int | None) -> LinePlan:
        """The plan under which the true texts of the other folds are most probable, and what its readings are worth."""
        best = self._best(fold)
        others = [one for one in self._readings[best] if one.photo.fold != fold]
        facts = [(one.plate.probability, False, one.right, 1.0) for one in others if one.plate]
        return replace(PLANS[best], worth=fitted(facts))

    def readings(self) -> list[Reading]:
        """Every photo as it is read by the plan that the other folds choose."""
        best = [self._best(fold) for fold in range(FOLDS)]
        return [self._readings[best[fold]][place] for place, fold in enumerate(self._folds)]

    def _best(self, fold: int | None) -> int:
        others = np.array([one != fold for one in self._folds.tolist()])
        return int(self._sense[:, others].mean(axis=1).argmax())


def _sense(one: Reading) -> float:
    """Log-probability of the true text among the candidates."""
    texts = one.plate.candidates if one.plate else ()
    share = sum(probability for text, probability in texts if alike(text) == alike(one.photo.text))
    return max(HOPELESS, float(np.log(max(share, 1e-9))))
