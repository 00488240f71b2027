"""docs/cli.md: every command of `alprhub`, its arguments and its options, as the command tree itself says them.

`make docs` writes it; a test says when it is not what it would be now.
"""

import sys
from collections.abc import Iterator
from typing import Any, Final

import typer

from alprhub.cli.app import app

HEAD: Final = """\
# Every command

Written by `make docs` from the command tree: what is corrected here by hand is gone with the next `make docs`.
Each command says the same with `--help`. Errors and exit codes are explained in the [README](../README.md).
"""


def commands(group: Any = None, path: tuple[str, ...] = ("alprhub",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that can be typed, with the words that name it, in the order in which people are told of them."""
    for name, command in (group or typer.main.get_command(app)).commands.items():
        here = (*path, name)
        if not hasattr(command, "commands"):
            yield here, command
            continue
        if command.invoke_without_command:
            yield here, command
        yield from commands(command, here)


def page() -> str:
    """The whole page."""
    every = list(commands())
    index = ["| command | what it does |", "|---|---|"]
    index += [f"| [{' '.join(path[1:])}](#{anchor(path)}) | {_cell(_first(command.help))} |" for path, command in every]
    return "\n".join([HEAD, *index, "", *(part for one in every for part in _section(*one))])


def anchor(path: tuple[str, ...]) -> str:
    """The name by which a heading is linked to."""
    return "-".join(path)


def _section(path: tuple[str, ...], command: Any) -> Iterator[str]:
    yield f"## {' '.join(path)}\n"
    words = " ".join([*path, *(_argument(one) for one in _those(command, "argument"))])
    yield f"`{words}`\n"
    yield f"{_plain(command.help)}\n"
    rows = [(_name(one), _meaning(one)) for kind in ("argument", "option") for one in _those(command, kind)]
    if rows:
        yield "| | |\n|---|---|"
        yield "\n".join(f"| {name} | {_cell(meaning)} |" for name, meaning in rows) + "\n"


def _those(command: Any, kind: str) -> list[Any]:
    return [one for one in command.params if one.param_type_name == kind and not one.hidden]


def _argument(one: Any) -> str:
    word = one.name.upper()
    word = word if one.required else f"[{word}]"
    return word if one.nargs == 1 else f"{word}..."


def _name(one: Any) -> str:
    if one.param_type_name == "argument":
        return f"`{one.name.upper()}`"
    names = " / ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
    return f"{names} (needed)" if one.required else names


def _meaning(one: Any) -> str:
    meaning = _plain(one.help)
    usual = one.default
    if isinstance(usual, int | float | str) and not isinstance(usual, bool) and usual != "" and one.show_default:
        meaning += f" Usually {usual}."
    return meaning


def _plain(said: str | None) -> str:
    """What is said of a command or an option, its paragraphs as lines of their own; nobody may say nothing."""
    return "\n\n".join(" ".join(part.split()) for part in (said or "").split("\n\n"))


def _first(said: str | None) -> str:
    return _plain(said).split("\n\n", maxsplit=1)[0]


def _cell(said: str) -> str:
    return " ".join(said.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
