"""`alprhub serve`: take what vendors push."""

from pathlib import Path
from typing import Annotated

import typer

from alprhub.cli import files
from alprhub.cli.output import console, failures
from hub.wiring import open_hub, open_inbox


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8355,
    certificate: Annotated[str | None, typer.Option(help="A file with the TLS certificate chain.")] = None,
    private_key: Annotated[str | None, typer.Option(help="A file with its private key.")] = None,
) -> None:
    """Take what vendors push to /in/CONNECTION, until told to end; what was taken is kept first."""
    import uvicorn

    from alprhub.web.app import web_app

    with failures(), open_hub() as hub, open_inbox(hub) as inbox:
        for file in filter(None, (certificate, private_key)):
            files.content(Path(file))  # what is not there is told by its name, and before anything listens
        console.print(f"http{'s' if certificate else ''}://{host}:{port}/in/CONNECTION")
        # No access log: an address may end in a camera's secret.
        uvicorn.run(
            web_app(inbox), host=host, port=port, access_log=False, log_level="warning", ws="none", lifespan="off",
            server_header=False, ssl_certfile=certificate, ssl_keyfile=private_key,
        )  # fmt: skip
