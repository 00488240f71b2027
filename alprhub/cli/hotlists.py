"""`alprhub hotlists`: lists, and their way to every source."""

from pathlib import Path
from typing import Annotated

import typer

from alprhub.cli import files
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.errors import Invalid
from hub.hotlists.files import entries_of
from hub.hotlists.publishing import Published
from hub.wiring import Hub, open_hub
from normalize.states import state as state_word

app = typer.Typer(help="Import, withdraw, publish and verify hot lists.", no_args_is_help=True)
ListName = Annotated[str, typer.Argument(help="The list's name.")]
Only = Annotated[list[str] | None, typer.Option("--connection", help="Only this connection; may be repeated.")]
_COLUMNS = ("connection", "added", "removed", "verified", "proof", "missing", "unexpected", "error")


@app.command("import")
def import_(
    name: ListName,
    file: Annotated[Path, typer.Argument(help="CSV with a header: plate, state, reason, case, alert, expires, note.")],
    reason: Annotated[str, typer.Option(help="For rows that give none.")] = "",
    case: Annotated[str, typer.Option(help="For rows that give none.")] = "",
    complete: Annotated[bool, typer.Option(help="The file is the whole list: remove what is not in it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a file's entries to a list, all of them or none."""
    with failures(), open_hub() as hub:
        defaults = {"reason": reason, "case_number": case}
        entries = entries_of(files.text(file), hub.profile.zone, defaults, f"the file {str(file)!r}")
        done = hub.hotlists.load(Actor.of_process(), name, entries, complete=complete)
        if as_json:
            print_json(done)
        else:
            counts = f"{done.added} added, {done.updated} updated, {done.unchanged} unchanged, {done.removed} removed"
            console.print(f"{name}: {counts}")


@app.command()
def withdraw(
    name: ListName,
    plate: Annotated[str, typer.Argument(help="The plate to remove.")],
    reason: Annotated[str, typer.Option(help="Why it is removed: recovered, cancelled, entered by mistake …")],
    state: Annotated[str | None, typer.Option(help="Only this state's plate.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove a plate from a list at once; publish afterwards to remove it everywhere."""
    with failures(), open_hub() as hub:
        code = state_word(state).code if state else None
        if state and not code:
            raise Invalid(f"state: {state!r} is no state that is known here")
        removed = hub.hotlists.withdraw(Actor.of_process(), name, plate, code, reason)
        print_json({"removed": removed}) if as_json else console.print(f"{removed} removed")


@app.command()
def publish(name: ListName, connection: Only = None, as_json: AsJson = False) -> None:
    """Make every source's copy agree with the list, then read each back; exit 75 where one is not proved."""
    with failures(), open_hub() as hub:
        _show([hub.publishing.publish(Actor.of_process(), name, at) for at in _at(hub, name, connection)], as_json)


@app.command()
def verify(name: ListName, connection: Only = None, as_json: AsJson = False) -> None:
    """Read every source's copy back and compare, sending nothing; exit 75 where one is not proved."""
    with failures(), open_hub() as hub:
        _show([hub.publishing.verify(Actor.of_process(), name, at) for at in _at(hub, name, connection)], as_json)


def _at(hub: Hub, name: str, connections: list[str] | None) -> list[str]:
    hub.hotlists.in_force(name)  # a list that nobody has made is told even where there is nobody to send it to
    return connections or [account.name for account in hub.connections.list() if account.state == "active"]


def _show(results: list[Published], as_json: bool) -> None:
    print_rows(results, _COLUMNS, as_json, "no active connections")
    if not all(result.verified for result in results):
        raise typer.Exit(75)
