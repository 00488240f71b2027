"""The command line itself: its version, its completion, and how soon it answers."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from hub.settings import strangers

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


def test_a_variable_that_looks_like_a_setting_and_is_near_to_none_is_told_once_and_hinders_nothing(
    run: Any, joined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPRHUB_SERVICE_PORT", "8443")
    monkeypatch.setenv("ALPRHUB_EMPTY", "")
    done = run("connections", "list", "--json")
    assert (done.code, [one["name"] for one in done.json()]) == (0, ["drop"])
    assert done.err == "ALPRHUB_SERVICE_PORT is no setting of the hub, and is without effect\n"


def test_no_variable_that_this_project_names_itself_is_taken_for_a_slip() -> None:
    root = Path(__file__).parents[3]
    places = ("deploy", "docs", "bench", ".ci", "tests/support", "tests/conftest.py", "Makefile", "README.md")
    files = [file for place in places for file in (root / place, *(root / place).rglob("*")) if file.is_file()]
    texts = [file.read_text("utf-8", "ignore") for file in files if "__pycache__" not in file.parts]
    names = {name for text in texts for name in re.findall(r"\bALPRHUB_[A-Z_]+[A-Z]\b", text)}
    assert {"ALPRHUB_DATA", "ALPRHUB_DB_PASSWORD", "ALPRHUB_TEST_PG_URL"} <= names
    slips = {"ALPRHUB_DATABSE_URL", "ALPRHUB_PORT"}  # examples of docs/operations.md
    assert strangers(names - slips) == []
