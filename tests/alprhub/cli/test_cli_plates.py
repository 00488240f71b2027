"""A plate need not stand on a command line, where the list of processes and the shell's history have it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from alprhub.cli import plates
from alprhub.cli.app import app

WHY = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1", "--case", "26-1")
ONE = {
    "timeline": ("timeline", "-", *WHY),
    "co-travel": ("co-travel", "-", *WHY),
    "pattern": ("pattern", "-", *WHY),
    "lookup": ("lookup", "-", *WHY),
    "hotlists withdraw": ("hotlists", "withdraw", "wanted", "-", "--reason", "recovered"),
    "hotlists readmit": ("hotlists", "readmit", "wanted", "-", "--reason", "stolen again"),
    "retention canary add": ("retention", "canary", "add", "drop", "-", "--reason", "our own car"),
}
"""Every command that takes one plate, which is asked for here."""
SEVERAL = {
    "search": ("search", "-", *WHY),
    "export": ("export", "-", *WHY, "--out"),
    "holds place": ("holds", "place", "-", *WHY, "--hold", "case"),
}
"""The same of several."""


def takers(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that takes a plate, by what is typed, and the parameter."""
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for each in command.list_commands(context):
            yield from takers(command.get_command(context, each), f"{name} {each}".strip())
    else:
        yield from ((name, one) for one in command.params if one.name in ("plate", "plates"))


def test_every_command_that_takes_a_plate_says_how_it_is_kept_off_the_command_line() -> None:
    found = dict(takers(get_command(app)))
    assert set(ONE) | set(SEVERAL) <= set(found)
    for name, parameter in found.items():
        assert "; - " in parameter.help, name
    assert {name for name, one in found.items() if one.name == "plate"} == set(ONE)


@pytest.mark.parametrize("name", ONE)
def test_one_plate_comes_by_standard_input_or_is_asked_for(
    run: Any, joined: Any, sql: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "wanted.csv").write_text("plate,reason,case\n9SYN002,stolen,26-1\n")
    assert run("hotlists", "import", "wanted", tmp_path / "wanted.csv").code == 0
    plain = tuple("9SYN001" if word == "-" else word for word in ONE[name])
    typed = run(*plain)
    by_input = run(*ONE[name], stdin="9SYN001\n")
    assert (by_input.code, by_input.out, by_input.err) == (typed.code, typed.out, typed.err)
    for none in ("", "9SYN001\n9SYN002\n"):
        refused = run(*ONE[name], stdin=none)
        assert refused.code == 65
        assert refused.err.startswith("plate: standard input ")
    monkeypatch.setattr(plates, "there", lambda: True)
    asked = run(*ONE[name], stdin="9SYN001\n")
    assert asked.code == typed.code
    assert asked.err.startswith("Plate:")


def test_several_plates_are_asked_for_until_nothing_is_typed(run: Any, filled: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(plates, "there", lambda: True)
    found = run("search", "-", *WHY, "--json", stdin="9SYN001\n9SYN002; 9SYN003\n\n")
    assert found.err.count("Plate (Enter ends the list)") == 3
    shown = json.loads(found.out[found.out.index("{") :])  # in tests, what is typed is shown there
    assert sorted(row["plate"] for row in shown["rows"]) == ["9SYN001", "9SYN002"]
