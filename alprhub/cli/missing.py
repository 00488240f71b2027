"""What a command lacks is named all at once, and not one thing a try."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import typer
from typer.core import TyperCommand

from alprhub.cli.options import RUNNING

Needs = Callable[[Mapping[str, Any]], tuple[str, ...]]
"""Gives, of what was typed, the parameters that the command needs besides those that it always requires."""
NEEDS: Final = "needs"
"""The attribute of a command's function that holds its `Needs`."""


class WholeCommand(TyperCommand):
    """A command that names everything that is missing in what was typed, and is known while it runs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As every command does; what is missing ends it with one message."""
        typed = list(args)
        try:
            rest = super().parse_args(ctx, args)
        except typer.BadParameter:
            if len(missing := self._missing(ctx, typed)) > 1:
                ctx.fail(_sentence(missing))
            raise
        if not ctx.resilient_parsing and (missing := self._missing(ctx, typed)):
            ctx.fail(_sentence(missing))
        return rest

    def invoke(self, ctx: Any) -> Any:
        """As every command does; what refuses it can be told by the options that it has."""
        before = RUNNING.set(self)
        try:
            return super().invoke(ctx)
        finally:
            RUNNING.reset(before)

    def _missing(self, ctx: Any, typed: list[str]) -> list[Any]:
        given, _, _ = self.make_parser(ctx).parse_args(args=list(typed))
        needs: Needs = getattr(self.callback, NEEDS, lambda _: ())
        also = needs(given)
        return [
            one
            for one in self.get_params(ctx)
            if (one.required and one.value_is_missing(one.consume_value(ctx, given)[0]))
            or (one.name in also and not given.get(one.name))
        ]


def _sentence(missing: list[Any]) -> str:
    kinds = [one.param_type_name for one in missing]
    of_one_kind = [
        f"{kind}{'s' if kinds.count(kind) > 1 else ''} "
        + ", ".join(one.get_error_hint() for one in missing if one.param_type_name == kind)
        for kind in ("argument", "option")
        if kind in kinds
    ]
    return f"Missing {' and '.join(of_one_kind)}."


def name_all(group: typer.Typer) -> None:
    """Have every command of a group, and of the groups in it, name all that it lacks at once."""
    for command in group.registered_commands:
        if command.cls in (None, TyperCommand):
            command.cls = WholeCommand
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            name_all(inner.typer_instance)
