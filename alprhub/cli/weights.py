"""`alprhub weights`: the files of the better reading engine."""

from pathlib import Path
from typing import Annotated

import typer

from alprhub.cli.output import AsJson, failures, print_rows
from hub.errors import Invalid

app = typer.Typer(help="Bring the weights of the better reading engine.", no_args_is_help=True)


@app.command()
def fetch(
    folder: Annotated[Path, typer.Argument(help="Where to put them; name it in ALPRHUB_MODELS afterwards.")],
    as_json: AsJson = False,
) -> None:
    """Fetch what is published with a known hash; say what must be brought by hand."""
    from native_reader.weights import WeightsMissing, WeightsRefused, fetch_all

    with failures():
        folder.mkdir(parents=True, exist_ok=True)
        outcomes: list[dict[str, str]] = []
        try:
            fetch_all(folder, told=lambda file, outcome: outcomes.append({"file": file.name, "outcome": outcome}))
        except (WeightsMissing, WeightsRefused) as refused:
            raise Invalid(str(refused)) from None
        print_rows(outcomes, ("file", "outcome"), as_json)
