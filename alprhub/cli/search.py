"""`alprhub search | export`: reads found, on the screen or as a file."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from alprhub.acting import acting
from alprhub.cli import moments
from alprhub.cli.asking import Typed, asks
from alprhub.cli.found import Ids, nothing_found, print_found, say_coverage
from alprhub.cli.output import AsJson, console, failures
from alprhub.cli.progress import Work, working
from alprhub.plain import print_json
from hub.search.export import WithPictures
from hub.search.formats import Format, form_of
from hub.search.query import Cursor
from hub.wiring import open_hub
from hub.words import count


@asks
def search(
    asked: Typed,
    limit: Annotated[int, typer.Option(help="The most rows of a page.")] = 100,
    after: Annotated[str | None, typer.Option(help="The `next` of the page before.")] = None,
    ids: Ids = False,
    as_json: AsJson = False,
) -> None:
    """Find reads over every source, newest first; purpose and reason are asked and kept on record."""
    with failures(), open_hub() as hub:
        query = asked.query(hub, limit=limit, after=Cursor.parse(after) if after else None)
        answer = hub.search.reads.find(acting(), query)
        if as_json:
            print_json(answer)
            return
        if query.since or query.until:
            console.print(moments.understood(hub, query.since, query.until))
        print_found(hub, answer.rows, nothing_found(hub, query), ids=ids, passes=answer.passes)
        if answer.passes and not ids:
            rows = count(sum(map(len, answer.passes)), "row")
            console.print(
                f"{rows} are {count(len(answer.passes), 'pass', 'passes')} seen more than once: --ids says which"
            )
        say_coverage(hub, answer.coverage)
        if answer.next:
            console.print(f"there may be more: --after {answer.next}")


@asks
def export(
    asked: Typed,
    out: Annotated[Path, typer.Option(help="The file to write; its manifest goes beside it.")],
    form: Annotated[
        Format | None,
        typer.Option("--format", help="For spreadsheets, programs or maps; else as the file's name ends."),
    ] = None,
    pictures: Annotated[bool, typer.Option("--pictures", help="With their pictures, in a .zip.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write every read that a search finds to a file, newest first, with a manifest; writes over nothing.

    A text that a spreadsheet would run has an apostrophe in front, and a sign that steers a terminal or turns text
    around is written as its number (\\u202e).
    """

    def kept(_: Work) -> str:
        return f"{out} is not written; export it again"

    with failures(), open_hub() as hub:
        with working(kept, as_json, at_once=True) as work:
            manifest: Any = hub.search.export.run(
                acting(),
                asked.query(hub),
                form_of(out, form, pictures),
                out,
                lambda rows: work.told("rows", rows),
                pictures=pictures,
            )
        if as_json:
            print_json(msgspec.to_builtins(manifest))
            return
        say_coverage(hub, manifest.coverage)
        if isinstance(manifest, WithPictures):
            console.print(_pictures(manifest))
        receipt = f"{out}: {count(manifest.rows, 'row')}, {count(manifest.bytes, 'byte')}, SHA-256 {manifest.sha256}"
        console.print(receipt, soft_wrap=True)


def _pictures(manifest: WithPictures) -> str:
    """How many pictures are in an archive, and why others are not."""
    whys = {"wanted": "not fetched yet", "gone": "not at the source any more", "lost": "not in the hub's store"}
    missing = [f"{number:,} {whys.get(state, state)}" for state, number in manifest.not_in_it.items()]
    return f"{count(len(manifest.pictures), 'picture')}" + (f"; without {', '.join(missing)}" if missing else "")
