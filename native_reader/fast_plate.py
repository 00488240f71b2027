"""The engine with weights of its own: open-image-models finds plates, fast-plate-ocr's v1 and v2 read them.

Both models must agree before one look is enough. Where they do not, or are unsure, more crops are read by both
and everything is added up in log-probabilities. Crops carry a margin: the detector's boxes cut characters off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from native_reader import weights
from native_reader.boxes import cut_off, inside
from native_reader.engine import Box, Pixels, SeenPlate
from native_reader.session import PROVIDERS, loading, options
from native_reader.slots import Slots, candidates, decode, from_probabilities, fuse, rescaled, weakest

# Margins as shares of the box's width and height. Each model first sees the margin it was most at home with.
_FIRST_V1 = (0.08, 0.15)
_FIRST_V2 = (0.12, 0.25)
_MORE_V1 = ((0.12, 0.25), (0.16, 0.30))
_MORE_V2 = ((0.08, 0.15), (0.16, 0.30))

_AGREED = 0.5
"""Both models read the same and every slot of each is at least this sure: no second look."""

_FIND = 0.25
"""The detector's own threshold, as open-image-models sets it."""

_SMALLEST = (24, 8)
"""Narrower or lower boxes (pixels) hold no readable characters."""

_LEGIBLE = 0.35
"""A plate whose least sure character is below this was seen, not read: of such texts one in ten is right."""

_EARNED = ((0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.965), (0.0, 0.05, 0.2, 0.5, 0.8, 0.96, 0.99))
"""Probability of a text as the models see it, and the share of such texts that was right.

Measured over photos that were also shrunk, blurred, darkened and compressed. The slots' floor ends the scale at
0.965; nothing earns more than 0.99.
"""


@dataclass(frozen=True, slots=True)
class _Reader:
    """One fast-plate-ocr model with its own picture size and slots."""

    recognizer: Any

    def read(self, crops: Sequence[Pixels]) -> list[Slots]:
        """Read RGB crops of any size; one reading each."""
        from fast_plate_ocr.core.process import resize_image

        config = self.recognizer.config
        batch = np.stack(
            [
                resize_image(
                    crop,
                    config.img_height,
                    config.img_width,
                    image_color_mode=config.image_color_mode,
                    keep_aspect_ratio=config.keep_aspect_ratio,
                    interpolation_method=config.interpolation,
                    padding_color=config.padding_color,
                )
                for crop in crops
            ]
        )
        # The library's run() gives only each slot's best character; adding readings up needs all of them.
        (output,) = self.recognizer.model.run([self.recognizer.plate_output_name], {"input": batch})
        rows = np.asarray(output).reshape(len(batch), config.max_plate_slots, len(config.alphabet))
        return [from_probabilities(row) for row in rows]


class FastPlateEngine:
    """Reads plates with open-image-models' YOLO detector and fast-plate-ocr's cct-xs v1 and v2 together.

    `models` holds the files of `weights.FAST_PLATE`; `threads` bounds onnxruntime within one call of `read`.
    Raises WeightsMissing for an absent file and WeightsRefused for one that cannot be loaded.
    """

    def __init__(self, models: Path, *, threads: int = 1) -> None:
        paths = {file.name: weights.locate(file, models) for file in weights.FAST_PLATE}
        files = {name: path for name, path in paths.items() if path is not None}
        if absent := sorted(paths.keys() - files.keys()):
            raise weights.WeightsMissing(f"{models} lacks {', '.join(absent)}")
        self._v1 = _open_reader(files[weights.CCT_V1.name], files[weights.CCT_V1_CONFIG.name], threads)
        self._v2 = _open_reader(files[weights.CCT_V2.name], files[weights.CCT_V2_CONFIG.name], threads)
        self._detector = _open_detector(files[weights.YOLO_T_416.name], threads)
        self._weights = {path.name: weights.sha256_of(path) for path in files.values()}
        version = weights.package_version("fast-plate-ocr")
        self._name = f"fast-plate-ocr {version} cct-xs v1+v2 / yolo-v9-t-416"

    @property
    def name(self) -> str:
        """Libraries, version and models."""
        return self._name

    @property
    def weights(self) -> Mapping[str, str]:
        """File name → sha256 of the five files."""
        return self._weights

    def read(self, picture: Pixels) -> list[SeenPlate]:
        """Return the plates in an RGB picture, surest first. Plates cut off by its left or right edge are left out."""
        seen = [self._sighting(picture, box) for box in self._find(picture)]
        return sorted((s for s in seen if s is not None), key=lambda s: -s.confidence)

    def _find(self, picture: Pixels) -> list[Box]:
        """Boxes of whole, large enough plates."""
        if picture.shape[1] < _SMALLEST[0] or picture.shape[0] < _SMALLEST[1]:
            return []
        from open_image_models.detection.core.yolo_v9.postprocess import convert_to_detection_result
        from open_image_models.detection.core.yolo_v9.preprocess import preprocess

        detector = self._detector
        # The library takes BGR. Its predict() would turn a failing model into "no plates"; this raises.
        tensor, ratio, padding = preprocess(picture[..., ::-1], detector.img_size)
        (rows,) = detector.model.run([detector.output_name], {detector.input_name: tensor})
        detections = convert_to_detection_result(rows, detector.class_labels, ratio, padding, detector.conf_thresh)
        boxes = []
        for item in detections:
            corner = item.bounding_box
            box = (corner.x1, corner.y1, corner.x2 - corner.x1, corner.y2 - corner.y1)
            if box[2] >= _SMALLEST[0] and box[3] >= _SMALLEST[1] and not cut_off(box, picture):
                boxes.append(inside(box, picture))
        return boxes

    def _sighting(self, picture: Pixels, box: Box) -> SeenPlate | None:
        """Read one box, looking again only where one look by each model is not enough; None if illegible."""
        first = [
            *self._v1.read([_crop(picture, box, _FIRST_V1)]),
            *self._v2.read([_crop(picture, box, _FIRST_V2)]),
        ]
        if not _agree(first):
            first += self._v1.read([_crop(picture, box, margin) for margin in _MORE_V1])
            first += self._v2.read([_crop(picture, box, margin) for margin in _MORE_V2])
        slots = fuse(first)
        text, probability = decode(slots)
        if not text or weakest(slots) < _LEGIBLE:
            return None
        confidence = float(np.interp(probability, *_EARNED))
        ranked = rescaled(candidates(slots), confidence)
        return SeenPlate(text, confidence, box, ranked, slots)


def _open_reader(model: Path, config: Path, threads: int) -> _Reader:
    from fast_plate_ocr import LicensePlateRecognizer

    with loading(model, config):
        recognizer = LicensePlateRecognizer(
            onnx_model_path=model,
            plate_config_path=config,
            providers=list(PROVIDERS),
            sess_options=options(threads),
        )
    return _Reader(recognizer)


def _open_detector(model: Path, threads: int) -> Any:
    from open_image_models.detection.core.yolo_v9 import YoloV9Detector

    with loading(model):
        return YoloV9Detector(
            model, ("plate",), conf_thresh=_FIND, providers=list(PROVIDERS), sess_options=options(threads)
        )


def _agree(readings: Sequence[Slots]) -> bool:
    texts = {decode(slots)[0] for slots in readings}
    return len(texts) == 1 and min(weakest(slots) for slots in readings) >= _AGREED


def _crop(picture: Pixels, box: Box, margin: tuple[float, float]) -> Pixels:
    x, y, width, height = box
    aside, above = margin[0] * width, margin[1] * height
    top, bottom = max(0, round(y - above)), round(y + height + above)
    left, right = max(0, round(x - aside)), round(x + width + aside)
    return np.ascontiguousarray(picture[top:bottom, left:right])
