"""Adding, trying, listing, pacing, pausing and resuming."""

import re
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Final

import typer

from alprhub.cli.connections.given import Agency, Given, Name, SettingsFile, ask_missing, read_settings, there
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.errors import Invalid
from hub.wiring import open_hub
from hub.words import ago

_EVERY: Final = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_COLUMNS: Final = {
    "name": "name",
    "connector": "connector",
    "state": "state",
    "state_reason": "why",
    "last": "last run that ended well",
}
_STATES: Final = {"removing": "being removed"}


def add(
    name: Name,
    key: Annotated[str, typer.Argument(help="The connector, as `alprhub connectors list` names it.")],
    given: Given = None,
    settings: SettingsFile = None,
    agency: Agency = None,
    as_json: AsJson = False,
) -> None:
    """Add an account after a live check; asks for what is missing when a person is there to answer."""
    with failures(), open_hub() as hub:
        values = read_settings(given, settings)
        if there():
            ask_missing(hub.connections.kind(key), values)
            agency = agency or typer.prompt("Whose account is it? Type the name of your agency")
        said = hub.connections.add(Actor.of_process(), name, key, values, agency=agency or "")
        if as_json:
            print_json({"connection": name, "connector": key, "check": said})
        else:
            console.print(f"{name}: {said}")


def check(name: Name, as_json: AsJson = False) -> None:
    """Try the account now."""
    with failures(), open_hub() as hub:
        said = hub.connections.check(name)
        print_json({"connection": name, "check": said}) if as_json else console.print(said)


def list_(
    removed: Annotated[bool, typer.Option("--removed", help="Removed ones too.")] = False, as_json: AsJson = False
) -> None:
    """List the accounts with their state."""
    with failures(), open_hub() as hub:
        rows = hub.connections.list(removed=removed)
        if as_json:
            print_json(rows)
            return
        now, zone = hub.clock.now(), hub.profile.zone
        shown = [
            {
                **asdict(row),
                "state": _STATES.get(row.state, row.state),
                "last": ago(row.last_success, now, zone) if row.last_success else "never",
            }
            for row in rows
        ]
        print_rows(shown, _COLUMNS, False, "no connections yet: alprhub connections add NAME CONNECTOR")


def schedule(
    name: Name,
    every: Annotated[str | None, typer.Option(help="How often it is pulled, as 90s, 5m, 2h or 1d.")] = None,
    vendor: Annotated[bool, typer.Option("--vendor", help="As often as is usual with its vendor.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how often an account is pulled, or change it; schedules follow when they are served anew."""
    with failures(), open_hub() as hub:
        if every is not None and vendor:
            raise Invalid("--every and --vendor: only one of them")
        if every is not None or vendor:
            seconds = hub.connections.schedule(Actor.of_process(), name, _duration(every) if every else None)
        else:
            seconds = hub.connections.open(name)[0].every_seconds
        told = {"connection": name, "every_seconds": seconds}
        print_json(told) if as_json else console.print(f"{name}: every {timedelta(seconds=seconds)}")


def pause(name: Name, reason: Annotated[str, typer.Option(help="Why it is paused.")], as_json: AsJson = False) -> None:
    """Stop an account from running, and say what that costs."""
    with failures(), open_hub() as hub:
        cost = hub.pausing.cost(name)
        hub.connections.pause(Actor.of_process(), name, reason)
        if as_json:
            print_json(asdict(cost))
            return
        for sentence in cost.costs:
            console.print(sentence)


def resume(
    name: Name,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Whether to try the account first.")] = True,
) -> None:
    """Let an account run again, once a live check has found that it works."""
    with failures(), open_hub() as hub:
        console.print(f"{name}: {hub.connections.resume(Actor.of_process(), name, check=check)}")


def _duration(text: str) -> timedelta:
    found = _EVERY.fullmatch(text.strip())
    if not found:
        raise Invalid("every: write it as 90s, 5m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
