"""Lines of text in a picture: where PP-OCR's detector sees them, and how to cut them out upright."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from native_reader.engine import Pixels
from native_reader.session import VaryingSession

_STRIDE = 32
"""The detector's input sides are multiples of this many pixels."""

_OVERLAP = 64
"""Pixels, as the detector sees them, that two bands of a picture share."""

_INK = 0.3
"""Pixels of the detector's map above this belong to a line."""

_SURE = 0.5
"""Lines whose mean over the map is below this are texture."""

_HEIGHT = 48
"""Height of a line in pixels, as the recogniser takes it."""


@dataclass(frozen=True, slots=True)
class Line:
    """The core of a line of text: a turned rectangle in pixels of the picture, `angle` in degrees."""

    x: float
    y: float
    width: float
    height: float
    angle: float

    def grown(self, ratio: float) -> tuple[float, float]:
        """Width and height of the line's letters: the detector marks only their core (ratio as in DB's unclip)."""
        by = self.width * self.height * ratio / (self.width + self.height)
        return self.width + by, self.height + by


def find_lines(detector: VaryingSession, picture: Pixels, scale: float, steepest: float) -> list[Line]:
    """Return the lines of text in an RGB picture, which is first scaled.

    `detector` runs PP-OCR's detector. Lines steeper than `steepest` degrees are left out.
    """
    height, width = picture.shape[:2]
    wide, high = (max(_STRIDE, round(side * scale / _STRIDE) * _STRIDE) for side in (width, height))
    small = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA if scale <= 1 else cv2.INTER_CUBIC)
    # The network was trained on BGR scaled to -1…1.
    tensor = np.ascontiguousarray((small[..., ::-1].astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None])
    ((heat,),) = detector.run(tensor)
    return _lines(np.asarray(heat), width / wide, height / high, steepest)


def find_in_bands(detector: VaryingSession, picture: Pixels, scale: float, steepest: float, most: int) -> list[Line]:
    """Return the lines as `find_lines` does, band by band, so that the detector never sees more than `most` pixels.

    Bands overlap, and lie across: lines of text do too.
    """
    height, width = picture.shape[:2]
    overlap = _OVERLAP / scale
    tall = max(2 * overlap, most / (width * scale * scale))
    if tall >= height:
        return find_lines(detector, picture, scale, steepest)
    count = math.ceil((height - overlap) / (tall - overlap))
    step = (height - overlap) / count
    found = []
    for band in range(count):
        top = int(band * step)
        part = picture[top : math.ceil(band * step + step + overlap)]
        found += [replace(line, y=line.y + top) for line in find_lines(detector, part, scale, steepest)]
    return found


def _lines(heat: np.ndarray[Any, np.dtype[np.float32]], right: float, down: float, steepest: float) -> list[Line]:
    ink = cv2.dilate((heat > _INK).astype(np.uint8), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    lines = []
    for outline in outlines:
        (x, y), (width, height), angle = cv2.minAreaRect(outline)
        if width < height:
            width, height, angle = height, width, angle - 90
        angle = (angle + 90) % 180 - 90
        if height < 2 or abs(angle) > steepest:
            continue
        left, top, wide, high = cv2.boundingRect(outline)
        inside = np.zeros((high, wide), np.uint8)
        cv2.drawContours(inside, [outline], -1, 1, -1, offset=(-left, -top))
        if cv2.mean(heat[top : top + high, left : left + wide], inside)[0] >= _SURE:
            lines.append(Line(x * right, y * down, width * right, height * down, angle))
    return lines


def joined(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that neighbours side by side would make: a plate with a wide gap is seen as two lines."""
    unions = []
    for left, right in itertools.permutations(lines, 2):
        (left_wide, left_high), (right_wide, right_high) = left.grown(1.3), right.grown(1.3)
        high = max(left_high, right_high)
        gap = (right.x - right_wide / 2) - (left.x + left_wide / 2)
        slope = math.degrees(math.atan2(right.y - left.y, right.x - left.x))
        if min(left_high, right_high) < 0.6 * high or not -0.3 * high < gap < 1.2 * high:
            continue
        if right.x <= left.x or max(abs(slope - left.angle), abs(slope - right.angle)) > 8:
            continue
        start, end = left.x - left.width / 2, right.x + right.width / 2
        middle = (left.y + right.y) / 2
        unions.append(Line((start + end) / 2, middle, end - start, max(left.height, right.height), slope))
    return unions


def cut(picture: Pixels, line: Line, ratio: float, *, tall: float = 1.0, stretch: float = 1.0) -> Pixels:
    """Cut a line out upright, 48 pixels high.

    `ratio` says how far beyond the core to go, `tall` scales the height (below 1 trims the bands above and below,
    where states put their names), `stretch` the width of the result.
    """
    wide, high = line.grown(ratio)
    high *= tall
    columns = max(16, math.ceil(_HEIGHT * wide / high * stretch))
    turn = math.radians(line.angle)
    across = np.array([[math.cos(turn)], [math.sin(turn)]]) * wide / columns
    along = np.array([[-math.sin(turn)], [math.cos(turn)]]) * high / _HEIGHT
    axes = np.hstack([across, along])
    corner = np.array([[line.x], [line.y]]) - axes @ np.array([[columns / 2], [_HEIGHT / 2]])
    return np.asarray(
        cv2.warpAffine(
            picture,
            np.hstack([axes, corner]),
            (columns, _HEIGHT),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )
