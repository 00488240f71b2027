"""A command that lacks several things names all of them at once."""

import re
from typing import Any

import cli_page
import pytest


def said(err: str) -> str:
    return " ".join(re.sub("[│╭╮╰╯─]", " ", err).split())


def lacking() -> dict[str, list[str]]:
    """Every command that needs more than one thing, and how each is named where it is missing."""
    found = {
        " ".join(path[1:]): [one for one in command.params if one.required] for path, command in cli_page.commands()
    }
    return {name: [one.get_error_hint() for one in needed] for name, needed in found.items() if len(needed) > 1}


@pytest.mark.parametrize("command", lacking())
def test_every_command_names_all_that_it_lacks(run: Any, command: str) -> None:
    done = run(*command.split())
    assert done.code == 2
    for name in lacking()[command]:
        assert name in said(done.err)


def test_a_hold_names_what_it_keeps_besides_its_options_too(run: Any) -> None:
    done = run("holds", "place")
    assert done.code == 2
    assert "Missing options '--purpose', '--reason', '--case', '--hold', '--review-at'." in said(done.err)
    done = run("holds", "place", "--hold", "evidence", "--review-at", "12/30/2026", "--reason", "theft")
    assert "Missing options '--purpose', '--case'." in said(done.err)
    done = run("holds", "place", "--hold", "evidence", "--review-at", "12/30/2026", "--read", 1)
    assert "Missing options '--reason', '--case'." in said(done.err), "ids are no question, which would want a purpose"
    done = run("retention", "destroy", "--order", "order.pdf")
    assert "Missing options '--purpose', '--reason', '--number', '--court'." in said(done.err)


def test_arguments_and_options_are_told_apart(run: Any) -> None:
    done = run("retention", "canary", "add")
    assert "Missing arguments 'connection', 'plate' and option '--reason'." in said(done.err)


def test_another_fault_and_a_wish_for_help_come_first(run: Any) -> None:
    assert "No such option: --hlod" in said(run("holds", "place", "--hlod", "x").err)
    assert run("holds", "place", "--help").code == 0
    done = run("holds", "release", "three")
    assert "Invalid value for 'hold'" in said(done.err)
