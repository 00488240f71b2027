"""The command line itself: its version, its completion, and how soon it answers."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("prefect", "cv2", "boto3", "fastapi", "onnxruntime")


def test_it_says_its_version(run: Any) -> None:
    assert run("--version").out == f"alprhub {version('alprhub')}\n"


def test_a_shell_can_complete_it() -> None:
    env = {"_ALPRHUB_COMPLETE": "complete_bash", "COMP_WORDS": "alprhub quar", "COMP_CWORD": "1", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['alprhub']; from alprhub.cli import main; main()"],
        check=False, capture_output=True, text=True, env=env,
    )  # fmt: skip
    assert "quarantine" in done.stdout.split()


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, alprhub.cli.app; print(*sys.modules)"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert not set(HEAVY) & set(told.stdout.split())


ON_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = ["alprhub", *{words!r}]
from alprhub.cli import main
main()
"""


@pytest.mark.parametrize(
    ("words", "name"), [(["runs"], "alprhub.cli.app"), (["runs"], "hub.wiring"), (["demo"], "alprhub.demo")]
)
def test_ctrl_c_while_it_still_starts_ends_it_without_a_traceback(tmp_path: Path, words: list[str], name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_IMPORT.format(name=name, words=words)],
        check=False, capture_output=True, text=True, env={"PATH": "/usr/bin", "ALPRHUB_DATA": str(tmp_path / "data")},
    )  # fmt: skip
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    if words != ["demo"]:
        assert done.stderr == ""
