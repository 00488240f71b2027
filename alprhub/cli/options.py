"""Whose words they are: what the hub says of a field is said of the option by which a person gave it."""

import re
from contextvars import ContextVar
from typing import Any, Final

RUNNING: Final[ContextVar[Any]] = ContextVar("RUNNING", default=None)
"""The command that is running."""
_FIELD: Final = re.compile(r"^([a-z][a-z_]*)(?=: )")
_CALLED: Final = {"case_number": "case", "fastest_kmh": "fastest", "kind": "hold"}
"""Fields that commands call otherwise, where they have no option of the field's own name."""


def by_option(sentence: str) -> str:
    """The sentence about the running command's option, where it begins with the name of that field."""
    field = _FIELD.match(sentence)
    if field is None or (command := RUNNING.get()) is None:
        return sentence
    options = [one for one in command.params if one.param_type_name == "option"]
    for name in filter(None, (field[1], _CALLED.get(field[1]), field[1].removesuffix("s"))):
        said = f"--{name.replace('_', '-')}"
        for option in options:
            if said in option.opts or option.name == name:
                return f"{said if said in option.opts else option.opts[0]}{sentence[field.end() :]}"
    return sentence
