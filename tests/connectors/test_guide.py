"""The guide for writers of connectors: its example is written to a package of its own and does what the page says."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from connectors.contract import ABILITIES
from connectors.registry import UnknownConnector, available, connector

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "connector-guide.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^\*\*`([^`]+)`\*\*\n\n```\w*\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page in a folder of their own."""
    folder = tmp_path_factory.mktemp("acme")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(package: Path) -> Path:
    """The package as its wheel installs it."""
    _done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(package / "dist"), cwd=package)
    (wheel,) = (package / "dist").iterdir()
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(package / "site")
    return package / "site"


def _done(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_example_passes_the_suite_and_its_own_tests(package: Path) -> None:
    before = {path: path.read_bytes() for path in package.rglob("*.json")}
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    said = _done(*command, cwd=package, PYTHONPATH=str(package), PYTHONDONTWRITEBYTECODE="1")
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert int(passed[1]) > 100
    assert "skipped" not in said
    assert {path: path.read_bytes() for path in package.rglob("*.json")} == before


def test_the_example_keeps_the_rules_of_the_house(package: Path) -> None:
    code = ["acme_alprhub.py", "tests/test_acme.py"]
    rules = ("--config", str(ROOT / "pyproject.toml"), "--no-cache", *code)
    _done(sys.executable, "-m", "ruff", "check", "--ignore", "I001", *rules, cwd=package)
    _done(sys.executable, "-m", "ruff", "format", "--check", *rules, cwd=package)


def test_an_installed_connector_is_found_only_when_it_is_allowed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    assert "acme" not in available()
    assert "acme" not in available(["other"])
    with pytest.raises(UnknownConnector):
        connector("acme")
    assert "acme_alprhub" not in sys.modules
    assert "acme" in available(["acme"])
    assert connector("acme", ["acme"]).info.key == "acme"
    del sys.modules["acme_alprhub"]


@pytest.mark.slow
def test_the_command_line_shows_it_only_when_it_is_allowed(package: Path, site: Path) -> None:
    command = (sys.executable, "-c", "from alprhub.cli import main; main()", "connectors")
    found = {"PYTHONPATH": str(site), "ALPRHUB_ALLOW_CONNECTORS": ""}
    before = json.loads(_done(*command, "list", "--json", cwd=package, **found))
    after = json.loads(_done(*command, "list", "--json", cwd=package, **{**found, "ALPRHUB_ALLOW_CONNECTORS": "acme"}))
    (acme,) = [row for row in after if row not in before]
    assert (acme["key"], acme["tier"], acme["abilities"]) == ("acme", None, ["pulls_reads", "receives_reads"])
    parsed = ("parse", "acme", "tests/acme/reads.json", "--json")
    told = json.loads(_done(*command, *parsed, cwd=package, **{**found, "ALPRHUB_ALLOW_CONNECTORS": "acme"}))
    assert [read["plate"] for read in told["reads"]] == ["9SYN042"]


def test_the_recorder_knows_an_installed_connector(package: Path, site: Path, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "connectors.testing.recorder", "acme", "tests/acme/reads.json")
    _done(*command, "--out", str(tmp_path / "more.json"), cwd=package, PYTHONPATH=str(site))
    assert "9SYN042" not in (tmp_path / "more.json").read_text()


def test_the_page_tells_of_every_ability_that_its_readers_may_write() -> None:
    assert not [name for name in ABILITIES if f"`{name}`" not in GUIDE]


def test_our_wheel_carries_the_suite_and_the_tiers(tmp_path: Path) -> None:
    _done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path), cwd=ROOT)
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "connectors" / "testing").glob("*.py")}
    assert ours | {"connectors/vendors/quality.json"} <= names
    assert not [name for name in names if name.startswith("tests/")]
