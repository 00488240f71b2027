"""The house is built as its README says; what is counted here is printed with `pytest -rP`."""

import ast
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.wiring import Hub

ROOT = Path(__file__).parents[2]
HUB = ROOT / "hub"
GROUND = {"settings", "agency", "clock", "store", "audit"}
ROOMS = {
    "governing", "access", "connections", "ingest", "hotlists", "search", "analysis", "retention", "cases", "proofs",
    "notices",
}  # fmt: skip
VERBS = {"ping", "close"}
LONGEST = 450
"""Lines of a file of the hub; `tables.py` is a list of tables, and has as many as there are columns."""
MAY_BE_CALLED = {"sleep", "elapsed"}
"""What a service may take as a callable: the machine's own."""


def told(count: str) -> None:
    """Print a count, for whoever runs these tests with `-rP`."""
    sys.stdout.write(f"{count}\n")


def trees(*tops: str, word: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file below folders of the project in whose text a word stands."""
    for top in tops:
        for path in sorted((ROOT / top).rglob("*.py")):
            if word in (written := path.read_text("utf-8")):
                yield path.relative_to(ROOT), ast.parse(written)


def test_a_hub_is_its_rooms_the_ground_and_two_verbs() -> None:
    given = {node.attr for node in ast.walk(ast.parse(inspect.getsource(Hub))) if _is_own(node)}
    public = {name for name in {*vars(Hub), *given} if not name.startswith("_")}
    told(f"public names of Hub: {len(GROUND)} of the ground, {len(ROOMS)} rooms, {len(VERBS)} verbs")
    assert public == GROUND | ROOMS | VERBS


def _is_own(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name) and node.value.id == "self"
    )  # fmt: skip


def test_every_room_is_opened_by_its_folder() -> None:
    assert {path.parent.name for path in HUB.glob("*/room.py")} == ROOMS


def test_wiring_is_short_and_neither_it_nor_a_room_has_a_lambda() -> None:
    lines = len((HUB / "wiring.py").read_text("utf-8").splitlines())
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees("hub", word="lambda")
        if path.name in ("wiring.py", "rooms.py", "parts.py", "room.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
    ]
    told(f"lines of wiring.py: {lines}; lambdas in wiring and rooms: {len(found)}")
    assert lines < 150
    assert found == []


def test_no_file_of_the_hub_is_longer_than_a_person_reads() -> None:
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in HUB.rglob("*.py") if path.name != "tables.py"}
    longest = max(lines, key=lambda path: lines[path])
    told(f"longest file of the hub: {longest.relative_to(ROOT)}, {lines[longest]} lines")
    assert {str(path): number for path, number in lines.items() if number > LONGEST} == {}


def test_nobody_outside_the_store_asks_which_database_it_is() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees("hub", "flows", "alprhub", word="is_sqlite")
        if path.parts[:2] != ("hub", "store")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "is_sqlite"
    ]
    told(f"`is_sqlite` outside hub/store: {len(found)}")
    assert found == []


def test_who_acts_is_said_once_in_the_command_line_and_once_by_the_first_start() -> None:
    found = [
        str(path)
        for path, tree in trees("hub", "flows", "alprhub", word="of_process")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "of_process"
    ]
    told(f"`Actor.of_process`: {', '.join(found)}")
    assert found == ["hub/agency.py", "alprhub/acting.py"]


def test_a_service_takes_nouns_and_no_functions() -> None:
    found = [
        f"{path}: {made.name}({given.arg})"
        for path, tree in trees("hub", word="Callable")
        if len(path.parts) == 3 and path.parts[1] in ROOMS
        for made in ast.walk(tree)
        if isinstance(made, ast.ClassDef) and not made.name.startswith("_")
        for method in made.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for given in (*method.args.args, *method.args.kwonlyargs)
        if given.annotation is not None and "Callable" in ast.unparse(given.annotation)
        if given.arg not in MAY_BE_CALLED
    ]
    assert found == ["hub/ingest/keeping.py: Keeping(wanting)", "hub/ingest/pictures.py: Beside(start)"]


@pytest.mark.parametrize(
    "how", [r'setattr\([^)]*"connector"', r"accounts\.connector\b(?!s)", r'"[\w.]*accounts\.connector"']
)
def test_no_test_replaces_a_modules_connector(how: str) -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(__file__) and re.search(how, path.read_text("utf-8"))
    ]
    assert found == [], "open_hub(registry=…) gives a hub its connectors"


README = (HUB / "README.md").read_text("utf-8")


def test_the_readme_names_every_room_and_every_service_in_it() -> None:
    rows = {row[1]: row[2] for row in re.finditer(r"^\| `(\w+)` \| (.+) \|$", README, re.M)}
    assert set(rows) == ROOMS
    for path, tree in trees("hub", word="made_once"):
        if path.name != "room.py" or path.parts[1] == "analysis":
            continue
        here = {
            method.name
            for room in tree.body
            if isinstance(room, ast.ClassDef) and room.name.endswith("Room") and not room.name.startswith("_")
            for method in room.body
            if isinstance(method, ast.FunctionDef)
            and any(ast.unparse(one) == "made_once" for one in method.decorator_list)
        }
        assert here - set(re.findall(r"`(\w+)", rows[path.parts[1]])) == set(), path


def test_the_floors_of_the_readme_are_those_that_are_held() -> None:
    held = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (floors,) = [one["layers"] for one in held if one["type"] == "layers" and "hub.wiring" in one["layers"]]
    said = README[README.index("Floors, as") :].split("\n\n")[0].split(":\n", 1)[1]
    written = [set(re.findall(r"`(\w+)`", floor)) for floor in said.split("→")]
    assert len(written) == len(floors)
    for names, floor in zip(written, floors, strict=True):
        modules = {module.strip().removeprefix("hub.") for module in floor.split(":")}
        assert names <= modules
        assert names == modules or "nine rooms" in said
