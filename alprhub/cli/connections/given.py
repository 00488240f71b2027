"""Settings as people give them: on the command line, in a file, or when they are asked."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from connectors.contract import Connector
from hub.connections.secrets import secret_names
from hub.errors import Invalid

Name = Annotated[str, typer.Argument(help="The connection's name.")]
Given = Annotated[
    list[str] | None, typer.Option("--set", help="A setting, as name=value or name=@FILE; may be repeated.")
]
SettingsFile = Annotated[Path | None, typer.Option(help="A JSON file of settings, - for standard input.")]
SecretsFile = Annotated[
    Path | None,
    typer.Option("--secrets", help="A JSON file of the secret settings alone, - for standard input; shown nowhere."),
]
Agency = Annotated[
    str | None, typer.Option(help="Whose account it is: the agency that `alprhub init` named, and no other.")
]


def read_settings(
    given: list[str] | None,
    file: Path | None,
    secrets: Path | None = None,
    kind: type[Connector[Any]] | None = None,
) -> dict[str, Any]:
    """Settings from a JSON file, one of secrets, and `name=value` texts, each on top of those before; raises `Invalid`.

    `name=@FILE` takes the value out of a file that exists; other values that begin with an @ are values. Where `kind`
    says what is secret, the file of secrets may hold nothing else.
    """
    if str(file) == str(secrets) == "-":
        raise Invalid("--settings - and --secrets -: standard input can be only one of them")
    values = _document(file, "settings") if file is not None else {}
    if secrets is not None:
        hidden = _document(secrets, "secrets")
        known = secret_names(kind) if kind is not None else tuple(hidden)
        if other := [name for name in hidden if name not in known]:
            told = f"is no secret of {kind.info.key}" if kind is not None else "is no secret"
            raise Invalid(f"secrets: {other[0]} {told}, which has {', '.join(known) or 'none'}; give it with --set")
        values |= hidden
    for item in given or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise Invalid(f"--set {item.split()[0] if item.split() else item!r}: write it as name=value")
        values[name.strip()] = _value(value)
    return values


def warn_of_exposed(kind: type[Connector[Any]], given: list[str] | None, name: str) -> None:
    """Say on stderr which secrets were typed where everybody on this machine can read them."""
    typed = []
    for item in given or []:
        setting, _, value = item.partition("=")
        if setting.strip() in secret_names(kind) and not (value.startswith("@") and Path(value[1:]).is_file()):
            typed.append(setting.strip())
    if typed:
        sys.stderr.write(
            f"{', '.join(typed)}: typed on the command line, so it is in your shell's history now. Rotate it at the"
            f" vendor and with alprhub connections rotate {name}; next time leave it out and you are asked, or give"
            f" --secrets - or --set {typed[0]}=@FILE\n"
        )


def _document(file: Path, what: str) -> dict[str, Any]:
    where = "standard input" if str(file) == "-" else str(file)
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as wrong:
        raise Invalid(f"{what}: {where}: {wrong.strerror or 'cannot be read'}") from None
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid(f'{what}: {where} is no JSON object such as {{"name": "value"}}') from None


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
