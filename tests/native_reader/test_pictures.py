"""Pictures are weighed before they are decoded; what is wrong with one is told, and stops no other."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from native_reader.pictures import PictureLimits, PictureRefused, decode_picture, encode_jpeg, load_picture, walk

RED, GREY = (200, 30, 40), 90


def _save(path: Path, image: Image.Image, **how: object) -> Path:
    image.save(path, **how)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
def test_every_format_comes_out_as_rgb(tmp_path: Path, suffix: str) -> None:
    picture = load_picture(_save(tmp_path / f"a.{suffix}", Image.new("RGB", (40, 30), RED)))
    assert picture.shape == (30, 40, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.reshape(-1, 3).mean(axis=0) - RED).max() < 6


@pytest.mark.parametrize(
    ("name", "image", "colour"),
    [
        ("grey.png", Image.new("L", (40, 30), GREY), (GREY,) * 3),
        ("grey.jpg", Image.new("L", (40, 30), GREY), (GREY,) * 3),
        ("deep.png", Image.fromarray(np.full((30, 40), GREY * 257, np.uint16)), (GREY,) * 3),
        ("cmyk.jpg", Image.new("RGB", (40, 30), RED).convert("CMYK"), RED),
        ("alpha.png", Image.new("RGBA", (40, 30), (*RED, 255)), RED),
        ("few.png", Image.new("RGB", (40, 30), RED).convert("P", palette=Image.Palette.ADAPTIVE), RED),
        ("bits.png", Image.new("1", (40, 30), 1), (255, 255, 255)),
    ],
)
def test_unusual_pixels_come_out_as_eight_bit_rgb(tmp_path: Path, name: str, image: Image.Image, colour) -> None:
    picture = load_picture(_save(tmp_path / name, image))
    assert picture.shape == (30, 40, 3)
    assert np.abs(picture.reshape(-1, 3).mean(axis=0) - colour).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_taken_sideways_comes_out_upright(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((30, 60, 3), np.uint8)
    upright[:10, :20] = 255  # the top left corner is white
    turned = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright), 7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _save(tmp_path / "a.jpg", Image.fromarray(np.ascontiguousarray(turned)), exif=exif, quality=95)
    picture = load_picture(path)
    assert picture.shape == (30, 60, 3)
    assert picture[:8, :18].mean() > 240
    assert picture[15:, 30:].mean() < 15


def test_a_phone_picture_with_a_second_one_inside_is_its_first(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (40, 30), RED), Image.new("RGB", (20, 10))
    picture = load_picture(_save(tmp_path / "a.jpg", first, format="MPO", save_all=True, append_images=[second]))
    assert picture.shape == (30, 40, 3)
    assert picture[..., 0].mean() > 150


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    assert load_picture(_save(tmp_path / "dot.png", Image.new("RGB", (1, 1), RED))).tolist() == [[list(RED)]]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    path = _save(tmp_path / f"half.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(PictureRefused, match=rf"half\.{suffix}"):
        load_picture(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just some text, renamed", "not a JPEG"),
        (b"\xff\xd8\xff\xe0", "not a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a JPEG"),
        (b"GIF89a" + b"\0" * 40, "not a JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a JPEG"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "odd.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureRefused, match=rf"odd\.jpg: .*{reason}"):
        load_picture(path)


def _png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 3_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (9_000, 8_000), (11_000, 9_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch, width: int, height: int) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_that_claims(width, height))
    with pytest.raises(PictureRefused, match=r"bomb\.png: .*pixels"):
        load_picture(path)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "large.jpg"
    with path.open("wb") as stream:
        stream.truncate(10_000_000_000)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read"))
    with pytest.raises(PictureRefused, match=r"large\.jpg: 10000000000 bytes"):
        load_picture(path)


def test_limits_can_be_set(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", Image.new("RGB", (40, 30)))
    with pytest.raises(PictureRefused, match="at most 1000"):
        load_picture(path, PictureLimits(pixels=1000))
    with pytest.raises(PictureRefused, match="at most 10 "):
        decode_picture(path.read_bytes(), "a.png", PictureLimits(bytes=10))


@pytest.mark.parametrize("name", ["gone.jpg", "folder"])
def test_what_is_no_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(PictureRefused, match=f"{name}: there is no such file"):
        load_picture(tmp_path / name)


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PictureRefused, match="there is no such file"):
        load_picture(tmp_path / "pipe.jpg")


def test_a_folder_is_walked_in_a_stable_order_without_hidden_files_and_links(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.PNG", "sub/c.webp", "sub/deeper/d.bmp", ".hidden.jpg", ".git/e.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link.jpg").symlink_to("/etc/hostname")
    found = [str(path.relative_to(tmp_path)) for path in walk(tmp_path)]
    assert found == ["a.PNG", "b.jpg", "sub/c.webp", "sub/deeper/d.bmp"]
    assert list(walk(tmp_path / "b.jpg")) == [tmp_path / "b.jpg"]


def test_a_missing_folder_is_an_error_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(PictureRefused, match="gone"):
        list(walk(tmp_path / "gone"))


def test_one_bad_picture_stops_no_other(tmp_path: Path) -> None:
    _save(tmp_path / "1.png", Image.new("RGB", (9, 9), RED))
    (tmp_path / "2.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    _save(tmp_path / "3.png", Image.new("RGB", (9, 9), RED))
    good, bad = [], []
    for path in walk(tmp_path):
        try:
            good.append(load_picture(path))
        except PictureRefused as refused:
            bad.append(str(refused))
    assert len(good) == 2
    assert len(bad) == 1
    assert "2.png" in bad[0]


def test_a_crop_survives_encoding() -> None:
    crop = np.full((20, 50, 3), RED, np.uint8)
    encoded = encode_jpeg(crop)
    assert Image.open(io.BytesIO(encoded)).format == "JPEG"
    assert np.abs(decode_picture(encoded, "crop").astype(int) - crop).max() < 8


@settings(max_examples=tries(40, 150), deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400), st.sampled_from(["JPEG", "PNG", "WEBP", "BMP"]))
def test_damage_anywhere_gives_pixels_or_a_named_refusal(damage: bytes, at: int, form: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (24, 16), RED).save(stream, form)
    content = bytearray(stream.getvalue())
    content[at : at + len(damage)] = damage
    try:
        told: object = decode_picture(bytes(content), "damaged", PictureLimits(pixels=1_000_000)).shape[2]
    except PictureRefused as refused:
        told = str(refused).split(":")[0]
    assert told in (3, "damaged")
