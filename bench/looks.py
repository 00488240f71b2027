"""The choice of crops: which margins read best on photos, and what readings are worth, learnt from some photos only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np

from bench.photos import Photo, alike, copies
from native_reader.calibration import Calibration, log_odds
from native_reader.fast_plate import FURTHER, PLAN, FastPlateEngine, Margin, Plan, added_up, crop
from native_reader.slots import ALPHABET, PAD, SLOTS, Slots, decode

CLOSE: Final = ((0.03, 0.08), (0.05, 0.08), (0.05, 0.12), (0.08, 0.12))
WIDE: Final = ((0.12, 0.15), (0.12, 0.20), (0.16, 0.15), (0.16, 0.20), (0.16, 0.30))
PLANS: Final = tuple(replace(PLAN, close=close, wide=wide) for close, wide in product(CLOSE, WIDE))
"""Few, so that the best of them is not merely the luckiest."""
_MARGINS: Final = tuple(dict.fromkeys((*CLOSE, *WIDE, *FURTHER)))
HOPELESS: Final = -4.0
"""A text that is ruled out counts no worse than this (natural log): one lost plate does not choose the crops."""
_WORSE: Final = 0.1
"""What a photo made worse counts beside one as it comes: it teaches what doubt looks like, not how often it comes."""
_PULL: Final = 0.05


@dataclass(frozen=True, slots=True)
class Looked:
    """All readings of one plate that any plan may ask for; `weight` is 1 for a photo as it comes."""

    photo: Photo
    weight: float
    v1: dict[Margin, Slots]
    v2: dict[Margin, Slots]

    def by(self, plan: Plan) -> tuple[Slots, bool]:
        """What the engine would make of them."""
        return added_up(lambda asked: [self.v1[m] for m in asked], lambda asked: [self.v2[m] for m in asked], plan)


def look(engine: FastPlateEngine, photos: Sequence[Photo]) -> Iterator[Looked]:
    """Read every photo and its worse copies with every margin; plates that are not found teach nothing of crops."""
    for original in photos:
        for place, (photo, picture) in enumerate(copies(original)):
            box = next((box for box in engine.finder.find(picture) if photo.holds(box)), None)
            if box is None:
                continue
            crops = [crop(picture, box, margin) for margin in _MARGINS]
            v1, v2 = (dict(zip(_MARGINS, model.read(crops), strict=True)) for model in (engine.v1, engine.v2))
            yield Looked(photo, 1.0 if place == 0 else _WORSE, v1, v2)


class Choice:
    """Chooses a plan by the looks at all photos but those of one fold."""

    def __init__(self, looked: Sequence[Looked]) -> None:
        self._looked = looked
        self._sense = np.array([[_sense(one, plan) for one in looked] for plan in PLANS])

    def without(self, fold: int | None) -> Plan:
        """The plan under which the true texts of the other folds are most probable, and what its readings are worth.

        A photo made worse chooses as much as one that is as it comes.
        """
        others = [one.photo.fold != fold for one in self._looked]
        best = PLANS[int(self._sense[:, others].mean(axis=1).argmax())]
        return replace(best, worth=worth([one for one, other in zip(self._looked, others, strict=True) if other], best))


def worth(looked: Sequence[Looked], plan: Plan) -> Calibration:
    """What readings by a plan are worth."""
    made = [(one, *one.by(plan)) for one in looked]
    return fitted([(decode(s)[1], agreed, one.photo.reads(decode(s)[0]), one.weight) for one, s, agreed in made])


def fitted(readings: Sequence[tuple[float, bool, bool, float]]) -> Calibration:
    """Fit the three numbers to (probability, agreed, right, weight) by Newton's way, pulled a little towards zero."""
    facts = np.array([[1.0, log_odds(probability), agreed] for probability, agreed, _, _ in readings])
    right = np.array([right for _, _, right, _ in readings], float)
    weight = np.array([weight for *_, weight in readings])
    numbers = np.zeros(3)
    for _ in range(60):
        told = 1 / (1 + np.exp(-facts @ numbers))
        slope = facts.T @ (weight * (told - right)) + _PULL * numbers
        bend = (facts.T * (weight * told * (1 - told))) @ facts + _PULL * np.eye(3)
        numbers -= np.linalg.solve(bend, slope)
    return Calibration(*(round(float(number), 3) for number in numbers))


def _sense(one: Looked, plan: Plan) -> float:
    """Log-probability of the true text, characters that look alike taken for each other."""
    slots, _ = one.by(plan)
    likely = np.exp(slots)
    text = one.photo.text.ljust(SLOTS, PAD)
    total = sum(
        float(np.log(sum(row[place] for place, other in enumerate(ALPHABET) if alike(other) == alike(character))))
        for row, character in zip(likely, text, strict=True)
    )
    return max(HOPELESS, total)
