"""The offline engine reads a plate and leaves alone what else is written in a street."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from native_reader.pictures import decode_picture, encode_jpeg


@pytest.mark.parametrize("text", ["7ZZX123", "2QQV456", "KTY83H", "XKW9021"])
def test_a_plate_is_read_and_found_where_it_is(offline, draw, text: str) -> None:
    (plate,) = offline.read(draw(text, at=(230, 220), width=180))
    assert plate.text == text
    assert 0.8 < plate.confidence <= 1
    assert plate.candidates[0] == (text, plate.confidence)
    x, y, width, height = plate.box
    assert 200 <= x <= 245
    assert 220 <= y <= 260
    assert 395 <= x + width <= 440
    assert 280 <= y + height <= 320


@pytest.mark.parametrize("width", [80, 120, 260])
def test_near_and_far_plates_are_read(offline, draw, width: int) -> None:
    assert [plate.text for plate in offline.read(draw(width=width, at=(200, 180)))] == ["7ZZX123"]


def test_a_small_plate_in_a_large_picture_takes_a_second_look(offline, draw) -> None:
    street = np.full((1080, 1900, 3), 110, np.uint8)
    street[600:1000, 1100:1740] = draw(width=70)
    assert [plate.text for plate in offline.read(street)] == ["7ZZX123"]


def test_signs_badges_clocks_and_telephone_numbers_are_no_plates(offline, draw) -> None:
    street = draw(
        others=(
            ("NO PARKING 8AM-6PM", 20, 20, 26),
            ("TOYOTA", 420, 150, 30),
            ("2024-05-13 07:51:13", 400, 10, 20),
            ("07:51:13", 500, 50, 20),
            ("555-0123", 20, 120, 34),
        )
    )
    assert [plate.text for plate in offline.read(street)] == ["7ZZX123"]


def test_a_plate_of_letters_only_is_told_with_doubt(offline, draw) -> None:
    (plate,) = offline.read(draw("QZRULZ"))
    assert (plate.text, plate.alert_grade) == ("QZRULZ", False)
    assert plate.confidence <= 0.3


def test_a_street_without_a_plate_gives_nothing(offline, draw) -> None:
    assert offline.read(draw(None, others=(("CITY HALL", 40, 60, 40), ("CALL 555-0123", 40, 160, 40)))) == []


def test_a_plate_that_the_edge_cuts_is_told_with_doubt_if_at_all(offline, draw) -> None:
    whole = draw(at=(230, 220), width=180)
    for cut in (whole[:, :365], whole[:, 285:]):
        for plate in offline.read(np.ascontiguousarray(cut)):
            assert (plate.may_be_cut, plate.alert_grade) == (True, False)
            assert plate.confidence <= 0.5


def test_a_whole_plate_near_the_edge_is_read_and_marked(offline, draw) -> None:
    (plate,) = offline.read(np.ascontiguousarray(draw(at=(230, 220), width=180)[:, :406]))
    assert (plate.text, plate.may_be_cut) == ("7ZZX123", True)


@pytest.mark.slow
def test_one_large_picture_at_a_time_stays_below_400_mib(draw, tmp_path: Path) -> None:
    path = tmp_path / "street.jpg"
    path.write_bytes(encode_jpeg(cv2.resize(draw(None), (1150, 860))))
    code = (
        "import re, sys; from pathlib import Path; from native_reader.ppocr import PPOCREngine; "
        "from native_reader.pictures import load_picture; PPOCREngine().read(load_picture(Path(sys.argv[1]))); "
        # Of this program alone: `ru_maxrss` begins with what the process had that started it.
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3), (900, 2, 3), (31, 33, 3)])
def test_pictures_too_small_for_anything_are_empty(offline, shape: tuple[int, ...]) -> None:
    assert offline.read(np.zeros(shape, np.uint8)) == []


def test_noise_is_empty(offline) -> None:
    assert offline.read(np.random.default_rng(2).integers(0, 255, (240, 320, 3), np.uint8)) == []


def test_the_same_picture_reads_the_same_from_several_threads(offline, draw) -> None:
    streets = [draw(text, size=(400, 300), at=(120, 150), width=150) for text in ("7ZZX123", "2QQV456")] * 3
    with ThreadPoolExecutor(2) as pool:
        texts = [[plate.text for plate in plates] for plates in pool.map(offline.read, streets)]
    assert texts == [["7ZZX123"], ["2QQV456"]] * 3


def test_a_crop_of_a_sighting_shows_the_plate(offline, draw) -> None:
    street = draw()
    (plate,) = offline.read(street)
    x, y, width, height = plate.box
    crop = decode_picture(encode_jpeg(street[y : y + height, x : x + width]), "crop")
    assert crop.shape == (height, width, 3)


def test_the_engine_names_itself_and_its_weights(offline) -> None:
    assert offline.name.startswith("PP-OCRv6 small (rapidocr 3.")
    assert sorted(offline.weights) == ["PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"]
    assert all(len(bytes.fromhex(sha256)) == 32 for sha256 in offline.weights.values())


def test_a_close_crop_of_a_whole_plate_is_not_cut_off(offline, draw) -> None:
    street = draw(at=(230, 220), width=180)
    (plate,) = offline.read(np.ascontiguousarray(street[215:315, 225:415]))
    assert plate.text == "7ZZX123"
