"""The page of audit actions is what the code says, and the code says nothing else."""

import ast
from functools import cache
from pathlib import Path

import audit_page
import pytest

from hub.audit.actions import Act, Outcome

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "audit-actions.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == audit_page.page(), "`make docs` writes it anew"


@cache
def members() -> set[tuple[str, str]]:
    """Of each name the members that the code uses, outside the page of words itself."""
    return {
        (node.value.id, node.attr)
        for top in ("hub", "flows", "alprhub")
        for path in (ROOT / top).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def named(kind: str) -> set[str]:
    return {member for name, member in members() if name == kind}


def test_every_action_is_recorded_somewhere() -> None:
    assert {one.name for one in Act} - named("Act") == set()


COMPUTED = {"ANSWERED", "LATE", "FAILED", "BEGUN", "ENDED", "NOT_FOUND", "NOT_ASKED", "UNCLEAR", "FOUND", "DROPPED"}
"""What sources, notices and canaries say of themselves: `Outcome(word)` takes it."""


def test_every_outcome_is_recorded_somewhere() -> None:
    assert {one.name for one in Outcome} - named("Outcome") - COMPUTED == set()


@pytest.mark.parametrize("word", [*Act, *Outcome], ids=str)
def test_every_word_says_what_it_is_about_in_a_sentence(word: Act | Outcome) -> None:
    assert word.about[0].isupper()
    assert word.about.endswith(".")
    assert Act(word.value).name == word.name if isinstance(word, Act) else Outcome(word.value).name == word.name


def test_an_action_is_a_noun_and_a_verb() -> None:
    assert all(one.count(".") == 1 and one.name == one.value.replace(".", "_").upper() for one in Act)
