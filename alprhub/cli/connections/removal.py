"""Ending an account, and what certifies it."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.connections.given import Name
from alprhub.cli.output import AsJson, console, failures
from alprhub.cli.progress import say_wait
from alprhub.plain import print_json
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
    as_json: AsJson = False,
) -> None:
    """End a connection, at its vendor too: what was subscribed to, hot lists, reads, secrets and runs.

    Where it stops, it says at what; the same command goes on from there.
    """
    with failures(), open_hub(waits=say_wait) as hub:
        if keep == purge:
            raise Invalid("--keep-reads or --purge-reads: say which")
        done = hub.connections.removals.remove(
            acting(), name, reads="purge" if purge else "keep", reason=reason, force=force
        )
        print_json(done) if as_json else _show(done)


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
