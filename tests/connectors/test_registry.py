"""Which connectors there are, and who may run."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from connectors import registry, vendors
from connectors.contract import Connector

VENDORS = ("flock", "motorola", "rekor")
FILES = sorted(Path(*vendors.__path__).rglob("*.py"))
LONGEST_FILE = 300
"""Lines. What is about one thing has 60 to 250 of them; a vendor that needs more becomes a package of several."""


class _Point:
    """An entry point of somebody else's package."""

    def __init__(self, name: str, owner: str | None) -> None:
        self.name = name
        self.dist = SimpleNamespace(name=owner) if owner else None

    def load(self) -> type[Connector[Any]]:
        return registry.connector("flock")


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [_Point("ours", "alprhub"), _Point("theirs", "somebody"), _Point("orphan", None)]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)


def test_built_ins_are_found_by_lying_there() -> None:
    assert set(VENDORS) <= set(registry.builtins())


def test_our_own_entry_points_need_nobodys_leave(points: None) -> None:
    assert set(registry.available()) == {*registry.builtins(), "ours"}


def test_third_parties_run_only_once_an_admin_allows_them(points: None) -> None:
    with pytest.raises(registry.UnknownConnector):
        registry.connector("theirs")
    assert "theirs" in registry.available(["theirs"])
    assert registry.connector("theirs", ["theirs"]).info.key == "flock"
    assert "orphan" not in registry.available(["theirs"])


def test_an_unknown_key_names_those_there_are() -> None:
    with pytest.raises(registry.UnknownConnector, match="flock"):
        registry.connector("floc")


@pytest.mark.parametrize("key", VENDORS)
def test_a_key_gives_its_class(key: str) -> None:
    assert registry.connector(key).info.key == key


@pytest.mark.parametrize("count", [0, 2])
def test_a_module_defines_one_connector(count: int) -> None:
    module = ModuleType("connectors.vendors.acme")
    for number in range(count):
        setattr(module, f"C{number}", type("C", (registry.connector("flock"),), {"__module__": module.__name__}))
    with pytest.raises(TypeError, match=f"one connector, it defines {count}"):
        registry.defined_in(module)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A vendor as a package: the class stands in one file, what it reads with in another."""
    folder = tmp_path / "acmepack"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from connectors.contract import Connector\n"
        "from connectors.vendors.acmepack.connector import AcmeConnector\n"
        "__all__ = ['AcmeConnector', 'Connector']\n"
    )
    (folder / "connector.py").write_text(
        "from connectors.vendors.acmepack.reads import WORD\nfrom connectors.vendors.rekor import RekorConnector\n"
        "class AcmeConnector(RekorConnector):\n    word = WORD\n"
    )
    (folder / "reads.py").write_text("WORD = 'read'\n")
    (tmp_path / "nothing").mkdir()  # without an __init__ it is no package
    monkeypatch.setattr(vendors, "__path__", [*vendors.__path__, str(tmp_path)])
    registry.builtins.cache_clear()
    registry._builtin.cache_clear()
    yield folder
    for name in [name for name in sys.modules if name.startswith("connectors.vendors.acmepack")]:
        del sys.modules[name]
    monkeypatch.undo()
    registry.builtins.cache_clear()
    registry._builtin.cache_clear()


def test_a_vendor_may_be_a_package(package: Path) -> None:
    assert "acmepack" in registry.builtins()
    assert "nothing" not in registry.builtins()
    assert "connectors.vendors.acmepack" not in sys.modules  # it is found without being imported
    assert registry.connector("acmepack").word == "read"  # type: ignore[attr-defined]


def test_a_package_shows_one_connector_and_no_more(package: Path) -> None:
    with (package / "__init__.py").open("a") as file:
        file.write("class Another(AcmeConnector): ...\n")
    with pytest.raises(TypeError, match="one connector, it defines 2"):
        registry.connector("acmepack")


def test_the_distribution_declares_the_native_reader() -> None:
    names = {point.name for point in registry.entry_points(group=registry.GROUP) if isinstance(point, EntryPoint)}
    assert "native" in names


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_file_of_a_vendor_is_about_one_thing_and_can_be_read_at_once(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= LONGEST_FILE


def test_a_package_has_nothing_in_its_init_but_what_it_shows() -> None:
    inits = [file for file in FILES if file.name == "__init__.py" and file.parent.name != "vendors"]
    assert inits
    for file in inits:
        docstring, *imports, names = ast.parse(file.read_text("utf-8")).body
        assert isinstance(docstring, ast.Expr), file
        assert isinstance(names, ast.Assign), file
        assert all(isinstance(each, ast.ImportFrom) for each in imports), file
