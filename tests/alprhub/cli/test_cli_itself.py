"""The command line itself: its version, its completion, and how soon it answers."""

import subprocess
import sys
from importlib.metadata import version
from typing import Any

HEAVY = ("prefect", "cv2", "boto3", "fastapi", "onnxruntime")


def test_it_says_its_version(run: Any) -> None:
    assert run("--version").out == f"alprhub {version('alprhub')}\n"


def test_a_shell_can_complete_it() -> None:
    env = {"_ALPRHUB_COMPLETE": "complete_bash", "COMP_WORDS": "alprhub quar", "COMP_CWORD": "1", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['alprhub']; from alprhub.cli.app import main; main()"],
        check=False, capture_output=True, text=True, env=env,
    )  # fmt: skip
    assert "quarantine" in done.stdout.split()


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, alprhub.cli.app; print(*sys.modules)"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert not set(HEAVY) & set(told.stdout.split())
