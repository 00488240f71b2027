"""Profiles as plain data, for tests that change one."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import yaml

Plainly = Callable[[str], dict[str, Any]]


@pytest.fixture
def plainly() -> Plainly:
    """A built-in profile's data, fresh each time."""

    def read(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(
            files("hub.policy").joinpath(f"profiles/{name}.yaml").read_text("utf-8")
        )
        return loaded

    return read
