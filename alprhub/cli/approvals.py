"""`alprhub approvals`: what one person proposed and another decides, and what became of it."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.activation import show_changes, took_effect
from alprhub.cli.output import AsJson, beside, cell, console, failures, print_rows
from alprhub.cli.progress import Work, working
from alprhub.cli.questions import in_words
from alprhub.plain import print_json
from hub.errors import Invalid
from hub.proposals import Action, Proposal
from hub.search.query import MOST_ROWS
from hub.wiring import Hub, open_hub
from hub.words import count, moment, span

app = typer.Typer(help="What takes two people: see it, approve it, refuse it, or take it back.", no_args_is_help=True)

Which = Annotated[int, typer.Argument(help="The number of the approval.")]
_COLUMNS = {
    "id": "approval",
    "words": "what will happen",
    "proposed_by": "proposed by",
    "proposed_at": "proposed",
    "expires_at": "until",
    "state": "state",
    "decided_by": "decided by",
}
_STATES = {
    "waits": "waits for a second person",
    "in_grace": "approved, and waits for its time",
    "approved": "approved, not carried out yet",
    "carried_out": "approved and carried out",
    "overtaken": "not carried out to its end: it must be proposed anew",
    "lapsed": "lapsed: nobody approved it in time",
}


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="What is decided too, the newest first.")] = False,
    limit: Annotated[int, typer.Option(help="The most to show.", min=1, max=MOST_ROWS)] = 100,
    as_json: AsJson = False,
) -> None:
    """List what waits for a second person, and what was approved and is not carried out to its end."""
    with failures(), open_hub() as hub:
        proposals = hub.access.approvals.list(everything=everything, limit=limit)
        if as_json:
            print_json(proposals)
            return
        rows = [{**asdict(proposal), "state": _state(proposal)} for proposal in proposals]
        print_rows(rows, _COLUMNS, False, "nothing waits for a second person", hub.governing.profile.zone)


@app.command()
def show(
    approval: Which,
    to: Annotated[Path | None, typer.Option(help="Write what is attached (an order, decisions) to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what will happen, exactly, who proposed it and why, until when, and what became of it."""
    with failures(), open_hub() as hub:
        proposal = hub.access.approvals.get(approval)
        if to is not None:
            attached = hub.access.approvals.attachment(approval)
            if attached is None:
                raise Invalid(f"--to: nothing is attached to approval {approval}")
            files.must_be_new(to)
            files.put(to, attached, 0o600)
        if as_json:
            print_json(proposal)
            return
        _tell(hub, proposal)
        if to is not None:
            console.print(f"attached: written to {to}")


@app.command()
def approve(
    approval: Which,
    note: Annotated[str, typer.Option(help="What you want to have on record with it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Approve what somebody else proposed, and have it carried out; repeat it to finish what was cut short."""
    with failures(), open_hub() as hub:
        before = hub.access.approvals.get(approval)
        decidable = before.state in ("waits", "approved") and not acting().is_called(before.proposed_by)
        if not yes and decidable:  # else it is refused, and there is nothing to ask
            _tell(hub, before, beside)
            typer.confirm("Approve it and have it carried out?", abort=True, err=True)
        proposal = hub.access.approvals.approve(acting(), approval, note)
        if proposal.state == "in_grace":
            print_json(proposal) if as_json else console.print(_graced(hub, proposal))
            return
        more = _recomputed(hub, as_json) if proposal.action is Action.POLICY else {}
        if as_json:
            print_json({**asdict(proposal), "recompute": more} if more else proposal)
        else:
            console.print(f"approval {approval}: {_done(hub, proposal)}")
            if more:
                took_effect(proposal.target, more)


@app.command()
def refuse(
    approval: Which,
    reason: Annotated[str, typer.Option(help="Why it must not happen; the audit keeps it.")],
    as_json: AsJson = False,
) -> None:
    """Refuse what somebody else proposed, or stop what was approved and waits for its time; a hold that waited ends."""
    with failures(), open_hub() as hub:
        proposal = hub.access.approvals.refuse(acting(), approval, reason)
        print_json(proposal) if as_json else console.print(f"approval {approval}: refused; it does not happen")


@app.command()
def withdraw(
    approval: Which,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take back what you proposed; a hold that waited for it ends."""
    with failures(), open_hub() as hub:
        proposal = hub.access.approvals.withdraw(acting(), approval, reason)
        print_json(proposal) if as_json else console.print(f"approval {approval}: withdrawn; it does not happen")


def _tell(hub: Hub, proposal: Proposal, out: Console = console) -> None:
    """Who must decide what: the proposal, and what it would do now, as long as nothing of it is done."""
    zone = hub.governing.profile.zone
    lines = [
        f"approval {proposal.id}: {_state(proposal)}",
        f"  what will happen: {proposal.words}",
        f"  proposed by {proposal.proposed_by}, {moment(proposal.proposed_at, zone)}: {proposal.reason}",
    ]
    if proposal.state == "waits":
        lines.append(f"  until {moment(proposal.expires_at, zone)}")
        if proposal.grace_seconds:
            lines.append(f"  once approved it waits {span(proposal.grace_seconds)}, in which it can be stopped")
    if proposal.decided_by is not None and proposal.decided_at is not None:
        note = f": {proposal.note}" if proposal.note else ""
        lines.append(f"  decided by {proposal.decided_by}, {moment(proposal.decided_at, zone)}{note}")
    if proposal.state == "in_grace" and proposal.due_at is not None:
        lines.append(f"  is carried out {moment(proposal.due_at, zone)}, unless somebody stops it before")
    if proposal.carried_out_at is not None:
        lines.append(f"  carried out {moment(proposal.carried_out_at, zone)}")
    if proposal.state == "overtaken" and proposal.outcome is not None:
        lines.append(f"  not carried out: {proposal.outcome['because']}")
    lines += [f"  {line}" for line in _exactly(hub, proposal)]
    lines.append(f"  SHA-256 of all that was proposed: {proposal.sha256}")
    for line in lines:
        out.print(cell(line))
    if proposal.action is Action.POLICY and proposal.state in ("waits", "in_grace"):
        out.print("what it would do to the reads that are kept, as of now:")
        show_changes(hub.governing.activate.effect_of(proposal), out)


def _exactly(hub: Hub, proposal: Proposal) -> list[str]:
    """What `words` leaves out of what will happen, and how many reads it is about now."""
    content, lines = proposal.content, []
    lines += [f"it loosens: {sentence}" for sentence in content.get("loosens", ())]
    if isinstance(query := content.get("query"), dict):
        lines.append(f"the question: {in_words(query, hub.governing.profile.zone)}")
    if isinstance(reads := content.get("reads"), list):
        lines.append(f"reads, by id: {', '.join(map(str, reads))}")
    if proposal.action in (Action.HOLD, Action.CLASSIFY):
        hold = hub.cases.holds.get(content["hold"])
        lines.append(f"hold {hold.id} has now: {count(hold.reads, 'read')}{'' if hold.whole else ', not all yet'}")
    if proposal.action is Action.CONTRACT and proposal.state in ("waits", "approved"):
        reads, end_now = hub.connections.contracts.effect_of(proposal)
        lines.append(f"of its {count(reads, 'read')} here now would be over at once: {end_now:,}")
    if proposal.action is Action.DESTROY:
        named = f"{content['file']}, " if content.get("file") else ""
        lines.append(f"the order's file: {named}SHA-256 {content['file_sha256']}")
        if proposal.state in ("waits", "approved"):
            lines.append(f"of the reads here now: {_ordered(hub, proposal)}")
    return lines


def _ordered(hub: Hub, proposal: Proposal) -> str:
    ordered, zone = hub.cases.orders.effect_of(proposal), hub.governing.profile.zone
    if ordered.first is None or ordered.last is None:
        return "none"
    of = ", ".join(f"{number:,} of {name}" for name, number in ordered.connections.items())
    return f"{ordered.reads:,} ({of}), captured from {moment(ordered.first, zone)} to {moment(ordered.last, zone)}"


def _state(proposal: Proposal) -> str:
    return _STATES.get(proposal.state, proposal.state)


def _done(hub: Hub, proposal: Proposal) -> str:
    outcome = proposal.outcome or {}
    match proposal.action:
        case Action.HOLD:
            hold = hub.cases.holds.get(outcome["hold"])
            return f"hold {hold.id} stands, with {count(hold.reads, 'read')}"
        case Action.DESTROY:
            destroyed = f"{count(outcome['reads'], 'read')} {'is' if outcome['reads'] == 1 else 'are'} destroyed"
            in_all = outcome.get("in_all", outcome["reads"])
            more = "" if in_all == outcome["reads"] else f" ({in_all:,} in all by this order)"
            return (
                f"order {outcome['order']}: {destroyed}{more} in this hub, and the certificates name it;"
                " vendors' own copies, exports and backups are not reached by it"
            )
        case Action.CLASSIFY:
            until = outcome["until"]
            end = moment(datetime.fromisoformat(until), hub.governing.profile.zone) if until else "nobody knows yet"
            return f"hold {outcome['hold']}: its reads are kept until {end}"
        case Action.CONTRACT:
            return f"the contract of {proposal.target} is in force; {_sooner(outcome['shortened'])}"
        case _:
            return _also_done(hub, proposal)


def _also_done(hub: Hub, proposal: Proposal) -> str:
    outcome = proposal.outcome or {}
    match proposal.action:
        case Action.KIND:
            return f"{proposal.target} is a source of the kind {outcome['kind']} now"
        case Action.CLOCK:
            told = datetime.fromisoformat(outcome["machine"])
            return f"the hub trusts this machine's clock now, which said {moment(told, hub.governing.profile.zone)}"
        case _:
            return "approved"


def _graced(hub: Hub, proposal: Proposal) -> str:
    """What the second person is told whose approval loosens something."""
    due = moment(proposal.due_at or proposal.expires_at, hub.governing.profile.zone)
    return (
        f"approval {proposal.id}: approved, and carried out {due} by alprhub run (or by alprhub approvals approve"
        f" {proposal.id} after that), since it loosens what is promised. Until then alprhub approvals refuse"
        f" {proposal.id} --reason WHY stops it, and whoever proposed it can withdraw it"
    )


def _sooner(reads: int) -> str:
    return "no read that is kept ends sooner by it" if not reads else f"{count(reads, 'read')} got a sooner end"


def _recomputed(hub: Hub, as_json: bool) -> dict[str, Any]:
    def kept(_: Work) -> str:
        return (
            "the policy is in force, and the ends that reads were given so far stay; alprhub policy recompute goes on"
        )

    with working(kept, as_json) as work:
        return dict(hub.retention.recompute.run(acting(), work.told))
