"""`alprhub cameras`: which cameras reads came from, and the sites they belong to."""

from typing import Annotated

import typer

from alprhub.cli.output import AsJson, failures, print_rows
from hub.audit.record import Actor
from hub.wiring import open_hub

app = typer.Typer(help="Cameras and their sites.", no_args_is_help=True)


@app.command("list")
def listed(as_json: AsJson = False) -> None:
    """Every camera that a read came from."""
    with failures(), open_hub() as hub:
        columns = ("connection", "vendor_id", "name", "latitude", "longitude", "site")
        print_rows(hub.cameras.list(), columns, as_json, "no cameras")


@app.command()
def site(
    connection: Annotated[str, typer.Argument(help="The camera's connection.")],
    camera: Annotated[str, typer.Argument(help="The vendor's id of the camera.")],
    name: Annotated[str, typer.Argument(help="The site; empty takes the camera out of its site.")] = "",
) -> None:
    """Say that a camera belongs to a site: cameras of one site count as one place."""
    with failures(), open_hub() as hub:
        hub.cameras.set_site(Actor.of_process(), connection, camera, name)
