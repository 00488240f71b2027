"""`alprhub lookup`: one plate, asked of the store and of every source that answers on demand."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from alprhub.acting import acting
from alprhub.cli import moments
from alprhub.cli.asking import Case, Event, Purpose, Reason
from alprhub.cli.found import Ids, print_found
from alprhub.cli.moments import Since, Until, window
from alprhub.cli.origins import state_code
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.plates import OnePlate, one
from alprhub.cli.progress import Work, working
from alprhub.plain import print_json
from hub.people import Why
from hub.search.lookup import DEADLINE, REACH, LookupAnswer
from hub.search.sources import SourceStatus, Status
from hub.wiring import Hub, open_hub
from hub.words import count
from normalize.plate import canonical

_SOURCES = {
    "connection": "source",
    "said": "answer",
    "reads": "reads",
    "stored": "new",
    "duplicates": "here already",
    "quarantined": "set aside, could not be read",
    "born_expired": "over before they came",
    "error": "why",
}
_SAID = {Status.LATE: "too late", Status.NOT_ASKED: "cannot be asked for one plate"}
_MISSING = (Status.LATE, Status.FAILED, Status.PAUSED)


def lookup(
    plate: OnePlate,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    event: Event = None,
    state: Annotated[str | None, typer.Option(help="Only plates of this state.")] = None,
    since: Since = None,
    until: Until = None,
    deadline: Annotated[float, typer.Option(help="Seconds after which the answer comes without the rest.")] = DEADLINE,
    limit: Annotated[int, typer.Option(help="The most rows.")] = 100,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """Ask the store and every source that answers on demand for one plate; what comes back is kept.

    Vendors are told the reason and the case number. Without times, the last 30 days are asked for. Ends well where a
    source was late or failed: the answer says which.
    """

    def kept(_: Work) -> str:
        hub.search.lookups.settle()
        return "what sources had sent by then is kept; alprhub search finds it, and the same lookup asks again"

    with failures(), open_hub() as hub:
        code = state_code(state)
        begin, end = window(hub, since, until)
        wanted = one(plate)
        with working(kept, as_json, at_once=True) as work:
            answer = hub.search.lookups.ask(
                acting(),
                wanted,
                Why(purpose, reason, case, event),
                state=code,
                since=begin,
                until=end,
                deadline=deadline,
                limit=limit,
                progress=_shows(work),
            )
        _print(hub, wanted, answer, as_json, moments.understood(hub, begin, end) if begin or end else "", ids)
        sys.stdout.flush()
        hub.search.lookups.settle()


def _print(hub: Hub, plate: str, answer: LookupAnswer, as_json: bool, times: str, ids: bool) -> None:
    if as_json:
        names = ("rows", "next", "coverage", "sources")
        print_json({name: getattr(answer, name) for name in names})
        return
    nothing = f"no read of {canonical(plate)} as a whole plate {times or f'in the last {REACH.days} days'}"
    if times and answer.rows:
        console.print(times)
    print_found(hub, answer.rows, nothing, ids=ids)
    if answer.next:
        console.print(f"more: alprhub search … --after {answer.next}")
    console.print()
    sources = [{**asdict(part), "said": _SAID.get(part.status, part.status)} for part in answer.sources]
    print_rows(sources, _SOURCES, False, "no connections yet: alprhub connections add NAME CONNECTOR")
    if missing := [part.connection for part in answer.sources if part.status in _MISSING]:
        console.print(f"not complete without: {', '.join(missing)}", style="yellow")


def _shows(work: Work) -> Callable[[SourceStatus], None]:
    """A callback that draws one line for each source while it is asked."""

    def show(part: SourceStatus) -> None:
        sentence = f"{part.connection}: {_SAID.get(part.status, part.status)}, {count(part.reads, 'read')}"
        work.say(part.connection, sentence)

    return show
