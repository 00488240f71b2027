"""The engine with weights of its own: open-image-models finds plates, fast-plate-ocr's v1 and v2 read them.

v1 looks close and v2 looks wide. Where they do not agree, or are unsure, both look again as the other did, then twice
more where doubt stays, and everything is added up in log-probabilities; what neither can read is left at that. Crops
carry a margin: the detector's boxes cut characters off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from native_reader import weights
from native_reader.boxes import NEAR_WORTH, Edge, edge_of
from native_reader.calibration import Calibration
from native_reader.engine import Box, Pixels, SeenPlate
from native_reader.finding import PlateFinder
from native_reader.session import PROVIDERS, loading, options
from native_reader.slots import Slots, candidates, decode, from_probabilities, fuse, rescaled, weakest

Margin = tuple[float, float]
"""What a crop shows beyond a box, at each side: shares of the box's width and height."""

Look = Callable[[Sequence[Margin]], list[Slots]]
"""One model's readings of one box, a margin each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a box is looked at, and what readings are worth then."""

    close: Margin
    """v1's first look, v2's second."""
    wide: Margin
    """v2's first look, v1's second."""
    worth: Calibration


FURTHER: tuple[Margin, ...] = ((0.05, 0.08), (0.12, 0.15))
"""Both models' last looks at a box in doubt: many looks that differ matter more than which they are."""

PLAN = Plan((0.05, 0.12), (0.16, 0.20), Calibration(1.661, 1.440, 1.243))
"""Chosen by five-fold cross-validation (`make bench-reader`): margins that differ see more than margins that fit."""

_AGREED = 0.5
"""Both models read the same and every slot of each is at least this sure: no second look."""

_SETTLED = 0.7
"""Every slot of two looks by both, added up, is at least this sure: no further look."""

_LEGIBLE = 0.35
"""A plate whose least sure character is below this was seen, not read: of such texts one in ten is right."""


@dataclass(frozen=True, slots=True)
class CharacterReader:
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

    def __init__(self, models: Path, *, threads: int = 1, plan: Plan = PLAN) -> None:
        paths = {file.name: weights.locate(file, models) for file in weights.FAST_PLATE}
        files = {name: path for name, path in paths.items() if path is not None}
        if absent := sorted(paths.keys() - files.keys()):
            raise weights.WeightsMissing(f"{models} lacks {', '.join(absent)}")
        self._plan = plan
        self.v1 = _open_reader(files[weights.CCT_V1.name], files[weights.CCT_V1_CONFIG.name], threads)
        self.v2 = _open_reader(files[weights.CCT_V2.name], files[weights.CCT_V2_CONFIG.name], threads)
        self.finder = PlateFinder(files[weights.YOLO_T_416.name], threads)
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
        """Return the plates in an RGB picture, surest first; those that its left or right edge cuts are left out."""
        seen = [self._sighting(picture, box) for box in self.finder.find(picture)]
        return sorted((s for s in seen if s is not None), key=lambda s: -s.confidence)

    def by(self, plan: Plan) -> FastPlateEngine:
        """The same models, looking by another plan."""
        other = copy(self)
        other._plan = plan
        return other

    def _sighting(self, picture: Pixels, box: Box) -> SeenPlate | None:
        """Read one box, looking again only where one look by each model is not enough; None if illegible or cut."""
        edge = edge_of(box, picture)
        if edge is Edge.CUT:
            return None
        slots, agreed = self._look(picture, box)
        text, probability = decode(slots)
        if not text or weakest(slots) < _LEGIBLE:
            return None
        confidence = self._plan.worth.earned(probability, agreed) * (NEAR_WORTH if edge is Edge.NEAR else 1)
        ranked = rescaled(candidates(slots), confidence)
        return SeenPlate(text, confidence, box, ranked, slots, probability, agreed, edge is not Edge.CLEAR)

    def _look(self, picture: Pixels, box: Box) -> tuple[Slots, bool]:
        def by(reader: CharacterReader) -> Look:
            return lambda margins: reader.read([crop(picture, box, margin) for margin in margins])

        return added_up(by(self.v1), by(self.v2), self._plan)


def added_up(v1: Look, v2: Look, plan: Plan) -> tuple[Slots, bool]:
    """Return what both models see of one box as the plan has them look, and whether their first looks agree."""
    first = [*v1([plan.close]), *v2([plan.wide])]
    texts = {decode(slots)[0] for slots in first}
    sure = [weakest(slots) for slots in first]
    agreed = len(texts) == 1 and min(sure) >= _AGREED
    if not agreed and max(sure) >= _LEGIBLE:
        first += [*v1([plan.wide]), *v2([plan.close])]
        if weakest(fuse(first)) < _SETTLED:
            further = [margin for margin in FURTHER if margin not in (plan.close, plan.wide)]
            first += [*v1(further), *v2(further)]
    return fuse(first), agreed


def _open_reader(model: Path, config: Path, threads: int) -> CharacterReader:
    from fast_plate_ocr import LicensePlateRecognizer

    with loading(model, config):
        recognizer = LicensePlateRecognizer(
            onnx_model_path=model,
            plate_config_path=config,
            providers=list(PROVIDERS),
            sess_options=options(threads),
        )
    return CharacterReader(recognizer)


def crop(picture: Pixels, box: Box, margin: Margin) -> Pixels:
    x, y, width, height = box
    aside, above = margin[0] * width, margin[1] * height
    top, bottom = max(0, round(y - above)), round(y + height + above)
    left, right = max(0, round(x - aside)), round(x + width + aside)
    return np.ascontiguousarray(picture[top:bottom, left:right])
