"""The offline engine: PP-OCRv6, whose weights come inside the installed rapidocr package.

A text detector sees every sign, badge and clock in a picture, so most of this is choosing: a plate's line has the
shape of a plate and reads like one. Known limit: plates of letters only look like words and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from native_reader import weights
from native_reader.boxes import NEAR_WORTH, Edge, covers, edge_of, inside
from native_reader.ctc import Columns, Narrowing, judge
from native_reader.engine import Box, Pixels, SeenPlate
from native_reader.lines import Line, cut, find_lines, joined
from native_reader.session import open_session
from native_reader.slots import from_candidates, rescaled

_LOOKS = (960, 1280, 1920)
"""Longer side in pixels at which a picture is searched; the next only where the one before finds no plate."""

_STEEPEST = 35.0
"""Degrees from level. Cameras are mounted nearer to level than that."""

_LOWEST = 9.0
"""Letters lower than this many pixels are guesses."""

_SLENDER = 0.24
_BROAD = 0.80
"""Width of a character and its gap as a share of its height: plates use tall letters, signs broad ones."""

_SHORTEST, _LONGEST = 5, 8
"""Characters of a plate. Shorter ones exist; so does far more other short text."""

_SURE = 0.97
"""A first reading at least this probable needs no second crop."""

_LEGIBLE = 0.15
"""A line whose best text is less probable than this was seen, not read."""

_EARNED = ((0.0, 0.15, 0.3, 0.5, 0.75, 0.9, 1.0), (0.0, 0.2, 0.4, 0.7, 0.85, 0.92, 0.96))
"""Probability of a text as the crops see it, and the share of such texts that was right.

Measured as for the other engine; what is no plate at all but looks like one keeps the best below 0.97.
"""

_NUMBERS = re.compile(r"\d{4}[-/]\d\d|\d\d[:.]\d\d[:.]\d\d|^\d?\d:\d\d$|\d{3}-\d{4}$")
"""Dates and times that cameras burn into the picture, and telephone numbers."""


class PPOCREngine:
    """Reads plates with PP-OCRv6's small detector and recogniser on the CPU, with nothing to download.

    `threads` bounds onnxruntime within one call of `read`. Raises WeightsMissing where rapidocr is not installed.
    """

    def __init__(self, *, threads: int = 1) -> None:
        detector = weights.packaged("rapidocr", "models", "PP-OCRv6_det_small.onnx")
        recogniser = weights.packaged("rapidocr", "models", "PP-OCRv6_rec_small.onnx")
        self._detector = open_session(detector, threads)
        self._recogniser = open_session(recogniser, threads)
        self._input = self._recogniser.get_inputs()[0].name
        metadata = self._recogniser.get_modelmeta().custom_metadata_map
        self._narrowing = Narrowing(metadata["character"].split("\n"))
        self._weights = {path.name: weights.sha256_of(path) for path in (detector, recogniser)}
        self._name = f"PP-OCRv6 small (rapidocr {weights.package_version('rapidocr')})"

    @property
    def name(self) -> str:
        """Models and the package they came in."""
        return self._name

    @property
    def weights(self) -> Mapping[str, str]:
        """File name → sha256 of the two models."""
        return self._weights

    def read(self, picture: Pixels) -> list[SeenPlate]:
        """Return the plates in an RGB picture, surest first. Plates cut off by its left or right edge are left out."""
        for longest in _LOOKS:
            lines = find_lines(self._detector, picture, longest, _STEEPEST)
            plates = _chosen([self._sighting(picture, line) for line in [*joined(lines), *lines]])
            if plates or max(picture.shape[:2]) <= longest:
                break
        return plates

    def _sighting(self, picture: Pixels, line: Line) -> SeenPlate | None:
        wide, high = line.grown(1.3)
        if high < _LOWEST or not _SHORTEST * _SLENDER <= wide / high <= _LONGEST * _BROAD:
            return None
        edge = edge_of(_letters(line), picture)
        if edge is Edge.CUT:
            return None
        first, plain = self._recognise(cut(picture, line, 1.3))
        texts = judge([first])
        if not texts or not _plate_like(texts[0][0], plain, line):
            return None
        if texts[0][1] < _SURE:
            texts = judge([first, *self._more(picture, line)])
        text, probability = texts[0]
        if probability < _LEGIBLE or not _plate_like(text, plain, line):
            return None
        confidence = float(np.interp(probability, *_EARNED)) * (NEAR_WORTH if edge is Edge.NEAR else 1)
        ranked = rescaled(texts[:5], confidence)
        box, slots = inside(_around(line), picture), from_candidates(ranked)
        return SeenPlate(text, confidence, box, ranked, slots, probability, may_be_cut=edge is not Edge.CLEAR)

    def _more(self, picture: Pixels, line: Line) -> list[Columns]:
        """Two more readings: softened with the bands above and below trimmed, and trimmed and stretched."""
        soft = cv2.GaussianBlur(cut(picture, line, 1.6, tall=0.85), (0, 0), 1.0)
        wide = cut(picture, line, 1.3, tall=0.85, stretch=1.25)
        return [self._recognise(np.asarray(crop, np.uint8))[0] for crop in (soft, wide)]

    def _recognise(self, crop: Pixels) -> tuple[Columns, str]:
        tensor = np.zeros((1, 3, crop.shape[0], max(160, crop.shape[1])), np.float32)
        tensor[0, :, :, : crop.shape[1]] = (crop[..., ::-1].astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)
        ((output,),) = self._recogniser.run(None, {self._input: tensor})
        return self._narrowing.columns(output), self._narrowing.plain(output)


def _plate_like(text: str, plain: str, line: Line) -> bool:
    """Whether a line could be a plate's: enough characters, a digit, tall letters; no word, clock or phone number."""
    digits = sum(character.isdigit() for character in text)
    if not _SHORTEST <= len(text) <= _LONGEST or digits == 0 or _NUMBERS.search(plain):
        return False
    if sum(character.islower() for character in plain) >= 3:
        return False
    wide, high = line.grown(1.3)
    return _SLENDER <= wide / len(text) / high <= _BROAD


def _chosen(seen: Sequence[SeenPlate | None]) -> list[SeenPlate]:
    """Keep one sighting a place, earlier ones first, and no bare numbers (doors, roofs) beside a plate with letters."""
    kept: list[SeenPlate] = []
    for plate in seen:
        if plate is not None and not any(covers(other.box, plate.box) for other in kept):
            kept.append(plate)
    mixed = [plate for plate in kept if not plate.text.isdigit()]
    return sorted(mixed or kept, key=lambda plate: -plate.confidence)


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
