"""`alprhub quarantine`: what could not become a read."""

import base64
import sys
from typing import Annotated

import typer

from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.errors import Invalid
from hub.wiring import open_hub

app = typer.Typer(help="List and show what could not become a read; try it again after a fix.", no_args_is_help=True)
Field = Annotated[str | None, typer.Option(help="Only what was refused for this field.")]
Reason = Annotated[str | None, typer.Option(help="Only what was refused for this reason, word for word.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Count quarantined records by connection, field and reason."""
    with failures(), open_hub() as hub:
        columns = ("connection", "field", "reason", "count", "first", "last", "sample")
        print_rows(hub.quarantine.groups(Actor.of_process()), columns, as_json, "nothing is in quarantine")


@app.command()
def show(
    connection: Annotated[str, typer.Argument(help="The connection whose record to show.")],
    field: Annotated[str, typer.Option(help="The field that it was refused for.")],
    reason: Annotated[str, typer.Option(help="The reason, word for word as the list gives it.")],
    as_json: AsJson = False,
) -> None:
    """Show the newest record of a group as it arrived; that you looked is on record."""
    with failures(), open_hub() as hub:
        sample = hub.quarantine.show(Actor.of_process(), connection, field, reason)
    if not as_json:
        sys.stdout.flush()
        sys.stdout.buffer.write(sample.payload + b"\n")
        return
    told = {name: getattr(sample, name) for name in ("id", "kind", "part", "obtained", "received_at")}
    attachments = {name: len(body) for name, body in sample.attachments.items()}
    try:
        payload = {"payload": sample.payload.decode()}
    except UnicodeDecodeError:
        payload = {"payload_base64": base64.b64encode(sample.payload).decode()}
    print_json({"connection": connection, **told, "attachment_bytes": attachments, **payload})


@app.command()
def replay(
    connection: Annotated[str | None, typer.Argument(help="The connection whose records to try again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those of every connection.")] = False,
    field: Field = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Try quarantined records again: all, a connection's, or those that were refused alike."""
    with failures():
        if (connection is None) != everything:
            raise Invalid("connection: name one, or say --all")
        with open_hub() as hub:
            done = hub.quarantine.replay(Actor.of_process(), connection, field, reason)
        if as_json:
            print_json(done)
        else:
            console.print(f"{done.stored} stored, {done.duplicates} duplicates, {done.quarantined} still refused")
