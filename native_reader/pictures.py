"""Photos on disk: found in a stable order, weighed before they are opened, decoded upright to RGB."""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from native_reader.engine import Pixels

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
"""What `walk` takes for a picture; the content decides in the end."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
"""Formats whose headers are read."""


class PictureRefused(ValueError):
    """A file is not a picture that may be read; the message names the file and says why."""


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """How large a picture may be, in bytes on disk and in pixels once decoded (three bytes each)."""

    bytes: int = 64 * 1024 * 1024
    pixels: int = 64_000_000


LIMITS = PictureLimits()
"""A 64-megapixel photo takes 192 MB while it is read."""


def walk(root: Path, suffixes: Collection[str] = SUFFIXES) -> Iterator[Path]:
    """Yield the pictures in a folder and its subfolders, ordered by path, or the one file that `root` is.

    `suffixes`, in lower case with their dot, say what is looked for where it is not pictures. Hidden files and folders
    and links to other places are left out. Raises PictureRefused if there is no root.
    """
    if root.is_file():
        yield root
        return
    if not root.is_dir():
        raise PictureRefused(f"{root}: there is no such file or folder")
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            wanted = not name.startswith(".") and path.suffix.lower() in suffixes
            if wanted and path.is_file() and not path.is_symlink():  # a pipe would be waited for for ever
                yield path


def load_picture(path: Path, limits: PictureLimits = LIMITS) -> Pixels:
    """Return a file's pixels as RGB, shape (height, width, 3), turned upright as its EXIF data say.

    Raises PictureRefused for a file that is missing, empty, too large, truncated or no JPEG, PNG, WebP or BMP.
    """
    try:
        if not path.is_file():
            raise PictureRefused(f"{path}: there is no such file")
        size = path.stat().st_size
        if size > limits.bytes:
            raise PictureRefused(f"{path}: {size} bytes, and at most {limits.bytes} are read")
        content = path.read_bytes()
    except OSError as error:
        raise PictureRefused(f"{path}: {error.strerror or error}") from error
    return decode_picture(content, str(path), limits)


def decode_picture(content: bytes, name: str, limits: PictureLimits = LIMITS) -> Pixels:
    """Return the pixels of an encoded picture as `load_picture` does; `name` is what errors call it."""
    if not content:
        raise PictureRefused(f"{name}: the file is empty")
    if len(content) > limits.bytes:
        raise PictureRefused(f"{name}: {len(content)} bytes, and at most {limits.bytes} are read")
    width, height = _size(content, name)
    if width * height > limits.pixels:
        raise PictureRefused(f"{name}: {width} × {height} pixels, and at most {limits.pixels} are read")

    import cv2

    try:
        # IMREAD_COLOR makes three channels of eight bits out of grey, CMYK, alpha and sixteen bits, upright.
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureRefused(f"{name}: cannot be decoded ({error.err or error})") from error
    if pixels is None:
        raise PictureRefused(f"{name}: the picture is truncated or damaged")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def encode_jpeg(picture: Pixels, quality: int = 90) -> bytes:
    """Return an RGB picture, shape (height, width, 3), as a JPEG file's bytes; `quality` is 0–100."""
    import cv2

    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be written as JPEG")
    return bytes(encoded.tobytes())


def _size(content: bytes, name: str) -> tuple[int, int]:
    """Width and height as the header states them; nothing is decoded."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as header:
            return header.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused(f"{name}: far too many pixels ({error})") from error
    except Exception as error:
        # Pillow's readers raise whatever a malformed header makes of them.
        raise PictureRefused(f"{name}: not a JPEG, PNG, WebP or BMP picture") from error
