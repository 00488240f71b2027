"""`alprhub retention preview | purge | vacuum | destroy | orders`: what is over, its end, what a court ends before."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.asking import Typed, asks, needs
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.progress import Work, working
from alprhub.cli.reads import purge
from alprhub.cli.second import approver, next_step
from alprhub.plain import print_json
from hub.cases.orders import NewOrder
from hub.errors import Invalid
from hub.jobs.by_hand import by_hand
from hub.jobs.proved import Done
from hub.store.engine import Traces
from hub.wiring import open_hub
from hub.words import count

app = typer.Typer(help="See what is over, purge it, show and check the certificates.", no_args_is_help=True)
_ORDERS = {
    "number": "order",
    "court": "court",
    "reads": "reads",
    "at": "carried out",
    "proposed_by": "proposed by",
    "approved": "approved by",
    "reason": "reason",
    "sha256": "SHA-256 of the file",
}

_NOT_WRITTEN: Final[dict[Traces, str]] = {
    "vacuum": "nothing was purged since the database's file was last written anew",
    "encrypted": "not done: ALPRHUB_DISK_ENCRYPTED says that the disk is encrypted; without that setting it is done",
    "server": (
        "nothing to do: PostgreSQL itself makes the space of what was purged free for new rows (autovacuum, on which"
        " the hub relies), and docs/policy.md says how long old bytes may lie in its files"
    ),
}

app.command()(purge)


@app.command()
def preview(as_json: AsJson = False) -> None:
    """Show what a purge would remove now, by connection and rule; changes nothing."""
    with failures(), open_hub() as hub:
        columns = {"connection": "source", "rule": "rule", "reads": "reads that are over"}
        print_rows(hub.retention.expired.preview(), columns, as_json, "nothing is over: a purge would remove nothing")


@app.command()
def vacuum(as_json: AsJson = False) -> None:
    """Have the database write its file anew now, so that no byte of what was purged is left in it.

    It does so every night after a purge. Meanwhile nobody writes to the database; questions are answered.
    """

    def stopped(_: Work) -> str:
        return "the database is as it was; alprhub retention vacuum begins anew"

    with failures(), working(stopped, as_json) as work, open_hub() as hub, by_hand(hub, "vacuum") as came:
        done = hub.retention.vacuum.run(acting(), work.told)
        came(Done(done))
        traces = hub.store.traces
    if as_json:
        print_json({**done, "traces": traces})
    elif done["megabytes"]:
        megabytes = count(done["megabytes"], "megabyte")
        console.print(f"{megabytes} written anew: nothing that was purged is left in the database's file")
    else:
        console.print(_NOT_WRITTEN[traces])


@app.command()
@needs("reason")
@asks
def destroy(
    asked: Typed,
    order: Annotated[Path, typer.Option(help="The file of the court's order; the hub keeps it.")],
    number: Annotated[str, typer.Option(help="The order's number.")],
    court: Annotated[str, typer.Option(help="The court that ordered it.")],
    read: Annotated[list[int] | None, typer.Option(help="Only this read, by id, and no question.")] = None,
    as_json: AsJson = False,
) -> None:
    """Propose to destroy the reads that a court's order names, also those that policy would keep for a time yet.

    Nothing is destroyed before somebody else approves it. What somebody holds is refused.
    """
    with failures(), open_hub() as hub:
        new = NewOrder(number, court, asked.reason, files.content(order), order.name)
        if read:
            if Typed(purpose=asked.purpose, reason=asked.reason, case=asked.case, event=asked.event) != asked:
                raise Invalid("read: ids and a question exclude each other")
            proposal = hub.cases.orders.destroy(acting(), new, reads=read)
        else:
            proposal = hub.cases.orders.destroy(acting(), new, asked.query(hub))
        if as_json:
            print_json(proposal)
        else:
            console.print(f"proposed, and nothing is destroyed yet: {proposal.words}")
            console.print(next_step(proposal, hub))


@app.command()
def orders(
    save: Annotated[str | None, typer.Option(help="Write the file of the order of this number.")] = None,
    to: Annotated[Path | None, typer.Option(help="Where to; it must not be there yet.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the orders that were carried out, the oldest first, or write the file of one as it was attached."""
    with failures(), open_hub() as hub:
        if save is None:
            orders = hub.cases.orders.list()
            if as_json:
                print_json(orders)
                return
            rows = [{**asdict(order), "approved": approver(order.approved_by, order.approval)} for order in orders]
            print_rows(rows, _ORDERS, False, "no orders", hub.governing.profile.zone)
            return
        if to is None:
            raise Invalid("--to is missing: the file that the order is to be written to")
        files.must_be_new(to)
        files.put(to, hub.cases.orders.file(save), 0o600)
        console.print(f"order {save}: written to {to}")
