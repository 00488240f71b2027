"""Settings as people give them: on the command line, in a file, or when they are asked."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from alprhub.cli.files import content
from alprhub.harmless import complain
from connectors.contract import Connector
from connectors.file_words import refusal
from hub.connections.secrets import secret_names
from hub.errors import Faults, Invalid, NotFound

_EXAMPLE: Final = '{"name": "value"}'
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
    says what is secret, the file of secrets may hold nothing else, and a secret is never the name of a file that is not
    there: raises `NotFound`.
    """
    if str(file) == str(secrets) == "-":
        raise Invalid("--settings - and --secrets -: standard input can be only one of them")
    values = _document(file) if file is not None else {}
    if secrets is not None:
        hidden = _document(secrets)
        known = secret_names(kind) if kind is not None else tuple(hidden)
        if other := [name for name in hidden if name not in known]:
            reason = f"is no secret of {kind.info.key}" if kind is not None else "is no secret"
            raise Invalid(f"secrets: {other[0]} {reason}, which has {', '.join(known) or 'none'}; give it with --set")
        values |= hidden
    wrong = [
        number for number, item in enumerate(given or (), 1) if not item.partition("=")[0].strip() or "=" not in item
    ]
    if wrong:  # not quoted: it may be a secret that lost its name
        raise Faults("", [f"--set number {number}: write it as name=value" for number in wrong])
    for item in given or ():
        name, _, value = item.partition("=")
        if kind is not None and name.strip() in secret_names(kind):
            _must_be_there(name.strip(), value)
        values[name.strip()] = _value(name.strip(), value)
    return values


def _must_be_there(name: str, value: str) -> None:
    """Return unless a secret begins as the name of a file does, and there is no such file; raises `NotFound`."""
    try:
        missing = value.startswith("@") and not Path(value[1:]).exists()
    except (OSError, ValueError):
        missing = True
    if missing:
        raise NotFound(
            f"{name}: the file {value[1:]!r} is not there. If the secret itself begins with an @, give it with"
            " --secrets - instead"
        )


def warn_of_exposed(kind: type[Connector[Any]], given: list[str] | None, name: str) -> None:
    """Say on stderr which secrets were typed where everybody on this machine can read them."""
    typed = []
    for item in given or []:
        setting, _, value = item.partition("=")
        if setting.strip() in secret_names(kind) and not (value.startswith("@") and Path(value[1:]).is_file()):
            typed.append(setting.strip())
    if typed:
        complain(
            f"{', '.join(typed)}: typed on the command line, so it is in your shell's history now. Have the vendor give"
            f" another; once {name} is saved, alprhub connections rotate {name} takes it. Next time leave it out and"
            f" you are asked, or give --secrets - or --set {typed[0]}=@FILE"
        )


def _document(file: Path) -> dict[str, Any]:
    """The settings of a JSON document; raises `NotFound`, or `Invalid` with the line where it stops being one."""
    where = "standard input" if str(file) == "-" else f"the file {str(file)!r}"
    try:
        values = json.loads(content(file).decode("utf-8-sig"))
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
            pass  # a password may begin with an @ too
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
