"""`alprhub hotlists`: lists, and their way to every source."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from alprhub.acting import acting
from alprhub.cli import files, output
from alprhub.cli.origins import state_code
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.plates import UNSEEN, one
from alprhub.cli.progress import Work, working
from alprhub.cli.terminal import there
from alprhub.plain import print_json
from connectors.contract import abilities
from connectors.errors import ConnectorError, sentence
from hub.absent import no_connection
from hub.errors import Conflict, HubError, Invalid, NotFound, PolicyRefused, Stopped
from hub.hotlists.expiries import Dates
from hub.hotlists.files import entries_of
from hub.hotlists.lists import Imported
from hub.hotlists.publishing import Published
from hub.hotlists.withdrawals import RemovesMost
from hub.jobs import catalogue, proved
from hub.jobs.beside import beside
from hub.jobs.by_hand import by_hand
from hub.people import Actor
from hub.wiring import Hub, open_hub
from hub.words import count, named, span
from normalize.states import NAMES, Codes

app = typer.Typer(help="List, import, withdraw, publish and verify hot lists.", no_args_is_help=True)
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
_LISTS = {
    "name": "list",
    "entries": "entries in force",
    "changed_at": "changed last",
    "proved_at": "proved at",
    "not_proved_at": "not proved at",
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
    dates: Annotated[
        Dates | None,
        typer.Option(help="How the file writes days; excel: as numbers that a spreadsheet counts (46387)."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove most of the list without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a file's entries to a list, all of them or none; what was withdrawn from it stays off."""

    def kept(_: Work) -> str:
        return f"nothing of {file} is imported and {name} is as it was; import it again"

    def loaded(removing: int) -> Imported:
        entries = entries_of(body, hub.governing.profile.zone, defaults, f"the file {str(file)!r}", codes, dates)
        with working(kept, as_json) as work:
            return hub.hotlists.lists.load(
                acting(), name, entries, complete=complete, removing=removing, progress=work.told
            )

    with failures(), open_hub() as hub:
        body, defaults = files.content(file), {"reason": reason, "case_number": case}
        try:
            done = loaded(sys.maxsize if yes else 0)
        except RemovesMost as most:
            if as_json or not there():
                raise Conflict(f"{most}. Nothing was changed: repeat with --yes if that is meant") from None
            output.beside.print(f"{most}.")
            typer.confirm(f"Remove {most.gone:,}?", abort=True, err=True)
            done = loaded(most.gone)
        long = hub.ingest.standing.too_long()
    if as_json:
        print_json({**asdict(done), "long_rounds": [asdict(slow_round) for slow_round in long]})
        return
    counts = f"{done.added} added, {done.updated} updated, {done.unchanged} unchanged, {done.removed} removed"
    console.print(f"{name}: {counts}")
    for told in _beside(name, done):
        console.print(told, style="yellow")
    for slow_round in long:
        console.print(
            f"{slow_round.connection} answers one plate at a time at {slow_round.per_second:g} a second: "
            f"{count(slow_round.plates, 'plate')} take {span(slow_round.seconds)} a round; it runs every "
            f"{span(slow_round.every_seconds)}. Put only what an active case watches on lists.",
            style="yellow",
        )


def _beside(name: str, done: Imported) -> Iterator[str]:
    """What of a file is not on the list as it stands in the file, and why."""
    if done.withheld:
        plates, lines = count(len(done.withheld), "plate"), named(list(map(str, done.withheld)))
        yield (
            f"{plates} not listed (line {lines}): withdrawn from {name}, which is final until somebody says otherwise:"
            f" alprhub hotlists readmit {quote(name)} PLATE --reason …, and then import the file again"
        )
    if done.differing:
        groups = named([" and ".join(map(str, lines)) for lines in done.differing])
        yield (
            f"{count(len(done.differing), 'plate')} on several lines that differ ({groups}): the most serious line"
            " counts, and its note has what the others say"
        )
    if done.repeated:
        yield f"{count(done.repeated, 'line')} said what another line says"
    if done.expired:
        yield f"{count(done.expired, 'entry', 'entries')} of the file expired before now: not added"


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the hot lists, how many entries of each are in force, and at whom its copy is proved; names no plate."""
    with failures(), open_hub() as hub:
        rows = hub.hotlists.standings.of(hub.hotlists.lists.changes())
        nothing = "no hot lists yet: alprhub hotlists import NAME FILE makes one"
        print_rows(rows, _LISTS, as_json, nothing, hub.governing.profile.zone)


@app.command()
def withdraw(
    name: ListName,
    plate: Annotated[str, typer.Argument(help=f"The plate to remove; {UNSEEN}")],
    reason: Annotated[str, typer.Option(help="Why it is removed: recovered, cancelled, entered by mistake …")],
    state: Annotated[str | None, typer.Option(help="Only this state's plate, and what names no state.")] = None,
    ahead: Annotated[bool, typer.Option("--ahead", help="Keep it off, also where the list never had it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a plate from a list at once; publish afterwards to remove it everywhere."""
    with failures(), open_hub() as hub:
        done = hub.hotlists.lists.withdraw(acting(), name, one(plate), state_code(state), reason, ahead=ahead)
    if as_json:
        print_json(asdict(done))
        return
    if done.removed:
        states = named([NAMES.get(code, code) if code else "without a state" for code in done.states])
        here = (
            f"{count(done.removed, 'entry', 'entries')} of {_as_typed(plate)} removed from {name} here ({states});"
            " vendors hold their copies"
        )
        console.print(f"{here} until this has proved that they do not: alprhub hotlists publish {quote(name)}")
    else:
        console.print(
            f"{name} has no entry in force for {_as_typed(plate)}, so nothing was removed; from now on no file lists it"
            f" there before somebody says otherwise: alprhub hotlists readmit {quote(name)} {quote(plate)} --reason …"
        )
    if done.still_on:
        console.print(f"still in force on {count(len(done.still_on), 'other list')}:", style="yellow")
    for other in done.still_on:
        console.print(f"alprhub hotlists withdraw {quote(other)} {quote(plate)} --reason …", style="yellow")


@app.command()
def readmit(
    name: ListName,
    plate: Annotated[str, typer.Argument(help=f"A plate that was withdrawn; {UNSEEN}")],
    reason: Annotated[str, typer.Option(help="Why it may come back: stolen again, withdrawn by mistake …")],
    state: Annotated[str | None, typer.Option(help="Only this state's plate.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let imports list a plate again that was withdrawn from a list; the next import that names it does."""
    with failures(), open_hub() as hub:
        over = hub.hotlists.lists.readmit(acting(), name, one(plate), state_code(state), reason)
        if as_json:
            print_json({"readmitted": over})
        else:
            console.print(
                f"{_as_typed(plate)} may come back on {name}: the next import of a file that names it lists it"
            )


@app.command()
def publish(name: ListName, connection: Only = None, as_json: AsJson = False) -> None:
    """Make every source's copy agree with the list, then read each back; exit 75 where one is not proved."""
    done: list[Published] = []

    def kept(_: Work) -> str:
        whom = ", ".join(outcome.connection for outcome in done if outcome.verified) or "nobody"
        return f"{name} is proved at {whom}; alprhub hotlists publish {name} sends what is left"

    with failures():
        with working(kept, as_json) as work, open_hub(sleep=work.sleep, waits=work.waits) as hub:

            def send(actor: Actor, at: str) -> Published:
                work.go_on()
                sent = hub.hotlists.publishing.publish(actor, name, at, work.told)
                done.append(sent)
                return sent

            results, defect = _each(hub, "publish", name, _at(hub, name, connection), send)
        _show(results, as_json, defect)


@app.command()
def verify(name: ListName, connection: Only = None, as_json: AsJson = False) -> None:
    """Read every source's copy back and compare, sending nothing; exit 75 where one is not proved."""

    def kept(_: Work) -> str:
        return f"nothing was sent; alprhub hotlists verify {name} compares again"

    with failures():
        with working(kept, as_json) as work, open_hub(sleep=work.sleep, waits=work.waits) as hub:

            def compare(actor: Actor, at: str) -> Published:
                work.go_on()
                return hub.hotlists.publishing.verify(actor, name, at)

            results, defect = _each(hub, "verify", name, _at(hub, name, connection), compare)
        _show(results, as_json, defect)


def _as_typed(plate: str) -> str:
    """A plate as it stands on the command line; one that was given unseen is not shown."""
    return "that plate" if plate == "-" else plate


def _each(
    hub: Hub, job: str, name: str, connections: list[str], work: Callable[[Actor, str], Published]
) -> tuple[list[Published], Exception | None]:
    """What came of a list at each connection, side by side; and the first error that nobody foresaw.

    One that fails is told by its own row, and keeps nobody waiting but whoever asked.
    """
    actor = acting()

    def piece(at: str) -> Published:
        with by_hand(hub, job, catalogue.at(name, at), at) as came:
            result = work(actor, at)
            came(proved.published_as(result))
        return result

    results, defect = list[Published](), None
    for at, came in zip(connections, beside(connections, piece), strict=True):
        match came:
            case Published():
                results.append(came)
            case Stopped():
                raise came
            case PolicyRefused() if len(connections) == 1:
                raise came
            case HubError() | ConnectorError():
                results.append(Published(at, 0, 0, False, "none", None, None, sentence(came)))
            case _:
                defect = defect or came
    return results, defect


def _at(hub: Hub, name: str, connections: list[str] | None) -> list[str]:
    """The connections that are named, or else every active one but those whose vendor takes no lists, or whose contract
    forbids it and that have nothing of the list which could be taken away."""
    hub.hotlists.lists.in_force(name)  # an unknown list is refused even where there is nobody to send it to
    there = hub.connections.accounts.list()
    for wanted in connections or ():  # a slip of the hand is refused before anything is sent
        if wanted not in {account.name for account in there}:
            raise NotFound(no_connection(wanted, [account.name for account in there]))
    takers = [account.name for account in there if _takes_lists(hub, account.connector)]
    if none := [wanted for wanted in connections or () if wanted not in takers]:
        raise Invalid(
            f"connection: {named(none)} {'takes' if len(none) == 1 else 'take'} no hot lists, so nothing was sent or"
            f" compared anywhere; those that do: {named(takers, 20) or 'none'}"
        )
    closed = hub.hotlists.publishing.closed([name])[name]
    return list(dict.fromkeys(connections or ())) or [
        account.name
        for account in there
        if account.state == "active" and account.name not in closed and account.name in takers
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


def _show(results: list[Published], as_json: bool, defect: Exception | None) -> None:
    rows = results if as_json else [_row(result) for result in results]
    if rows or defect is None:
        print_rows(rows, _COLUMNS, as_json, "no active connection takes hot lists, so nothing was sent or compared")
    for result in () if as_json else results:
        if result.closed_by is not None:
            told = f"its contract forbids that hot lists go to it ({result.closed_by})"
            console.print(f"{result.connection}: {told}, so nothing of the list may be there", style="yellow")
    if defect is not None:
        raise defect
    if not all(result.verified for result in results):
        raise typer.Exit(75)
