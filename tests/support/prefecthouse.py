"""A real Prefect server, real runners and what they say: processes that a test starts, kills and starts again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SUPPORT = Path(__file__).parent
RUNNER = """
import sys
from datetime import UTC, datetime, timedelta
from flows import runner
from flows.deployments import deployments

def plan(pool):
    often = deployments(pool, minute=timedelta(seconds=15))
    seldom = deployments(pool, minute=timedelta(seconds=45), hour=timedelta(seconds=45))
    names = {"sync": often, "publish": seldom, "purge": seldom}
    chosen = [one for name, made in names.items() for one in made if one.flow_name == name]
    soon = datetime.now(UTC) + timedelta(seconds=8)
    for one in chosen:
        for each in one.schedules:
            each.schedule = each.schedule.model_copy(update={"anchor_date": soon})
    for one in often:
        if one.flow_name == "sync":
            one.entrypoint = "hurried.sync"
    return chosen

getattr(runner, sys.argv[1])(plan)
"""
"""A runner of three jobs whose minutes and hours are short enough for a test.

Each has its first run soon after the runner's start. `sync` is `hurried`: a run of it that is killed is soon noticed.
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def until(true: Callable[[], Any], what: str, seconds: float = 180) -> Any:
    """What `true` gives once it is true; fails the test, saying for what it waited."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for: {what}"
        time.sleep(0.3)
    return found


@dataclass
class House:
    """A folder with a server's own database and logs, and the environment of everything in it."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def api(self) -> str:
        """The address of the server's API."""
        return f"http://127.0.0.1:{self.port}/api"

    def start(self, name: str, *command: str) -> None:
        """Start a process in a group of its own; its words go to a file of its name."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "ALPRHUB_"))}
        environment = clean | {
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
            "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PYTHONPATH": str(SUPPORT),
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment | self.environment, start_new_session=True
            )

    def start_server(self) -> None:
        """Start the server as its documentation says, and wait until it answers."""
        alprhub = Path(sys.executable).with_name("alprhub")
        self.start("server", str(alprhub), "prefect", "server", "--port", str(self.port))
        until(self.answers, "Prefect's server to answer")

    def start_runner(self, name: str, mode: str) -> None:
        """Start a runner (`serve`) or a worker (`work`)."""
        self.start(name, sys.executable, "-c", RUNNER, mode)

    def kill(self, name: str) -> None:
        """Kill a process and all that it started, at once."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        """Kill whatever runs."""
        for name in list(self.running):
            self.kill(name)

    def log(self, name: str) -> str:
        """What a process said."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def answers(self) -> bool:
        """Whether the server is there."""
        try:
            return bool(self.ask("health"))
        except OSError:
            return False

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the server's API answers."""
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(f"{self.api}/{path}", data, {"content-type": "application/json"})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.load(answer)

    def runs(self, flow: str | None = None, *states: str) -> list[dict[str, Any]]:
        """The newest flow runs, of one flow and in one of the states where they are named."""
        body: dict[str, Any] = {"sort": "EXPECTED_START_TIME_DESC", "limit": 200}
        if states:
            body["flow_runs"] = {"state": {"type": {"any_": list(states)}}}
        if flow:
            body["flows"] = {"name": {"any_": [flow]}}
        return list(self.ask("flow_runs/filter", body))
