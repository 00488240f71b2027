"""What every plate reader promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from native_reader.slots import Slots

Pixels = npt.NDArray[np.uint8]
"""RGB pixels, shape (height, width, 3)."""

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the picture, inside the picture."""


ALERT_AT: Final = 0.99
"""Confidence from which on a reading may be good enough to alert on."""


@dataclass(frozen=True, slots=True)
class SeenPlate:
    """One plate seen in one picture: what it reads, how sure that is, and where it is."""

    text: str
    """A–Z and 0–9 only, never empty."""
    confidence: float
    """0–1: the share of sightings with this number whose whole text is right."""
    box: Box
    candidates: tuple[tuple[str, float], ...] = ()
    """Texts with their probabilities 0–1, best first; the first is `text`."""
    slots: Slots | None = field(default=None, compare=False, repr=False)
    """Log-probabilities a character slot (see `native_reader.slots`), for adding up the frames of a video."""
    probability: float = 0.0
    """The models' own probability of the text, before it is held against what such readings were worth."""
    agreed: bool = False
    """Two models, each by itself, read this text."""
    may_be_cut: bool = False
    """The plate comes so near to the picture's left or right edge that characters may lie beyond it."""

    @property
    def alert_grade(self) -> bool:
        """Whether the reading is good enough to alert on: `grade_rule` says why, or what it lacks."""
        return not self._lacks

    @property
    def grade_rule(self) -> str:
        """The rule that made this reading alert-grade, or what keeps it from that."""
        if lacks := self._lacks:
            return f"not alert-grade: {', '.join(lacks)}"
        return f"alert-grade: two models agree, uncut, calibrated {ALERT_AT:g} or more"

    @property
    def _lacks(self) -> list[str]:
        tests = (
            (self.agreed, "no two models agree"),
            (not self.may_be_cut, "the plate may be cut"),
            (self.confidence >= ALERT_AT, f"calibrated below {ALERT_AT:g}"),
        )
        return [lack for passed, lack in tests if not passed]


class Engine(Protocol):
    """Reads plates in pictures; may be called from several threads at once."""

    @property
    def name(self) -> str:
        """The engine, its version and its models, as kept beside every read."""

    @property
    def weights(self) -> Mapping[str, str]:
        """File name → sha256 of every weights file in use, computed when it was loaded."""

    def read(self, picture: Pixels) -> list[SeenPlate]:
        """Return the plates in an RGB picture (height, width, 3) of uint8, surest first; no plate, no entry."""
