"""Registries of tests: connectors that nobody has installed, beside those that are."""

from pathlib import Path
from typing import Any

import pytest
from plain import PlainConnector

from connectors.contract import Connector
from connectors.registry import GROUP, Installed, UnknownConnector


class Having:
    """What is installed, and `kinds` beside it; a test may change them while a hub is open, or take one away."""

    def __init__(self, **kinds: type[Connector[Any]]) -> None:
        self.kinds = kinds
        self.absent = set[str]()

    def connector(self, key: str) -> type[Connector[Any]]:
        """The class of a key; a key of `absent` is unknown."""
        if key in self.absent:
            raise UnknownConnector(f"there is no connector called {key!r}")
        return self.kinds.get(key) or Installed().connector(key)


class Always:
    """One connector, whatever it is called."""

    def __init__(self, kind: type[Connector[Any]]) -> None:
        self.kind = kind

    def connector(self, _key: str) -> type[Connector[Any]]:
        """The class."""
        return self.kind


PLAIN = Having(plain=PlainConnector)
"""With the connector `plain`; for whoever changes nothing of it."""


def installed(site: Path, key: str, module: str, patch: pytest.MonkeyPatch) -> None:
    """Install a third party's connector for commands: the source of a module with one class, which is allowed."""
    info = site / f"{key}_vendor-1.dist-info"
    info.mkdir(parents=True)
    (site / f"{key}_vendor.py").write_text(module)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {key}-vendor\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{key} = {key}_vendor:{key.capitalize()}\n")
    patch.syspath_prepend(str(site))
    patch.setenv("ALPRHUB_ALLOW_CONNECTORS", key)
