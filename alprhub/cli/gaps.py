"""`alprhub gaps | backfill`: what may be missing, and pulling it again."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from alprhub.cli import moments
from alprhub.cli.came import came
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.ingest.gaps import NOT_ASKED, Gap
from hub.wiring import open_hub
from hub.words import moment, span

_COLUMNS: Final = {
    "connection": "source",
    "camera": "camera",
    "since": "from",
    "until": "until",
    "lasting": "lasting",
    "usual": "usually silent for",
    "reason": "why",
}


def gaps(
    connection: Annotated[str | None, typer.Argument(help="Only this connection and its cameras.")] = None,
    since: Annotated[str | None, typer.Option(help=f"{moments.FORMS}; without it, from the first run on.")] = None,
    until: Annotated[str | None, typer.Option(help="Written the same way; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the times that no run covered, and those in which a camera was silent for far longer than usual."""
    with failures(), open_hub() as hub:
        window = moments.window(hub, since, until)
        found = hub.gaps.find(Actor.of_process(), connection, *window)
        if as_json:
            print_json(found)
        else:
            _print(found, hub.profile.zone, hub.clock.now())


def backfill(
    connection: Annotated[str, typer.Argument(help="The connection to pull.")],
    since: Annotated[
        str | None, typer.Option(help=f"{moments.FORMS}; pulls everything from then, covered or not, for late reads.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Written the same way; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pull again, oldest first and a day at a time: without times, what no run has covered."""
    with failures(), open_hub() as hub:
        window = moments.window(hub, since, until)
        done = hub.sync.backfill(Actor.of_process(), connection, *window)
    if as_json:
        print_json(done)
    else:
        console.print(came(connection, done))


def _print(found: Sequence[Gap], zone: ZoneInfo, now: datetime) -> None:
    """The gaps as a table; the time since a connection's last run is none, and has a line of its own."""
    gaps = [_row(gap) for gap in found if not gap.since_last_run]
    print_rows(gaps, _COLUMNS, False, "no gaps", zone)
    for name in dict.fromkeys(row["connection"] for row in gaps if row["camera"] is None):
        console.print(f"alprhub backfill {name}  # asks {name} for what no run covered")
    for gap in found:
        if gap.since_last_run:
            why = "" if gap.reason == NOT_ASKED else f": {gap.reason}"
            ago = f" ({span(now - gap.since)} ago)" if now > gap.since else ""
            console.print(f"{gap.connection}: no run since {moment(gap.since, zone)}{ago}{why}")


def _row(gap: Gap) -> dict[str, Any]:
    told = {field.name: getattr(gap, field.name) for field in fields(gap)}
    usual = None if gap.usual_seconds is None else timedelta(seconds=gap.usual_seconds)
    return {**told, "lasting": gap.until - gap.since, "usual": usual}
