"""Plates that a person types: in place of a hyphen they come by standard input, or are asked for at a terminal.

What stands on a command line stands in the list of processes while the command runs, and in the shell's history.
"""

import re
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from alprhub.cli.terminal import there
from hub.errors import Invalid

UNSEEN: Final = "- asks for it, or reads it from standard input, so that it is in no process list and no history."
OnePlate = Annotated[str, typer.Argument(help=f"One full plate, without wildcards; {UNSEEN}")]


def one(word: str) -> str:
    """The plate, and in place of a hyphen the one that is asked for or stands on standard input.

    Raises `Invalid` where that is none, or more than one.
    """
    if word != "-":
        return word
    if there():
        return str(typer.prompt("Plate", err=True)).strip()
    plates = _read()
    if len(plates) != 1:
        found = f"has {len(plates)}" if plates else "is empty"
        raise Invalid(f"plate: standard input {found}, and one plate is needed: echo the plate into it, without more")
    return plates[0]


def several(words: Sequence[str]) -> tuple[str, ...]:
    """The plates, and in place of a hyphen those that are pasted: one a line, or between commas or tabs.

    Raises `Invalid` for an empty list: it never means every plate.
    """
    if "-" not in words:
        return tuple(words)
    pasted = _asked() if there() else _read()
    if not pasted:
        raise Invalid("plates: the list is empty")
    return (*(word for word in words if word != "-"), *pasted)


def _asked() -> list[str]:
    pasted = list[str]()
    while line := str(typer.prompt("Plate (Enter ends the list)", default="", show_default=False, err=True)):
        pasted += _split(line)
    return pasted


def _read() -> list[str]:
    try:
        pasted = [plate for line in sys.stdin for plate in _split(line)]
        "".join(pasted).encode()
    except UnicodeError:
        raise Invalid("plates: the list is not UTF-8") from None
    return pasted


def _split(line: str) -> list[str]:
    return [plate.strip() for plate in re.split("[,;\t]", line) if plate.strip()]
