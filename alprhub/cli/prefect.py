"""`alprhub prefect`: the schedules on a Prefect server, for agencies that want its pages, several workers, or both."""

from typing import Annotated

import typer

from alprhub.cli.listening import listening
from alprhub.cli.output import console, failures

app = typer.Typer(help="Run the schedules on a Prefect server instead of `alprhub run`.", no_args_is_help=True)


@app.command()
def server(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 4200,
) -> None:
    """Start Prefect's server as an agency should: it reports to nobody, and keeps finished runs for 30 days."""
    from flows.server import serve_prefect

    with failures():
        listening(host, port).close()  # refused here, in words: what the server says itself ends in 1
        serve_prefect(host, port)


@app.command()
def serve() -> None:
    """Run the flows from this process; it outlives an absence of the server. PREFECT_API_URL says where that is."""
    from flows import runner

    _announce(runner.api(), runner.pages())
    with failures():
        runner.serve()


@app.command()
def worker() -> None:
    """Be a worker of the pool `alprhub`; several on several machines share the work. PREFECT_API_URL says where."""
    from flows import runner

    _announce(runner.api(), runner.pages())
    with failures():
        runner.work()


def _announce(api: str, pages: str) -> None:
    if not api:
        console.print("PREFECT_API_URL is not set: start a server with `alprhub prefect server`, then")
        console.print("  export PREFECT_API_URL=http://127.0.0.1:4200/api", soft_wrap=True)
        raise typer.Exit(78)
    if (right := _right(api)) != api:
        console.print(f"PREFECT_API_URL is {api!r}: it must begin with http:// or https:// and end with /api. Write")
        console.print(f"  export PREFECT_API_URL={right}", soft_wrap=True)
        raise typer.Exit(78)
    console.print(
        f"the hub's jobs will run for the server at {api}, and be shown at {pages}/deployments. Ctrl-C ends it."
    )


def _right(api: str) -> str:
    """An address of Prefect's API as it must be written: without a scheme or the path nothing would ever answer."""
    whole = api if api.lower().startswith(("http://", "https://")) else f"http://{api.rpartition('://')[2]}"
    whole = whole.rstrip("/")
    return whole if "/api/" in f"{whole}/" else f"{whole}/api"
