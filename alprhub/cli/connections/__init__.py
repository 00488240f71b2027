"""`alprhub connections`: the life of a vendor's account, from its first check to its certificate."""

import typer

from alprhub.cli.connections import accounts, agreed, changes, looking, removal, showing
from alprhub.cli.connections.given import read_settings

__all__ = ["app", "read_settings"]

app = typer.Typer(
    help="Where reads come from: add an account or a camera, watch, change or remove it.",
    no_args_is_help=True,
)
for command in (
    accounts.add,
    accounts.check,
    accounts.list_,
    showing.show,
    accounts.schedule,
    accounts.pause,
    accounts.resume,
    looking.dry_run,
    looking.health,
    looking.diagnostics,
    changes.change,
    agreed.contract,
    changes.rotate,
    changes.reparse,
    changes.reseal,
    removal.remove,
    removal.certificate,
):
    app.command(command.__name__.rstrip("_").replace("_", "-"))(command)
