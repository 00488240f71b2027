"""Settings as people give them: on the command line, in a file, or when they are asked."""

import getpass
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from pydantic.fields import FieldInfo

from alprhub.cli.files import content
from connectors.contract import Connector
from connectors.file_words import refusal
from hub.connections.secrets import is_secret
from hub.errors import Faults, Invalid

_EXAMPLE: Final = '{"name": "value"}'
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
        values = _decoded(content(file), "standard input" if str(file) == "-" else f"the file {str(file)!r}")
    wrong = [
        number for number, item in enumerate(given or (), 1) if not item.partition("=")[0].strip() or "=" not in item
    ]
    if wrong:  # not quoted: it may be a secret that lost its name
        raise Faults("", [f"--set number {number}: write it as name=value" for number in wrong])
    for item in given or ():
        name, _, value = item.partition("=")
        values[name.strip()] = _value(name.strip(), value)
    return values


def _decoded(body: bytes, where: str) -> dict[str, Any]:
    """The settings of a JSON document; raises `Invalid` with the line where it stops being one."""
    try:
        values = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Invalid(f"{where} is not UTF-8 text: save it as UTF-8") from None
    except json.JSONDecodeError as wrong:
        raise Invalid(
            f"{where} is not JSON: line {wrong.lineno}, column {wrong.colno}; it must look like {_EXAMPLE}"
        ) from None
    except RecursionError:
        raise Invalid(f"{where} is nested too deeply for settings; it must look like {_EXAMPLE}") from None
    if not isinstance(values, dict):
        raise Invalid(f"{where} holds no object of settings; it must look like {_EXAMPLE}")
    return values


def _value(name: str, text: str) -> Any:
    """JSON objects and lists as such, everything else as text: pydantic knows what the field wants."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8").strip()
        except (FileNotFoundError, IsADirectoryError):
            pass  # a password may begin so too
        except OSError as failed:
            raise Invalid(f"{name}: {refusal(failed)}") from None
        except ValueError:
            raise Invalid(f"{name}: the file that is named behind the @ is not UTF-8 text") from None
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
