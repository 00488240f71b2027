"""The page about policy says what the profiles say."""

from pathlib import Path

import manuals
import pytest

from hub.policy.contract import read_contract
from hub.policy.decisions import read_decisions
from hub.policy.limitations import load_limitations
from hub.policy.profile import load, names
from hub.policy.rules import Rule

PAGE = (Path(__file__).parents[3] / "docs" / "policy.md").read_text("utf-8").splitlines()


def row(rule: Rule) -> str:
    whose = f"{rule.origin or 'all'}{f', {rule.vendor}' if rule.vendor else ''}"
    whose += {None: "", False: ", nothing needs them", True: ", a case needs them"}[rule.linked]
    most = rule.max.text if rule.max else (rule.until or "—").replace("_", " ")
    least = f"{rule.min.text} from receipt" if rule.min else "—"
    return f"| `{rule.id}` | {whose} | {rule.copy or 'any'} | {most} | {least} | {rule.clause} |"


@pytest.mark.parametrize("name", names())
def test_every_retention_rule_is_in_the_table_as_it_is(name: str) -> None:
    profile = load(name)
    for rule in profile.rules:
        assert row(rule) in PAGE
    assert any(profile.agency in line for line in PAGE)


def test_the_table_has_no_rule_that_there_is_not() -> None:
    known = {rule.id for name in names() for rule in load(name).rules}
    assert {line.split("`")[1] for line in PAGE if line.startswith("| `")} == known


def test_every_class_of_offence_is_on_the_page() -> None:
    text = "\n".join(PAGE)
    for one in load_limitations().classes:
        assert f"`{one.id}` {one.limit or 'none'}" in text


def test_the_signed_decision_on_the_page_lets_westminster_through() -> None:
    load("westminster", read_decisions(example("wm-d1"), "the page")).activation().demand()


def test_the_contract_on_the_page_is_one_that_hermosa_beach_can_keep() -> None:
    whose = {"connection": "city-flock", "vendor": "flock", "origin": "own"}
    contract = read_contract(example("contract_id"), "the page", whose)
    assert (contract.forbids("export"), contract.owner) == (
        "24-17 section 6", "Marisol Beach Police Department (24-17 section 3.1)"
    )  # fmt: skip
    load("hermosa-beach", [manuals.decided(*manuals.SCHEDULED["hermosa-beach"])]).activation([contract]).demand()


def example(word: str) -> bytes:
    """The first YAML of the page that has a word."""
    begins = [at + 1 for at, line in enumerate(PAGE) if line == "```yaml"]
    blocks = ["\n".join(PAGE[begin : PAGE.index("```", begin)]) for begin in begins]
    return next(block for block in blocks if word in block).encode()
