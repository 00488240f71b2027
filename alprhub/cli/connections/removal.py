"""Ending an account, and what certifies it."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.connections.given import Name
from alprhub.cli.output import AsJson, beside, console, failures
from alprhub.cli.progress import say_wait
from alprhub.cli.terminal import there
from alprhub.plain import print_json
from hub.connections.afterwards import Afterlife
from hub.errors import Invalid
from hub.wiring import open_hub
from hub.words import count


def remove(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why it is removed.")],
    keep: Annotated[bool, typer.Option("--keep-reads", help="Its reads stay until their time is up.")] = False,
    purge: Annotated[bool, typer.Option("--purge-reads", help="Its reads go now, but those that must stay.")] = False,
    force: Annotated[
        str | None, typer.Option(help="Why it goes on where the vendor cannot be reached or proves nothing.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="End it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """End a connection, at its vendor too: what was subscribed to, hot lists, reads, secrets and runs.

    It says what becomes of its reads, and asks where somebody sits at a terminal. Where it stops, it says at what; the
    same command goes on from there.
    """
    with failures(), open_hub(waits=say_wait) as hub:
        if keep == purge:
            raise Invalid("--keep-reads or --purge-reads: say which")
        after = hub.connections.afterwards.of(name)
        if not after.begun and not yes and not as_json:
            beside.print(_warned(after, purge=purge))
            if there():
                typer.confirm(f"End {name}?", abort=True, err=True)
        done = hub.connections.removals.remove(
            acting(), name, reads="purge" if purge else "keep", reason=reason, force=force
        )
        if as_json:
            print_json(done)
            return
        _show(done)
        if (after := hub.connections.afterwards.of(name)).reads:
            console.print(f"{after.keeping}.")


def certificate(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="Write it to this file, which must not exist yet.")] = None,
) -> None:
    """Print what certifies the end of a connection, with its SHA-256."""
    with failures(), open_hub() as hub:
        done = hub.connections.removals.certificate(name)
        if out is None:
            print_json(done)
            return
        files.put(out, msgspec.json.format(msgspec.json.encode(done), indent=2), 0o600)
        console.print(f"{out}: {done['sha256']}")


def _warned(after: Afterlife, *, purge: bool) -> str:
    """What ends with a connection, before it does."""
    return (
        f"{after.connection} ends here and at its vendor, and cannot be had back: its secrets are erased, and its name"
        f" stays taken. {after.purging if purge else after.keeping}."
    )


def _show(done: dict[str, Any]) -> None:
    certificate = done["certificate"]
    subscriptions, reads = certificate["subscriptions"], certificate["reads"]
    lists = [entry for entry in certificate["hot_lists"] if entry["proved"]]
    revoked = subscriptions["found"] if subscriptions["proved"] else []
    console.print(
        f"{certificate['connection']} is removed; {count(reads['purged'], 'read')} purged and {reads['kept']:,} kept"
        f" ({reads['held']:,} on hold)."
    )
    shown = [count(len(revoked), "subscription") + " revoked"] if revoked else []
    shown += [count(len(lists), "hot list") + " withdrawn"] if lists else []
    if shown:
        console.print(f"The vendor itself shows that it is so: {' and '.join(shown)}.")
    for what in ("secrets", "schedule"):
        console.print(f"{what.capitalize()}: {certificate[what]}.")
    if subscriptions.get("note"):
        console.print(f"Still to do: {subscriptions['note']}.")
    for entry in lists:
        if entry["error"]:
            console.print(f"Hot list {entry['list']}: {entry['error']}.")
    for entry in certificate["not_proved"]:
        forced = f"; it went on because: {entry['forced']}" if entry["forced"] else ""
        console.print(f"NOT proved: {entry['what']}, because {entry['because']}{forced}.", style="yellow")
    console.print(f"Certificate {done['sha256']}: alprhub connections certificate {certificate['connection']}")
