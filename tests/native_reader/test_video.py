"""One sighting a passing vehicle, out of a file or a camera by the same code."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import numpy as np
import pytest

from native_reader.engine import Box, Pixels, SeenPlate
from native_reader.pictures import PictureLimits
from native_reader.slots import candidates, from_candidates
from native_reader.video import StreamBroken, frames, passings


def _sighting(text: str, confidence: float, box: Box) -> SeenPlate:
    slots = from_candidates([(text, confidence)])
    return SeenPlate(text, confidence, box, candidates(slots), slots)


class Script:
    """An engine that reads what it is told: frame by frame, the text and place of every plate."""

    name = "script"
    weights: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, *looks: list[SeenPlate]) -> None:
        self._looks = iter(looks)

    def read(self, picture: Pixels) -> list[SeenPlate]:
        return next(self._looks, [])


def _blank(count: int, size: tuple[int, int] = (64, 96)) -> list[Pixels]:
    return [np.full((*size, 3), 40 + i, np.uint8) for i in range(count)]


def test_a_vehicle_that_drives_through_is_one_passing_with_its_best_frame(offline, draw, film) -> None:
    drive = [draw("7ZZX123", at=(40 + 70 * step, 150), width=120, size=(480, 320)) for step in range(4)]
    path = film([*drive, *[draw(None, size=(480, 320))] * 2], fps=5)
    (passing,) = passings(path, offline, rate=5)
    assert passing.sighting.text == "7ZZX123"
    assert passing.looks >= 2
    assert 0 <= passing.first_seconds <= passing.frame.seconds <= passing.last_seconds <= 0.8
    assert passing.frame.picture.shape == (320, 480, 3)
    x, _, wide, _ = passing.sighting.box
    assert abs(x + wide / 2 - (100 + 70 * passing.frame.number)) < 20, "the box belongs to the best frame"


def test_frames_add_up_to_a_text_that_no_single_frame_read(film) -> None:
    looks = [[_sighting(text, 0.6, (10, 10, 40, 20))] for text in ("7ZZX128", "1ZZX123", "7ZZX123", "7ZZK123")]
    (passing,) = passings(film(_blank(4), fps=6), Script(*looks), rate=6)
    assert passing.sighting.text == "7ZZX123"
    assert passing.looks == 4


def test_two_cars_side_by_side_stay_two(film) -> None:
    looks = [
        [_sighting("7ZZX123", 0.9, (5 + i, 10, 30, 15)), _sighting("2QQV456", 0.9, (50 - i, 10, 30, 15))]
        for i in range(5)
    ]
    found = list(passings(film(_blank(5), fps=6), Script(*looks), rate=6))
    assert sorted(p.sighting.text for p in found) == ["2QQV456", "7ZZX123"]


def test_a_car_followed_twice_after_bad_frames_is_told_once(film) -> None:
    car, bad = _sighting("7ZZX123", 0.9, (5, 10, 30, 15)), _sighting("1LLK", 0.3, (60, 10, 30, 15))
    better = _sighting("7ZZX123", 0.95, (62, 10, 30, 15))
    found = list(passings(film(_blank(6), fps=6), Script([car], [car, bad], [car, better], [better]), rate=6))
    assert [p.sighting.text for p in found] == ["7ZZX123"]


def test_the_same_car_an_hour_later_is_told_again(film) -> None:
    car = [_sighting("7ZZX123", 0.9, (5, 10, 30, 15))]
    looks = [car, car, *[[]] * 20, car, car]
    assert len(list(passings(film(_blank(24), fps=6), Script(*looks), rate=6))) == 2


def test_a_parked_car_is_told_before_it_leaves_and_only_once(film) -> None:
    car = [_sighting("7ZZX123", 0.9, (5, 10, 30, 15))]
    told = list(passings(film(_blank(80), fps=6), Script(*[car] * 80), rate=6))
    assert len(told) == 1
    assert 10 <= told[0].last_seconds < 11


def test_a_doubtful_glimpse_is_not_a_vehicle(film) -> None:
    assert not list(passings(film(_blank(3), fps=6), Script([_sighting("7ZZX123", 0.4, (5, 10, 30, 15))]), rate=6))


def test_frames_are_thinned_to_the_rate_and_keep_their_numbers(film) -> None:
    found = list(frames(film(_blank(30), fps=30), rate=6))
    assert [frame.number for frame in found] == [0, 5, 10, 15, 20, 25]
    assert [round(frame.seconds, 2) for frame in found] == [0.0, 0.17, 0.33, 0.5, 0.67, 0.83]


def test_colours_are_rgb(film) -> None:
    red = np.zeros((64, 96, 3), np.uint8)
    red[..., 0] = 220
    frame = next(frames(film([red] * 2)))
    assert frame.picture[..., 0].mean() > 150 > 60 > frame.picture[..., 2].mean()


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_file_that_breaks_off_says_so_after_telling_what_it_saw(film, tmp_path, share) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (20, 120, 160, 3), np.uint8)
    whole = film(list(noise), fps=6).read_bytes()
    broken = tmp_path / "broken.avi"
    broken.write_bytes(whole[: int(len(whole) * share)])
    looks = [[_sighting("7ZZX123", 0.9, (5, 10, 30, 15))]] * 20
    told = []
    with pytest.raises(StreamBroken, match=r"broken\.avi"):
        _until(passings(broken, Script(*looks), rate=6), told)
    assert [p.sighting.text for p in told] == ["7ZZX123"]


def _until(source, told) -> None:
    """Collect what comes before an error."""
    for item in source:
        told.append(item)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"this is not a video, it only says so"),
        ("playlist.mp4", b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.ts\n"),
        ("list.avi", b"ffconcat version 1.0\nfile /etc/hostname\n"),
        ("half.mp4", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00" * 50),
    ],
)
def test_what_is_no_video_is_refused_by_name(tmp_path, name, content) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(StreamBroken, match=name):
        next(frames(path))


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(StreamBroken, match=r"gone\.mp4"):
        next(frames(tmp_path / "gone.mp4"))


def test_frames_with_too_many_pixels_are_refused(film) -> None:
    with pytest.raises(StreamBroken, match="at most 1000"):
        next(frames(film(_blank(2)), limits=PictureLimits(pixels=1000)))


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.m3u8", "/etc/passwd", "file:///etc/passwd", "concat:a|b"])
def test_only_camera_addresses_are_opened_as_addresses(address) -> None:
    with pytest.raises(StreamBroken, match="rtsp://"):
        next(frames(address))


@pytest.mark.enable_socket
def test_a_camera_is_read_by_the_same_code_and_its_end_is_an_error(camera) -> None:
    looks = [[_sighting("7ZZX123", 0.9, (5, 10, 30, 15))]] * 9
    source = camera(_blank(12, (128, 160)), fps=10)
    told = []
    with pytest.raises(StreamBroken, match="stream ended") as broken:
        _until(passings(source.url, Script(*looks), rate=10, timeout=5), told)
    assert [p.sighting.text for p in told] == ["7ZZX123"]
    assert told[0].looks >= 5
    assert "s3cret" not in str(broken.value)


@pytest.mark.slow
@pytest.mark.enable_socket
def test_a_camera_that_falls_silent_is_given_up_after_the_timeout(camera) -> None:
    source = camera(_blank(6, (128, 160)), fps=20, silent=True)
    started = time.monotonic()
    with pytest.raises(StreamBroken):
        _until(frames(source.url, timeout=1.5), [])
    assert time.monotonic() - started < 6


@pytest.mark.enable_socket
def test_a_camera_that_never_answers_is_given_up_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        started = time.monotonic()
        with pytest.raises(StreamBroken, match="cannot be opened") as broken:
            next(frames(f"rtsp://user:s3cret@127.0.0.1:{mute.getsockname()[1]}/live", timeout=0.3))
        assert time.monotonic() - started < 5
        assert "s3cret" not in str(broken.value)


@pytest.mark.enable_socket
def test_a_camera_that_is_not_there_is_an_error_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StreamBroken, match="cannot be opened"):
        next(frames(f"rtsp://127.0.0.1:{port}/live", timeout=2))


@pytest.mark.slow
@pytest.mark.enable_socket
def test_a_reader_slower_than_the_camera_skips_frames_instead_of_falling_behind(camera) -> None:
    source = camera(_blank(60, (128, 160)), fps=20)
    numbers: list[int] = []

    def slow():
        for frame in frames(source.url, rate=20, timeout=5):
            time.sleep(0.15)
            yield frame.number

    started = time.monotonic()
    with pytest.raises(StreamBroken):
        _until(slow(), numbers)
    assert time.monotonic() - started < 6, "reading all 60 would take nine seconds"
    assert len(numbers) < 40
    assert max(np.diff(numbers)) > 1


@pytest.mark.slow
def test_all_three_plates_of_the_film_are_read_and_nothing_else(shared: Path, fast_plate) -> None:
    rows = [line.split("\t") for line in (shared / "plates/video/truth.tsv").read_text().splitlines()]
    found = list(passings(shared / "plates/video/cars.mp4", fast_plate))
    assert [p.sighting.text for p in found] == [row[0] for row in rows]
    for passing, (_, first, last) in zip(found, rows, strict=True):
        assert int(first) - 6 <= passing.frame.number <= int(last) + 6
        assert abs(passing.frame.seconds - passing.frame.number / 18) < 0.3
