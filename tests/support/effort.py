"""How hard the suite tries: as hard as an ordinary run does, or harder where ALPRHUB_TEST_THOROUGH is set."""

import os
from typing import Final

THOROUGH: Final = bool(os.environ.get("ALPRHUB_TEST_THOROUGH"))


def tries(usual: int, thorough: int) -> int:
    """How many examples a costly property is held against."""
    return thorough if THOROUGH else usual
