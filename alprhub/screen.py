"""`Screen`: where people are shown something, the one door to a terminal for all words, tables and progress."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from alprhub.harmless import harmless


class Screen(Console):
    """Where people are shown something; a vendor's words and a person's reasons are text, and do nothing."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What a thing is drawn with; only signs of control that the drawing itself asks for stay."""
        for drawn in super().render(renderable, options):
            yield drawn if drawn.control else Segment(harmless(drawn.text), drawn.style)


def screen(stderr: bool = False, **more: Any) -> Screen:
    """A screen for text that is not markup; a pipe cuts nothing short."""
    wide = None if (sys.stderr if stderr else sys.stdout).isatty() else 250
    return Screen(stderr=stderr, **{"markup": False, "emoji": False, "highlight": False, "width": wide, **more})
