"""A name of a class is unique: whoever reads it in a message, a trace or a review knows which class is meant."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("normalize", "connectors", "native_reader", "hub", "flows", "alprhub")
APART = (
    "alprhub/sandbox/",  # the other side of the wire: it imports nothing of ours and uses its vendors' words
    "connectors/vendors/",  # what one vendor's wire looks like, in a module or package that no other may import
)
"""Folders whose names are held against themselves and not against the rest, and the reason."""
ROOM = "room.py"
"""Each room of the hub says in such a file what it needs of its neighbours, in Protocols that nobody else uses."""


def _classes(file: Path) -> list[str]:
    return [node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef)]


def _shared(file: Path) -> list[str]:
    own = ("_", "Neighbours") if file.name == ROOM else ()
    return [one for one in _classes(file) if not own or not one.startswith(own)]


def test_a_class_has_a_name_of_its_own() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            name = str(file.relative_to(ROOT))
            if not name.startswith(APART):
                for one in _shared(file):
                    places[one].append(name)
    assert {one: files for one, files in places.items() if len(files) > 1} == {}


def test_what_stands_apart_has_names_of_its_own_in_each_module() -> None:
    for place in APART:
        for file in sorted((ROOT / place).rglob("*.py")):
            names = _classes(file)
            assert (file.name, len(set(names))) == (file.name, len(names))
