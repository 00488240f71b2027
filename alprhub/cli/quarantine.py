"""`alprhub quarantine`: what could not become a read."""

from typing import Annotated

import typer

from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.wiring import open_hub

app = typer.Typer(help="List what could not become a read; try it again after a fix.", no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Count quarantined records by connection, field and reason."""
    with failures(), open_hub() as hub:
        columns = ("connection", "field", "reason", "count", "first", "last")
        print_rows(hub.quarantine.groups(Actor.of_process()), columns, as_json, "nothing is in quarantine")


@app.command()
def replay(
    connection: Annotated[str, typer.Argument(help="The connection whose records to try again.")],
    as_json: AsJson = False,
) -> None:
    """Try a connection's quarantined records again."""
    with failures(), open_hub() as hub:
        done = hub.quarantine.replay(Actor.of_process(), connection)
        if as_json:
            print_json(done)
        else:
            console.print(f"{done.stored} stored, {done.duplicates} duplicates, {done.quarantined} still refused")
