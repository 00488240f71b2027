"""The command tree."""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated

import typer

from alprhub.cli import (
    activation,
    ages,
    analysis,
    approvals,
    backups,
    cameras,
    certificates,
    clock,
    connections,
    connectors,
    demo,
    doctor,
    gaps,
    holds,
    hotlists,
    init,
    lookup,
    migrate,
    notices,
    one_read,
    policy,
    prefect,
    quarantine,
    reading,
    reads,
    retention,
    run,
    sandbox,
    search,
    serve,
    weights,
)
from hub.settings import strangers

app = typer.Typer(
    name="alprhub",
    cls=_Tree,
    help="One careful hub between licence-plate readers of every vendor and the agency that answers for them.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.add_typer(approvals.app, name="approvals")
app.add_typer(cameras.app, name="cameras")
app.add_typer(clock.app, name="clock")
app.add_typer(connections.app, name="connections")
app.add_typer(connectors.app, name="connectors")
app.add_typer(holds.app, name="holds")
app.add_typer(hotlists.app, name="hotlists")
app.add_typer(notices.app, name="notices")
app.add_typer(policy.app, name="policy")
app.add_typer(prefect.app, name="prefect")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(one_read.app, name="reads")
app.add_typer(retention.app, name="retention")
app.add_typer(weights.app, name="weights")
for report in (certificates.certificates, ages.ages, ages.calendar, ages.reconcile):
    retention.app.command()(report)
retention.app.add_typer(ages.canary, name="canary")
policy.app.command()(activation.preview)
policy.app.command()(activation.activate)
policy.app.command()(activation.recompute)
app.command("init")(init.init)
app.command()(migrate.migrate)
app.command()(doctor.doctor)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(reads.sync)
app.command()(reads.pictures)
app.command()(gaps.gaps)
app.command()(gaps.backfill)
app.command()(search.search)
app.command()(lookup.lookup)
app.command()(search.export)
for command in (analysis.timeline, analysis.co_travel, analysis.scenes, analysis.pattern):
    app.command(command.__name__.replace("_", "-"))(command)
app.command()(reads.purge)
app.command()(run.run)
app.command()(run.runs)
app.command("read")(reading.read)
app.command("demo")(demo.demo)
app.command()(sandbox.sandbox)
app.command()(serve.serve)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"alprhub {version('alprhub')}")
        raise typer.Exit


@app.callback()
def _every_command(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    from hub.settings import strangers

    for name, meant in strangers():
        if meant is None:  # one that is near to a setting is refused by whatever reads the settings
            sys.stderr.write(f"{name} is no setting of the hub, and is without effect\n")
