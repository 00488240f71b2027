"""The best engine whose weights are here is taken, and it always says which it is."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from native_reader.choice import best_engine
from native_reader.engine import SeenPlate
from native_reader.weights import FAST_PLATE, WeightsMissing, WeightsRefused

ROOT = Path(__file__).parents[2]


def test_importing_the_types_loads_neither_opencv_nor_onnxruntime() -> None:
    heavy = "{'cv2', 'onnxruntime', 'fast_plate_ocr', 'open_image_models', 'rapidocr', 'PIL'}"
    code = (
        "import sys, native_reader.engine, native_reader.pictures, native_reader.video, native_reader.weights; "
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_a_folder_the_engine_is_the_offline_one() -> None:
    assert best_engine().name.startswith("PP-OCRv6")
    assert best_engine(None).read(np.zeros((40, 40, 3), np.uint8)) == []


def test_a_folder_that_lacks_files_is_told_and_the_offline_engine_taken(tmp_path: Path, caplog) -> None:
    (tmp_path / FAST_PLATE[0].name).write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        assert best_engine(tmp_path).name.startswith("PP-OCRv6")
    assert FAST_PLATE[-1].name in caplog.text
    assert FAST_PLATE[0].name not in caplog.text


def test_a_folder_with_everything_gives_the_better_engine(shared: Path) -> None:
    engine = best_engine(shared / "models")
    assert engine.name.startswith("fast-plate-ocr 1.")
    assert engine.name.endswith("cct-xs v1+v2 / yolo-v9-t-416")
    assert len(engine.weights) == len(FAST_PLATE)


@pytest.mark.parametrize("broken", [file.name for file in FAST_PLATE])
def test_a_damaged_weights_file_is_named_not_worked_around(shared: Path, tmp_path: Path, broken: str) -> None:
    for path in (shared / "models").iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / broken).write_bytes(b"not a model: [")
    with pytest.raises(WeightsRefused, match=broken.removesuffix(".onnx")):
        best_engine(tmp_path)


def test_the_better_engine_says_what_its_folder_lacks(tmp_path: Path) -> None:
    from native_reader.fast_plate import FastPlateEngine

    with pytest.raises(WeightsMissing, match=r"cct_xs_v1_global\.onnx"):
        FastPlateEngine(tmp_path)


def test_sightings_compare_by_what_they_say() -> None:
    one = SeenPlate("7ZZX123", 0.9, (1, 2, 3, 4), slots=np.zeros((10, 37), np.float32))
    assert one == SeenPlate("7ZZX123", 0.9, (1, 2, 3, 4))
    assert "slots" not in repr(one)
