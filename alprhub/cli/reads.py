"""`alprhub sync | search | purge`: reads in, reads found, reads gone."""

from datetime import datetime
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor, Why
from hub.errors import Invalid
from hub.store.reads import Saved
from hub.wiring import Hub, open_hub
from normalize.fault import Unusable
from normalize.times import from_iso


def sync(
    connection: Annotated[str, typer.Argument(help="The connection to pull.")],
    since: Annotated[str | None, typer.Option(help="ISO 8601; without it, where the last run stopped.")] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pull one window of a connection's reads, in this process and without Prefect."""
    with failures(), open_hub() as hub:
        window = (_time(hub, since, "since"), _time(hub, until, "until"))
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(
            *columns, console=console, disable=as_json or not console.is_terminal, transient=True
        ) as progress:
            task = progress.add_task(connection)
            total = Saved()

            def show(saved: Saved) -> None:
                nonlocal total
                total += saved
                progress.update(task, description=f"{connection}: {total.pulled} pulled, {total.stored} stored")

            done = hub.sync.run(Actor.of_process(), connection, *window, progress=show)
        if as_json:
            print_json(done)
        else:
            console.print(
                f"{connection}: {done.pulled} pulled = {done.stored} stored + {done.duplicates} duplicates "
                f"+ {done.quarantined} quarantined + {done.born_expired} born expired; {done.hits} hits"
            )


def search(
    pattern: Annotated[str, typer.Argument(help="A plate; ? is one character, * any run of them.")],
    purpose: Annotated[str, typer.Option(help="One of the agency's purposes.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    case: Annotated[str | None, typer.Option(help="The case number, where there is one.")] = None,
    limit: Annotated[int, typer.Option(help="The most rows to show.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Find reads by plate, newest first, over every source; purpose and reason are asked and kept on record."""
    with failures(), open_hub() as hub:
        rows = hub.search.find(Actor.of_process(), pattern, Why(purpose, reason, case), limit)
        if as_json:
            print_json({"rows": rows})
        else:
            columns = ("captured_at", "plate", "plate_state", "camera", "connection", "plate_confidence", "why")
            print_rows(rows, columns, False, "no reads")


def purge(as_json: AsJson = False) -> None:
    """Remove what has expired, from every place that holds it."""
    with failures(), open_hub() as hub:
        gone = hub.retention.purge(Actor.of_process())
        if as_json:
            print_json({"purged": gone})
        else:
            rows = [{"connection": name, "purged": count} for name, count in gone.items()]
            print_rows(rows, ("connection", "purged"), False)


def _time(hub: Hub, text: str | None, field: str) -> datetime | None:
    if text is None:
        return None
    try:
        return from_iso(text if len(text) > len("2026-01-01") else f"{text}T00:00:00", hub.profile.zone, field).at
    except Unusable as wrong:
        raise Invalid(str(wrong)) from None
