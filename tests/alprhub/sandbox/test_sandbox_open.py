"""The whole sandbox: starts at once, tells every connector's settings, stops cleanly, also in its own process."""

import ast
import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

import alprhub.sandbox
from alprhub.sandbox import Service, open_sandbox

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
PACKAGE = Path(alprhub.sandbox.__file__).parent


def test_every_vendor_answers_to_the_settings_it_was_given(tmp_path: Path) -> None:
    with open_sandbox(tmp_path, 7, NOW, passes=200, pictures=2) as sandbox:
        flock, rekor = sandbox.flock, sandbox.rekor
        fields = {name: flock[name] for name in ("client_id", "client_secret", "audience")}
        token = httpx.post(flock["token_url"], data={"grant_type": "client_credentials", **fields}).json()
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        assert httpx.get(flock["base_url"] + "/devices", headers=bearer).json()["totalItems"] == 8
        found = httpx.get(
            rekor["base_url"] + "/api/search/plate",
            params={"api_key": rekor["api_key"], "start": "2025-01-01T00:00:00Z", "topn": 5000},
        ).json()
        assert len(found) == 200
        assert sandbox.flock_state.origin in flock["base_url"]
        assert len(list((Path(sandbox.motorola["folder"]) / "reads").glob("reads_*.csv"))) > 20
        shown = sorted(path.name for path in Path(sandbox.native["folder"]).iterdir())
        assert shown == [one.path.name for one in sandbox.pictures]
        assert sandbox.pictures[0].plate == sandbox.world.wanted[0].plate
        sandbox.faults["rekor"].outage(requests=1)
        assert httpx.get(rekor["base_url"] + "/api/cameras/").status_code == 503
        address = flock["token_url"]
    with pytest.raises(httpx.TransportError):
        httpx.post(address)


def test_a_service_starts_and_stops_quickly_and_frees_its_port() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nobody calls")

    started = time.monotonic()
    with Service(app) as service:
        assert time.monotonic() - started < 0.5
    with Service(app, service.port) as again:
        assert again.url == service.url
        with pytest.raises(OSError, match="in use"):
            Service(app, again.port)


@pytest.mark.parametrize("vendor", ["flock", pytest.param("rekor", marks=pytest.mark.slow)])
def test_one_vendor_runs_in_a_process_of_its_own(vendor: str) -> None:
    command = [sys.executable, "-m", "alprhub.sandbox", vendor, "--passes", "200", "--faults", '{"throttle": 2}']
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert ready["vendor"] == vendor
            assert ready["settings"]["base_url"].startswith(ready["url"])
            statuses = [httpx.get(ready["url"] + "/").status_code for _ in range(2)]
            assert statuses == [404, 429]
        finally:
            process.terminate()


def test_it_imports_nothing_of_the_hub() -> None:
    ours = {"normalize", "connectors", "native_reader", "hub", "flows"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {name.name.partition(".")[0] for name in node.names} & ours, path
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert (node.module or "").partition(".")[0] not in ours, path


def test_it_listens_on_loopback_only() -> None:
    with Service(None) as service:  # type: ignore[arg-type]
        bound = service._socket.getsockname()
    assert bound[0] == "127.0.0.1"
    assert service._socket.family == socket.AF_INET


def test_its_page_is_short_and_names_every_module() -> None:
    page = (PACKAGE / "README.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 40
    for name in ("world", "faults", "service", "flock", "rekor", "motorola", "pictures"):
        assert f"`{name}." in page
