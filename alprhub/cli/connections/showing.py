"""Showing one account whole."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Any, Final

from rich.table import Table

from alprhub.cli.connections.given import Name
from alprhub.cli.output import AsJson, console, failures
from alprhub.plain import print_json
from hub.connections.showing import LastRun, Shown
from hub.wiring import open_hub
from hub.words import count, moment, span

ABILITIES: Final = {
    "pulls_reads": "brings reads when it is asked",
    "looks_up_plates": "answers for one plate at a time",
    "receives_reads": "sends reads by itself",
    "listens": "is listened to",
    "pushes_hotlists": "takes hot lists",
    "drops_hotlists": "gives up hot lists",
    "unsubscribes": "can be told to send nothing more",
    "serves_images": "gives pictures",
    "lists_cameras": "tells its cameras",
}
ORIGINS: Final = {
    "own": "the agency's own cameras",
    "commercial": "a commercial collection",
    "native_reader": "plates that this hub reads itself",
}


def show(name: Name, as_json: AsJson = False) -> None:
    """Show one account whole: settings, pace, where it stands, its last run, and how long its reads live.

    Of secrets it says whether they are set, and nothing else.
    """
    with failures(), open_hub() as hub:
        shown = hub.connections.showing.of(name)
        if as_json:
            print_json(asdict(shown))
            return
        table = Table(box=None, show_header=False)
        for what, text in _lines(shown, hub.governing.profile.zone, hub.clock.now()):
            table.add_row(what, text)
        console.print(table)


def _lines(shown: Shown, zone: tzinfo, now: datetime) -> Iterator[tuple[str, str]]:
    paused = f"{shown.state}: {shown.state_reason}" if shown.state_reason else shown.state
    yield "connection", shown.connection
    yield "vendor", f"{shown.vendor} (connector {shown.connector})"
    yield "whose", f"{shown.agency}; {ORIGINS.get(shown.kind, shown.kind)}"
    yield "state", paused
    yield "added", moment(shown.added_at, zone)
    yield "can", "; ".join(ABILITIES.get(ability, ability) for ability in shown.abilities)
    if {"pulls_reads", "looks_up_plates"} & set(shown.abilities):
        yield (
            "asked every",
            f"{span(shown.every_seconds)}, {'as set here' if shown.own_pace else 'as usual with its vendor'}",
        )
    yield "stands at", _standing(shown, zone)
    yield "last run", _run(shown.last_run, zone)
    if shown.last_success is not None:
        yield "last good one", f"{moment(shown.last_success, zone)}, {span(now - shown.last_success)} ago"
    yield (
        "reads live",
        f"{shown.lives}, by rule {shown.rule} ({shown.clause})" if shown.lives else "no rule says how long",
    )
    for host, pictures in shown.picture_hosts_not_allowed.items():
        yield "not allowed", f"{host}, where {count(pictures, 'picture')} {'lies' if pictures == 1 else 'lie'}"
    if shown.contract is not None:
        yield "contract", shown.contract
    for setting, value in shown.settings.items():
        yield setting, "not set" if value in (None, "") else _value(value)
    for setting, is_set in shown.secrets.items():
        yield setting, "set, and not shown" if is_set else "not set"


def _value(value: Any) -> str:
    """A setting in one line; of an object only what is set, as the JSON that `--set` takes."""
    if isinstance(value, dict | list):
        return json.dumps(_set(value), ensure_ascii=False)
    return str(value)


def _set(value: Any) -> Any:
    """The value without its unset members."""
    if isinstance(value, dict):
        return {name: kept for name, inner in value.items() if (kept := _set(inner)) not in (None, "", [], {})}
    return [_set(inner) for inner in value] if isinstance(value, list) else value


def _standing(shown: Shown, zone: tzinfo) -> str:
    """Where the next run goes on, in words."""
    checkpoint, parts = shown.checkpoint, []
    if until := _instant(checkpoint.get("until")):
        parts.append(f"everything until {moment(until, zone)} was asked for")
    if shown.files_taken:
        parts.append(f"{count(shown.files_taken, 'file')} taken")
    if checkpoint.get("waiting"):
        parts.append(f"{count(len(checkpoint['waiting']), 'file')} waiting until it lies still")
    if not parts:
        return "noted where it stopped" if checkpoint else "nothing was asked for yet"
    return "; ".join(parts)


def _instant(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None


def _run(run: LastRun | None, zone: tzinfo) -> str:
    if run is None:
        return "none yet"
    at = moment(run.started_at, zone)
    if run.ended_at is None:
        return f"{at}, is under way or was cut short"
    counts = (
        f"{count(run.pulled, 'record')}: {run.stored:,} new, {run.duplicates:,} held already, {run.quarantined:,} that"
        f" could not be read, {run.born_expired:,} over before they came; {count(run.hits, 'hit')}"
    )
    return f"{at}, {counts}" if run.error is None else f"{at}, failed: {run.error} ({counts})"
