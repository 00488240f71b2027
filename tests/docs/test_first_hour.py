"""docs/first-hour.md: what it tells to type is typed, in its order, beside the stand-ins that it tells to start."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import docs

PAGE = (Path(__file__).parents[2] / "docs" / "first-hour.md").read_text("utf-8")
SECOND_TERMINAL = "alprhub sandbox flock rekor harbor --folder town | tee town.txt"
READY = "alprhub hotlists publish wanted"


@pytest.mark.timeout(300)
def test_the_first_hour_goes_as_it_says(tmp_path: Path) -> None:
    assert SECOND_TERMINAL in PAGE
    programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"HOME": str(tmp_path), "PATH": programs, "ALPRHUB_DATA": str(tmp_path / "try"), "COLUMNS": "200"}
    first, *rest = [block.text for block in docs.blocks(PAGE) if block.runs()]
    _typed(first, tmp_path, environment)
    with (tmp_path / "town.txt").open("w") as said:
        words = SECOND_TERMINAL.split(" | ", maxsplit=1)[0].split()
        town = subprocess.Popen(words, cwd=tmp_path, env=environment | {"PYTHONUNBUFFERED": "1"}, stdout=said)
    try:
        deadline = time.monotonic() + 60
        while READY not in (tmp_path / "town.txt").read_text():
            assert town.poll() is None, "the stand-ins did not start"
            assert time.monotonic() < deadline, "the stand-ins are not ready"
            time.sleep(0.1)
        out = _typed("\n".join(rest), tmp_path, environment)
    finally:
        town.send_signal(signal.SIGINT)
        town.wait(60)
    assert "10 added, 0 updated" in out
    assert "read back and equal" in out
    assert "wanted" in out
    assert (tmp_path / "car.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert (tmp_path / "reads.zip").is_file()
    assert "nothing ran yet" in out  # `alprhub run` is left to people: it ends with Ctrl-C


def _typed(text: str, folder: Path, environment: dict[str, str]) -> str:
    """What a block says that is typed line by line; a command that fails fails the test."""
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", text],
        cwd=folder, env=environment | {"LANG": os.environ.get("LANG", "C.UTF-8")}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
