"""`alprhub retention ages | calendar | reconcile | canary …`: what is kept, what ends next, and whether it adds up."""

from dataclasses import asdict, fields
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from alprhub.acting import acting
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.plates import UNSEEN, one
from alprhub.cli.progress import say_wait
from alprhub.plain import print_json
from hub.proofs.ages import AgesReport
from hub.proofs.calendar import EndingDay
from hub.proofs.reconcile import DayOfReceipt
from hub.wiring import open_hub
from hub.words import count, periods, yes

WRONG = 78
"""The exit code of a report that found what must not be."""

canary = typer.Typer(
    help="Plates of the agency's own cars, by which vendors are asked whether they really deleted what they must.",
    no_args_is_help=True,
)
_KEPT = {
    "connection": "source",
    "rule": "rule",
    "clause": "clause",
    "band": "age",
    "reads": "reads",
    "held": "of them held",
    "oldest": "oldest",
}
_LATE = {
    "connection": "source",
    "rule": "rule",
    "clause": "clause",
    "kind": "what is wrong",
    "reads": "reads",
    "late": "late by",
}
_WRONG = {
    "unpurged": "over and out of sight, and not removed yet: alprhub purge",
    "past_ceiling": "still seen, though policy ended it",
}
_EXPLAINED = {
    "hold": "hold",
    "kind": "for",
    "case_number": "case",
    "reason": "reason",
    "booking": "booked as",
    "review_at": "look again at",
    "reads": "reads",
    "oldest": "oldest",
    "missing": "what it lacks",
}
_ENDS = {"day": "day", "rule": "rule", "clause": "clause", "reads": "reads that end", "held": "of them held"}
_DAYS = {
    "connection": "source",
    "day": "day",
    "pulled": "came",
    "stored": "new",
    "duplicates": "here already",
    "quarantined": "set aside",
    "born_expired": "over before they came",
    "visible": "seen",
    "unpurged": "to be removed",
    "held": "held",
    "purged": "removed",
    "said": "what does not add up",
}
_CANARIES = {
    "id": "number",
    "connection": "source",
    "plate": "plate",
    "plate_state": "state",
    "reason": "whose car",
    "probed_at": "last asked",
    "outcome": "answer",
    "oldest_found_at": "oldest found",
}
_PROBES = {
    "connection": "source",
    "outcome": "answer",
    "reads": "reads",
    "oldest": "oldest",
    "before": "must be gone up to",
    "rule": "rule",
    "clause": "clause",
    "error": "why",
}
_NO_CANARIES = "no plate of your own cars is noted yet: alprhub retention canary add SOURCE PLATE --reason …"
_OUTCOMES = {
    "not_found": "deleted, as it must be",
    "found": "STILL THERE",
    "unclear": "unclear: what came cannot be read",
    "failed": "no answer",
    "not_asked": "not asked: paused, or no rule ends the vendor's copy",
}


def ages(as_json: AsJson = False) -> None:
    """Report what is kept by source, rule and age; exit with 78 where something should be gone or lacks its reason."""
    with failures(), open_hub() as hub:
        report = hub.proofs.ages.report(acting())
        if as_json:
            print_json({**_row(report), "signable": report.signable})
        else:
            _print_ages(report, hub.governing.profile.zone)
    if report.violations or not report.signable:
        raise typer.Exit(WRONG)


def calendar(
    days: Annotated[int, typer.Option(help="How many, today among them.")] = 30, as_json: AsJson = False
) -> None:
    """List which reads end on the next days, and by which rule."""
    with failures(), open_hub() as hub:
        ends = hub.proofs.calendar.next(acting(), days)
    print_rows(
        [_row(day) for day in ends], _ENDS, as_json, f"no read that the hub holds now ends within {count(days, 'day')}"
    )


def reconcile(
    every: Annotated[bool, typer.Option("--all", help="Every day, not only those that do not add up.")] = False,
    as_json: AsJson = False,
) -> None:
    """Account for every record that came, by connection and day of receipt; exit with 78 where it does not add up."""
    with failures(), open_hub() as hub:
        account = hub.proofs.reconciliation.run(acting())
    shown = account.days if every else account.differences
    rows = [_row(row) for row in shown]
    print_rows(rows, _DAYS, as_json, f"{count(len(account.days), 'day')} of receipt: every record is accounted for")
    if not as_json:
        _print_lying(*account.lying)
    if account.differences:
        raise typer.Exit(WRONG)


@canary.command()
def add(
    connection: Annotated[str, typer.Argument(help="A connection that can be asked about one plate.")],
    plate: Annotated[str, typer.Argument(help=f"A plate of the agency's own that this vendor reads; {UNSEEN}")],
    reason: Annotated[str, typer.Option(help="Whose vehicle it is; the vendor is told.")],
    state: Annotated[str | None, typer.Option(help="ISO 3166-2: US-CA.")] = None,
    as_json: AsJson = False,
) -> None:
    """Note a plate of your own by which a vendor is asked whether it deleted what it must."""
    with failures(), open_hub() as hub:
        canary = hub.proofs.canaries.add(acting(), connection, one(plate), reason, state)
    if as_json:
        print_json(canary)
    else:
        console.print(f"{canary.connection} will be asked about {canary.plate}: alprhub retention canary probe")


@canary.command()
def remove(
    number: Annotated[int, typer.Argument(help="The number that `canary list` gives.")],
    reason: Annotated[str, typer.Option(help="Why the vendor is not asked about it any more.")],
    as_json: AsJson = False,
) -> None:
    """Ask about a plate no more; what was found stays on record."""
    with failures(), open_hub() as hub:
        gone = hub.proofs.canaries.remove(acting(), number, reason)
    if as_json:
        print_json(gone)
    else:
        console.print(f"{gone.connection} will not be asked about {gone.plate} any more; it is removed")


@canary.command("list")
def known(as_json: AsJson = False) -> None:
    """List these plates, and what each vendor said last."""
    with failures(), open_hub() as hub:
        canaries = hub.proofs.canaries.known(acting())
        if as_json:
            print_json(canaries)
        else:
            rows = [{**asdict(canary), "outcome": _OUTCOMES.get(canary.outcome or "")} for canary in canaries]
            print_rows(rows, _CANARIES, False, _NO_CANARIES, hub.governing.profile.zone)


@canary.command()
def probe(as_json: AsJson = False) -> None:
    """Ask every vendor for what it must have purged; exit with 78 where one still has it."""
    with failures(), open_hub(waits=say_wait) as hub:
        probes = hub.proofs.canaries.probe(acting())
        if as_json:
            print_json(probes)
        else:
            rows = [{**asdict(probe), "outcome": _OUTCOMES[probe.outcome]} for probe in probes]
            print_rows(rows, _PROBES, False, _NO_CANARIES, hub.governing.profile.zone)
    if any(probe.outcome == "found" for probe in probes):
        raise typer.Exit(WRONG)


def _row(entry: AgesReport | EndingDay | DayOfReceipt) -> dict[str, Any]:
    """The fields; a day as ISO 8601."""
    row = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return row if isinstance(entry, AgesReport) else {**row, "day": entry.day.isoformat()}


def _print_lying(pushes: int | None, set_aside: int) -> None:
    """Print how many pushes are no reads yet; nothing where there are none."""
    parts = []
    if pushes is None or pushes:
        many = "very many pushes" if pushes is None else count(pushes, "push", "pushes")
        parts.append(f"{many} that the receiver took and has not kept")
    if set_aside:
        parts.append(f"{count(set_aside, 'batch', 'batches')} of pushes that nobody can read")
    if parts:
        console.print(f"not in these numbers: {' and '.join(parts)} (alprhub connections health)", style="yellow")


def _print_ages(report: AgesReport, zone: ZoneInfo) -> None:
    kept = [{**asdict(group), "band": periods(group.band)} for group in report.kept]
    print_rows(kept, _KEPT, False, "no reads are kept", zone)
    console.print("\nwhat should be gone", style="bold")
    late = [
        {
            **asdict(violation),
            "kind": _WRONG.get(violation.kind, violation.kind),
            "late": timedelta(seconds=violation.late_seconds),
        }
        for violation in report.violations
    ]
    print_rows(late, _LATE, False, zone=zone)
    _print_lying(report.pushes_waiting, report.pushes_set_aside)
    if report.explain_older_than is None:
        return
    console.print(f"\nolder than {periods(report.explain_older_than)} ({report.explain_clause})", style="bold")
    rows = [{**asdict(explanation), "kind": explanation.kind.replace("_", " ")} for explanation in report.explanations]
    print_rows(rows, _EXPLAINED, False, zone=zone)
    if report.unexplained:
        console.print(f"{count(report.unexplained, 'read')} that no hold explains", style="yellow")
    console.print(f"can be signed: {yes(report.signable)}")
