"""`alprhub retention preview | purge | certificates`: what is over, its end, and the proof of it."""

from typing import Annotated

import typer

from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from alprhub.cli.reads import purge
from hub.audit.record import Actor
from hub.errors import Invalid
from hub.wiring import open_hub

app = typer.Typer(help="See what is over, purge it, show and check the certificates.", no_args_is_help=True)
COLUMNS = (
    *("id", "connection", "rule", "clause", "reads", "pictures", "hits", "quarantined", "closed_at", "custodian"),
    "digest",
)

app.command()(purge)


@app.command()
def preview(as_json: AsJson = False) -> None:
    """Show what a purge would remove now, by connection and rule; changes nothing."""
    with failures(), open_hub() as hub:
        print_rows(hub.retention.preview(), ("connection", "rule", "reads"), as_json)


@app.command()
def certificates(
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole chain.")] = False,
    countersign: Annotated[int | None, typer.Option(help="Confirm the certificate of this number.")] = None,
    custodian: Annotated[str | None, typer.Option(help="The custodian of records who confirms it.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """List certificates of destruction, newest first; check their chain; note the custodian's confirmation."""
    with failures(), open_hub() as hub:
        if countersign is not None:
            if custodian is None:
                raise Invalid("custodian: say who confirms it")
            print_rows([hub.certificates.countersign(Actor.of_process(), countersign, custodian)], COLUMNS, as_json)
        elif verify:
            count = hub.certificates.verify()
            if as_json:
                print_json({"verified": count})
            else:
                console.print(f"{count} certificates, each as it was closed and behind the one before it")
        else:
            print_rows(hub.certificates.list(limit), COLUMNS, as_json)
