"""`alprhub migrate`: bring the database to this version's tables, step by step."""

from typing import Annotated

import typer

from alprhub.acting import acting
from alprhub.cli.output import AsJson, console, failures
from alprhub.plain import print_json
from hub.words import count


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Only say which steps are missing; exit 78 where there are any.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database of this hub to the tables of this version, one step after the other; nothing else does.

    Make a backup first, and stop what runs. Where nothing is missing it changes nothing, so services may run it before
    each start.
    """
    with failures():
        from hub.migrating import Step, opened

        def show(step: Step) -> None:
            if not as_json:
                console.print(f"{step.revision}  {step.what}")

        with opened() as database:
            if database is None:
                steps = []
            elif check:
                steps = database.missing()
                for step in steps:
                    show(step)
            else:
                steps = database.migrate(acting(), show)
        if as_json:
            told_of = [step._asdict() for step in steps]
            print_json({"steps": told_of, "taken": not check, "is_hub": database is not None})
        elif database is None:
            console.print("there is no hub here yet, so there is nothing to bring up: alprhub init makes one")
        elif not steps:
            console.print("the database has the tables of this version")
        elif check:
            console.print(
                f"{count(len(steps), 'step')} missing: stop what runs, make a backup with the version that was"
                " installed before, then alprhub migrate"
            )
        else:
            console.print(f"{count(len(steps), 'step')} taken; the database has the tables of this version")
    if check and steps:
        raise typer.Exit(78)
