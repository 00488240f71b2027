"""`alprhub sync | purge`: reads in, reads gone."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from alprhub.acting import acting
from alprhub.cli import moments
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.progress import Work, working
from alprhub.cli.pulling import kept, say_done, say_elsewhere, shows
from alprhub.plain import print_json
from hub.jobs.by_hand import by_hand
from hub.jobs.catalogue import pulling
from hub.jobs.proved import Done
from hub.jobs.purging import purged
from hub.store.engine import Traces
from hub.wiring import open_hub
from hub.words import count

_TRACES: Final[dict[Traces, str]] = {
    "vacuum": "Bytes of them are left in the database's file until it is written anew, in the night after: alprhub"
    " retention vacuum does it at once.",
    "encrypted": "Bytes of them are left in the database's file; its disk is encrypted, says ALPRHUB_DISK_ENCRYPTED.",
    "server": "Bytes of them are left in the files of PostgreSQL, which are its administrator's: see docs/policy.md.",
}


def sync(
    connection: Annotated[str, typer.Argument(help="The connection to pull.")],
    since: Annotated[str | None, typer.Option(help=f"{moments.FORMS}; without it, where the last run stopped.")] = None,
    until: Annotated[str | None, typer.Option(help="Written the same way; without it, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pull one window of a connection's reads, in this process and without Prefect."""

    def stopped(work: Work) -> str:
        return f"{kept(work, connection)}; alprhub sync {connection} goes on from there"

    with failures(), working(stopped, as_json) as work, open_hub(sleep=work.sleep, waits=work.waits) as hub:
        window = moments.window(hub, since, until)
        show = shows(work, connection, hub.governing.profile.zone)
        with by_hand(hub, pulling(*window), connection, connection) as came:
            done = hub.ingest.sync.run(acting(), connection, *window, progress=show)
            came(Done(asdict(done)))
        elsewhere = hub.ingest.pictures_due.not_allowed(connection) if done.pictures_not_allowed else {}
        if any(window) and not as_json:
            console.print(moments.understood(hub, *window))
    say_done(connection, done, elsewhere, as_json)


def purge(as_json: AsJson = False) -> None:
    """Remove what has expired, from every place that holds it."""

    def stopped(work: Work) -> str:
        gone = count(work.done.get("reads removed", 0), "read")
        return f"{gone} removed and certified; alprhub purge goes on from there"

    with failures(), working(stopped, as_json) as work, open_hub() as hub, by_hand(hub, "purge") as came:
        done = purged(hub, acting(), work.told)
        came(done)
        traces = hub.store.traces
    if as_json:
        print_json({"purged": done.counts, "traces": traces, "undelivered": done.unproved})
        return
    rows = [{"connection": name, "purged": count} for name, count in done.counts.items()]
    print_rows(rows, {"connection": "source", "purged": "reads removed"}, False, "nothing was over")
    if any(done.counts.values()):
        console.print(_TRACES[traces])
    if done.unproved:
        console.print(f"{done.unproved}: alprhub retention deliver tries again, and says why", style="yellow")


def pictures(as_json: AsJson = False) -> None:
    """Fetch the pictures that runs have left, the address that ends first before all others."""

    def stopped(work: Work) -> str:
        return f"{count(work.done.get('pictures', 0), 'picture')} kept; alprhub pictures goes on from there"

    with failures(), working(stopped, as_json) as work, open_hub(sleep=work.sleep, waits=work.waits) as hub:
        done = hub.ingest.pictures_due.run(told=lambda counts: work.told("pictures", counts.fetched))
        elsewhere = hub.ingest.pictures_due.not_allowed() if done["not_allowed"] else {}
    if as_json:
        print_json({**done, "picture_hosts_not_allowed": elsewhere})
    else:
        console.print(
            f"{count(done['fetched'], 'picture')} fetched, {done['gone']:,} gone at the vendor, "
            f"{done['failed']:,} failed for now, {done['left']:,} left for the next time"
        )
        say_elsewhere(elsewhere, "alprhub connections health says whose they are and how they are allowed")
