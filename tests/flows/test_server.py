"""Prefect's server as `alprhub prefect server` starts it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import Settings
from prefecthouse import House

from flows.server import environment


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server on a port that is not the usual one."""
    made = House(tmp_path_factory.mktemp("house"), {})
    made.start_server()
    yield made
    made.end()


def _page(address: str) -> tuple[int, str]:
    asked = urllib.request.Request(address, headers={"accept": "text/html"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return answer.status, answer.read().decode()


@pytest.mark.timeout(180)
def test_the_links_that_a_runner_prints_open_in_the_servers_own_pages(house: House) -> None:
    pages = house.api.removesuffix("/api")
    for path in ("/deployments", "/runs/flow-run/0192f3b5-0000-7000-8000-000000000000", "/v2/deployments"):
        status, page = _page(f"{pages}{path}")
        assert status == 200
        assert "<script" in page
    _, settings = _page(f"{pages}/ui-settings")
    assert json.loads(settings)["api_url"] == house.api  # where the pages ask for what they show


@pytest.mark.timeout(180)
def test_the_server_reports_to_nobody(house: House) -> None:
    assert house.ask("admin/settings")["server"]["analytics_enabled"] is False


def test_what_somebody_has_set_stays_and_the_rest_is_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = environment("0.0.0.0", 4200, {"PREFECT_UI_URL": "https://jobs.agency.example"})
    assert made["PREFECT_UI_URL"] == "https://jobs.agency.example"
    assert made["PREFECT_UI_API_URL"] == "http://127.0.0.1:4200/api"
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (
        settings.server.services.db_vacuum.retention_period.days == settings.server.events.retention_period.days == 30
    )
    assert settings.server.services.db_vacuum.enabled_vacuum_types == {"events", "flow_runs", "orphans"}
    assert made["DO_NOT_TRACK"] == "1"
