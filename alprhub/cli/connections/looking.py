"""Looking at an account without changing anything: a dry run, its health, a bundle for whoever helps."""

from dataclasses import asdict
from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer

from alprhub.acting import acting
from alprhub.cli import files, moments
from alprhub.cli.connections.given import Name
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.progress import say_wait
from alprhub.plain import print_json
from hub.connections.card import OK, Card
from hub.connections.health import WELL, needs_person, passing
from hub.connections.trial import Trial
from hub.wiring import open_hub
from hub.words import count, moment

_SHOWN = {
    "captured_at": "time",
    "plate_shape": "plate's shape",
    "plate_state": "state",
    "camera": "camera",
    "vendor_read_id": "vendor's id",
}
_HEALTH = {
    "connection": "connection",
    "status": "status",
    "last_success": "last run that ended well",
    "newest_read": "newest read",
}
"""What is the matter stands below, once: a line of a table has no room for it."""


def dry_run(
    name: Name,
    since: Annotated[str | None, typer.Option(help=f"{moments.FORMS}; without it, where the last run stopped.")] = None,
    until: Annotated[str | None, typer.Option(help="Written the same way; without it, now.")] = None,
    limit: Annotated[int, typer.Option(help="The most records to look at.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Show what the next run would bring; keeps nothing, and the next run brings it all the same."""
    with failures(), open_hub(waits=say_wait) as hub:
        window = moments.window(hub, since, until)
        trial = hub.connections.trials.run(acting(), name, *window, limit)
        print_json(asdict(trial)) if as_json else _show_trial(trial, hub.governing.profile.zone)


def health(
    name: Annotated[str | None, typer.Argument(help="Only this connection.")] = None, as_json: AsJson = False
) -> None:
    """Say how each connection is, and what a person can do where something is wrong.

    Exit 78 where something needs a person, 75 where something is wrong that may pass by itself (a vendor that is down),
    0 where all is well or paused by a person. With --json a list: one element a connection, and one whose connection
    is null for what concerns the hub itself, where there is such a thing; each card has a code that stays.
    """
    with failures(), open_hub() as hub:
        reports = hub.connections.health.all() if name is None else [hub.connections.health.of(name)]
        around = hub.connections.health.around() if name is None else []
        zone = hub.governing.profile.zone
    cards = around + [card for report in reports for card in report.cards]
    if as_json:
        ours = {"connection": None, "needs_person": needs_person(around), "cards": [asdict(card) for card in around]}
        whole = [{**ours, "status": around[0].status, "reason": around[0].happened}] if around else []
        print_json([asdict(report) for report in reports] + whole)
    else:
        print_rows(reports, _HEALTH, False, "no connections yet: alprhub connections add NAME KEY", zone)
        _show_cards(cards)
        if reports and not cards:
            console.print(WELL)
    if needs_person(cards):
        raise typer.Exit(78)
    if passing(cards):
        raise typer.Exit(75)


def diagnostics(
    name: Name, out: Annotated[Path, typer.Option(help="The ZIP file to write; it must not exist yet.")]
) -> None:
    """Write a ZIP file for whoever helps: settings, runs and errors, without secrets and plates."""
    with failures(), open_hub() as hub:
        files.must_be_new(out)
        bundle = hub.connections.diagnostics.bundle(acting(), name)
        files.put(out, bundle, 0o600)
        console.print(
            f"{out}: {len(bundle):,} bytes. Secrets, known plates and what looks like one are struck out; what looks"
            " like none may be left: look through it before you send it"
        )


def _show_trial(trial: Trial, zone: tzinfo) -> None:
    console.print(
        f"{count(trial.pulled, 'record')} from {moment(trial.since, zone)} to {moment(trial.until, zone)}"
        f"{' (more would come)' if trial.more else ''}: {count(trial.fresh, 'new read')},"
        f" {trial.duplicates} held already, {trial.born_expired} expired before they came,"
        f" {trial.quarantined} that cannot be read; {trial.not_reads} others are no reads. Nothing was kept."
    )
    if trial.refused:
        print_rows(trial.refused, {"count": "records", "field": "field", "reason": "why"}, False)
    if trial.shown:
        print_rows(trial.shown, _SHOWN, False, zone=zone)


def _show_cards(cards: list[Card]) -> None:
    for card in cards:
        known = card.status == OK or card.status in card.title
        console.print(f"\n{card.title}" + ("" if known else f" ({card.status})"), style="bold")
        for line in (card.happened, card.do, f"  {card.command}"):
            console.print(line)
