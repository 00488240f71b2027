"""What the indexes of plates can know of a pattern: `?` stands for one character, `*` for any run of them. Pure."""

import re
from typing import Final

TRIGRAM: Final = 3
"""Characters in a row that both databases have an index of."""


def runs(pattern: str) -> list[str]:
    """The known characters of a pattern, run by run."""
    return [run for run in re.split(r"[?*]", pattern) if run]


def like(pattern: str) -> str:
    """A pattern as LIKE has it; canonical text holds neither `%` nor `_`."""
    return pattern.replace("?", "_").replace("*", "%")
