"""The command tree."""

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from alprhub.cli.lazy import Noun, Nouns


class _Tree(Nouns):
    """Every command of alprhub, in the order of its help."""

    nouns: Mapping[str, Noun] = {
        "init": Noun(
            "Say whose hub this is, by which policy and by which clock; asks for what the options leave out.",
            "init:init",
        ),
        "migrate": Noun(
            "Bring the database of this hub to the tables of this version, one step after the other; "
            "nothing else does.",
            "migrate:migrate",
        ),
        "backup": Noun(
            "Copy the whole hub as it is at one moment, while it goes on: database, audit log, pictures, "
            "waiting pushes.",
            "backups:backup",
        ),
        "restore": Noun(
            "Make a hub of a backup in an empty data folder, and purge what is over by now before anybody "
            "can ask for it.",
            "backups:restore",
        ),
        "sync": Noun("Pull one window of a connection's reads, in this process and without Prefect.", "reads:sync"),
        "pictures": Noun(
            "Fetch the pictures that runs have left, the address that ends first before all others.", "reads:pictures"
        ),
        "gaps": Noun(
            "List the times that no run covered, and those in which a camera was silent for far longer than usual.",
            "gaps:gaps",
        ),
        "backfill": Noun(
            "Pull again, oldest first and a day at a time: without times, what no run has covered.", "gaps:backfill"
        ),
        "search": Noun(
            "Find reads over every source, newest first; purpose and reason are asked and kept on record.",
            "search:search",
        ),
        "lookup": Noun(
            "Ask the store and every source that answers on demand for one plate; what comes back is kept.",
            "lookup:lookup",
        ),
        "export": Noun(
            "Write every read that a search finds to a file, newest first, with a manifest; writes over nothing.",
            "search:export",
        ),
        "timeline": Noun(
            "Where a plate went: its passes in order of time, the way between them, and what cannot be one car.",
            "analysis:timeline",
        ),
        "co-travel": Noun(
            "Which plates travel with a plate; those that chance explains least come first.", "analysis:co_travel"
        ),
        "scenes": Noun("Which plates were at several scenes, each a place and a time.", "analysis:scenes"),
        "pattern": Noun(
            "On which weekdays and at which hours a plate passes, by the agency's clock, in all and at each place.",
            "analysis:pattern",
        ),
        "purge": Noun("Remove what has expired, from every place that holds it.", "reads:purge"),
        "run": Noun(
            "Run every schedule in this process until Ctrl-C: pulls, hot lists, purge and the rest, without Prefect.",
            "run:run",
        ),
        "runs": Noun("Show what ran, newest first: when, how long, what came of it, and what went wrong.", "run:runs"),
        "read": Noun(
            "Read the plates in pictures and videos with the best engine whose weights are here; stores nothing.",
            "reading:read",
        ),
        "demo": Noun(
            "Watch four kinds of source become one store, a hot list go out and be read back, and expired reads go.",
            "demo:demo",
        ),
        "sandbox": Noun(
            "Run stand-ins for the vendors on this machine, with made-up cars that pass every minute; "
            "Ctrl-C ends them.",
            "sandbox:sandbox",
        ),
        "serve": Noun(
            "Take what vendors and cameras push to /in/CONNECTION, until told to end; /health says whether it can.",
            "serve:serve",
        ),
        "doctor": Noun(
            "Look the whole hub over: database, version, clock, key, pictures, rights, disk, and what was cut short.",
            "doctor:doctor",
        ),
        "audit": Noun("Who did what and why, and the proof that nobody changed the record of it.", "audit:app"),
        "approvals": Noun("What takes two people: see it, approve it, refuse it, or take it back.", "approvals:app"),
        "cameras": Noun("Cameras and their sites.", "cameras:app"),
        "clock": Noun("What time it is here, whether the hub trusts that, and saying that it is right.", "clock:app"),
        "connections": Noun(
            "Where reads come from: add an account or a camera, watch, change or remove it.", "connections:app"
        ),
        "connectors": Noun("List the connectors; try one on a file.", "connectors:app"),
        "holds": Noun("Hold reads that must not be purged; release, review and show them.", "holds:app"),
        "hotlists": Noun("List, import, withdraw, publish and verify hot lists.", "hotlists:app"),
        "notices": Noun("What people were told of, and a test of every way out.", "notices:app"),
        "policy": Noun(
            "Show what policy says, check a profile, ask when a read must be gone.",
            "policy:app",
            more=("activation:preview", "activation:activate", "activation:recompute"),
        ),
        "prefect": Noun("Run the schedules on a Prefect server instead of `alprhub run`.", "prefect:app"),
        "quarantine": Noun(
            "Records that could not be read and were set aside: list them, show one, try them again after a fix.",
            "quarantine:app",
        ),
        "reads": Noun("One read in full, and its picture.", "one_read:app"),
        "retention": Noun(
            "See what is over, purge it, show and check the certificates.",
            "retention:app",
            more=(
                "certificates:certificates",
                "certificates:deliver",
                "certificates:deliveries",
                "ages:ages",
                "ages:calendar",
                "ages:reconcile",
                "ages:canary",
            ),
        ),
        "weights": Noun("Bring the weights of the better reading engine.", "weights:app"),
    }


app = typer.Typer(
    name="alprhub",
    cls=_Tree,
    help="One careful hub between licence-plate readers of every vendor and the agency that answers for them.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


def _version(asked: bool) -> None:
    if asked:
        # Two that bear the same number may want other tables, and only the one that a database fits can copy it.
        typer.echo(f"alprhub {version('alprhub')}, tables of revision {_tables()}")
        raise typer.Exit


def _tables() -> str:
    """The newest revision, as `hub.store.revision` has it; read without loading the hub."""
    (hub,) = find_spec("hub").submodule_search_locations  # type: ignore[union-attr,misc]
    versions = Path(hub, "store", "migrations", "versions")
    return max(file.name[:4] for file in versions.iterdir() if file.name[:4].isdigit())


@app.callback()
def _every_command(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    from alprhub.harmless import complain, guard_the_log
    from hub.settings import strangers

    guard_the_log()
    for name, meant in strangers():
        if meant is None:  # a near miss of a setting's name is refused where settings are read
            complain(f"{name} is no setting of the hub, and is without effect")
