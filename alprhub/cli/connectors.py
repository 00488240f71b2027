"""`alprhub connectors`: what the hub can speak to."""

import mimetypes
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError, create_model

from alprhub.cli import files
from alprhub.cli.connections import read_settings
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from connectors.contract import Connector, Document, Settings
from connectors.errors import RecordRejected, VendorChanged
from connectors.faults import faults, unknown
from connectors.registry import UnknownConnector, available, connector
from hub.connections.accounts import describe
from hub.errors import Faults, Invalid, NotFound
from hub.settings import HubSettings

app = typer.Typer(help="List the connectors; try one on a file.", no_args_is_help=True)


def _kind(key: str) -> type[Connector[Any]]:
    try:
        return connector(key, HubSettings().allow_connectors)
    except UnknownConnector as unknown:
        raise NotFound(str(unknown)) from None


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the connectors with what they can do, how well their facts are known, and their quality tier."""
    with failures():
        keys = available(HubSettings().allow_connectors)
        rows = [describe(key, _kind(key)) for key in keys]
        print_rows(rows, ("key", "name", "tier", "evidence", "abilities"), as_json)


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
    """Show the reads in a file, and what would be quarantined and why. Stores nothing, talks to nobody."""
    with failures():
        kind = _kind(key)
        if str(file) == str(settings) == "-":
            raise Invalid("settings: standard input cannot hold both the settings and what the vendor sent")
        made = kind.offline(**checked(kind, read_settings(given, settings)))
        reads, quarantined = parsed(made, Document(files.content(file), _content_type(file), file.name))
        if as_json:
            print_json({"reads": reads, "quarantined": quarantined})
            return
        rows = [{**read.model_dump(mode="json"), "camera": read.camera.name or read.camera.id} for read in reads]
        print_rows(rows, ("plate", "plate_state", "captured_at", "camera", "vendor_read_id"), False, "no reads")
        for item in quarantined:
            console.print(f"quarantined: {item['field']}: {item['reason']}", style="yellow", markup=False)


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


def parsed(made: Connector[Any], document: Document) -> tuple[list[Any], list[dict[str, str]]]:
    """The reads of a document, and the field and reason of everything in it that is no read."""
    reads: list[Any] = []
    quarantined: list[dict[str, str]] = []
    try:
        for record in made.unpack(document):
            try:
                reads.append(made.parse(record))
            except RecordRejected as rejected:
                quarantined.append({"reason": rejected.reason, "field": rejected.field})
    except VendorChanged as changed:
        quarantined.append({"reason": str(changed), "field": "document"})
    return reads, quarantined


def _content_type(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
