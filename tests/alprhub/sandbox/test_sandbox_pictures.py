"""Pictures and videos for readers: drawn, named by their time, the same again, and readable."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from alprhub.sandbox.pictures import plate_crop, plate_jpeg, street, write_pictures, write_video

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
MODELS = Path(__file__).resolve().parents[3].parent / "shared" / "models"


def decoded(raw: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)


def test_the_same_text_and_seed_give_the_same_picture() -> None:
    assert plate_jpeg("9XAB123", seed=1) == plate_jpeg("9XAB123", seed=1)
    assert plate_jpeg("9XAB123", seed=1) != plate_jpeg("9XAB123", seed=2)
    assert plate_jpeg("9XAB123", seed=1) != plate_jpeg("9XAB124", seed=1)


def test_a_part_can_be_cut_out_and_shrunk() -> None:
    assert decoded(plate_jpeg("9XAB123")).shape == (720, 1280, 3)
    assert decoded(plate_jpeg("9XAB123", crop=(100, 50, 400, 200))).shape == (200, 400, 3)
    assert decoded(plate_jpeg("9XAB123", max_width=320)).shape == (180, 320, 3)
    assert decoded(plate_jpeg("9XAB123", crop=(5000, 5000, 10, 10))).shape == (720, 1280, 3)
    assert decoded(plate_crop("9XAB123")).shape == (100, 200, 3)


def test_pictures_are_named_by_their_camera_and_utc_time(tmp_path: Path) -> None:
    pacific = timezone(timedelta(hours=-7))
    moments = [NOW, (NOW + timedelta(milliseconds=250)).astimezone(pacific), NOW + timedelta(days=1)]
    written = write_pictures(tmp_path / "new", [(f"9XAB12{n}", moment) for n, moment in enumerate(moments)])
    assert [picture.path.stat().st_mtime for picture in written] == [moment.timestamp() for moment in moments]
    assert [one.path.name for one in written] == [
        "pier-1_20250601T120000.000Z.jpg",
        "pier-1_20250601T120000.250Z.jpg",
        "pier-1_20250602T120000.000Z.jpg",
    ]
    assert [one.taken_at for one in written] == moments
    sizes = {decoded(one.path.read_bytes()).shape[:2] for one in written}
    assert sizes == {(720, 1280), (540, 960), (1080, 1920)}


@pytest.mark.parametrize("name", ["car.avi", "car.mp4"])
def test_a_video_shows_one_car_that_comes_and_goes(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, "9XAB123", frames=12, size=(640, 360))
    video = cv2.VideoCapture(str(path))
    frames = []
    while True:
        more, frame = video.read()
        if not more:
            break
        frames.append(frame.astype(int))
    assert len(frames) == 12
    assert video.get(cv2.CAP_PROP_FPS) == 20
    changes = [float(np.abs(frame - frames[0]).mean()) for frame in frames]
    assert changes[-1] < 8 < changes[6]


def test_a_video_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot write"):
        write_video(tmp_path / "no folder" / "car.avi", "9XAB123", frames=2)


@pytest.mark.skipif(not MODELS.exists(), reason="reading networks are not part of the repository; see ../shared")
def test_a_reading_network_reads_what_was_drawn() -> None:
    reading = pytest.importorskip("fast_plate_ocr")
    reader = reading.LicensePlateRecognizer(
        onnx_model_path=str(MODELS / "cct_xs_v2_global.onnx"),
        plate_config_path=str(MODELS / "cct_xs_v2_global_plate_config.yaml"),
    )
    plates = ["9XB0508", "9XJF415", "7ZKM204", "ZZA1B2C", "ZZZ4821"]
    read = []
    for plate in plates:
        crop = cv2.cvtColor(decoded(plate_crop(plate, seed=3)), cv2.COLOR_BGR2RGB)
        read.append(reader.run(crop)[0].plate.rstrip("_"))
    assert read == plates


def test_a_picture_is_an_array_of_bytes_in_rgb() -> None:
    image = street("9XAB123", size=(640, 360))
    assert (image.shape, image.dtype) == ((360, 640, 3), np.uint8)
