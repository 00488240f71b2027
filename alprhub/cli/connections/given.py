"""Settings as people give them: on the command line, in a file, or when they are asked."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from pydantic.fields import FieldInfo

from connectors.contract import Connector
from hub.connections.secrets import is_secret
from hub.errors import Invalid

Name = Annotated[str, typer.Argument(help="The connection's name.")]
Given = Annotated[
    list[str] | None, typer.Option("--set", help="A setting, as name=value or name=@FILE; may be repeated.")
]
SettingsFile = Annotated[Path | None, typer.Option(help="A JSON file of settings, - for standard input.")]
Agency = Annotated[
    str | None, typer.Option(help="Whose account it is: must be the agency that this hub is set up for.")
]


def read_settings(given: list[str] | None, file: Path | None) -> dict[str, Any]:
    """Settings from a JSON file and `name=value` texts, the latter on top; raises `Invalid`.

    `name=@FILE` takes the value out of a file that exists; other values that begin with an @ are values.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
            values = msgspec.json.decode(body, type=dict[str, Any])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            raise Invalid(f"settings: {wrong}") from None
    for item in given or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise Invalid(f"--set {item!r}: write it as name=value")
        values[name.strip()] = _value(value)
    return values


def _value(text: str) -> Any:
    """JSON objects and lists as such, everything else as text: pydantic knows what the field wants."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8").strip()
        except (FileNotFoundError, IsADirectoryError):
            pass  # a password may begin so too
        except (OSError, ValueError):
            raise Invalid("--set: the file that is named behind @ cannot be read as text") from None
    if text[:1] in "[{" and text:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text


def there() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin.isatty()


def ask_missing(kind: type[Connector[Any]], values: dict[str, Any]) -> None:
    """Ask for every required setting that is not given yet."""
    for name, field in kind.Settings.model_fields.items():
        if name not in values and field.is_required():
            values[name] = asked(name, field)


def asked(name: str, field: FieldInfo, *, optional: bool = False) -> str:
    """What a person answers; a secret is not shown while it is typed. Empty only where `optional`."""
    prompt = f"{field.title or name} ({field.description})" if field.description else field.title or name
    if is_secret(field):
        return getpass.getpass(f"{prompt}: ")
    return str(typer.prompt(prompt, default="" if optional else None))
