"""Looking at an account without changing anything: a dry run, its health, a bundle for whoever helps."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from alprhub.cli import files
from alprhub.cli.asking import moment
from alprhub.cli.connections.given import Name
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.connections.health import OK, Report
from hub.connections.trial import Trial
from hub.wiring import open_hub


def dry_run(
    name: Name,
    since: Annotated[str | None, typer.Option(help="ISO 8601; without it, where the last run stopped.")] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601; without it, now.")] = None,
    limit: Annotated[int, typer.Option(help="The most records to look at.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Show what a run would bring; keeps nothing and moves no checkpoint."""
    with failures(), open_hub() as hub:
        window = (moment(hub, since, "since"), moment(hub, until, "until"))
        trial = hub.trials.run(Actor.of_process(), name, *window, limit)
        print_json(asdict(trial)) if as_json else _show_trial(trial)


def health(
    name: Annotated[str | None, typer.Argument(help="Only this connection.")] = None, as_json: AsJson = False
) -> None:
    """Say how each account is, and what a person can do about what is not as it should be."""
    with failures(), open_hub() as hub:
        reports = hub.health.all() if name is None else [hub.health.of(name)]
        if as_json:
            print_json([asdict(report) for report in reports])
            return
        columns = ("connection", "status", "reason")
        print_rows(reports, columns, False, "no connections yet: alprhub connections add NAME KEY")
        for report in reports:
            _show_cards(report)


def diagnostics(
    name: Name, out: Annotated[Path, typer.Option(help="The ZIP file to write; it must not exist yet.")]
) -> None:
    """Write a bundle without secrets and plates for whoever helps."""
    with failures(), open_hub() as hub:
        files.must_be_new(out)
        bundle = hub.diagnostics.bundle(Actor.of_process(), name)
        files.put(out, bundle)
        console.print(f"{out}: {len(bundle)} bytes, without secrets and plates; look through it before you send it")


def _show_trial(trial: Trial) -> None:
    console.print(
        f"{trial.pulled} records from {trial.since:%Y-%m-%d %H:%M} to {trial.until:%Y-%m-%d %H:%M} UTC"
        f"{' (more would come)' if trial.more else ''}: {trial.fresh} new reads, {trial.duplicates} held already,"
        f" {trial.born_expired} expired before they came, {trial.quarantined} refused; {trial.not_reads} others are no"
        " reads. Nothing was kept."
    )
    if trial.refused:
        print_rows(trial.refused, ("count", "field", "reason"), False)
    if trial.shown:
        columns = ("plate_shape", "plate_state", "captured_at", "camera", "vendor_read_id")
        print_rows(trial.shown, columns, False)


def _show_cards(report: Report) -> None:
    for card in report.cards:
        console.print(f"\n{card.title}" + ("" if card.status == OK else f" ({card.status})"), style="bold")
        for line in (card.happened, card.do, f"  {card.command}"):
            console.print(line)
