"""What documentation tells people to type: its fenced blocks, and whether each `alprhub …` in them is a command.

A block that begins with ```sh is held against the command tree. One that begins with ```sh run is run too, and more
words behind `run` say what it needs (`sh run postgresql`).
"""

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import typer

from alprhub.cli.app import app

_FENCE: Final = re.compile(r"^```(.*)$")
_ENDS: Final = {"|", "||", "&&", "&", ";", "(", ")", ">", ">>", "<"}
LEFT_OUT: Final = "…"
"""What stands in a page for arguments that it does not spell out."""


@dataclass(frozen=True)
class Block:
    """A fenced block: the words of its first line, the number of the line behind that, and its text."""

    words: tuple[str, ...]
    line: int
    text: str

    @property
    def is_shell(self) -> bool:
        """Whether people are to type it."""
        return self.words[:1] == ("sh",)

    def runs(self, *needs: str) -> bool:
        """Whether it is run where exactly `needs` are there."""
        return self.words == ("sh", "run", *needs)


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page of Markdown."""
    opened: tuple[tuple[str, ...], int] | None = None
    lines = page.splitlines()
    for number, line in enumerate(lines, 1):
        if (fence := _FENCE.match(line)) is None:
            continue
        if opened is None:
            opened = tuple(fence[1].split()), number + 1
        else:
            words, first = opened
            yield Block(words, first, "\n".join(lines[first - 1 : number - 1]) + "\n")
            opened = None
    assert opened is None, f"line {opened[1]}: a block that never ends"  # type: ignore[index]


def commands(block: Block) -> Iterator[tuple[int, list[str]]]:
    """The words behind each `alprhub` of a shell block, with the number of its line."""
    number = block.line
    for line in block.text.replace("\\\n", "\0").splitlines():
        words = shlex.shlex(line.replace("\0", " "), posix=True, punctuation_chars=True)
        words.whitespace_split = True
        yield from ((number, found) for found in _alprhub(list(words)))
        number += 1 + line.count("\0")


def inline(page: str) -> Iterator[tuple[int, list[str]]]:
    """The words behind `alprhub` in code between single backquotes outside of blocks, with the number of the line."""
    inside = False
    for number, line in enumerate(page.splitlines(), 1):
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            for code in re.findall(r"`(alprhub [^`]*)`", line):
                yield number, shlex.split(code, comments=True)[1:]


def _alprhub(words: Sequence[str]) -> Iterator[list[str]]:
    for at, word in enumerate(words):
        if word == "alprhub" or word.endswith("/bin/alprhub"):
            if at and words[at - 1] not in _ENDS | {"sudo", "exec", "!", "then", "do"} and "=" not in words[at - 1]:
                continue  # a word of another command: a user's name, a folder
            found = []
            for one in words[at + 1 :]:
                if one in _ENDS:
                    break
                found.append(one)
            yield found


@cache
def _tree() -> Any:
    """The command tree; to put it together takes longer than to look into it."""
    return typer.main.get_command(app)


def fault(words: Sequence[str], whole: bool = True) -> str | None:
    """What the command tree would not take of the words behind `alprhub`, or None.

    Values are not looked at. A command of which only the name is told is whole where `whole` is false.
    """
    here: Any = _tree()
    path, rest = ["alprhub"], list(words)
    if rest[:1] == [LEFT_OUT]:
        return None
    while rest and hasattr(here, "commands") and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in here.commands:
            return f"{' '.join(path)} has no command {name}"
        here = here.commands[name]
        path.append(name)
    if hasattr(here, "commands") and not rest and whole and not here.invoke_without_command:
        return f"{' '.join(path)} wants one of {', '.join(here.commands)}"
    return _arguments(here, " ".join(path), rest, whole)


def _arguments(command: Any, path: str, rest: list[str], whole: bool) -> str | None:
    options = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts) if name[:1] == "-"}
    taken, left_out = 0, False
    while rest:
        word = rest.pop(0)
        if word == "--help":
            return None
        if word == LEFT_OUT:
            left_out = True
        elif word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            if name not in options:
                return f"{path} has no option {name}"
            if not options[name].is_flag and not value and (whole or rest):
                if len(rest) < options[name].nargs:
                    return f"{path} {name} wants a value"
                del rest[: options[name].nargs]
        else:
            taken += 1
    wanted = [one for one in command.params if one.param_type_name == "argument"]
    if whole and not left_out and taken < sum(one.required for one in wanted):
        return f"{path} wants {', '.join(one.name for one in wanted if one.required)}"
    if taken > len(wanted) and all(one.nargs == 1 for one in wanted):
        return f"{path} takes {len(wanted)} arguments, and here are {taken}"
    return None


def faults(page: str) -> list[str]:
    """What the command tree would not take of a page, each with its line."""
    told = [
        f"line {line}: {wrong}"
        for block in blocks(page)
        if block.is_shell
        for line, words in commands(block)
        if (wrong := fault(words))
    ]
    said = [f"line {line}: {wrong}" for line, words in inline(page) if (wrong := fault(words, whole=False))]
    return told + said


def run(page: str, folder: Path, environment: Mapping[str, str], *needs: str) -> str:
    """Run the blocks that need exactly `needs`, one after the other in one shell; gives what they printed.

    Fails the test with the line of the block that failed.
    """
    script = ["set -eu"]
    for block in blocks(page):
        if block.runs(*needs):
            script += [f"echo '--- line {block.line}' >&2", block.text]
    assert len(script) > 1, "there is no block to run"
    done = subprocess.run(
        ["sh", "-c", "\n".join(script)],
        cwd=folder,
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
