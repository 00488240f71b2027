"""The offline engine: PP-OCRv6, whose weights come inside the installed rapidocr package.

A text detector sees every sign, badge and clock in a picture, so most of this is choosing: a plate's line has the
shape of a plate and reads like one. What is in doubt is looked at again from close by. Plates of letters only look like
words: they are told with doubt, and only where nothing better is seen.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from native_reader import weights
from native_reader.boxes import NEAR_WORTH, Edge, covers, edge_of, inside
from native_reader.calibration import Calibration
from native_reader.ctc import Columns, judge
from native_reader.engine import Box, Pixels, SeenPlate
from native_reader.eyes import MOST, Eyes
from native_reader.formats import weighed
from native_reader.lines import Line, cut, joined
from native_reader.slots import from_candidates, rescaled
from normalize.vehicle import make

_LOOKS = (MOST, 1_000_000, 2_100_000)
"""Pixels to which a picture is brought down; the next only where the one before finds no plate, or one in doubt."""

_LOWEST = 9.0
"""Letters lower than this many pixels are guesses."""

_SLENDER = 0.24
_BROAD = 0.80
"""Width of a character and its gap as a share of its height: plates use tall letters, signs broad ones."""

_PART = 3
"""Characters from which on a line may be part of a plate."""

_SHORTEST, _LONGEST = 5, 8
"""Characters of a plate. Shorter ones exist; so does far more other short text."""

_SURE = 0.97
"""A first reading at least this probable needs no second crop."""

_ENOUGH = 0.9
"""A plate of letters and digits at least this probable needs no second look at the picture."""

_WHOLE = 6
"""Characters from which on a sure reading is hardly part of a longer one; of others, the surroundings are searched."""

_CLOSE = 36.0
"""Height of letters in pixels at which surroundings are searched."""

_WORDLIKE = 0.3
"""What a reading of letters only is worth at most."""

_TIGHT = 0.55
"""Width of a character as a share of its height up to which letters only may be a plate's: badges are broader."""

_LEGIBLE = 0.15
"""A line whose best text is less probable than this was seen, not read."""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """The numbers of this engine that photos decide, and what its readings are worth then."""

    rare: float
    """How much less often a plate has a pattern that is not issued regularly."""
    worth: Calibration


PLAN = LinePlan(0.05, Calibration(-0.057, 0.939, 0.0))
"""Chosen by five-fold cross-validation, as the other engine's is: `make bench-reader` reads each fold by the rest."""

_AT_BEST = 0.97
"""What is no plate at all but looks like one reads without any doubt."""

_NUMBERS = re.compile(r"\d{4}[-/]\d\d|\d\d[:.]\d\d[:.]\d\d|^\d?\d:\d\d$|\d{3}-\d{4}$")
"""Dates and times that cameras burn into the picture, and telephone numbers."""


class PPOCREngine:
    """Reads plates with PP-OCRv6's small detector and recogniser on the CPU, with nothing to download.

    `threads` bounds onnxruntime within one call of `read`, unless the models are given as `eyes`. Raises WeightsMissing
    where rapidocr is not installed.
    """

    def __init__(self, *, threads: int = 1, plan: LinePlan = PLAN, eyes: Eyes | None = None) -> None:
        self._eyes = eyes or Eyes(threads=threads)
        self._plan = plan
        self._name = f"PP-OCRv6 small (rapidocr {weights.package_version('rapidocr')})"

    @property
    def name(self) -> str:
        """Models and the package they came in."""
        return self._name

    @property
    def weights(self) -> Mapping[str, str]:
        """File name → sha256 of the two models."""
        return self._eyes.weights

    def read(self, picture: Pixels) -> list[SeenPlate]:
        """Return the plates in an RGB picture, surest first; those that its left or right edge cuts are left out."""
        size = picture.shape[0] * picture.shape[1]
        seen: list[SeenPlate | None] = []
        for pixels in _LOOKS:
            scale = min(1.0, math.sqrt(pixels / size))
            lines = self._eyes.lines(picture, scale)
            seen += [self._sighting(picture, line) for line in [*joined(lines), *lines]]
            plates = _chosen(seen)
            if scale == 1 or any(plate.probability >= (_ENOUGH if _mixed(plate) else _SURE) for plate in plates):
                break
        return plates

    def _sighting(self, picture: Pixels, line: Line) -> SeenPlate | None:
        reading = self._read(picture, line)
        if reading is None:
            return None
        if not (reading.plate_like and reading.probability >= _SURE and len(reading.text) >= _WHOLE):
            reading = self._closer(picture, reading)
        edge = edge_of(_letters(reading.line), picture)
        if edge is Edge.CUT or reading.probability < _LEGIBLE or not reading.plate_like:
            return None
        ceiling = _WORDLIKE if reading.text.isalpha() else _AT_BEST
        confidence = min(ceiling, self._plan.worth.earned(reading.probability, agreed=False))
        confidence *= NEAR_WORTH if edge is Edge.NEAR else 1
        ranked = rescaled(reading.texts[:5], confidence)
        box, slots = inside(_around(reading.line), picture), from_candidates(ranked)
        cut = edge is not Edge.CLEAR
        return SeenPlate(reading.text, confidence, box, ranked, slots, reading.probability, may_be_cut=cut)

    def _read(self, picture: Pixels, line: Line) -> _Reading | None:
        """Read a line whose letters have the height and number of a plate's, or of a part of one."""
        wide, high = line.grown(1.3)
        if high < _LOWEST or not _PART * _SLENDER <= wide / high <= _LONGEST * _BROAD:
            return None
        first, plain = self._eyes.read(cut(picture, line, 1.3))
        texts = judge([first])
        if not texts or len(texts[0][0]) < _PART or sum(character.islower() for character in plain) >= 3:
            return None
        if texts[0][1] < _SURE:
            texts = judge([first, *self._more(picture, line)])
        return _Reading(line, weighed(texts, self._plan.rare), plain)

    def _closer(self, picture: Pixels, reading: _Reading) -> _Reading:
        """Search the line's surroundings, enlarged or brought down, and return the best reading of the place.

        A reading that holds the first one and more is of the whole line, and the first was of a part.
        """
        wide, high = reading.line.grown(1.3)
        aside, above = wide / 2 + 2.5 * high, 1.8 * high
        left, top = max(0, int(reading.line.x - aside)), max(0, int(reading.line.y - above))
        part = picture[top : int(reading.line.y + above), left : int(reading.line.x + aside)]
        best = reading
        for found in self._eyes.lines(part, _CLOSE / high):
            line = replace(found, x=found.x + left, y=found.y + top)
            other = self._read(picture, line) if covers(_letters(line), _letters(reading.line)) else None
            if other is not None and other.plate_like and other.beats(best):
                best = other
        return best

    def _more(self, picture: Pixels, line: Line) -> list[Columns]:
        """Two more readings: softened with the bands above and below trimmed, and trimmed and stretched."""
        soft = cv2.GaussianBlur(cut(picture, line, 1.6, tall=0.8), (0, 0), 1.0)
        wide = cut(picture, line, 1.3, tall=0.9, stretch=1.25)
        return [self._eyes.read(np.asarray(crop, np.uint8))[0] for crop in (soft, wide)]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a line reads: texts with their probabilities, best first, and what the recogniser itself would say."""

    line: Line
    texts: Sequence[tuple[str, float]]
    plain: str

    @property
    def text(self) -> str:
        return self.texts[0][0]

    @property
    def probability(self) -> float:
        return self.texts[0][1]

    @property
    def plate_like(self) -> bool:
        """Whether it could be a plate: enough tall letters; no word, clock, telephone number or maker's badge."""
        text = self.text
        if not _SHORTEST <= len(text) <= _LONGEST or _NUMBERS.search(self.plain):
            return False
        wide, high = self.line.grown(1.3)
        if text.isalpha() and (len(text) == _LONGEST or make(text).code):
            return False
        return _SLENDER <= wide / len(text) / high <= (_TIGHT if text.isalpha() else _BROAD)

    def beats(self, other: _Reading) -> bool:
        if not other.plate_like or (other.text in self.text and len(self.text) > len(other.text)):
            return self.probability >= _LEGIBLE
        return self.probability > other.probability


def _chosen(seen: Sequence[SeenPlate | None]) -> list[SeenPlate]:
    """Keep one sighting a place, and no bare numbers (doors, roofs) or words beside a better plate."""
    kept: list[SeenPlate] = []
    for plate in seen:
        if plate is None:
            continue
        rivals = [other for other in kept if covers(other.box, plate.box) or covers(plate.box, other.box)]
        if all(_better(plate, other) for other in rivals):
            kept = [other for other in kept if other not in rivals] + [plate]
    mixed = [plate for plate in kept if _mixed(plate)]
    return sorted(mixed or kept, key=lambda plate: -plate.confidence)


def _mixed(plate: SeenPlate) -> bool:
    return not plate.text.isdigit() and not plate.text.isalpha()


def _better(plate: SeenPlate, other: SeenPlate) -> bool:
    """Whether a sighting tells more of a place than another: all of a text beats a part of it."""
    if plate.text in other.text or other.text in plate.text:
        return len(plate.text) > len(other.text)
    return plate.probability > other.probability


def _around(line: Line) -> Box:
    """The upright box of the line with a little of the plate around it."""
    wide, high = line.grown(1.6)
    corners = cv2.boxPoints(((line.x, line.y), (wide * 1.05, high * 1.2), line.angle))
    left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    return left, top, right - left, bottom - top


def _letters(line: Line) -> Box:
    """The upright box of the letters alone."""
    wide, high = line.grown(1.0)
    return round(line.x - wide / 2), round(line.y - high / 2), round(wide), round(high)
