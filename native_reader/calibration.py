"""What a reading's probability has been worth: Platt's two numbers, and one more for two models that agree."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns the models' own probability into the share of such readings that is right.

    The share is logistic in the probability's log-odds. Three numbers cannot learn a set of photos by heart;
    `python -m bench.reader` fits them on some photos and reports them on the others.
    """

    offset: float
    slope: float
    agreed: float
    """What agreement adds to the log-odds."""

    def earned(self, probability: float, agreed: bool) -> float:
        """Return the share, 0–1, of readings with this probability (and agreement) whose whole text is right."""
        odds = self.offset + self.slope * log_odds(probability) + self.agreed * agreed
        return 1 / (1 + math.exp(-odds))


def log_odds(probability: float) -> float:
    """Return ln(p / (1 - p)), of a probability held within 1e-4 and 1 - 1e-4."""
    held = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(held / (1 - held))
