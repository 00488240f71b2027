"""`alprhub holds`: what must not be purged, for whom, until when, and who has looked at it."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

import typer

from alprhub.acting import acting
from alprhub.cli.asking import Case, Event, Purpose, Reason, Typed, asks, needs
from alprhub.cli.found import Ids, print_found
from alprhub.cli.moments import instant
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.second import approver, next_step
from alprhub.plain import print_json
from hub.cases.holds import NewHold
from hub.cases.reviews import ReviewTask
from hub.errors import Invalid
from hub.people import Why
from hub.wiring import Hub, open_hub
from hub.words import count, moment

app = typer.Typer(help="Hold reads that must not be purged; release, review and show them.", no_args_is_help=True)

Which = Annotated[int, typer.Argument(help="The number of the hold.")]
Reads = Annotated[list[int], typer.Argument(help="Ids of reads.")]
CaseNumber = Annotated[str, typer.Option("--case", help="The case or event.")]
Offence = Annotated[str | None, typer.Option(help="The class of a case's offence: felony, misdemeanor …")]
Committed = Annotated[str | None, typer.Option("--committed-on", help="The day of the offence: 2026-06-01.")]
_COLUMNS = {
    "id": "hold",
    "kind": "for",
    "case_number": "case",
    "reads": "reads",
    "reason": "reason",
    "placed_by": "placed by",
    "approved": "approved by",
    "review_at": "look again at",
    "booking": "booked as",
    "released_at": "ended",
}
_TASKS = {
    "hold": "hold",
    "kind": "for",
    "case_number": "case",
    "task": "to do",
    "due_at": "due",
    "placed_by": "placed by",
    "approved_by": "approved by",
    "clause": "clause",
    "booking": "booked as",
}
_TO_DO = {
    "review": "look at it again: alprhub holds review {hold} --found … --next …",
    "classify_offence": "say the class of the offence: alprhub holds classify {hold} --offence …",
    "state_commission_date": "say the day of the offence: alprhub holds classify {hold} --committed-on …",
    "dispose_of_media": "destroy the booked media and say so: alprhub holds dispose {hold} --how …",
}
OVERDUE = 78


@app.command()
@needs("reason", "case")
@asks
def place(
    asked: Typed,
    hold: Annotated[str, typer.Option(help="What for: evidence, expected_evidence, discovery, court_order …")],
    review_at: Annotated[str, typer.Option(help="When somebody must look at it again: 12/31/2026, or ISO 8601.")],
    read: Annotated[list[int] | None, typer.Option(help="Only this read, by id, and no question.")] = None,
    offence: Offence = None,
    committed_on: Committed = None,
    as_json: AsJson = False,
) -> None:
    """Hold every read that a question means, or those of the ids; --case and --reason are kept with the hold.

    They are held at once, and until somebody else approves the hold or its time for that is over.
    """
    with failures(), open_hub() as hub:
        new = NewHold(
            hold, asked.case or "", asked.reason, _at(hub, review_at, "review_at"), offence,
            _day(committed_on),
        )  # fmt: skip
        if read:
            if Typed(purpose=asked.purpose, reason=asked.reason, case=asked.case, event=asked.event) != asked:
                raise Invalid("read: ids and a question exclude each other")
            answer = hub.cases.holds.place(acting(), new, reads=read)
        else:
            answer = hub.cases.holds.place(acting(), new, asked.query(hub))
        held = f"{count(answer.reads, 'read')} {'is' if answer.reads == 1 else 'are'} held"
        _show(
            answer,
            as_json,
            f"hold {answer.id}: {held}; look again at {moment(answer.review_at, hub.governing.profile.zone)}",
        )
        if answer.approval is not None and not as_json:
            console.print(next_step(hub.access.approvals.get(answer.approval), hub))


@app.command()
def release(
    hold: Which,
    because: Annotated[str, typer.Option(help="Why the hold ends.")],
    booking: Annotated[str | None, typer.Option(help="The number under which evidence is booked.")] = None,
    unbooked: Annotated[str | None, typer.Option(help="Why evidence is not booked.")] = None,
    resolved: Annotated[str | None, typer.Option(help="How litigation was resolved.")] = None,
    as_json: AsJson = False,
) -> None:
    """End a hold; reads whose time is over are out of sight at once and go with the next purge."""
    with failures(), open_hub() as hub:
        before = hub.cases.holds.get(hold)
        done = hub.cases.holds.release(acting(), hold, because, booking=booking, unbooked=unbooked, resolved=resolved)
        line = f"hold {hold}: released"
        if before.released_at is not None:
            at = moment(before.released_at, hub.governing.profile.zone)
            why = f", by {before.released_by}: {before.released_because}"
            line = f"hold {hold}: had ended already, {at}{why}. Nothing was changed"
        _show(done, as_json, line)


@app.command()
def book(
    hold: Which,
    number: Annotated[str, typer.Argument(help="The number under which the package is booked into evidence.")],
    as_json: AsJson = False,
) -> None:
    """Keep the evidence number of a hold."""
    with failures(), open_hub() as hub:
        _show(hub.cases.holds.book(acting(), hold, number), as_json, f"hold {hold}: booked as {number}")


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the holds that stand."""
    with failures(), open_hub() as hub:
        holds = hub.cases.holds.list(released=everything)
        if as_json:
            print_json(holds)
        else:
            rows = [
                {
                    **asdict(hold),
                    "kind": _words(hold.kind),
                    "approved": approver(hold.approved_by, hold.approval, hold.released_because),
                }
                for hold in holds
            ]
            print_rows(rows, _COLUMNS, False, "no holds", hub.governing.profile.zone)


@app.command()
def review(
    hold: Annotated[int | None, typer.Argument(help="The hold that was looked at; without it, what is due.")] = None,
    found: Annotated[str, typer.Option(help="What was found.")] = "",
    next_at: Annotated[
        str | None, typer.Option("--next", help="When somebody must look again: 12/31/2026, or ISO 8601.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what is due, exit 78 where anything is; with a hold, keep that you have looked at it."""
    with failures(), open_hub() as hub:
        if hold is not None:
            hub.cases.reviews.reviewed(acting(), hold, found, _at(hub, next_at, "next"))
            _show(hub.cases.holds.get(hold), as_json, f"hold {hold}: reviewed")
            return
        tasks = hub.cases.reviews.due()
        if as_json:
            print_json({"overdue": len(tasks), "tasks": tasks})
        else:
            rows = [_task(task) for task in tasks]
            print_rows(rows, _TASKS, False, "nothing is due", hub.governing.profile.zone)
    if tasks:
        raise typer.Exit(OVERDUE)


@app.command()
def dispose(
    hold: Which,
    how: Annotated[str, typer.Option(help="What became of the media, and who did it.")],
    as_json: AsJson = False,
) -> None:
    """Keep that the media of resolved litigation are disposed of; the task in `review` ends with it."""
    with failures(), open_hub() as hub:
        hub.cases.reviews.disposed(acting(), hold, how)
        _show(hub.cases.holds.get(hold), as_json, f"hold {hold}: its media are disposed of")


@app.command()
def classify(
    hold: Which,
    offence: Offence = None,
    committed_on: Committed = None,
    as_json: AsJson = False,
) -> None:
    """Propose the class and the day of a case's offence; how long its reads are kept follows once it is approved."""
    with failures(), open_hub() as hub:
        proposal = hub.cases.reviews.classify(acting(), hold, offence, _day(committed_on))
        if as_json:
            print_json(proposal)
        else:
            console.print(f"hold {hold}: proposed; until somebody else approves it, nothing of the hold is let go")
            console.print(next_step(proposal, hub))


@app.command()
def show(
    hold: Which,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    event: Event = None,
    limit: Annotated[int, typer.Option(help="The most rows of a page.")] = 100,
    after: Annotated[str | None, typer.Option(help="The `next` of the page before.")] = None,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """Show the reads of a hold, past their time or not, to its own people and to auditors."""
    with failures(), open_hub() as hub:
        page = hub.cases.holds.reads(acting(), hold, Why(purpose, reason, case, event), limit, after)
        if as_json:
            print_json(page)
            return
        print_found(hub, page.rows, f"hold {hold} has no reads", ids=ids, ends=True)
        if page.next:
            console.print(f"more: --after {page.next}")


@app.command()
def link(
    reads: Reads,
    case: CaseNumber,
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say that a case or event needs reads: where policy lets such reads live longer, they do. No hold."""
    with failures(), open_hub() as hub:
        done = hub.cases.links.link(acting(), reads, case, reason)
        _show(done, as_json, f"{count(done.reads, 'read')} linked to {case}; {done.changed:,} will be kept longer")


@app.command()
def unlink(
    reads: Reads,
    case: CaseNumber,
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take that back; what nothing else needs ends as if it had never been linked."""
    with failures(), open_hub() as hub:
        done = hub.cases.links.unlink(acting(), reads, case, reason)
        _show(done, as_json, f"{count(done.reads, 'read')} unlinked from {case}; {done.changed:,} will end sooner")


def _words(code: str) -> str:
    return code.replace("_", " ")


def _task(task: ReviewTask) -> dict[str, Any]:
    return {**asdict(task), "kind": _words(task.kind), "task": _TO_DO[task.task].format(hold=task.hold)}


def _show(done: Any, as_json: bool, line: str) -> None:
    print_json(done) if as_json else console.print(line)


def _at(hub: Hub, text: str | None, field: str) -> datetime:
    if text is None:
        raise Invalid(f"{field}: is missing")
    return instant(hub, text, field)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("committed_on: needs a day such as 2026-06-01") from None
