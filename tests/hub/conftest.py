"""A hub on each database, with a clock that tests set and a vendor that is a folder."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import migrated
import postgres
import pytest
from plain import PlainConnector
from pydantic import SecretStr

import hub.connections.accounts as accounts
from hub.clock import SetClock
from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def actor() -> Actor:
    """Somebody."""
    return Actor("tester")


@pytest.fixture
def clock() -> SetClock:
    """Noon on the first of June 2026, UTC, until a test moves it."""
    return SetClock(NOW)


@pytest.fixture
def plain_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the connector `plain` known, beside the real ones."""
    real = accounts.connector
    monkeypatch.setattr(
        accounts, "connector", lambda key, allowed=(): PlainConnector if key == "plain" else real(key, allowed)
    )


@pytest.fixture
def ready() -> bool:
    """Whether databases have their schema before a hub opens on them; where that is what is tested, they have not."""
    return True


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, ready: bool) -> Iterator[HubSettings]:
    """Settings for each database in turn."""
    data, url = tmp_path / "data", None
    with ExitStack() as stack:
        if request.param == "postgresql":
            like = request.getfixturevalue("migrated_pg") if ready else None
            made = stack.enter_context(postgres.database(request.getfixturevalue("pg_server"), like))
            url = SecretStr(made)
        elif ready:
            migrated.seed(data, request.getfixturevalue("migrated_file"))
        yield HubSettings(data=data, database_url=url)


@pytest.fixture
def opened(settings: HubSettings, clock: SetClock, plain_vendor: None) -> Iterator[Hub]:
    """An empty hub."""
    with open_hub(settings, clock) as hub:
        yield hub


@pytest.fixture
def feed(opened: Hub, actor: Actor, tmp_path: Path) -> Path:
    """The folder behind a connection called `feed`, whose reads live P30D."""
    folder = tmp_path / "feed"
    folder.mkdir()
    opened.connections.add(actor, "feed", "plain", {"folder": str(folder)})
    return folder
