"""What a connector's account needs, said before it is asked for; and asking a person for it."""

import getpass
from typing import Any, Final

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from alprhub.cli.output import console, print_rows
from connectors.contract import Connector
from hub.connections.secrets import is_secret
from hub.errors import Invalid
from hub.words import yes

COLUMNS: Final = ("setting", "what_it_is", "required", "secret", "default")
LONGEST_DEFAULT: Final = 40


def needs(kind: type[Connector[Any]]) -> list[dict[str, Any]]:
    """Every setting of a connector: its name, what it is, whether it must be given, is secret, and what holds else."""
    fields = kind.Settings.model_fields.items()
    rows = [
        {
            "setting": name,
            "what_it_is": f"{field.title}: {field.description}" if field.description else field.title or "",
            "required": field.is_required() or name == kind.Settings.local_times,
            "secret": is_secret(field),
            "default": _default(field),
        }
        for name, field in fields
    ]
    return sorted(rows, key=lambda row: not row["required"])


def show_needs(kind: type[Connector[Any]]) -> None:
    """The same as a table for people, what is required first."""
    rows = [{**row, "required": yes(row["required"]), "secret": yes(row["secret"])} for row in needs(kind)]
    print_rows(rows, COLUMNS, False, f"{kind.info.name} needs no settings")


def demand_zone(kind: type[Connector[Any]], values: dict[str, Any], zone: str) -> None:
    """Raise `Invalid` where nobody says where the clocks of a vendor stand that writes local times."""
    field = kind.Settings.local_times
    if field and field not in values:
        raise Invalid(
            f"{field}: {kind.info.name} writes local times without an offset; say where its clocks stand, for example"
            f" --set {field}={zone}, the zone of this hub"
        )


def ask_missing(kind: type[Connector[Any]], values: dict[str, Any], zone: str) -> None:
    """Ask for every setting that must be given and is not yet; `zone` is the agency's, offered for the vendor's."""
    local = kind.Settings.local_times
    for name, field in kind.Settings.model_fields.items():
        if name not in values and (field.is_required() or name == local):
            values[name] = asked(name, field, default=zone if name == local else None)


def ask_again(kind: type[Connector[Any]], values: dict[str, Any], names: tuple[str, ...], zone: str) -> None:
    """Ask for these settings anew and leave the others as they are; a name that is no setting is dropped.

    What holds without an answer is offered; what was answered before is not, for it was wrong.
    """
    for name in names:
        values.pop(name, None)
    for name in names:
        field = kind.Settings.model_fields.get(name)
        if field is None:
            console.print(f"{name} is left out.")
            continue
        offered = zone if name == kind.Settings.local_times else _default(field) or None
        answer = asked(name, field, optional=not field.is_required(), default=offered)
        if answer and answer != _default(field):
            values[name] = answer


def asked(name: str, field: FieldInfo, *, optional: bool = False, default: str | None = None) -> str:
    """What a person answers; a secret is not shown while it is typed. Empty only where `optional`."""
    prompt = f"{field.title or name} ({field.description})" if field.description else field.title or name
    if is_secret(field):
        return getpass.getpass(f"{prompt}: ")
    return str(typer.prompt(prompt, default="" if optional and default is None else default))


def _default(field: FieldInfo) -> str:
    """The default of a setting, shortened; empty where it has none."""
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    if value is None or isinstance(value, SecretStr) or value in ("", (), []):
        return ""
    if isinstance(value, bool):
        return yes(value)
    text = "as docs/mapping.md says" if isinstance(value, BaseModel) else str(value)
    return text if len(text) <= LONGEST_DEFAULT else f"{text[:LONGEST_DEFAULT]}…"
