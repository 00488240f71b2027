"""Boxes in a picture: (x, y, width, height) in pixels, and what can be said of them."""

from __future__ import annotations

from native_reader.engine import Box, Pixels

_EDGE = 0.1
"""Share of a box's width within which it touches the picture's edge: detectors draw a cut plate short of it."""

_CLOSE_UP = 0.6
"""A plate at least this wide, as a share of the picture, was cut out on purpose."""


def inside(box: Box, picture: Pixels) -> Box:
    """Return the part of a box that lies in the picture; at least one pixel of a box that touches it."""
    height, width = picture.shape[:2]
    left, top = min(max(0, box[0]), width - 1), min(max(0, box[1]), height - 1)
    right, bottom = max(left + 1, min(width, box[0] + box[2])), max(top + 1, min(height, box[1] + box[3]))
    return left, top, right - left, bottom - top


def cut_off(box: Box, picture: Pixels) -> bool:
    """Whether the picture's left or right edge may go through the plate.

    What is left of such a plate reads, with confidence, as another plate; a plate without its upper or lower rim
    still reads as itself. A picture that shows little but the plate is taken for a crop of the whole plate.
    """
    width = picture.shape[1]
    near = max(2.0, _EDGE * box[2])
    return box[2] < _CLOSE_UP * width and (box[0] < near or box[0] + box[2] > width - near)


def covers(box: Box, other: Box) -> bool:
    """Whether the middle of the other box lies in the box."""
    x, y = other[0] + other[2] / 2, other[1] + other[3] / 2
    return box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]


def overlap(box: Box, other: Box) -> float:
    """Return intersection over union, 0–1."""
    wide = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    high = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    shared = max(0, wide) * max(0, high)
    return shared / (box[2] * box[3] + other[2] * other[3] - shared)
