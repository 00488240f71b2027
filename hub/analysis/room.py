"""The room of analysis has one service, and is it."""

from hub.access.room import AccessRoom
from hub.analysis.service import Analysis
from hub.governing.room import GoverningRoom
from hub.parts import Parts


def analysis(parts: Parts, governing: GoverningRoom, access: AccessRoom) -> Analysis:
    """How cars move: timeline, co-travel, scenes, pattern of life."""
    return Analysis(parts.store, access.asking, parts.clock, governing.in_force)
