"""`alprhub gaps | backfill`: what may be missing, and pulling it again."""

from typing import Annotated

import typer

from alprhub.cli import moments
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.wiring import open_hub


def gaps(
    connection: Annotated[str | None, typer.Argument(help="Only this connection and its cameras.")] = None,
    since: Annotated[str | None, typer.Option(help="ISO 8601; without it, from the first run on.")] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the times that no run covered, and those in which a camera was silent for far longer than usual."""
    with failures(), open_hub() as hub:
        window = moments.window(hub, since, until)
        found = hub.gaps.find(Actor.of_process(), connection, *window)
    print_rows(found, ("connection", "camera", "since", "until", "usual_seconds", "reason"), as_json, "no gaps")


def backfill(
    connection: Annotated[str, typer.Argument(help="The connection to pull.")],
    since: Annotated[
        str | None, typer.Option(help="ISO 8601; pulls everything from then, covered or not, for late reads.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pull again, oldest first and a day at a time: without times, what no run has covered."""
    with failures(), open_hub() as hub:
        window = moments.window(hub, since, until)
        done = hub.sync.backfill(Actor.of_process(), connection, *window)
    if as_json:
        print_json(done)
    else:
        console.print(
            f"{connection}: {done.pulled} pulled = {done.stored} stored + {done.duplicates} duplicates "
            f"+ {done.quarantined} quarantined + {done.born_expired} born expired; {done.hits} hits"
        )
