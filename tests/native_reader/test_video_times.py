"""A video is looked at by its time: a rate that varies, or is very low or very high, costs no frame and no file."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from native_reader.video import StreamBroken, frames

SIZE = (96, 64)
VARIED = (*range(0, 1000, 40), *range(1000, 21000, 1000))
"""Milliseconds: one second at 25 frames a second, then twenty seconds at one."""


def _jpegs(count: int) -> list[bytes]:
    noise = np.random.default_rng(4).integers(0, 255, (count, SIZE[1], SIZE[0], 3), np.uint8)
    return [cv2.imencode(".jpg", picture)[1].tobytes() for picture in noise]


def _element(ident: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return bytes.fromhex(ident) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def _number(ident: str, value: int) -> bytes:
    return _element(ident, value.to_bytes(4, "big"))


def _matroska(times: Sequence[int], kind: bytes = b"matroska", length: float | None = None) -> bytes:
    """A Matroska file of JPEGs shown at `times`; like its kind it tells no count, and `length` where it is given."""
    told = [] if length is None else [_element("4489", struct.pack(">d", length))]
    track = _element(
        "ae", _number("d7", 1), _number("73c5", 1), _number("83", 1), _element("86", b"V_MJPEG"),
        _number("23e383", 40_000_000), _element("e0", _number("b0", SIZE[0]), _number("ba", SIZE[1])),
    )  # fmt: skip
    clusters = [
        _element("1f43b675", _number("e7", at), _element("a3", b"\x81\x00\x00\x80", jpeg))
        for at, jpeg in zip(times, _jpegs(len(times)), strict=True)
    ]
    info = _element("1549a966", _number("2ad7b1", 1_000_000), *told)
    segment = _element("18538067", info, _element("1654ae6b", track), *clusters)
    return _element("1a45dfa3", _element("4282", kind)) + segment


def _chunk(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return name + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)


def _avi(times: Sequence[int], step: int = 40) -> bytes:
    """An AVI file at one frame a `step` of milliseconds, with empty frames where there is none, as recorders do."""
    slots = {at // step: jpeg for at, jpeg in zip(times, _jpegs(len(times)), strict=True)}
    count = max(slots) + 1
    shown = [_chunk(b"00dc", slots.get(slot, b"")) for slot in range(count)]
    wide, high = SIZE
    about = struct.pack("<14I", step * 1000, 0, 0, 0x10, count, 0, 1, 0, wide, high, 0, 0, 0, 0)
    stream = b"vidsMJPG" + struct.pack("<10I", 0, 0, 0, step, 1000, 0, count, 0, 0xFFFFFFFF, 0)
    stream += struct.pack("<4H", 0, 0, wide, high)
    form = struct.pack("<IiiHH4s5I", 40, wide, high, 1, 24, b"MJPG", wide * high * 3, 0, 0, 0, 0)
    tracks = _chunk(b"LIST", b"strl", _chunk(b"strh", stream), _chunk(b"strf", form))
    places, at = [], 4
    for chunk in shown:
        places.append(struct.pack("<4sIII", b"00dc", 0x10, at, len(chunk) - 8))
        at += len(chunk)
    return _chunk(
        b"RIFF", b"AVI ", _chunk(b"LIST", b"hdrl", _chunk(b"avih", about), tracks),
        _chunk(b"LIST", b"movi", *shown), _chunk(b"idx1", *places),
    )  # fmt: skip


Container = Callable[[Sequence[int]], bytes]
CONTAINERS = {
    "varied.mkv": lambda times: _matroska(times, length=float(times[-1] + times[-1] - times[-2])),
    "varied.webm": lambda times: _matroska(times, b"webm", length=float(times[-1] + 40)),
    "untold.webm": lambda times: _matroska(times, b"webm"),
    "varied.avi": _avi,
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_rate_that_varies_is_looked_at_by_time_and_the_file_is_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(CONTAINERS[name](VARIED))
    seen = [round(frame.seconds, 2) for frame in frames(path, rate=5)]
    assert seen == [0.0, 0.2, 0.4, 0.6, 0.8, *map(float, range(1, 21))]


@pytest.mark.parametrize("name", ["varied.mkv", "varied.webm", "varied.avi"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_one_that_breaks_off_says_so_in_seconds(tmp_path: Path, name: str, share: float) -> None:
    whole = CONTAINERS[name](VARIED)
    path = tmp_path / name
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(StreamBroken, match=r"breaks off after \d+\.\d of 2\d\.\d seconds"):
        list(frames(path))


@pytest.mark.parametrize("codec", [("slow.avi", "MJPG"), ("slow.mp4", "mp4v"), ("slow.mkv", "MJPG")])
@pytest.mark.parametrize("fps", [0.25, 0.5])
def test_no_frame_of_a_time_lapse_is_passed_over(film, codec: tuple[str, str], fps: float) -> None:
    pictures = [np.full((64, 96, 3), 40 + i, np.uint8) for i in range(6)]
    seen = [frame.seconds for frame in frames(film(pictures, codec[0], fps, codec[1]))]
    assert seen == pytest.approx([number / fps for number in range(6)])


def test_a_very_fast_camera_is_thinned_to_the_rate(film) -> None:
    pictures = [np.full((64, 96, 3), 40 + i, np.uint8) for i in range(100)]
    assert [frame.number for frame in frames(film(pictures, fps=250), rate=10)] == [0, 25, 50, 75]


def test_times_that_jump_back_or_stand_still_never_lead_backwards(tmp_path: Path) -> None:
    path = tmp_path / "jumps.mkv"
    path.write_bytes(_matroska((0, 200, 400, 9000, 9200, 100, 300, 500, 500, 700)))
    seen = [frame.seconds for frame in frames(path, rate=1000)]
    assert seen == sorted(seen)
    assert len(seen) >= 9
