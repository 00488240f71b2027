"""`alprhub cameras`: which cameras reads came from, and the sites they belong to."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from alprhub.acting import acting
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.plain import print_json
from hub.wiring import open_hub

app = typer.Typer(help="Cameras and their sites.", no_args_is_help=True)

_COLUMNS: Final = {
    "camera": "camera",
    "site": "site",
    "connection": "source",
    "latitude": "latitude",
    "longitude": "longitude",
}


@app.command("list")
def listed(
    ids: Annotated[bool, typer.Option("--ids", help="Also what its vendor calls each camera.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every camera that a read came from."""
    with failures(), open_hub() as hub:
        cameras = hub.connections.cameras.list()
        if as_json:
            print_json(cameras)
            return
        columns = _COLUMNS | ({"vendor_id": "vendor's id"} if ids else {})
        rows = [{**asdict(camera), "camera": camera.name or camera.vendor_id} for camera in cameras]
        print_rows(rows, columns, False, "no cameras yet: they appear with the first read of each")


@app.command()
def site(
    connection: Annotated[str, typer.Argument(help="The camera's connection.")],
    camera: Annotated[str, typer.Argument(help="Its name, or the vendor's id of it.")],
    name: Annotated[str, typer.Argument(help="The site; empty takes the camera out of its site.")] = "",
) -> None:
    """Say that a camera belongs to a site: cameras of one site count as one place."""
    with failures(), open_hub() as hub:
        standing = hub.connections.cameras.set_site(acting(), connection, camera, name)
        label = standing.name or standing.vendor_id
        console.print(
            f"{label} of {connection} {f'belongs to {standing.site}' if standing.site else 'belongs to no site'}"
        )
