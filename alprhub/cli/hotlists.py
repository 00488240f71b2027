"""`alprhub hotlists`: lists, and their way to every source."""

from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.origins import state_code
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.progress import Work, working
from alprhub.plain import print_json
from connectors.contract import abilities
from hub.errors import NotFound
from hub.hotlists.files import entries_of
from hub.hotlists.publishing import Published
from hub.jobs import catalogue, proved
from hub.jobs.by_hand import by_hand
from hub.wiring import Hub, open_hub
from hub.words import count, span
from normalize.states import Codes

app = typer.Typer(help="Import, withdraw, publish and verify hot lists.", no_args_is_help=True)
ListName = Annotated[str, typer.Argument(help="The list's name.")]
Only = Annotated[list[str] | None, typer.Option("--connection", help="Only this connection; may be repeated.")]
_COLUMNS = {
    "connection": "source",
    "added": "added",
    "removed": "removed",
    "verified": "proved",
    "proof": "how",
    "missing": "missing there",
    "unexpected": "there and not on the list",
    "error": "why",
}
_PROOFS = {
    ("read_back", True): "read back and equal",
    ("read_back", False): "read back and not equal",
    ("receipt", True): "its receipt names the file",
    ("receipt", False): "no receipt yet that names the file",
    ("accepted", False): "taken; its vendor offers no way to look",
    ("matched_by_hub", True): "takes no list; the hub itself matches its reads",
    ("none", False): "nothing is proved",
}


@app.command("import")
def import_(
    name: ListName,
    file: Annotated[
        Path, typer.Argument(help="CSV with a header: plate, state, country, reason, case, alert, expires, note.")
    ],
    reason: Annotated[str, typer.Option(help="For rows that give none.")] = "",
    case: Annotated[str, typer.Option(help="For rows that give none.")] = "",
    complete: Annotated[bool, typer.Option(help="The file is the whole list: remove what is not in it.")] = False,
    codes: Annotated[
        Codes | None, typer.Option(help="Whose codes of states the file has; NB is another state in each.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a file's entries to a list, all of them or none."""

    def kept(_: Work) -> str:
        return f"nothing of {file} is imported and {name} is as it was; import it again"

    with failures(), working(kept, as_json) as work, open_hub() as hub:
        defaults = {"reason": reason, "case_number": case}
        entries = entries_of(files.text(file), hub.governing.profile.zone, defaults, f"the file {str(file)!r}", codes)
        done = hub.hotlists.lists.load(acting(), name, entries, complete=complete, progress=work.told)
        long = hub.ingest.standing.too_long()
    if as_json:
        print_json({**asdict(done), "long_rounds": [asdict(slow_round) for slow_round in long]})
        return
    counts = f"{done.added} added, {done.updated} updated, {done.unchanged} unchanged, {done.removed} removed"
    console.print(f"{name}: {counts}")
    for slow_round in long:
        console.print(
            f"{slow_round.connection} answers one plate at a time at {slow_round.per_second:g} a second: "
            f"{count(slow_round.plates, 'plate')} take {span(slow_round.seconds)} a round; it runs every "
            f"{span(slow_round.every_seconds)}. Put only what an active case watches on lists.",
            style="yellow",
        )


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
        code = state_code(state)
        removed = hub.hotlists.lists.withdraw(acting(), name, plate, code, reason)
        if as_json:
            print_json({"removed": removed})
        else:
            here = f"{count(removed, 'entry', 'entries')} removed from {name} here; vendors hold their copies until"
            console.print(f"{here} this has proved that they do not: alprhub hotlists publish {quote(name)}")


@app.command()
def publish(name: ListName, connection: Only = None, as_json: AsJson = False) -> None:
    """Make every source's copy agree with the list, then read each back; exit 75 where one is not proved."""
    done: list[Published] = []

    def kept(_: Work) -> str:
        whom = ", ".join(outcome.connection for outcome in done if outcome.verified) or "nobody"
        return f"{name} is proved at {whom}; alprhub hotlists publish {name} sends what is left"

    with failures():
        with working(kept, as_json) as work, open_hub(sleep=work.sleep) as hub:
            for at in _at(hub, name, connection):
                work.go_on()
                with by_hand(hub, "publish", catalogue.at(name, at), at) as came:
                    done.append(hub.hotlists.publishing.publish(acting(), name, at, work.told))
                    came(proved.published_as(done[-1]))
        _show(done, as_json)


@app.command()
def verify(name: ListName, connection: Only = None, as_json: AsJson = False) -> None:
    """Read every source's copy back and compare, sending nothing; exit 75 where one is not proved."""
    done: list[Published] = []
    with failures(), open_hub() as hub:
        for at in _at(hub, name, connection):
            with by_hand(hub, "verify", catalogue.at(name, at), at) as came:
                done.append(hub.hotlists.publishing.verify(acting(), name, at))
                came(proved.published_as(done[-1]))
        _show(done, as_json)


def _at(hub: Hub, name: str, connections: list[str] | None) -> list[str]:
    """The connections that are named, or else every active one but those whose vendor takes no lists."""
    hub.hotlists.lists.in_force(name)  # an unknown list is refused even where there is nobody to send it to
    return connections or [
        account.name
        for account in hub.connections.accounts.list()
        if account.state == "active" and _takes_lists(hub, account.connector)
    ]


def _takes_lists(hub: Hub, connector: str) -> bool:
    """Whether there is something to send; a connector that is not here is asked all the same, and says so."""
    try:
        kind = hub.connections.accounts.kind(connector)
    except NotFound:
        return True
    return "pushes_hotlists" in abilities(kind) or kind.info.origin == "native_reader"


def _row(result: Published) -> dict[str, object]:
    """A result as people read it: how it is proved in words, and what nobody knows is said to be unknown."""
    counts = {name: getattr(result, name) for name in ("added", "removed", "missing", "unexpected")}
    how = _PROOFS.get((result.proof, result.verified), result.proof)
    proof = "could not be read back" if result.proof == "read_back" and result.error else how
    known = {name: "unknown" if value is None else value for name, value in counts.items()}
    return asdict(result) | known | {"proof": proof}


def _show(results: list[Published], as_json: bool) -> None:
    rows = results if as_json else [_row(result) for result in results]
    print_rows(rows, _COLUMNS, as_json, "no active connection takes hot lists, so nothing was sent or compared")
    if not all(result.verified for result in results):
        raise typer.Exit(75)
