"""A command tree of names and first help lines; a command is imported once somebody types it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from alprhub.cli.interrupted import at_once
from alprhub.cli.missing import name_all

_PACKAGE: Final = "alprhub.cli"


@dataclass(frozen=True, slots=True)
class Noun:
    """A command, or a group of them, by where it is: `module:function` or `module:app` below `alprhub.cli`.

    `says` is the first line of its help, which a test holds it to; `more` are commands of the group from elsewhere.
    """

    says: str
    at: str
    more: tuple[str, ...] = ()

    def load(self, name: str) -> Any:
        """The command itself; this imports what it needs."""
        own = _imported(self.at)
        for place in self.more:
            _put(own, place.partition(":")[2], _imported(place))
        alone = typer.Typer(pretty_exceptions_show_locals=False)
        _put(alone, name, own)
        name_all(alone)
        return get_group(alone).commands[name]


class Commands(Mapping[str, Any]):
    """Commands by name, each imported when it is asked for, once."""

    def __init__(self, nouns: Mapping[str, Noun]) -> None:
        self._nouns = nouns
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            noun = self._nouns[name]
            with at_once():
                self._loaded[name] = noun.load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nouns)

    def __len__(self) -> int:
        return len(self._nouns)

    def __contains__(self, name: object) -> bool:
        return name in self._nouns


class Nouns(TyperGroup):
    """A group whose help and completion import no command: both need only names and first lines."""

    nouns: Mapping[str, Noun] = {}

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": Commands(self.nouns)})

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listed().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        return self._listed().shell_complete(ctx, incomplete)

    def _listed(self) -> TyperGroup:
        """The same group with stubs for its commands, which have the first line of help alone."""
        lines: dict[str, Any] = {name: TyperCommand(name, help=noun.says) for name, noun in self.nouns.items()}
        return TyperGroup(
            name=self.name,
            help=self.help,
            params=self.params,
            commands=lines,
            rich_markup_mode=self.rich_markup_mode,
            no_args_is_help=self.no_args_is_help,
        )


def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"{_PACKAGE}.{module}"), name)


def _put(group: typer.Typer, name: str, command: Any) -> None:
    if isinstance(command, typer.Typer):
        group.add_typer(command, name=name)
    else:
        group.command(name)(command)
