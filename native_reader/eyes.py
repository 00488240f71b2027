"""PP-OCR's two models, out of the installed rapidocr package: where lines of text are, and what a line reads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from native_reader import weights
from native_reader.ctc import Columns, Narrowing
from native_reader.engine import Pixels
from native_reader.lines import Line, find_in_bands
from native_reader.session import VaryingSession

_STEEPEST = 35.0
"""Degrees from level. Cameras are mounted nearer to level than that."""

MOST = 525_000
"""Pixels that the detector sees at once: each takes some 300 bytes of memory while it looks."""


class Eyes:
    """Sees lines of text and reads them; may be used from several threads at once, and by several engines.

    `threads` bounds onnxruntime within one call. Raises WeightsMissing where rapidocr is not installed.
    """

    def __init__(self, *, threads: int = 1) -> None:
        detector = weights.packaged("rapidocr", "models", "PP-OCRv6_det_small.onnx")
        recogniser = weights.packaged("rapidocr", "models", "PP-OCRv6_rec_small.onnx")
        self._detector = VaryingSession(detector, threads)
        self._recogniser = VaryingSession(recogniser, threads)
        self._narrowing = Narrowing(self._recogniser.metadata["character"].split("\n"))
        self.weights: Mapping[str, str] = {path.name: weights.sha256_of(path) for path in (detector, recogniser)}

    def lines(self, picture: Pixels, scale: float) -> list[Line]:
        """The lines of text in an RGB picture, which is first scaled; a large one is looked at in bands."""
        return find_in_bands(self._detector, picture, scale, _STEEPEST, MOST)

    def read(self, crop: Pixels) -> tuple[Columns, str]:
        """What a line that is cut out reads: in a plate's characters, and in all that the recogniser knows."""
        tensor = np.zeros((1, 3, crop.shape[0], max(160, crop.shape[1])), np.float32)
        tensor[0, :, :, : crop.shape[1]] = (crop[..., ::-1].astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)
        (output,) = self._recogniser.run(tensor)
        return self._narrowing.columns(output), self._narrowing.plain(output)
