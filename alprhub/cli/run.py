"""`alprhub run | runs`: the schedules in one process, and what ran."""

import signal
import threading
from contextlib import ExitStack
from datetime import datetime
from typing import Annotated, Any

import typer

from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.plain import print_json
from hub import words
from hub.absent import absent, no_connection
from hub.errors import NotFound
from hub.jobs.catalogue import FILLING
from hub.jobs.jobs import JOBS, Jobs
from hub.jobs.loop import Loop
from hub.jobs.opening import opened_in_time
from hub.jobs.record import JobRun, JobRuns
from hub.jobs.told import told
from hub.search.query import MOST_ROWS
from hub.wiring import Hub, open_hub

QUIET = ("notices", "pictures")
"""Jobs that look every few minutes whether there is something to do."""


def run() -> None:
    """Run every schedule in this process until Ctrl-C: pulls, hot lists, purge and the rest, without Prefect."""
    stop = threading.Event()
    with failures(), ExitStack() as stack:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        hub = opened_in_time(stack, stop)
        if hub is None:
            console.print("ended before there was a hub to open")
            return
        jobs, zone = Jobs(hub, "alprhub run"), hub.governing.profile.zone
        console.print(f"{_scheduled(hub)}. What ran: alprhub runs. Ctrl-C ends it.")

        def tell(run: JobRun) -> None:
            if run.good and not any(run.counts.values()):
                return  # nothing came, and nothing is amiss
            console.print(f"{datetime.now(zone):%H:%M:%S} {_title(run)}: {_sentence(run)}")

        cut = Loop(jobs, JOBS, tell).run(stop)
        console.print(f"ended{f'; {cut} cut short, which go on at the next start' if cut else ''}")


def runs(
    job: Annotated[str | None, typer.Option(help="Only this job: sync, publish, verify, purge …")] = None,
    connection: Annotated[str | None, typer.Option(help="Only what concerns this connection.")] = None,
    bad: Annotated[bool, typer.Option("--bad", help="Only runs that somebody should look at.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also runs of notices and pictures in which there was nothing to do.")
    ] = False,
    limit: Annotated[int, typer.Option(help="The most runs to show.", min=1, max=MOST_ROWS)] = 30,
    as_json: AsJson = False,
) -> None:
    """Show what ran, newest first: when, how long, what came of it, and what went wrong."""
    with failures(), open_hub() as hub:
        record = JobRuns(hub.store, hub.clock)
        record.settle()
        without = () if everything or job else QUIET
        runs = record.newest(limit, job=job, concerning=connection, bad=bad, without=without)
        if not runs:
            _known(hub, job, connection)
        if as_json:
            print_json(runs)
            return
        rows = [_row(run, hub) for run in runs]
        nothing = (
            "nothing ran yet: `alprhub run` starts the schedules"
            if not (job or connection or bad)
            else "no run went badly"
            if bad
            else "no such run"
        )
        print_rows(rows, ("started", "took", "job", "result", "counts", "what_went_wrong"), False, nothing)


def _known(hub: Hub, job: str | None, connection: str | None) -> None:
    """Raise `NotFound` for a job or a connection that there never was: a slip of the hand is no empty record."""
    jobs = [*Jobs(hub, "").catalogue.jobs, FILLING]
    if job is not None and job not in jobs:
        raise NotFound(absent("job", job, jobs))
    accounts = [account.name for account in hub.connections.accounts.list(removed=True)]
    if connection is not None and connection not in accounts:
        raise NotFound(no_connection(connection, accounts))


def _scheduled(hub: Hub) -> str:
    active = [account for account in hub.connections.accounts.list() if account.state == "active"]
    lists = hub.hotlists.lists.names()
    return f"schedules run for {words.count(len(active), 'connection')} and {words.count(len(lists), 'hot list')}"


def _row(run: JobRun, hub: Hub) -> dict[str, Any]:
    lasted = (run.ended_at or hub.clock.now()) - run.started_at
    return {
        "started": words.moment(run.started_at, hub.governing.profile.zone),
        "took": words.span(lasted) + ("" if run.ended_at else " so far"),
        "job": _title(run),
        "result": {"done": "good", "unproved": "not proved", "running": "under way"}.get(run.outcome, run.outcome),
        "counts": told(run.counts, run.job),
        "what_went_wrong": run.error or "",
    }


def _title(run: JobRun) -> str:
    return f"{run.job} {run.subject}".strip()


def _sentence(run: JobRun) -> str:
    bad = {"failed": "failed", "unproved": "NOT PROVED"}.get(run.outcome)
    parts = (told(run.counts, run.job), f"{bad}: {run.error}" if bad else "")
    return ", ".join(part for part in parts if part) or "done"
