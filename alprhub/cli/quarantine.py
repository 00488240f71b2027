"""`alprhub quarantine`: records that could not be read and were set aside."""

import base64
import shlex
import sys
from typing import Annotated, Final

import typer

from alprhub.acting import acting
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.plain import print_json
from hub.errors import Invalid
from hub.wiring import open_hub
from hub.words import count

app = typer.Typer(
    help="Records that could not be read and were set aside: list them, show one, try them again after a fix.",
    no_args_is_help=True,
)
Field = Annotated[str | None, typer.Option(help="Only what was refused for this field.")]
Reason = Annotated[str | None, typer.Option(help="Only what was refused for this reason, word for word.")]

_COLUMNS: Final = {
    "connection": "source",
    "field": "field",
    "reason": "why",
    "count": "records",
    "first": "first came",
    "last": "last came",
}


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Count what was set aside by source, field and reason."""
    with failures(), open_hub() as hub:
        groups = hub.ingest.quarantine.groups(acting())
        nothing = "nothing is set aside: every record that came could be read"
        print_rows(groups, _COLUMNS, as_json, nothing, hub.governing.profile.zone)
        if groups and not as_json:
            group = groups[0]
            which = (
                f"{shlex.quote(group.connection)} --field {shlex.quote(group.field)}"
                f" --reason {shlex.quote(group.reason)}"
            )
            console.print(f"show one: alprhub quarantine show {which}", soft_wrap=True)
            console.print(f"try again after a fix: alprhub quarantine replay {shlex.quote(group.connection)}")


@app.command()
def show(
    connection: Annotated[str, typer.Argument(help="The connection whose record to show.")],
    field: Annotated[str, typer.Option(help="The field that it was refused for.")],
    reason: Annotated[str, typer.Option(help="The reason, word for word as the list gives it.")],
    as_json: AsJson = False,
) -> None:
    """Show the newest record of a group as it arrived; that you looked is on record."""
    with failures(), open_hub() as hub:
        sample = hub.ingest.quarantine.show(acting(), connection, field, reason)
    if not as_json:
        sys.stdout.flush()
        sys.stdout.buffer.write(sample.payload + b"\n")
        return
    cells = {name: getattr(sample, name) for name in ("id", "kind", "part", "obtained", "received_at")}
    attachments = {name: len(body) for name, body in sample.attachments.items()}
    try:
        payload = {"payload": sample.payload.decode()}
    except UnicodeDecodeError:
        payload = {"payload_base64": base64.b64encode(sample.payload).decode()}
    print_json({"connection": connection, **cells, "attachment_bytes": attachments, **payload})


@app.command()
def replay(
    connection: Annotated[str | None, typer.Argument(help="The connection whose records to try again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those of every connection.")] = False,
    field: Field = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Try what was set aside again: all, a connection's, or those that were refused alike."""
    with failures():
        if (connection is None) != everything:
            raise Invalid("connection: name one of those in `alprhub quarantine list`, or say --all")
        with open_hub() as hub:
            done = hub.ingest.quarantine.replay(acting(), connection, field, reason)
        if as_json:
            print_json(done)
        else:
            tried = count(done.pulled, "record")
            here = f"{done.duplicates:,} here already, {done.quarantined:,} still cannot be read"
            console.print(f"{tried} tried again: {count(done.stored, 'new read')}, {here}")
