"""Prefect's server as `alprhub prefect server` starts it."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State, StateType
from prefect.settings import Settings
from prefect.states import Pending, Running, Scheduled
from prefect.types import DateTime
from prefecthouse import House

from flows.server import environment
from flows.sweep import TAG, sweep


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


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_links_that_a_runner_prints_open_in_the_servers_own_pages(house: House) -> None:
    pages = house.api.removesuffix("/api")
    for path in ("/deployments", "/runs/flow-run/0192f3b5-0000-7000-8000-000000000000", "/v2/deployments"):
        status, page = _page(f"{pages}{path}")
        assert status == 200
        assert "<script" in page
    _, settings = _page(f"{pages}/ui-settings")
    assert json.loads(settings)["api_url"] == house.api  # where the pages ask for what they show


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_server_reports_to_nobody(house: House) -> None:
    assert house.ask("admin/settings")["server"]["analytics_enabled"] is False


def test_what_somebody_has_set_stays_and_the_rest_is_understood(
    monkeypatch: pytest.MonkeyPatch,
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


@pytest.fixture
def client(house: House) -> Iterator[SyncPrefectClient]:
    """A client of that server, with a deployment whose runs are ours."""
    with SyncPrefectClient(house.api) as made:
        yield made


@pytest.fixture
def begun(client: SyncPrefectClient) -> Callable[..., UUID]:
    """Makes a run of ours in a state."""
    flow = client.create_flow_from_name("sync")
    deployment = client.create_deployment(flow_id=flow, name=f"alprhub-{uuid4().hex[:6]}", tags=[TAG])

    def make(state: State[Any]) -> UUID:
        run = client.create_flow_run_from_deployment(deployment, state=state, tags=[TAG])
        return run.id

    return make


def _states(client: SyncPrefectClient, *runs: UUID) -> list[str]:
    return [str(client.read_flow_run(run).state_name) for run in runs]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_what_runs_without_a_process_or_was_never_begun_is_marked_as_crashed(
    client: SyncPrefectClient, begun: Callable[..., UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, alive, own, taken = begun(Running()), begun(Running()), begun(Running()), begun(Pending())
    sweep(client, [f"Prefect {alive} (host:1)"], str(own))
    assert _states(client, gone, alive, own, taken) == ["Running", "Running", "Running", "Pending"]  # it is early yet
    monkeypatch.setattr("flows.sweep.GONE", timedelta(0))
    monkeypatch.setattr("flows.sweep.STUCK", timedelta(0))
    sweep(client, [f"Prefect {alive} (host:1)"], str(own))
    assert _states(client, gone, alive, own, taken) == ["Crashed", "Running", "Running", "Crashed"]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_late_runs_do_not_queue_behind_each_other(client: SyncPrefectClient, begun: Callable[..., UUID]) -> None:
    now = DateTime.now(UTC)
    late = [begun(Scheduled(scheduled_time=now - timedelta(minutes=minutes))) for minutes in (30, 20, 10)]
    coming = begun(Scheduled(scheduled_time=now + timedelta(minutes=10)))
    sweep(client, [])
    assert _states(client, *late) == ["Cancelled", "Cancelled", _states(client, late[2])[0]]
    assert client.read_flow_run(late[2]).state_type == StateType.SCHEDULED  # the newest does the work of all
    assert _states(client, coming) == ["Scheduled"]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_runs_of_others_are_left_alone(client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.sweep.GONE", timedelta(0))
    flow = client.create_flow_from_name("somebody else's")
    deployment = client.create_deployment(flow_id=flow, name="theirs")
    theirs = client.create_flow_run_from_deployment(deployment, state=Running()).id
    sweep(client, [])
    assert _states(client, theirs) == ["Running"]
