"""`alprhub notices`: what people were told, and whether it gets to them."""

from typing import Annotated

import typer

from alprhub.acting import acting
from alprhub.cli.output import AsJson, failures, print_rows
from alprhub.plain import print_json
from hub.errors import AdminMustAct
from hub.notices.outbox import Sent
from hub.notices.ways import SETTINGS
from hub.search.query import MOST_ROWS
from hub.wiring import open_hub
from hub.words import moment, yes

app = typer.Typer(help="What people were told of, and a test of every way out.", no_args_is_help=True)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(help="The most to show.", min=1, max=MOST_ROWS)] = 50, as_json: AsJson = False
) -> None:
    """List the newest notices, and by which ways they went out."""
    with failures(), open_hub() as hub:
        notices, zone = hub.notices.telling.list(limit), hub.governing.profile.zone
        if as_json:
            print_json([_for_programs(notice) for notice in notices])
            return
        rows = [
            {"time": moment(entry.notice.at, zone), "notice": entry.notice.title, "sent": _sent(entry)}
            for entry in notices
            if entry.notice.kind != "dropped"
        ]
        print_rows(rows, ("time", "notice", "sent"), False, "nobody was told of anything yet")


@app.command("test")
def try_out(as_json: AsJson = False) -> None:
    """Send a test by every way out that is set, and say what came of it; exit 78 where one failed or none is set."""
    with failures(), open_hub() as hub:
        tried = hub.notices.telling.test(acting())
        if as_json:
            print_json(tried)
        elif tried:
            rows = [
                {"way": attempt.way, "sent": yes(attempt.sent), "what_came_of_it": attempt.said} for attempt in tried
            ]
            print_rows(rows, ("way", "sent", "what_came_of_it"), False)
        if not tried:
            raise AdminMustAct(f"no way out is set, so nobody is told of anything: set {SETTINGS}")
    if not all(attempt.sent for attempt in tried):
        raise typer.Exit(78)


def _for_programs(sent: Sent) -> dict[str, object]:
    notice = sent.notice
    fields = ("id", "kind", "connection", "code", "at", "title", "body")
    ways = [{"way": way, "sent_at": at, "said": sent.said[way]} for way, at in sent.sent.items()]
    return {**{name: getattr(notice, name) for name in fields}, "ways": ways}


def _sent(sent: Sent) -> str:
    """By which ways it went, and what stands against the others."""
    parts = []
    for way, at in sent.sent.items():
        parts.append(way if at is not None else f"{way} waits: {sent.said[way] or 'not tried yet'}")
    return "; ".join(parts) or "by no way: none was set"
