"""`alprhub connections`: a vendor's accounts."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from pydantic import SecretStr

from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from connectors.contract import Connector
from hub.audit.record import Actor
from hub.errors import Invalid
from hub.wiring import open_hub

app = typer.Typer(help="Add, check, list, pause, resume and remove vendors' accounts.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The connection's name.")]


@app.command()
def add(
    name: Name,
    key: Annotated[str, typer.Argument(help="The connector, as `alprhub connectors list` names it.")],
    given: Annotated[list[str] | None, typer.Option("--set", help="A setting, as name=value; may be repeated.")] = None,
    settings: Annotated[Path | None, typer.Option(help="A JSON file of settings, - for standard input.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add an account after a live check; asks for what is missing when a person is there to answer."""
    with failures(), open_hub() as hub:
        values = read_settings(given, settings)
        if sys.stdin.isatty():
            _ask(hub.connections.kind(key), values)
        said = hub.connections.add(Actor.of_process(), name, key, values)
        if as_json:
            print_json({"connection": name, "connector": key, "check": said})
        else:
            console.print(f"{name}: {said}")


@app.command()
def check(name: Name, as_json: AsJson = False) -> None:
    """Try the account now."""
    with failures(), open_hub() as hub:
        said = hub.connections.check(name)
        print_json({"connection": name, "check": said}) if as_json else console.print(said)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the accounts with their state."""
    with failures(), open_hub() as hub:
        columns = ("name", "connector", "state", "state_reason", "last_success")
        print_rows(hub.connections.list(), columns, as_json, "no connections yet: alprhub connections add NAME KEY")


@app.command()
def pause(name: Name, reason: Annotated[str, typer.Option(help="Why it is paused.")]) -> None:
    """Stop an account from running."""
    with failures(), open_hub() as hub:
        hub.connections.pause(Actor.of_process(), name, reason)


@app.command()
def resume(name: Name) -> None:
    """Let an account run again."""
    with failures(), open_hub() as hub:
        hub.connections.resume(Actor.of_process(), name)


@app.command()
def remove(name: Name) -> None:
    """Forget an account that holds nothing any more."""
    with failures(), open_hub() as hub:
        hub.connections.remove(Actor.of_process(), name)


def read_settings(given: list[str] | None, file: Path | None) -> dict[str, Any]:
    """Settings from a JSON file and `name=value` texts, the latter on top; raises `Invalid`."""
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
    if text[:1] in "[{" and text:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text


def _ask(kind: type[Connector[Any]], values: dict[str, Any]) -> None:
    for name, field in kind.Settings.model_fields.items():
        if name in values or not field.is_required():
            continue
        prompt = f"{field.title or name} ({field.description})" if field.description else field.title or name
        secret = field.annotation is SecretStr
        values[name] = getpass.getpass(f"{prompt}: ") if secret else typer.prompt(prompt)
