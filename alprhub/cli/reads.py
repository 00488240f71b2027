"""`alprhub sync | search | purge`: reads in, reads found, reads gone."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.audit.record import Actor, Why
from hub.errors import Invalid
from hub.search.query import Cursor, Mode, Query
from hub.store.reads import Saved
from hub.wiring import Hub, open_hub
from normalize import vehicle
from normalize.fault import Unusable
from normalize.states import state as state_word
from normalize.times import from_iso
from normalize.word import Word


def sync(
    connection: Annotated[str, typer.Argument(help="The connection to pull.")],
    since: Annotated[str | None, typer.Option(help="ISO 8601; without it, where the last run stopped.")] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pull one window of a connection's reads, in this process and without Prefect."""
    with failures(), open_hub() as hub:
        window = (_time(hub, since, "since"), _time(hub, until, "until"))
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(
            *columns, console=console, disable=as_json or not console.is_terminal, transient=True
        ) as progress:
            task = progress.add_task(connection)
            total = Saved()

            def show(saved: Saved) -> None:
                nonlocal total
                total += saved
                progress.update(task, description=f"{connection}: {total.pulled} pulled, {total.stored} stored")

            done = hub.sync.run(Actor.of_process(), connection, *window, progress=show)
        if as_json:
            print_json(done)
        else:
            console.print(
                f"{connection}: {done.pulled} pulled = {done.stored} stored + {done.duplicates} duplicates "
                f"+ {done.quarantined} quarantined + {done.born_expired} born expired; {done.hits} hits"
            )


def search(
    plates: Annotated[list[str] | None, typer.Argument(help="Plates; ? is one character, * any run of them.")] = None,
    purpose: Annotated[str, typer.Option(help="One of the agency's purposes.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    case: Annotated[str | None, typer.Option(help="The case number, where there is one.")] = None,
    mode: Annotated[Mode, typer.Option(help="How plates must agree.")] = Mode.PATTERN,
    state: Annotated[list[str] | None, typer.Option(help="Only plates of this state.")] = None,
    since: Annotated[str | None, typer.Option(help="ISO 8601, included.")] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601, not included.")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera, by id or name.")] = None,
    connection: Annotated[list[str] | None, typer.Option(help="Only this connection.")] = None,
    make: Annotated[list[str] | None, typer.Option(help="Only this make, by NCIC's code or in words.")] = None,
    colour: Annotated[list[str] | None, typer.Option(help="Only this colour.")] = None,
    body: Annotated[list[str] | None, typer.Option(help="Only this body.")] = None,
    hits: Annotated[bool, typer.Option("--hits", help="Only reads that are on a hot list.")] = False,
    min_confidence: Annotated[float | None, typer.Option(help="Plate confidence of at least this, 0 to 1.")] = None,
    limit: Annotated[int, typer.Option(help="The most rows of a page.")] = 100,
    after: Annotated[str | None, typer.Option(help="The `next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find reads over every source, newest first; purpose and reason are asked and kept on record."""
    with failures(), open_hub() as hub:
        query = Query(
            why=Why(purpose, reason, case),
            plates=tuple(plates or ()),
            mode=mode,
            states=_codes("state", state, state_word),
            since=_time(hub, since, "since"),
            until=_time(hub, until, "until"),
            cameras=tuple(camera or ()),
            connections=tuple(connection or ()),
            makes=_codes("make", make, vehicle.make),
            colours=_codes("colour", colour, vehicle.colour),
            bodies=_codes("body", body, vehicle.body),
            hits_only=hits,
            min_confidence=min_confidence,
            limit=limit,
            after=Cursor.parse(after) if after else None,
        )
        answer = hub.search.find(Actor.of_process(), query)
        if as_json:
            print_json(answer)
            return
        columns = ("captured_at", "plate", "plate_state", "camera", "connection", "plate_confidence", "why")
        print_rows(answer.rows, columns, False, "no reads")
        for part in answer.coverage:
            if part.status != "included" or part.gaps:
                console.print(f"{part.connection}: {part.status}, {len(part.gaps)} gaps in the time asked for")
        if answer.next:
            console.print(f"more: --after {answer.next}")


def _codes(field: str, said: list[str] | None, word: Callable[[str], Word]) -> tuple[str, ...]:
    """Words as codes; raises `Invalid` for one that the vocabulary does not have."""
    codes = []
    for text in said or ():
        code = word(text).code
        if code is None:
            raise Invalid(f"{field}: {text!r} is not known here")
        codes.append(code)
    return tuple(codes)


def purge(as_json: AsJson = False) -> None:
    """Remove what has expired, from every place that holds it."""
    with failures(), open_hub() as hub:
        gone = hub.retention.purge(Actor.of_process())
        if as_json:
            print_json({"purged": gone})
        else:
            rows = [{"connection": name, "purged": count} for name, count in gone.items()]
            print_rows(rows, ("connection", "purged"), False)


def _time(hub: Hub, text: str | None, field: str) -> datetime | None:
    if text is None:
        return None
    try:
        return from_iso(text if len(text) > len("2026-01-01") else f"{text}T00:00:00", hub.profile.zone, field).at
    except Unusable as wrong:
        raise Invalid(str(wrong)) from None
