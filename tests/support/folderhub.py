"""Fixtures of a hub whose vendor is a folder, for a `conftest` to import."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import migrated
import pytest
from plain import PlainConnector

import hub.connections.accounts as accounts
from hub.clock import SetClock
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> SetClock:
    """Noon on the first of June 2026, UTC, until a test moves it."""
    return SetClock(NOW)


@pytest.fixture
def opened(tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch, migrated_file: Path) -> Iterator[Hub]:
    """A hub with one connection, `feed`, whose vendor is the folder of that name."""
    real = accounts.connector
    monkeypatch.setattr(
        accounts, "connector", lambda key, allowed=(): PlainConnector if key == "plain" else real(key, allowed)
    )
    (tmp_path / "feed").mkdir()
    migrated.seed(tmp_path / "data", migrated_file)
    with open_hub(HubSettings(data=tmp_path / "data"), clock) as hub:
        hub.connections.add(Actor("tester"), "feed", "plain", {"folder": str(tmp_path / "feed")})
        yield hub


@pytest.fixture
def feed(opened: Hub, tmp_path: Path) -> Path:
    """The folder behind the connection `feed`."""
    return tmp_path / "feed"
