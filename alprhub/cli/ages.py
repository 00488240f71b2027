"""`alprhub retention ages | calendar | reconcile | canary …`: what is kept, what ends next, and whether it adds up."""

from dataclasses import fields
from typing import Annotated, Any

import typer

from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.retention.ages import Report
from hub.retention.calendar import Ending
from hub.retention.reconcile import Day
from hub.wiring import open_hub

WRONG = 78
"""The exit code of a report that found what must not be."""

canary = typer.Typer(help="Plates of the agency's own, with which vendors' purges are probed.", no_args_is_help=True)


def ages(as_json: AsJson = False) -> None:
    """Report what is kept by source, rule and age; exit with 78 where something should be gone or lacks its reason."""
    with failures(), open_hub() as hub:
        report = hub.ages.report(Actor.of_process())
    if as_json:
        print_json({**_row(report), "signable": report.signable})
    else:
        _print_ages(report)
    if report.violations or not report.signable:
        raise typer.Exit(WRONG)


def calendar(
    days: Annotated[int, typer.Option(help="How many, today among them.")] = 30, as_json: AsJson = False
) -> None:
    """List which reads end on the next days, and by which rule."""
    with failures(), open_hub() as hub:
        ends = hub.calendar.next(Actor.of_process(), days)
    print_rows([_row(one) for one in ends], ("day", "rule", "clause", "reads", "held"), as_json, "nothing ends")


def reconcile(
    every: Annotated[bool, typer.Option("--all", help="Every day, not only those that do not add up.")] = False,
    as_json: AsJson = False,
) -> None:
    """Account for every record that came, by connection and day of receipt; exit with 78 where it does not add up."""
    with failures(), open_hub() as hub:
        account = hub.reconciliation.run(Actor.of_process())
    shown = account.days if every else account.differences
    columns = (
        *("connection", "day", "pulled", "stored", "duplicates", "quarantined", "born_expired"),
        *("visible", "unpurged", "held", "purged", "said"),
    )
    print_rows([_row(one) for one in shown], columns, as_json, f"{len(account.days)} days add up")
    if account.differences:
        raise typer.Exit(WRONG)


@canary.command()
def add(
    connection: Annotated[str, typer.Argument(help="A connection that can be asked about one plate.")],
    plate: Annotated[str, typer.Argument(help="A plate of the agency's own that this vendor is known to read.")],
    reason: Annotated[str, typer.Option(help="Whose vehicle it is; the vendor is told.")],
    state: Annotated[str | None, typer.Option(help="ISO 3166-2: US-CA.")] = None,
    as_json: AsJson = False,
) -> None:
    """Note a plate with which a vendor's purge is probed."""
    with failures(), open_hub() as hub:
        made = hub.canaries.add(Actor.of_process(), connection, plate, reason, state)
    if as_json:
        print_json(made)
    else:
        console.print(f"canary {made.id} of {made.connection}")


@canary.command()
def remove(
    number: Annotated[int, typer.Argument(help="The number of the canary.")],
    reason: Annotated[str, typer.Option(help="Why the vendor is not probed with it any more.")],
    as_json: AsJson = False,
) -> None:
    """Probe with a canary no more; what its probes found stays on record."""
    with failures(), open_hub() as hub:
        gone = hub.canaries.remove(Actor.of_process(), number, reason)
    if as_json:
        print_json(gone)
    else:
        console.print(f"canary {gone.id} of {gone.connection}: removed")


@canary.command("list")
def known(as_json: AsJson = False) -> None:
    """List the canaries, and what their last probe found."""
    with failures(), open_hub() as hub:
        found = hub.canaries.known(Actor.of_process())
    columns = ("id", "connection", "plate", "plate_state", "reason", "probed_at", "outcome", "oldest_found_at")
    print_rows(found, columns, as_json, "no canaries")


@canary.command()
def probe(as_json: AsJson = False) -> None:
    """Ask every vendor for what it must have purged; exit with 78 where one still has it."""
    with failures(), open_hub() as hub:
        probes = hub.canaries.probe(Actor.of_process())
    columns = ("canary", "connection", "outcome", "reads", "oldest", "before", "rule", "clause", "error")
    print_rows(probes, columns, as_json, "no canaries")
    if any(one.outcome == "found" for one in probes):
        raise typer.Exit(WRONG)


def _row(one: Report | Ending | Day) -> dict[str, Any]:
    """The fields; a day as ISO 8601."""
    told = {field.name: getattr(one, field.name) for field in fields(one)}
    return told if isinstance(one, Report) else {**told, "day": one.day.isoformat()}


def _print_ages(report: Report) -> None:
    print_rows(report.kept, ("connection", "rule", "clause", "band", "reads", "held", "oldest"), False, "no reads")
    console.print("\nwhat should be gone", style="bold")
    print_rows(report.violations, ("connection", "rule", "clause", "kind", "reads", "late_seconds"), False)
    if report.explain_older_than is None:
        return
    console.print(f"\nolder than {report.explain_older_than} ({report.explain_clause})", style="bold")
    columns = ("hold", "kind", "case_number", "reason", "booking", "review_at", "reads", "oldest", "missing")
    print_rows(report.explanations, columns, False)
    if report.unexplained:
        console.print(f"{report.unexplained} reads that no hold explains", style="yellow")
    console.print("can be signed: " + ("yes" if report.signable else "no"))
