"""Whoever opens a connector closes it, whether it gives what was asked for or raises."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPENERS = sorted(
    path
    for floor in ("hub", "flows", "alprhub")
    for path in (ROOT / floor).rglob("*.py")
    if "sandbox" not in path.parts and re.search(r"\._?open\(", path.read_text("utf-8"))
)
"""Every file of ours that opens anything."""
ASKS = {
    "check", "pull", "lookup", "push", "list_remote", "drop_list", "subscriptions", "unsubscribe", "fetch_image",
    "cameras",
}  # fmt: skip
"""What needs the vendor; `unpack`, `parse`, `verify` and `reply` hold nothing of the machine."""


def _opened(function: ast.AST) -> set[str]:
    """The names under which a function takes a connector that was opened for it."""
    names = set[str]()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute) and called.attr in ("_open", "open"):
                for target in node.targets:
                    if isinstance(target, ast.Tuple) and isinstance(target.elts[1], ast.Name):
                        names.add(target.elts[1].id)
    return names


def _asked_open(function: ast.AST) -> list[str]:
    """What is asked of an opened connector outside of every `with` that closes it."""
    names, wrong = _opened(function), list[str]()

    def walk(node: ast.AST, closing: frozenset[str]) -> None:
        if isinstance(node, ast.With):
            held = {
                name.id for item in node.items for name in ast.walk(item.context_expr) if isinstance(name, ast.Name)
            }
            closing = closing | held
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name in names and node.attr in ASKS and name not in closing:
                wrong.append(f"line {node.lineno}: {name}.{node.attr}")
        for child in ast.iter_child_nodes(node):
            walk(child, closing)

    walk(function, frozenset())
    return wrong


@pytest.mark.parametrize("path", OPENERS, ids=[path.relative_to(ROOT).as_posix() for path in OPENERS])
def test_a_connector_that_was_opened_is_asked_only_where_it_is_closed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [wrong for function in functions for wrong in _asked_open(function)]


def test_one_that_is_asked_without_closing_it_would_be_found() -> None:
    function = ast.parse("def f(self):\n account, c = self._open('x')\n c.pull()\n with c:\n  c.check()\n").body[0]
    assert _asked_open(function) == ["line 3: c.pull"]
