"""Draws cars with synthetic plates, for readers that take pictures and videos instead of reads.

The drawings are plain, but a decent detector and OCR find and read the plate: it is large enough, sharp
enough, and set in a clear face. Everything is made from a text and a seed, so it comes out the same again.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Array = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 720
_PLATE = (400, 200)  # twice as wide as high, as in the United States
_INKS = ((28, 32, 92), (20, 20, 24), (16, 70, 40))
_PAINTS = ((150, 30, 30), (40, 60, 110), (70, 74, 80), (25, 27, 30), (185, 188, 192), (30, 95, 70))


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that was written, and the truth about it. `taken_at` is UTC and also in the file's name."""

    path: Path
    plate: str
    camera: str
    taken_at: datetime


def plate_jpeg(
    plate: str, *, seed: int = 0, crop: tuple[int, int, int, int] = (0, 0, 0, 0), max_width: int = 0
) -> bytes:
    """A JPEG of 1280 by 720 with one car and its plate.

    `crop` is x, y, width, height in pixels (no width or height: the whole picture); a result wider than
    `max_width` is shrunk to it.
    """
    image = street(plate, seed=seed)
    x, y, width, height = crop
    if width > 0 and height > 0:
        cut = image[y : y + height, x : x + width]
        image = cut if cut.size else image
    if 0 < max_width < image.shape[1]:
        image = _resized(image, max_width / image.shape[1])
    return _jpeg(image)


def plate_crop(plate: str, *, seed: int = 0) -> bytes:
    """A JPEG of the plate alone, about 200 by 100 pixels."""
    return _jpeg(_resized(_plate(plate, random.Random(_mix(plate, seed))), 0.5))


def street(plate: str, *, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Array:
    """An RGB picture (height, width, 3) of the back of a car on a street, a little rotated, blurred and noisy.

    `size` is width and height; below 640 by 360 the plate becomes too small to read.
    """
    rng = random.Random(_mix(plate, seed))
    car, place = _car(plate, rng)
    image = _road(rng)
    scale = rng.uniform(0.85, 1.15)
    _put(image, car, place, scale, rng.uniform(-4.0, 4.0), WIDTH / 2 + rng.uniform(-140, 140), HEIGHT * 0.57)
    return _weathered(_resized_to(image, size), rng)


def write_pictures(
    folder: Path, cars: Iterable[tuple[str, datetime]], *, seed: int = 0, camera: str = "pier-1"
) -> list[Picture]:
    """Write one JPEG per (plate, moment) and give their list.

    The names are `<camera>_<UTC time to the millisecond>.jpg`, like `pier-1_20250601T120000.250Z.jpg`. Sizes
    vary between 960 by 540 and 1920 by 1080. Each file was written at its moment: a reader leaves one alone for a
    while that is just being written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for index, (plate, moment) in enumerate(cars):
        taken = moment.astimezone(UTC)
        name = f"{camera}_{taken.strftime('%Y%m%dT%H%M%S')}.{taken.microsecond // 1000:03d}Z.jpg"
        width, height = ((1280, 720), (960, 540), (1920, 1080))[index % 3]
        path = folder / name
        path.write_bytes(_jpeg(street(plate, seed=seed + index, size=(width, height))))
        os.utime(path, (taken.timestamp(), taken.timestamp()))
        written.append(Picture(path, plate, camera, taken))
    return written


def write_video(
    path: Path, plate: str, *, seed: int = 0, frames: int = 40, fps: int = 20, size: tuple[int, int] = (960, 540)
) -> Path:
    """Write a video of one car that comes near, passes and leaves the picture; first and last frame are empty.

    A name that ends in `.avi` becomes MJPG, any other mp4v. OSError if the file cannot be written.
    """
    rng = random.Random(_mix(plate, seed))
    car, place = _car(plate, rng)
    empty = _road(rng)
    code = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), code, float(fps), size)
    if not writer.isOpened():
        raise OSError(f"cannot write {path}")
    try:
        for number in range(frames):
            image = empty.copy()
            way = (number - 1) / max(1, frames - 3)
            if 0.0 <= way <= 1.0:
                middle = WIDTH * (-0.25 + 1.5 * way), HEIGHT * (0.50 + 0.12 * way)
                _put(image, car, place, 0.75 + 0.4 * way, -2.0 + 4.0 * way, *middle)
            frame = _weathered(_resized_to(image, size), rng)
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    finally:
        writer.release()
    return path


def _plate(text: str, rng: random.Random) -> Array:
    """The plate alone: dark letters on a light ground with a frame and four screws."""
    width, height = _PLATE
    ground = tuple(rng.randint(232, 248) for _ in range(3))
    image = Image.new("RGB", _PLATE, ground)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((3, 3, width - 4, height - 4), radius=18, outline=(90, 94, 104), width=4)
    for x in (70, width - 70):
        for y in (16, height - 16):
            draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=(120, 122, 126))
    letters = _letters(text)
    shape = letters.resize((min(letters.width, width - 40), letters.height), Image.Resampling.LANCZOS)
    place = ((width - shape.width) // 2, (height - shape.height) // 2)
    image.paste(Image.new("RGB", shape.size, rng.choice(_INKS)), place, shape)
    return np.asarray(image, dtype=np.uint8)


def _letters(text: str) -> Image.Image:
    """The text as a mask, set wide; the plate narrows it, which gives the tall letters of a real one."""
    # The face that Pillow carries with it: no machine lacks it.
    face = ImageFont.load_default(130)
    mask = Image.new("L", (130 * max(1, len(text)), 150), 0)
    draw, x = ImageDraw.Draw(mask), 12.0
    for mark in text:
        draw.text((x, 75), mark, font=face, fill=255, anchor="lm", stroke_width=2, stroke_fill=255)
        x += draw.textlength(mark, font=face) + 12
    return mask.crop((0, 15, int(x), 135))


def _car(text: str, rng: random.Random) -> tuple[Array, Array]:
    """The back of a car, RGB 900 by 640, and its mask of 0 and 255."""
    paint = rng.choice(_PAINTS)
    image = Image.new("RGB", (900, 640), (0, 0, 0))
    mask = Image.new("L", (900, 640), 0)
    parts: list[tuple[tuple[int, int, int, int], int, tuple[int, int, int]]] = [
        ((90, 520, 230, 630), 40, (18, 18, 20)),  # wheels
        ((670, 520, 810, 630), 40, (18, 18, 20)),
        ((150, 10, 750, 300), 110, paint),  # cabin
        ((40, 210, 860, 570), 70, paint),  # body
        ((195, 50, 705, 215), 60, (38, 46, 56)),  # window
        ((60, 290, 190, 370), 24, (190, 24, 28)),  # lights
        ((710, 290, 840, 370), 24, (190, 24, 28)),
        ((55, 490, 845, 575), 30, tuple(max(0, part - 35) for part in paint)),  # type: ignore[list-item]  # bumper
    ]
    draw, shape = ImageDraw.Draw(image), ImageDraw.Draw(mask)
    for box, radius, colour in parts:
        draw.rounded_rectangle(box, radius=radius, fill=colour)
        shape.rounded_rectangle(box, radius=radius, fill=255)
    draw.line((60, 270, 840, 270), fill=tuple(max(0, part - 25) for part in paint), width=4)
    plate = Image.fromarray(_plate(text, rng)).resize((260, 130), Image.Resampling.LANCZOS)
    draw.rounded_rectangle((312, 322, 588, 468), radius=10, fill=(24, 24, 26))
    image.paste(plate, (320, 330))
    return np.asarray(image, dtype=np.uint8), np.asarray(mask, dtype=np.uint8)


def _road(rng: random.Random) -> Array:
    """A grey road under a pale sky, with a kerb and lane marks."""
    image = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    horizon = 230
    fade = np.linspace(0, 1, horizon)[:, None, None]
    sky, haze = np.array([150, 180, 210]), np.array([215, 220, 222])
    image[:horizon] = (sky * (1 - fade) + haze * fade).astype(np.uint8)
    image[horizon:] = rng.randint(95, 125)
    for _ in range(6):
        left = rng.randint(-60, WIDTH - 60)
        colour = tuple(rng.randint(110, 190) for _ in range(3))
        cv2.rectangle(image, (left, rng.randint(90, 190)), (left + rng.randint(90, 240), horizon), colour, -1)
    cv2.line(image, (0, horizon + 14), (WIDTH, horizon + 14), (170, 168, 160), 10)
    for start in range(40, WIDTH, 260):
        cv2.line(image, (start, HEIGHT - 40), (start + 120, HEIGHT - 40), (225, 225, 215), 9)
    return image


def _put(image: Array, car: Array, mask: Array, scale: float, degrees: float, x: float, y: float) -> None:
    """Lay the car over the picture with its middle at (x, y) in pixels."""
    height, width = mask.shape
    # Only the square that the car can reach is touched, which halves the work of a video.
    reach = int(np.hypot(width, height) * scale / 2) + 2
    left, top = max(0, int(x) - reach), max(0, int(y) - reach)
    part = image[top : int(y) + reach, left : int(x) + reach]
    if part.size == 0:
        return
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    turn[0, 2] += x - left - width / 2
    turn[1, 2] += y - top - height / 2
    size = (part.shape[1], part.shape[0])
    laid = cv2.warpAffine(car, turn, size, flags=cv2.INTER_AREA)
    inside = cv2.warpAffine(mask, turn, size, flags=cv2.INTER_LINEAR)
    cv2.copyTo(laid, cv2.threshold(inside, 127, 255, cv2.THRESH_BINARY)[1], part)


def _weathered(image: Array, rng: random.Random) -> Array:
    """The picture as a camera gives it: slightly soft, with noise and its own brightness."""
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9))
    grain = _grain(rng.randrange(4))
    down, across = -(-image.shape[0] // grain.shape[0]), -(-image.shape[1] // grain.shape[1])
    noise = np.tile(grain, (down, across, 1))[: image.shape[0], : image.shape[1]]
    bright = cv2.convertScaleAbs(soft, alpha=rng.uniform(0.85, 1.1))
    return np.asarray(cv2.add(bright, noise, dtype=cv2.CV_8U), dtype=np.uint8)


@lru_cache(maxsize=4)
def _grain(which: int) -> npt.NDArray[np.int16]:
    """A tile of noise: drawing it anew for every picture would cost more than the picture."""
    return np.random.default_rng(which).normal(0, 4, (256, 256, 3)).astype(np.int16)


def _resized(image: Array, scale: float) -> Array:
    return _resized_to(image, (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))))


def _resized_to(image: Array, size: tuple[int, int]) -> Array:
    shrinks = size[0] < image.shape[1]
    return np.asarray(
        cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), dtype=np.uint8
    )


def _jpeg(image: Array) -> bytes:
    done, raw = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise ValueError("the picture could not be encoded")
    return bytes(raw)


def _mix(plate: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{plate}".encode(), digest_size=8).digest(), "big")
