"""`alprhub connectors`: what the hub can speak to."""

import mimetypes
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from pydantic import ValidationError, create_model

from alprhub.cli import files
from alprhub.cli.connections import read_settings
from alprhub.cli.connections.needs import needs, show_needs
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.plain import print_json
from connectors.contract import Connector, Document, Settings
from connectors.errors import NotARead, RecordRejected, VendorChanged
from connectors.faults import faults, unknown
from connectors.registry import UnknownConnector, available, connector
from hub.clock import SystemClock
from hub.connections.accounts import describe
from hub.errors import Faults, Invalid, NotFound
from hub.settings import from_environment
from normalize import origin, vehicle
from normalize.fault import Unusable
from normalize.gate import accept
from normalize.read import Read

app = typer.Typer(help="List the connectors; try one on a file.", no_args_is_help=True)

_COLUMNS: Final = {
    "key": "connector",
    "name": "name",
    "tier": "quality",
    "evidence": "its facts are",
    "abilities": "what it can do",
}
_EVIDENCE: Final = {
    "documents": "from documents",
    "samples": "tried on captured answers",
    "live": "tried live",
}
_READS: Final = {
    "captured_at": "time",
    "plate": "plate",
    "state": "state",
    "camera": "camera",
    "vehicle": "vehicle",
    "vendor_read_id": "vendor's id",
}


def _kind(key: str) -> type[Connector[Any]]:
    try:
        return connector(key, from_environment().allow_connectors)
    except UnknownConnector as unknown:
        raise NotFound(str(unknown)) from None


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the connectors with what they can do, how well their facts are known, and their quality tier."""
    with failures():
        keys = available(from_environment().allow_connectors)
        rows = [describe(key, _kind(key)) for key in keys]
        if as_json:
            print_json(rows)
            return
        shown = [
            {
                **row,
                "evidence": _EVIDENCE[row["evidence"]],
                "abilities": [ability.replace("_", " ") for ability in row["abilities"]],
            }
            for row in rows
        ]
        print_rows(shown, _COLUMNS, False)


@app.command()
def settings(
    key: Annotated[str, typer.Argument(help="The connector, as `alprhub connectors list` names it.")],
    as_json: AsJson = False,
) -> None:
    """Say what an account needs: each setting, whether it must be given or is secret, and what holds without it."""
    with failures():
        kind = _kind(key)
        print_json(needs(kind)) if as_json else show_needs(kind)


@app.command()
def parse(
    key: Annotated[str, typer.Argument(help="The connector, as `alprhub connectors list` names it.")],
    file: Annotated[
        Path, typer.Argument(help="What the vendor sent: an answer, a pushed body, an export; - for standard input.")
    ],
    given: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting that parsing needs, name=value or name=@FILE; may be repeated."),
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="A JSON file of settings, - for standard input.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the reads in a file, what is no read and is left out, and what could not be read and why.

    Stores nothing, talks to nobody.
    """
    with failures():
        kind = _kind(key)
        if str(file) == str(settings) == "-":
            raise Invalid("settings: standard input cannot hold both the settings and what the vendor sent")
        connector = kind.offline(**checked(kind, read_settings(given, settings)))
        reads, left_out, quarantined = parsed(connector, Document(files.content(file), _content_type(file), file.name))
        if as_json:
            print_json({"reads": reads, "left_out": left_out, "quarantined": quarantined})
            return
        print_rows([_row(read) for read in reads], _READS, False, "no reads")
        for read in reads:
            if read.damaged:
                console.print(f"arrived damaged: {read.plate}: {', '.join(read.damaged)}", style="yellow", markup=False)
        for item in left_out:
            console.print(f"left out, since it tells of no read: {item['field']}: {item['reason']}", markup=False)
        for item in quarantined:
            console.print(f"could not be read: {item['field']}: {item['reason']}", style="yellow", markup=False)
        if quarantined and not reads:
            raise typer.Exit(65)


def _row(read: Read) -> dict[str, Any]:
    """A read as a line of a table; nobody has said where its agency stands, so its time is UTC."""
    seen = read.vehicle
    return {
        "captured_at": read.captured_at,
        "plate": read.plate,
        "state": origin.shown(read.plate_state, read.plate_country),
        "camera": read.camera.name or read.camera.id,
        "vehicle": vehicle.described(seen.make.code, seen.colour.code, seen.body.code),
        "vendor_read_id": read.vendor_read_id,
    }


def checked(kind: type[Connector[Any]], values: dict[str, Any]) -> dict[str, Any]:
    """The settings that were given, as their fields want them; what else is required stays unset. Raises `Invalid`."""
    fields = kind.Settings.model_fields
    some: dict[str, Any] = {name: (fields[name].annotation, fields[name]) for name in values if name in fields}
    has = f"{kind.info.key} has"
    wrong = [unknown(name, list(fields), has) for name in values if name not in fields]
    given = create_model("Given", __base__=Settings, **some)
    try:
        checked = given.model_validate({name: values[name] for name in some})
    except ValidationError as refused:
        wrong += map(str, faults(refused, given))
    if wrong:
        raise Faults("", wrong)
    return {name: getattr(checked, name) for name in values}


class Outcomes(NamedTuple):
    """What a document comes to: its reads, and field and reason of what is no read and of what could not be read."""

    reads: list[Read]
    left_out: list[dict[str, str]]
    quarantined: list[dict[str, str]]


def parsed(connector: Connector[Any], document: Document) -> Outcomes:
    """What a document comes to, as the hub would take it now."""
    received_at = SystemClock().now()
    found = Outcomes([], [], [])
    try:
        for record in connector.records(document):
            try:
                found.reads.append(accept(connector.parse(record), received_at))
            except (RecordRejected, Unusable) as rejected:
                where = found.left_out if isinstance(rejected, NotARead) else found.quarantined
                where.append({"reason": rejected.reason, "field": rejected.field})
    except VendorChanged as changed:
        found.quarantined.append({"reason": str(changed), "field": "document"})
    return found


def _content_type(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
