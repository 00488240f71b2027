"""The command line in this process: what a person types, and what comes back."""

from functools import cache
from unittest.mock import patch

import typer.testing
from typer.main import get_command

from alprhub.cli.app import app

# Typer puts a program's commands together from their signatures each time that it is run. They do not change, and
# putting sixty of them together takes longer than most of them take to run.
_together = cache(get_command)


def typed(*words: object, stdin: str | bytes | None = None) -> typer.testing.Result:
    """Run `alprhub WORDS`."""
    with patch.object(typer.testing, "_get_command", _together):
        return typer.testing.CliRunner().invoke(app, [str(word) for word in words], input=stdin)
