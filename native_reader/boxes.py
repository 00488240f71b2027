"""Boxes in a picture: (x, y, width, height) in pixels, and what can be said of them."""

from __future__ import annotations

from enum import Enum, auto

from native_reader.engine import Box, Pixels

_NEAR = 0.1
"""Share of a box's width within which the edge may go through the plate: boxes of cut plates end short of it."""

NEAR_WORTH = 0.5
"""What a reading near the edge is worth of one in the middle: about as often the plate is whole."""

_CLOSE_UP = 0.6
"""A plate at least this wide, as a share of the picture, was cut out on purpose."""


def inside(box: Box, picture: Pixels) -> Box:
    """Return the part of a box that lies in the picture; at least one pixel of a box that touches it."""
    height, width = picture.shape[:2]
    left, top = min(max(0, box[0]), width - 1), min(max(0, box[1]), height - 1)
    right, bottom = max(left + 1, min(width, box[0] + box[2])), max(top + 1, min(height, box[1] + box[3]))
    return left, top, right - left, bottom - top


class Edge(Enum):
    """How the picture's left and right edges stand to a plate."""

    CLEAR = auto()
    CLOSE_UP = auto()
    """The picture shows little but the plate and was cut out on purpose, perhaps through the plate."""
    NEAR = auto()
    CUT = auto()
    """The box ends at the edge: of such plates six in seven are cut."""


def edge_of(box: Box, picture: Pixels) -> Edge:
    """How far the picture's left or right edge may go through the plate.

    What is left of a cut plate reads, with confidence, as another plate; a plate without its upper or lower rim still
    reads as itself.
    """
    width = picture.shape[1]
    gap = min(box[0], width - box[0] - box[2])
    if gap >= max(2.0, _NEAR * box[2]):
        return Edge.CLEAR
    if box[2] >= _CLOSE_UP * width:
        return Edge.CLOSE_UP
    return Edge.NEAR if gap > 0 else Edge.CUT


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
