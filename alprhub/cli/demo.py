"""`alprhub demo`: the main job on stand-ins for three vendors and cameras of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from alprhub.cli.output import AsJson, console, failures
from alprhub.harmless import complain


def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself instead of waiting for Enter.")] = False,
    pictures: Annotated[Path | None, typer.Option(help="A folder of photos to read instead of drawn ones.")] = None,
    as_json: AsJson = False,
) -> None:
    """Watch four kinds of source become one store, a hot list go out and be read back, and expired reads go."""
    if not as_json:
        console.print("The hub of a made-up town, Marisol Beach: every car, plate and vendor here is invented.")
    try:
        from alprhub.demo import run  # brings the stand-ins, which no other command needs

        with failures():
            run(once=once, pictures=pictures, as_json=as_json)
    except KeyboardInterrupt:
        complain("\nThe demonstration was stopped. The same command begins it anew.")
        raise typer.Exit(130) from None
