"""Whoever destroys or shortens asks first whether the clock can be believed, or does it by no clock at all."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
HUB: Final = ROOT / "hub"
ASKS: Final = {"sure", "certain"}
CALLS: Final = {
    "set_ends", "rewrite", "rewrite_hits", "certify", "delete", "remove_unread", "forget_removed", "let_go", "unlink",
    "rmtree", "empty", "done", "leave", "destroy",
}  # fmt: skip
SQL: Final = re.compile(r"DELETE FROM|DROP TABLE")
MAY: Final = re.compile("|".join((*sorted(CALLS), "DELETE", "DROP")))
"""What stands in the text of whatever destroys: where it does not, nothing need be parsed."""
BY_NO_CLOCK: Final = {
    "audit/log.py": "an event goes from where it waited once it is in the log",
    "backups/backup.py": "an unfinished copy of its own",
    "backups/restore.py": "an unfinished copy of its own",
    "cases/approved.py": "a hold that a person, or `lapse`, which is sure, has ended",
    "cases/held.py": "reads of a hold that somebody has ended",
    "cases/holds.py": "a hold that a person ends",
    "hotlists/importing.py": "an import that was cut short",
    "hotlists/publishing.py": "what a vendor is to be told, once it was",
    "ingest/ahead.py": "takes no more pages from a thread of its own",
    "ingest/inbox.py": "has it done by `Unkept`, which is sure",
    "ingest/keeping.py": "a push that is a read now",
    "ingest/rounds.py": "how far a round has come",
    "ingest/sync.py": "its own progress",
    "proofs/canary.py": "a canary that a person removes",
    "retention/months.py": "what a purge, which is sure, found over",
    "search/export.py": "an unfinished file of its own",
    "store": "what somebody above it has decided to destroy",
}
"""Modules, or a folder, that ask no clock, and by what they destroy."""


def destroys(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in CALLS:
                return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            return True
    return False


def asks(tree: ast.Module) -> set[str]:
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return called & ASKS


def destroyers() -> dict[str, set[str]]:
    """Every module that destroys, and what it asks."""
    texts = {
        path.relative_to(HUB).as_posix(): path.read_text("utf-8")
        for path in sorted(HUB.rglob("*.py"))
        if "migrations" not in path.parts
    }
    trees = {name: ast.parse(text) for name, text in texts.items() if MAY.search(text)}
    return {name: asks(tree) for name, tree in trees.items() if destroys(tree)}


FOUND: Final = destroyers()


def excused(name: str) -> str | None:
    return next((one for one in BY_NO_CLOCK if name == one or name.startswith(f"{one}/")), None)


@pytest.mark.parametrize("name", [name for name in FOUND if excused(name) is None])
def test_whoever_destroys_or_shortens_asks_whether_the_clock_is_right(name: str) -> None:
    assert FOUND[name]


def test_who_is_excused_destroys_and_asks_no_clock_that_may_be_ahead() -> None:
    assert {excused(name) for name in FOUND} - {None} == set(BY_NO_CLOCK)
    assert [name for name, asked in FOUND.items() if excused(name) and asked] == []
