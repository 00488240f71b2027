"""A real Prefect server schedules the hub's jobs, real runners run them, and what is killed goes on by itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import postgres
import pytest
from prefecthouse import House, until
from registries import PLAIN
from sqlalchemy.engine import URL

from alprhub.sandbox import Sandbox, open_sandbox
from hub.connections import accounts
from hub.hotlists.lists import NewEntry
from hub.jobs.record import JobRun, JobRuns
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import tables
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
WANTED = "9SYN001"
AGENCY = "Marisol Beach PD"
OFTEN = timedelta(seconds=10)
"""How often both connections are pulled: whenever `sync` runs, so that of one that is paused each run would show."""


class Town:
    """A hub with two connections whose vendors are stand-ins, and the house that runs its jobs."""

    def __init__(self, hub: Hub, sandbox: Sandbox, house: House, runners: dict[str, str]) -> None:
        self.hub = hub
        self.sandbox = sandbox
        self.house = house
        self.runners = runners
        self.record = JobRuns(hub.store, hub.clock)

    def begin(self) -> None:
        """Start every runner and, beside them, the server, for which each of them waits."""
        for name, mode in self.runners.items():
            self.house.start_runner(name, mode)
        self.house.start_server()

    def done(self, job: str, subject: str = "", since: datetime | None = None) -> list[JobRun]:
        """Runs of a job that ended well, since an instant."""
        runs = self.record.newest(50, job=job, subject=subject)
        return [run for run in runs if run.good and (since is None or run.started_at >= since)]

    def under_way(self, subject: str) -> int | None:
        """The process of a pull that is going on, or None."""
        for run in self.record.newest(1, job="sync", subject=subject):
            if run.outcome == "running":
                return int(run.runner.rpartition(":")[2].rstrip(")"))
        return None

    def reads(self) -> dict[str, int]:
        """Reads by connection, and how many vendor's ids they have."""
        ledger = tables.ledger
        with self.hub.store.read() as connection:
            rows = connection.execute(ledger.select()).all()
        return {"rows": len(rows), "ids": len({(row.connection_id, row.vendor_read_id) for row in rows})}


@pytest.fixture(params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """SQLite with one process that serves; PostgreSQL, for the hub and for Prefect, with two workers of a pool."""
    monkeypatch.setattr(accounts, "SHORTEST", OFTEN)
    with ExitStack() as stack:
        environment = {
            "ALPRHUB_DATA": str(tmp_path / "data"),
            "ALPRHUB_AGENCY": AGENCY,
            "ALPRHUB_PROFILE": "hermosa-beach",
        }
        runners = {"runner": "serve"}
        settings = HubSettings(data=tmp_path / "data", agency=AGENCY)
        if request.param == "postgresql":
            server: URL = request.getfixturevalue("pg_server")
            ours, theirs = (stack.enter_context(postgres.database(server)) for _ in range(2))
            environment["ALPRHUB_DATABASE_URL"] = ours
            environment["PREFECT_API_DATABASE_CONNECTION_URL"] = theirs.replace("+psycopg", "+asyncpg")
            runners = {"worker one": "work", "worker two": "work"}
            settings = HubSettings(data=tmp_path / "data", agency=AGENCY, database_url=ours)
        now = datetime.now(UTC)
        sandbox = stack.enter_context(open_sandbox(tmp_path / "vendors", seed=7, now=now, passes=300, pictures=0))
        hub = stack.enter_context(open_hub(settings, registry=PLAIN))
        hub.connections.accounts.add(
            ACTOR, "rekor", "rekor", {**sandbox.rekor, "fetch_images": False, "requests_per_second": 100}
        )
        hub.connections.accounts.add(ACTOR, "flock", "flock", {**sandbox.flock, "requests_per_second": 100})
        for name in ("rekor", "flock"):
            hub.connections.accounts.schedule(ACTOR, name, OFTEN)
        hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(WANTED, "stolen", "26-1", "US-CA")])
        house = House(tmp_path, environment)
        stack.callback(house.end)
        yield Town(hub, sandbox, house, runners)


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_what_is_scheduled_runs_and_what_is_killed_goes_on(town: Town) -> None:
    town.begin()
    for job, subject in (("sync", "rekor"), ("sync", "flock"), ("publish", "wanted at flock"), ("purge", "")):
        until(lambda job=job, subject=subject: town.done(job, subject), f"{job} {subject} to run by itself")
    for flow in ("sync", "publish", "purge"):
        until(lambda flow=flow: town.house.runs(flow, "COMPLETED"), f"Prefect to know that {flow} ended well")
    before = town.reads()
    assert before["rows"] == before["ids"] > 0

    # A connection that is added is pulled without a restart, and one that is paused is not any more.
    town.hub.connections.accounts.pause(ACTOR, "flock", "contract ended")
    town.sandbox.faults["rekor"].slow = 15
    account = {**town.sandbox.rekor, "fetch_images": False}
    town.hub.connections.accounts.add(ACTOR, "second", "rekor", account, check=False)

    # The process of its first pull is killed; the vendor is slow for that long.
    pid = until(lambda: town.under_way("second"), "a new connection to be pulled")
    killed_at = datetime.now(UTC)
    os.kill(pid, signal.SIGKILL)
    town.sandbox.faults["rekor"].slow = 0
    # So are the server, and everything that runs for it.
    for name in list(town.house.running):
        town.house.kill(name)
    town.begin()
    until(lambda: town.done("sync", "second", killed_at), "a good pull after everything was killed")
    assert any(run.outcome == "killed" for run in town.record.newest(50, job="sync", subject="second"))
    until(lambda: _left_running(town, killed_at) == 0, "no run that was killed to stay Running")
    until(lambda: town.done("sync", "rekor", killed_at), "the other connection to be pulled")
    assert not town.done("sync", "flock", killed_at), "it is paused, and was due whenever the other one was"
    after = town.reads()
    assert after["rows"] == after["ids"] >= before["rows"]
    _says_nothing_that_it_should_not(town)


def _left_running(town: Town, before: datetime) -> int:
    running = town.house.runs(None, "RUNNING")
    return sum(datetime.fromisoformat(run["start_time"] or run["created"]) < before for run in running)


def _says_nothing_that_it_should_not(town: Town) -> None:
    """Prefect knows numbers and names; a plate that every flow has met is in none of its words."""
    for run in town.house.runs():
        assert not run["parameters"]
        assert "alprhub" in run["tags"]
    messages = {run["state"]["message"] for run in town.house.runs(None, "COMPLETED")}
    assert any(" came" in str(message) for message in messages)
    assert any(artifact["key"] == "alprhub-sync" for artifact in town.house.ask("artifacts/filter", {}))
    kept = [path for path in town.house.folder.glob("*.log") if WANTED.encode() in path.read_bytes()]
    assert kept == []
