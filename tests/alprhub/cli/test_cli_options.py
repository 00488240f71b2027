"""What is wrong is said of the option that a person typed, and not of a field that nobody sees."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import alprhub.cli
import hub
from alprhub.cli.app import app
from alprhub.cli.options import RUNNING, by_option

WHY = ("--purpose=stolen_vehicle", "--reason=needed in court", "--case=26-1")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("holds", "place", "9SYN001", *WHY, "--hold=evidence", "--review-at=1/1/2020"), "--review-at: "),
        (("holds", "place", "9SYN001", *WHY, "--hold=evidense", "--review-at=12/31/2035"), "--hold: 'evidense' is no"),
        (
            ("holds", "place", "9SYN001", *WHY, "--hold=case", "--review-at=1h", "--committed-on=June"),
            "--committed-on: ",
        ),
        (("connections", "change", "drop", "--kind=nobody's"), "--kind: "),
        (("connections", "schedule", "drop", "--every=often"), "--every: "),
        (("search", "9SYN*", *WHY, "--kind=police"), "--kind: 'police' is not known; there are: "),
        (("search", "9SYN*", *WHY, "--min-confidence=2"), "--min-confidence: "),
        (("hotlists", "withdraw", "wanted", "9SYN001", "--reason="), "--reason: "),
    ],
)
def test_a_wrong_value_is_told_by_its_option(run: Any, joined: Any, words: tuple[str, ...], named: str) -> None:
    done = run(*words)
    assert (done.code, done.out) == (65, "")
    assert done.err.startswith(named)


@pytest.mark.parametrize(
    ("command", "why", "named"),
    [
        (command, why, named)
        for command in (
            ("search", "9SYN001"), ("lookup", "9SYN001"), ("timeline", "9SYN001"), ("reads", "show", "1"),
            ("export", "9SYN001", "--out=reads.csv"),
        )
        for why, named in (
            (("--purpose=stolen_vehicle", "--reason=asdf", "--case=26-1"), "--reason: must say in words why"),
            (("--purpose=stolen_vehicle", "--reason=\u3164\u3164\u3164\u3164", "--case=26-1"), "--reason: must say"),
            (("--purpose=curiosity", "--reason=needed in court", "--case=26-1"), "--purpose: 'curiosity' is none of"),
        )
    ],
)  # fmt: skip
def test_what_policy_refuses_is_told_by_the_option_too(
    run: Any, joined: Any, command: tuple[str, ...], why: tuple[str, ...], named: str
) -> None:
    done = run(*command, *why)
    assert (done.code, done.out) == (77, "")
    assert done.err.startswith(named)


NO_OPTIONS = {
    "alert": "a column of a hot list's file, told with its line",
    "expires": "a column of a hot list's file, told with its line",
    "area": "told as --near or --inside by the command (`Typed`)",
}
"""Names that refusals begin with and that are rightly no option."""
REFUSALS = {"Invalid", "PolicyRefused", "Conflict", "NotFound", "_refused"}


def begins(folder: Path) -> Iterator[tuple[str, str]]:
    """The names that sentences of refusals below a folder begin with, and where."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in REFUSALS:
                for argument in node.args:
                    if named := re.match(r"f?['\"]([a-z][a-z_]*): ", ast.unparse(argument)):
                        yield named[1], f"{file.name}:{node.lineno}"


def commands(command: Any) -> Iterator[Any]:
    for one in getattr(command, "commands", {}).values():
        yield from commands(one)
    if not hasattr(command, "commands"):
        yield command


def is_given(name: str, command: Any) -> bool:
    """Whether a command tells what is wrong with a field by its option, or has an argument of that name."""
    before = RUNNING.set(command)
    try:
        return by_option(f"{name}: x").startswith("--") or any(one.name == name for one in command.params)
    finally:
        RUNNING.reset(before)


def test_every_refusal_that_names_a_field_names_what_some_command_is_given() -> None:
    tree = list(commands(get_command(app)))
    found = [one for package in (hub, alprhub.cli) for one in begins(Path(package.__path__[0]))]
    assert {"purpose", "reason", "plates", "complete", "kind", "profile"} <= {name for name, _ in found}
    unknown = {name for name, _ in found if not any(is_given(name, command) for command in tree)}
    assert unknown == NO_OPTIONS.keys(), [where for name, where in found if name in unknown - NO_OPTIONS.keys()]


def test_a_word_that_is_nearly_one_is_answered_with_that_one_alone(run: Any, joined: Any) -> None:
    done = run("holds", "place", "9SYN001", *WHY, "--hold=evidense", "--review-at=12/31/2035")
    assert done.err == "--hold: 'evidense' is no kind of hold; did you mean 'evidence'?\n"
    done = run("search", "9SYN001", "--purpose=stolen_vehicl", "--reason=needed in court")
    assert done.err == "--purpose: 'stolen_vehicl' is none of this agency's; did you mean 'stolen_vehicle'?\n"


def test_what_is_no_option_of_the_command_keeps_its_name(run: Any, joined: Any) -> None:
    done = run("connections", "add", "two words", "motorola", *joined.settings)
    assert done.err.startswith("name: ")
