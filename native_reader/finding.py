"""Where the plates in a picture are: open-image-models' YOLO, with one resize and no copies besides."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from native_reader.boxes import covers, inside, overlap
from native_reader.engine import Box, Pixels
from native_reader.session import open_session
from native_reader.weights import WeightsRefused

_FIND = 0.25
"""The detector's own threshold, as open-image-models sets it."""

_SMALLEST = (24, 8)
"""Narrower or lower boxes (pixels) hold no readable characters."""

_GREY = 114
"""What the detector was trained to see around a picture that is not square."""

_SAME = 0.3
"""Overlap (intersection over union) of two boxes that are one plate."""


class PlateFinder:
    """Finds plates with the YOLO detector in a file; may be called from several threads at once.

    Raises WeightsRefused for a file that is no such detector.
    """

    def __init__(self, model: Path, threads: int) -> None:
        self._session = open_session(model, threads)
        (given, *more), (found, *_) = self._session.get_inputs(), self._session.get_outputs()
        if more or given.type != "tensor(float)" or given.shape[:2] != [1, 3] or given.shape[2] != given.shape[3]:
            raise WeightsRefused(f"{model.name} cannot be loaded: it takes no single square picture")
        self._side: int = given.shape[2]
        self._input, self._output = given.name, found.name

    def find(self, picture: Pixels) -> list[Box]:
        """Return the plates in an RGB picture, surest first: one box a place, inside the picture."""
        height, width = picture.shape[:2]
        if width < _SMALLEST[0] or height < _SMALLEST[1]:
            return []
        scale = self._side / max(width, height)
        wide, high = round(width * scale), round(height * scale)
        left, top = (self._side - wide) // 2, (self._side - high) // 2
        canvas = np.full((self._side, self._side, 3), _GREY, np.uint8)
        canvas[top : top + high, left : left + wide] = cv2.resize(picture, (wide, high))
        (rows,) = self._session.run([self._output], {self._input: cv2.dnn.blobFromImage(canvas, 1 / 255)})
        # Columns are: picture, left, top, right, bottom, class, score.
        rows = rows[rows[:, 6] >= _FIND]
        corners = (rows[np.argsort(-rows[:, 6], kind="stable"), 1:5] - (left, top, left, top)) / scale
        boxes: list[Box] = []
        for x, y, right, bottom in corners.astype(int).tolist():
            box = (x, y, right - x, bottom - y)
            if box[2] >= _SMALLEST[0] and box[3] >= _SMALLEST[1] and not any(_one_place(box, other) for other in boxes):
                boxes.append(box)
        return [inside(box, picture) for box in boxes]


def _one_place(box: Box, other: Box) -> bool:
    return covers(other, box) or covers(box, other) or overlap(box, other) >= _SAME
