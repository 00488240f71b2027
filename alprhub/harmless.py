"""Words that do nothing to a terminal, whoever wrote them: what everything that is printed is made into."""

import logging
import re
import sys
from typing import Final

_STEERS: Final = re.compile(r"[^\x20-\x7e\n]")
_TOLD: Final = "\ufffd"


def harmless(text: str) -> str:
    """The text with its lines, in which nothing hides, moves or turns around what stands on a screen.

    Blanks of other kinds are plain ones; escapes, other signs of control and those that turn the direction are shown
    as a sign that says so.
    """
    return text if _is_plain(text) else _STEERS.sub(_shown, text)


def _is_plain(text: str) -> bool:
    return text.isprintable() or (text.isascii() and text.replace("\n", "").isprintable())


def _shown(sign: re.Match[str]) -> str:
    one = sign.group()
    return one if one.isprintable() else " " if one.isspace() else _TOLD


def complain(text: str) -> None:
    """Write words to stderr as they are, but for what steers a terminal, and end the line."""
    sys.stderr.write(f"{harmless(text)}\n")


def escaped(document: str) -> str:
    """A JSON document that means the same and holds nothing that steers a terminal."""
    return document if _is_plain(document) else _STEERS.sub(_in_json, document)


def _in_json(sign: re.Match[str]) -> str:
    one = sign.group()
    if one.isprintable():
        return one
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


class _Harmless(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return harmless(super().format(record))


def guard_the_log() -> None:
    """Have lines of the log that nobody else takes go through the same door to stderr."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Harmless())
