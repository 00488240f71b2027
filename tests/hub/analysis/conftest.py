"""A town, empty or with two cars in it."""

from pathlib import Path

import pytest
from town import PLATE, Town, at

from hub.wiring import Hub


@pytest.fixture
def town(opened: Hub, feed: Path, tmp_path: Path) -> Town:
    return Town(opened, tmp_path)


@pytest.fixture
def seen(town: Town) -> Town:
    """PLATE at two places, and one other car with it."""
    town.saw((PLATE, "c1", at(0)), (PLATE, "c2", at(30)), ("8SYN456", "c1", at(0.5)), ("8SYN456", "c2", at(30.5)))
    return town
