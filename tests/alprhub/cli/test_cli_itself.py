"""The command line itself: its version, its completion, and how soon it answers."""

import inspect
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from alprhub.cli.app import app
from alprhub.cli.lazy import Nouns
from hub.policy.document import FOLDER, carried, read
from hub.settings import strangers
from hub.store.revision import newest

HEAVY = ("prefect", "cv2", "boto3", "paramiko", "fastapi", "onnxruntime")
OURS = {"ALPRHUB_AGENCY": "Agency", "ALPRHUB_PROFILE": "hermosa-beach"}
NOT_TO_SEARCH = ("alembic", "h3", "httpx", "jsonschema")


def test_it_says_its_version(run: Any) -> None:
    assert run("--version").out == f"alprhub {version('alprhub')}, tables of revision {newest()}\n"


def test_a_shell_can_complete_it() -> None:
    env = {"_ALPRHUB_COMPLETE": "complete_bash", "COMP_WORDS": "alprhub quar", "COMP_CWORD": "1", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['alprhub']; from alprhub.cli import main; main()"],
        check=False, capture_output=True, text=True, env=env,
    )  # fmt: skip
    assert "quarantine" in done.stdout.split()


def _loaded(words: Sequence[str], data: Path) -> set[str]:
    """What a process has imported once a command is over; the command must have done its work."""
    code = f"""
import atexit, sys
atexit.register(lambda: print("MODULES", *sys.modules))
sys.argv = {["alprhub", *words]!r}
from alprhub.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True, capture_output=True, text=True, env={"PATH": "/usr/bin", "ALPRHUB_DATA": str(data), **OURS},
    )  # fmt: skip
    return {name.partition(".")[0] for name in done.stdout.rpartition("MODULES")[2].split()} | {
        name for name in done.stdout.rpartition("MODULES")[2].split() if name.startswith(("alprhub.", "hub."))
    }


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_imports_no_command_and_no_service(tmp_path: Path, words: list[str]) -> None:
    loaded = _loaded(words, tmp_path / "data")
    assert not {*HEAVY, *NOT_TO_SEARCH, "sqlalchemy", "cryptography", "pydantic", "msgspec", "hub"} & loaded
    assert {name for name in loaded if name.startswith("alprhub.cli.")} == {
        "alprhub.cli.app", "alprhub.cli.interrupted", "alprhub.cli.lazy", "alprhub.cli.missing", "alprhub.cli.options",
    }  # fmt: skip


SEARCH = ["search", "9SYN001", "--purpose", "stolen_vehicle", "--reason", "own car was taken"]


def test_a_search_imports_nothing_that_only_other_commands_need(run: Any, store: Path) -> None:
    assert run("runs").code == 0
    assert not {*HEAVY, *NOT_TO_SEARCH} & _loaded(SEARCH, store)


@pytest.mark.usefixtures("filled")
def test_a_search_of_what_a_connection_brought_imports_what_that_connector_needs_and_no_more(store: Path) -> None:
    of_the_connector = {"boto3", "paramiko", "httpx"}
    assert not ({*HEAVY, *NOT_TO_SEARCH} - of_the_connector) & _loaded(SEARCH, store)


def test_the_help_of_the_tree_says_the_first_line_of_each_command_and_each_loads() -> None:
    tree = get_command(app)
    assert isinstance(tree, Nouns)
    for name, noun in tree.nouns.items():
        paragraph = inspect.cleandoc(tree.commands[name].help).split("\n\n")[0]
        assert (name, noun.says) == (name, " ".join(paragraph.split()))


def test_the_documents_of_the_hub_itself_need_no_check_at_each_start() -> None:
    for file in sorted(one.name for one in FOLDER.iterdir() if one.name.endswith(".yaml")):
        kind: Any = "overlay" if file.startswith("overlay-") else "profile"
        assert carried(file) == read(FOLDER.joinpath(file).read_bytes(), file, kind)


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
