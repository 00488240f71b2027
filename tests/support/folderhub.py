"""Fixtures of a hub whose vendor is a folder, for a `conftest` to import."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import migrated
import pytest
from registries import PLAIN

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
def opened(tmp_path: Path, clock: SetClock, migrated_file: Path) -> Iterator[Hub]:
    """A hub with one connection, `feed`, whose vendor is the folder of that name.

    What a job's thread still does when its test is over it does while the hub is there, and in nobody else's test.
    """
    before = {*threading.enumerate()}
    (tmp_path / "feed").mkdir()
    migrated.seed(tmp_path / "data", migrated_file)
    with open_hub(HubSettings(data=tmp_path / "data"), clock, registry=PLAIN) as hub:
        hub.connections.accounts.add(Actor("tester"), "feed", "plain", {"folder": str(tmp_path / "feed")})
        yield hub
        for thread in {*threading.enumerate()} - before:
            if thread.name != "job-runs":  # it says of a run that was begun and never ended that it lives
                thread.join(30)


@pytest.fixture
def feed(opened: Hub, tmp_path: Path) -> Path:
    """The folder behind the connection `feed`."""
    return tmp_path / "feed"
