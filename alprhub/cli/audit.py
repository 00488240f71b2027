"""`alprhub audit`: who did what and why, and the proof that nobody changed the record of it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.plain import print_json
from hub.audit.verification import Verified
from hub.errors import AdminMustAct, Invalid
from hub.proofs.kept import read_kept
from hub.search.query import MOST_ROWS
from hub.transparency.checkpoint import public_key
from hub.transparency.tree import ProofBroken
from hub.wiring import open_hub
from hub.words import count

app = typer.Typer(
    help="Who did what and why, and the proof that nobody changed the record of it.", no_args_is_help=True
)

COLUMNS = {
    "id": "number", "at": "time", "actor": "who", "action": "what", "target": "of", "outcome": "outcome",
    "results": "results", "purpose": "purpose", "reason": "reason", "case_number": "case",
}  # fmt: skip
DELIVERIES = {
    "at": "time", "way": "by", "first": "from event", "size": "to event", "place": "place", "what": "what is known",
}  # fmt: skip
DAMAGED = 70
Out = Annotated[Path, typer.Option("--out", help="The file to make; nothing is written over.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="The most to list.")] = 50,
    action: Annotated[str | None, typer.Option(help="Only this action, as in docs/audit-actions.md.")] = None,
    who: Annotated[str | None, typer.Option(help="Only what this person or service did.")] = None,
    as_json: AsJson = False,
) -> None:
    """List events, newest first; that you did is one of them."""
    with failures(), open_hub() as hub:
        events = hub.proofs.log_export.events(acting(), limit, action, who)
        if as_json:
            print_json(events)
        else:
            print_rows(events, COLUMNS, False, "no such event is on record", hub.governing.profile.zone)


@app.command()
def verify(
    kept: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that somebody else kept; again for each file.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="A public key that came from elsewhere, instead of those in the database; again for each."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold every event against its hash, its place, and all that was signed; exit 70 and say what was changed."""
    with failures(), open_hub() as hub:
        copies = [read_kept(files.content(file), repr(str(file))) for file in kept or ()]
        try:
            trusted = [public_key(text) for text in key or ()]
        except ProofBroken as failed:
            raise Invalid(f"--key: {failed}") from None
        found = hub.proofs.checkpoints.verify(acting(), copies, trusted)
        if as_json:
            print_json(_for_programs(found))
        elif found.whole:
            console.print(f"{count(found.size, 'event')}, each as it was written and in its place")
        else:
            for fault in found.faults:
                console.print(fault.said)
            if (more := found.many - len(found.faults)) > 0:
                console.print(f"and {count(more, 'fault')} more")
    if not found.whole:
        raise typer.Exit(DAMAGED)


@app.command()
def checkpoint(
    out: Annotated[Path | None, typer.Option(help="Write what somebody else should keep into this file.")] = None,
    after: Annotated[int, typer.Option(min=0, help="With --out: hashes of events after this number alone.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Sign the log as it is now, and show the checkpoint and the public key; hand both to somebody else."""
    with failures(), open_hub() as hub:
        if out is not None:
            files.must_be_new(out)
        signed = hub.proofs.checkpoints.signed(acting())
        if out is not None:
            files.put(out, hub.proofs.checkpoints.keep(after).document)
        if as_json:
            print_json({"size": signed.size, "at": signed.at, "note": signed.note, "key": hub.proofs.checkpoints.key})
        else:
            console.print(signed.note)
            console.print(f"public key: {hub.proofs.checkpoints.key}")


@app.command()
def deliver(as_json: AsJson = False) -> None:
    """Bring what proves the log to its witness now, by every way that is set; exit 78 where that fails."""
    with failures(), open_hub() as hub:
        if not hub.settings.witness_ways:
            raise AdminMustAct(
                "no place of a witness is set: set ALPRHUB_WITNESS_FOLDER, ALPRHUB_WITNESS_BUCKET or"
                " ALPRHUB_WITNESS_EMAIL, then repeat this"
            )
        tries = hub.proofs.witness.deliver(acting())
        if as_json:
            print_json(tries)
        else:
            rows = [{**asdict(each), "what": each.proof or each.error} for each in tries]
            print_rows(rows, DELIVERIES, False, "the witness has all of it", hub.governing.profile.zone)
    if any(each.proof is None for each in tries):
        raise typer.Exit(78)


@app.command()
def deliveries(
    limit: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="The most to list.")] = 100, as_json: AsJson = False
) -> None:
    """List what was brought to the log's witness, newest first, and what proves that it arrived."""
    with failures(), open_hub() as hub:
        tries = hub.proofs.witness.list(limit)
        if as_json:
            print_json(tries)
        else:
            rows = [{**asdict(each), "what": each.proof or each.error} for each in tries]
            print_rows(rows, DELIVERIES, False, "nothing was brought to a witness yet", hub.governing.profile.zone)


@app.command()
def export(
    out: Out,
    first: Annotated[int, typer.Option(min=1, help="The first event, by its number.")] = 1,
    last: Annotated[int | None, typer.Option(min=1, help="The last one; without it, the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write events into a file that proves itself: whoever has it, the public key and Python needs no alprhub."""
    with failures(), open_hub() as hub:
        files.must_be_new(out)
        files.put_parts(out, hub.proofs.log_export.lines(acting(), first, last), 0o600)
        key = hub.proofs.checkpoints.key
        if as_json:
            print_json({"file": str(out), "first": first, "key": key})
        else:
            console.print(f"{out}; whoever has it checks it with: alprhub audit checker --out checker.py")
            console.print(f'python3 checker.py {out} "{key}"')


@app.command()
def checker(out: Out) -> None:
    """Write the program that checks an export: one file of Python that needs nothing else."""
    from hub.transparency import checker as program

    with failures():
        files.put(out, Path(program.__file__).read_bytes())
        console.print(str(out))


@app.command("renew-key")
def renew_key(
    reason: Annotated[str, typer.Option(help="Why another key signs from now on; the audit keeps it.")],
    as_json: AsJson = False,
) -> None:
    """Begin another key that signs the log, where the one before is lost or may be known."""
    with failures(), open_hub() as hub:
        hub.proofs.log_keys.renew(acting(), reason)
        key = hub.proofs.checkpoints.key
        if as_json:
            print_json({"key": key})
        else:
            console.print(f"public key: {key}")


def _for_programs(found: Verified) -> dict[str, Any]:
    faults = [{"code": fault.code, "event": fault.event, "said": fault.said} for fault in found.faults]
    return {"whole": found.whole, "events": found.size, "root": found.root.hex(), "faults": faults, "many": found.many}
