"""`Finding`: one thing that was looked at, how it is, and what to do."""

from dataclasses import dataclass
from typing import Final, Literal

Grade = Literal["ok", "look", "wrong"]
CODES: Final[dict[Grade, int]] = {"ok": 0, "look": 75, "wrong": 78}
"""The exit code that goes with the worst of several."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`look`: a person should look at it in time; `wrong`: it does not work, or will lose something."""

    code: str
    grade: Grade
    said: str
    do: str = ""
    command: str = ""


def ok(code: str, sentence: str) -> Finding:
    """All is well with it."""
    return Finding(code, "ok", sentence)


def look(code: str, sentence: str, do: str, command: str = "") -> Finding:
    """Somebody should look at it."""
    return Finding(code, "look", sentence, do, command)


def wrong(code: str, sentence: str, do: str, command: str = "") -> Finding:
    """Somebody must do something."""
    return Finding(code, "wrong", sentence, do, command)
