"""`alprhub gaps | backfill`: what may be missing, and pulling it again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from alprhub.acting import acting
from alprhub.cli import moments
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.progress import Work, working
from alprhub.cli.pulling import kept, say_done, shows
from alprhub.plain import print_json
from hub.ingest.gaps import NOT_ASKED, STILL_SILENT, Gap
from hub.jobs.by_hand import by_hand
from hub.jobs.proved import Done
from hub.wiring import open_hub
from hub.words import moment, span

_NONE: Final = (
    "no gap that the hub can see: runs covered every time since the first of them, and no camera fell silent for far"
    " longer than usual. A source that never ran, or that only pushes, has no runs to tell by"
)
_HOLES: Final = {"connection": "source", "since": "from", "until": "until", "lasting": "lasting", "reason": "why"}
_SILENT: Final = {
    "connection": "source",
    "camera": "camera",
    "since": "last silence from",
    "until": "until",
    "lasting": "lasting",
    "usual": "usually at most",
    "silences": "silences",
    "still": "still silent",
}


def gaps(
    connection: Annotated[str | None, typer.Argument(help="Only this connection and its cameras.")] = None,
    since: Annotated[str | None, typer.Option(help=f"{moments.FORMS}; without it, from the first run on.")] = None,
    until: Annotated[str | None, typer.Option(help="Written the same way; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the times that no run covered, and those in which a camera was silent for far longer than usual."""
    with failures(), open_hub() as hub:
        window = moments.window(hub, since, until)
        gaps = hub.ingest.gaps.find(acting(), connection, *window)
        if as_json:
            print_json(gaps)
        else:
            if any(window):
                console.print(moments.understood(hub, *window))
            _print(gaps, hub.governing.profile.zone, hub.clock.now())


def backfill(
    connection: Annotated[str, typer.Argument(help="The connection to pull.")],
    since: Annotated[
        str | None, typer.Option(help=f"{moments.FORMS}; pulls everything from then, covered or not, for late reads.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Written the same way; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pull again, oldest first and a day at a time: without times, what no run has covered."""

    def stopped(work: Work) -> str:
        return f"{kept(work, connection)}; alprhub backfill {connection} goes on from there"

    with failures(), working(stopped, as_json) as work, open_hub(sleep=work.sleep, waits=work.waits) as hub:
        window = moments.window(hub, since, until)
        show = shows(work, connection, hub.governing.profile.zone)
        with by_hand(hub, "backfill", connection, connection) as came:
            done = hub.ingest.sync.backfill(acting(), connection, *window, progress=show)
            came(Done(asdict(done)))
        elsewhere = hub.ingest.pictures_due.not_allowed(connection) if done.pictures_not_allowed else {}
        if any(window) and not as_json:
            console.print(moments.understood(hub, *window))
    say_done(connection, done, elsewhere, as_json)


def _print(entries: Sequence[Gap], zone: ZoneInfo, now: datetime) -> None:
    """Times that no run covered, then cameras with their last silence; the time since a last run has its own line."""
    holes = [gap for gap in entries if gap.camera is None and not gap.since_last_run]
    silent: dict[tuple[str, str | None], list[Gap]] = {}
    for gap in entries:
        if gap.camera is not None:
            silent.setdefault((gap.connection, gap.camera_id), []).append(gap)
    if not holes and not silent:
        console.print(_NONE)
    if holes:
        print_rows([_row(gap) for gap in holes], _HOLES, False, zone=zone)
        for name in dict.fromkeys(gap.connection for gap in holes):
            console.print(f"alprhub backfill {name}  # asks {name} for what no run covered")
    if silent:
        called = Counter((gaps[0].connection, gaps[0].camera) for gaps in silent.values())
        rows = []
        for gaps in silent.values():
            last = max(gaps, key=lambda gap: gap.until)
            known = called[last.connection, last.camera] == 1
            camera = last.camera if known else f"{last.camera} ({last.camera_id})"
            still = last.reason == STILL_SILENT
            rows.append({**_row(last), "camera": camera, "silences": len(gaps), "still": still})
        print_rows(sorted(rows, key=lambda row: row["until"], reverse=True), _SILENT, False, zone=zone)
    for gap in entries:
        if gap.since_last_run:
            why = "" if gap.reason == NOT_ASKED else f": {gap.reason}"
            ago = f" ({span(now - gap.since)} ago)" if now > gap.since else ""
            console.print(f"{gap.connection}: no run since {moment(gap.since, zone)}{ago}{why}")


def _row(gap: Gap) -> dict[str, Any]:
    cells = {field.name: getattr(gap, field.name) for field in fields(gap)}
    usual = None if gap.usual_seconds is None else timedelta(seconds=gap.usual_seconds)
    return {**cells, "lasting": gap.until - gap.since, "usual": usual}
