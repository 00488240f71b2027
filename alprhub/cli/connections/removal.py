"""Ending an account, and what certifies it."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from alprhub.cli import files
from alprhub.cli.connections.given import Name
from alprhub.cli.output import AsJson, console, failures, print_json
from hub.audit.record import Actor
from hub.errors import Invalid
from hub.wiring import open_hub


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
    """End an account: subscriptions and hot lists at the vendor, reads, secrets, schedule; repeat it if it stops."""
    with failures(), open_hub() as hub:
        if keep == purge:
            raise Invalid("--keep-reads or --purge-reads: say which")
        done = hub.removals.remove(
            Actor.of_process(), name, reads="purge" if purge else "keep", reason=reason, force=force
        )
        print_json(done) if as_json else _show(done)


def certificate(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="Write it to this file, which must not exist yet.")] = None,
) -> None:
    """Print the certificate of an account that was removed, with its SHA-256."""
    with failures(), open_hub() as hub:
        done = hub.removals.certificate(name)
        if out is None:
            print_json(done)
            return
        files.put(out, msgspec.json.format(msgspec.json.encode(done), indent=2))
        console.print(f"{out}: {done['sha256']}")


def _show(done: dict[str, Any]) -> None:
    told = done["certificate"]
    lists, reads = told["hot_lists"], told["reads"]
    console.print(
        f"{told['connection']} is removed: {len(told['subscriptions']['found'])} subscriptions revoked, {len(lists)}"
        f" hot lists withdrawn, {reads['purged']} reads purged and {reads['kept']} kept ({reads['held']} on hold);"
        " secrets and schedule are gone."
    )
    for missing in told["proof_missing"]:
        console.print(f"not proved: {missing}", style="yellow")
    console.print(f"certificate {done['sha256']}: alprhub connections certificate {told['connection']}")
