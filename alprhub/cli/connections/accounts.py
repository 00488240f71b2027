"""Adding, trying, listing, pacing, pausing and resuming."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.connections.given import (
    Agency,
    Given,
    Name,
    SecretsFile,
    SettingsFile,
    read_settings,
    warn_of_exposed,
)
from alprhub.cli.connections.needs import ask_again, ask_missing, demand_zone, show_needs
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.terminal import there
from alprhub.plain import print_json
from connectors.contract import Connector
from connectors.errors import ConnectorError, sentence
from hub.connections.accounts import ours
from hub.connections.agreed import in_words
from hub.connections.secrets import refused, validated
from hub.errors import Invalid
from hub.policy.contract import SourceContract
from hub.wiring import Hub, open_hub
from hub.words import ago, span

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
    secrets: SecretsFile = None,
    agency: Agency = None,
    contract: Annotated[
        Path | None, typer.Option(help="What was agreed with the source: a YAML file, as docs/policy.md says.")
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--kind", help="Its kind of source, where that is another than its connector's.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a vendor's account: says what it needs, asks for what is missing, tries it, and saves it if it works.

    What was typed is kept when something is refused: only that is asked again. Secrets are best typed when asked, or
    come by --secrets or --set NAME=@FILE; on the command line they stay in the shell's history.
    """
    with failures(), _unsaved(), open_hub() as hub:
        kind = hub.connections.accounts.kind(key)
        values = read_settings(given, settings, secrets, kind)
        warn_of_exposed(kind, given, name)
        agreed = None if contract is None else _agreed(hub, contract, name, kind, origin)
        if there() and not as_json:
            answer = _with_a_person(hub, name, kind, values, agency, agreed, origin)
        else:
            hub.connections.accounts.free(name)
            if not refused(kind, values):
                demand_zone(kind, values, str(hub.governing.profile.zone))
            answer = hub.connections.accounts.add(
                acting(), name, key, values, agency=agency or "", contract=agreed, origin=origin
            )
        if as_json:
            print_json({"connection": name, "connector": key, "check": answer})
        else:
            console.print(f"{name}: {answer}")
            if agreed is not None:
                console.print(f"{name}: by its contract {in_words(agreed)}")


def _agreed(hub: Hub, file: Path, name: str, kind: type[Connector[Any]], origin: str | None) -> SourceContract:
    info = kind.info
    origin = origin or info.origin
    return hub.connections.contracts.read(files.content(file), str(file), name, origin, info.retention_vendor)


@contextmanager
def _unsaved() -> Iterator[None]:
    """Say of an account that does not work that it was not saved."""
    try:
        yield
    except ConnectorError as failed:
        failed.args = (f"{sentence(failed).rstrip('.')}; nothing was saved",)
        raise


def _with_a_person(
    hub: Hub,
    name: str,
    kind: type[Connector[Any]],
    values: dict[str, Any],
    agency: str | None,
    contract: SourceContract | None,
    origin: str | None,
) -> str:
    """Add an account and say what its check found, asking until it works or the person gives up."""
    zone = str(hub.governing.profile.zone)
    hub.connections.accounts.free(name)
    show_needs(kind)
    agency = agency if agency is not None else _agency(hub.agency)
    ours(hub.agency, agency)
    while True:
        ask_missing(kind, values, zone)
        try:
            validated(kind, values)
        except Invalid as wrong:
            if not (names := refused(kind, values)):
                raise  # the fault belongs to no single setting, so there is none to ask for again
            console.print(str(wrong), style="yellow")
            ask_again(kind, values, names, zone)
            continue
        try:
            return hub.connections.accounts.add(
                acting(), name, kind.info.key, values, agency=agency, contract=contract, origin=origin
            )
        except ConnectorError as failed:
            console.print(f"It does not work so: {sentence(failed)}", style="yellow")
            again = _again(kind)
            if not again:
                raise
            ask_again(kind, values, again, zone)


def _agency(named: str) -> str:
    """The agency that a person names; another's is asked for again, and not repeated: it may be a slip of the paste."""
    while True:
        answer = str(typer.prompt("Whose account is it? Type the name of your agency")).strip()
        if answer == named:
            return answer
        console.print(f"That is not the agency of this hub, which is {named!r}.", style="yellow")


def _again(kind: type[Connector[Any]]) -> tuple[str, ...]:
    """The settings that a person wants to answer anew; what is no setting is not repeated: it may be a secret."""
    known = tuple(kind.Settings.model_fields)
    while True:
        answer = str(typer.prompt("Which settings shall be asked again? Enter gives up", default=""))
        again = tuple(answer.replace(",", " ").split())
        if all(name in known for name in again):
            return again
        console.print(f"That names no setting of {kind.info.key}, which has: {', '.join(known)}.", style="yellow")


def check(name: Name, as_json: AsJson = False) -> None:
    """Ask the vendor now whether the address and the key still work; brings no reads."""
    with failures(), open_hub() as hub:
        answer = hub.connections.accounts.check(name)
        print_json({"connection": name, "check": answer}) if as_json else console.print(answer)


def list_(
    removed: Annotated[bool, typer.Option("--removed", help="Removed ones too.")] = False, as_json: AsJson = False
) -> None:
    """List the connections, their state, and when reads last came."""
    with failures(), open_hub() as hub:
        rows = hub.connections.accounts.list(removed=removed)
        if as_json:
            print_json(rows)
            return
        now, zone = hub.clock.now(), hub.governing.profile.zone
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
    every: Annotated[str | None, typer.Option(help="How often it is asked: 90s, 5m, 2h or 1d.")] = None,
    vendor: Annotated[bool, typer.Option("--vendor", help="As often as is usual with this vendor.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how often a vendor is asked for reads, or change it; the schedule follows within a minute."""
    with failures(), open_hub() as hub:
        if every is not None and vendor:
            raise Invalid("--every and --vendor: only one of them")
        if every is not None or vendor:
            seconds = hub.connections.accounts.schedule(acting(), name, _duration(every) if every else None)
        else:
            seconds = hub.connections.accounts.open(name)[0].every_seconds
        schedule = {"connection": name, "every_seconds": seconds}
        print_json(schedule) if as_json else console.print(f"{name}: every {span(seconds)}")


def pause(name: Name, reason: Annotated[str, typer.Option(help="Why it is paused.")], as_json: AsJson = False) -> None:
    """Stop asking a vendor, and say what will be missing meanwhile."""
    with failures(), open_hub() as hub:
        cost = hub.connections.pausing.cost(name)
        hub.connections.accounts.pause(acting(), name, reason)
        if as_json:
            print_json(asdict(cost))
            return
        for sentence in cost.costs:
            console.print(sentence)


def resume(
    name: Name,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Whether to try it first.")] = True,
) -> None:
    """Go on asking a vendor, once a try has found that it works; what was missed is brought then."""
    with failures(), open_hub() as hub:
        console.print(f"{name}: {hub.connections.accounts.resume(acting(), name, check=check)}")


def _duration(text: str) -> timedelta:
    match = _EVERY.fullmatch(text.strip())
    if not match:
        raise Invalid("every: write it as 90s, 5m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
