"""Whose words they are: what the hub says of a field is said of the option by which a person gave it."""

import re
from typing import Final

import click

_FIELD: Final = re.compile(r"^([a-z][a-z_]*)(?=: )")
_CALLED: Final = {"case_number": "case", "fastest_kmh": "fastest", "kind": "hold", "interval": "every"}
"""Fields that commands call otherwise, where they have no option of the field's own name."""


def by_option(sentence: str) -> str:
    """The sentence about the running command's option, where it begins with the name of that field."""
    context = click.get_current_context(silent=True)
    field = _FIELD.match(sentence)
    if context is None or field is None:
        return sentence
    options = [one for one in context.command.params if isinstance(one, click.Option)]
    for name in (field[1], _CALLED.get(field[1])):
        for option in options:
            if name is not None and (option.name == name or f"--{name.replace('_', '-')}" in option.opts):
                said = f"--{name.replace('_', '-')}"
                return f"{said if said in option.opts else option.opts[0]}{sentence[field.end() :]}"
    return sentence
