"""`alprhub gaps | backfill`: what may be missing, and pulling it again."""

from typing import Annotated

import typer

from alprhub.cli.asking import moment
from alprhub.cli.output import AsJson, failures, print_rows
from alprhub.cli.progress import Work, working
from alprhub.cli.pulling import kept, say_done, shows
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
        window = (moment(hub, since, "since"), moment(hub, until, "until"))
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

    def stopped(work: Work) -> str:
        return f"{kept(work, connection)}; alprhub backfill {connection} goes on from there"

    with failures(), working(stopped, as_json) as work, open_hub(sleep=work.sleep) as hub:
        window = (moment(hub, since, "since"), moment(hub, until, "until"))
        show = shows(work, connection, hub.profile.zone)
        done = hub.sync.backfill(Actor.of_process(), connection, *window, progress=show)
    say_done(connection, done, as_json)
