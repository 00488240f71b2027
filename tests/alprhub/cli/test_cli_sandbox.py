"""`alprhub sandbox`: what it prints can be pasted, and then the hub is joined to every stand-in."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(300)
ALPRHUB = Path(sys.executable).with_name("alprhub")


@pytest.fixture
def town(store: Path, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Every stand-in, in a process of its own."""
    command = [str(ALPRHUB), "sandbox", "--json", "--folder", str(tmp_path / "town")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as ran:
        try:
            assert ran.stdout is not None
            body = ""
            for line in ran.stdout:
                body += line
                if line == "}\n":
                    break
            yield json.loads(body)
        finally:
            ran.send_signal(signal.SIGINT)
            assert ran.wait(timeout=60) == 0


@pytest.mark.slow
def test_every_printed_command_joins_the_hub_to_its_stand_in(run: Any, town: dict[str, Any]) -> None:
    for one in town["standing"]:
        first, *words = shlex.split(one["command"])
        assert first == "alprhub"
        done = run(*words)
        assert done.code == 0, (one["name"], done.err)
        for secret in one["secrets"]:
            assert one["settings"][secret] not in one["command"]
    assert len(town["standing"]) == 9
    assert run("hotlists", "import", "wanted", town["hotlist"]).code == 0
    for name in ("rhombus", "motorola", "harbor"):
        assert run("sync", name, "--json").json()["stored"] > 0


@pytest.mark.slow
def test_a_name_that_is_none_is_told_with_those_there_are(run: Any, tmp_path: Path) -> None:
    done = run("sandbox", "rekr", "--folder", tmp_path)
    assert done.code == 66
    assert done.err.startswith("there is no stand-in called 'rekr'; did you mean 'rekor'?")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("port", "code", "told"), [(80000, 2, "--port"), (65535, 65, "port 65536, for rekor, is above 65535")]
)
def test_a_port_that_there_is_not_is_told(run: Any, tmp_path: Path, port: int, code: int, told: str) -> None:
    done = run("sandbox", "flock", "rekor", "--folder", tmp_path / "town", "--port", port)
    assert done.code == code
    assert told in done.err
