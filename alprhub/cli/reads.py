"""`alprhub sync | purge`: reads in, reads gone."""

from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from alprhub.cli import moments
from alprhub.cli.came import came
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.store.reads import Saved
from hub.wiring import open_hub
from hub.words import count


def sync(
    connection: Annotated[str, typer.Argument(help="The connection to pull.")],
    since: Annotated[str | None, typer.Option(help=f"{moments.FORMS}; without it, where the last run stopped.")] = None,
    until: Annotated[str | None, typer.Option(help="Written the same way; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pull one window of a connection's reads, in this process and without Prefect."""
    with failures(), open_hub() as hub:
        window = moments.window(hub, since, until)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(
            *columns, console=console, disable=as_json or not console.is_terminal, transient=True
        ) as progress:
            task = progress.add_task(connection)
            total = Saved()

            def show(saved: Saved) -> None:
                nonlocal total
                total += saved
                progress.update(
                    task, description=f"{connection}: {count(total.pulled, 'record')} came, {total.stored:,} new"
                )

            done = hub.sync.run(Actor.of_process(), connection, *window, progress=show)
        if as_json:
            print_json(done)
        else:
            console.print(came(connection, done))


def purge(as_json: AsJson = False) -> None:
    """Remove what has expired, from every place that holds it."""
    with failures(), open_hub() as hub:
        gone = hub.retention.purge(Actor.of_process())
        if as_json:
            print_json({"purged": gone})
        else:
            rows = [{"connection": name, "purged": count} for name, count in gone.items()]
            print_rows(rows, {"connection": "source", "purged": "reads removed"}, False, "nothing was over")
