"""What every plate reader promises, and the choice between those that are here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from native_reader.slots import Slots

Picture = npt.NDArray[np.uint8]
"""RGB pixels, shape (height, width, 3)."""

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels of the picture, inside the picture."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sighting:
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


class Engine(Protocol):
    """Reads plates in pictures; may be called from several threads at once."""

    @property
    def name(self) -> str:
        """The engine, its version and its models, as kept beside every read."""

    @property
    def weights(self) -> Mapping[str, str]:
        """File name → sha256 of every weights file in use, computed when it was loaded."""

    def read(self, picture: Picture) -> list[Sighting]:
        """Return the plates in an RGB picture (height, width, 3) of uint8, surest first; no plate, no entry."""


def best_engine(models: Path | None = None) -> Engine:
    """Return the most accurate engine whose weights are here; the offline one needs no weights from you.

    `models` is the folder an admin keeps weights in (`native_reader.weights` lists the files). A folder that
    lacks some is named in a warning and the offline engine is used: `Engine.name` always tells which it is.

    Raises WeightsRefused for a weights file that is there but cannot be loaded, and WeightsMissing where the
    packages with the offline engine's own weights are not installed either.
    """
    from native_reader import weights

    if models is not None:
        missing = weights.missing(models)
        if not missing:
            from native_reader.fast_plate import FastPlateEngine

            return FastPlateEngine(models)
        _log.warning("reading offline: %s lacks %s", models, ", ".join(missing))
    from native_reader.ppocr import PPOCREngine

    return PPOCREngine()
