"""`alprhub retention certificates`: the proof of every purge, for the agency and for its custodian of records."""

from pathlib import Path
from typing import Annotated

import typer

from alprhub.cli import files
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor
from hub.errors import Invalid
from hub.wiring import Hub, open_hub

COLUMNS = (
    *("id", "connection", "rule", "clause", "reads", "pictures", "hits", "quarantined", "closed_at", "custodian"),
    "digest",
)
WAITING = ("id", "connection", "rule", "clause", "reads", "closed_at", "days", "overdue")
OVERDUE = 78


def certificates(
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole chain.")] = False,
    waiting: Annotated[
        bool, typer.Option("--open", help="Those that nobody has countersigned; exit 78 where one is overdue.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write closed ones for the custodian, as JSON that verifies by itself.")
    ] = None,
    since_id: Annotated[int, typer.Option(min=0, help="With --export: only those above this number.")] = 0,
    countersign: Annotated[int | None, typer.Option(help="Confirm the certificate of this number.")] = None,
    custodian: Annotated[str | None, typer.Option(help="The custodian of records who confirms it.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """List certificates of destruction, newest first; check their chain, hand them over, note the confirmation."""
    with failures(), open_hub() as hub:
        if countersign is not None:
            if custodian is None:
                raise Invalid("--custodian is missing: the name of the custodian of records who confirms it")
            print_rows([hub.certificates.countersign(Actor.of_process(), countersign, custodian)], COLUMNS, as_json)
        elif export is not None:
            _export(hub, export, since_id, as_json)
        elif waiting:
            found = hub.handover.waiting()
            print_rows(found, WAITING, as_json, "every certificate is countersigned")
            if any(one.overdue for one in found):
                raise typer.Exit(OVERDUE)
        elif verify:
            count = hub.certificates.verify()
            if as_json:
                print_json({"verified": count})
            else:
                console.print(f"{count} certificates, each as it was closed and behind the one before it")
        else:
            print_rows(hub.certificates.list(limit), COLUMNS, as_json)


def _export(hub: Hub, out: Path, since_id: int, as_json: bool) -> None:
    files.must_be_new(out)
    handed = hub.handover.document(Actor.of_process(), since_id)
    files.put(out, handed.body)
    told = {"file": str(out), "certificates": handed.certificates, "last_id": handed.last_id, "sha256": handed.sha256}
    if as_json:
        print_json(told)
    else:
        console.print(
            f"{out}: {handed.certificates} certificates up to number {handed.last_id}, sha256 {handed.sha256}"
        )
