"""The choice between the engines whose weights are here."""

from __future__ import annotations

import logging
from pathlib import Path

from native_reader import weights
from native_reader.engine import Engine

_log = logging.getLogger(__name__)


def best_engine(models: Path | None = None) -> Engine:
    """Return the most accurate engine whose weights are here; the offline one needs no weights from you.

    `models` is the folder an admin keeps weights in (`native_reader.weights` lists the files). A folder that
    lacks some is named in a warning and the offline engine is used: `Engine.name` always tells which it is.

    Raises WeightsRefused for a weights file that is there but cannot be loaded, and WeightsMissing where the
    packages with the offline engine's own weights are not installed either.
    """
    if models is not None:
        missing = weights.missing(models)
        if not missing:
            from native_reader.fast_plate import FastPlateEngine

            return FastPlateEngine(models)
        _log.warning("reading offline: %s lacks %s", models, ", ".join(missing))
    from native_reader.ppocr import PPOCREngine

    return PPOCREngine()
