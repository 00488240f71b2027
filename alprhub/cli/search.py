"""`alprhub search | export`: reads found, on the screen or as a file."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from alprhub.cli.asking import Asked, asks
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from alprhub.cli.progress import Work, working
from hub.audit.record import Actor
from hub.search.coverage import Coverage
from hub.search.formats import Format
from hub.search.query import Cursor
from hub.wiring import open_hub


@asks
def search(
    asked: Asked,
    limit: Annotated[int, typer.Option(help="The most rows of a page.")] = 100,
    after: Annotated[str | None, typer.Option(help="The `next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find reads over every source, newest first; purpose and reason are asked and kept on record."""
    with failures(), open_hub() as hub:
        query = asked.query(hub, limit=limit, after=Cursor.parse(after) if after else None)
        answer = hub.search.find(Actor.of_process(), query)
        if as_json:
            print_json(answer)
            return
        columns = (
            "captured_at",
            "plate",
            "plate_state",
            "camera",
            "connection",
            "plate_confidence",
            "why",
            "same_pass",
        )
        first = {ident: numbers[0] for numbers in answer.passes for ident in numbers}
        rows = [{**asdict(row), "same_pass": first.get(row.id)} for row in answer.rows]
        print_rows(rows, columns, False, "no reads")
        say_coverage(answer.coverage)
        if answer.next:
            about = f", about {answer.estimate} reads in all" if answer.estimated else ""
            console.print(f"more: --after {answer.next}{about}")


@asks
def export(
    asked: Asked,
    out: Annotated[Path, typer.Option(help="The file to write; its manifest goes beside it.")],
    form: Annotated[Format, typer.Option("--format", help="For spreadsheets, programs or maps.")] = Format.CSV,
    as_json: AsJson = False,
) -> None:
    """Write every read that a search finds to a file, newest first, with a manifest; writes over nothing."""

    def kept(_: Work) -> str:
        return f"{out} is not written; export it again"

    with failures(), open_hub() as hub:
        with working(kept, as_json, at_once=True) as work:
            manifest: Any = hub.export.run(
                Actor.of_process(), asked.query(hub), form, out, lambda rows: work.told("rows", rows)
            )
        if as_json:
            print_json(msgspec.to_builtins(manifest))
            return
        say_coverage(manifest.coverage)
        told = f"{out}: {manifest.rows} rows, {manifest.bytes} bytes, SHA-256 {manifest.sha256}"
        console.print(told, soft_wrap=True)


def say_coverage(coverage: list[Coverage]) -> None:
    """A line for every connection that could not answer in full."""
    for part in coverage:
        if part.status != "included" or part.gaps:
            console.print(f"{part.connection}: {part.status}, {len(part.gaps)} gaps in the time asked for")
