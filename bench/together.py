"""Many at once: an exact search with its audit event, from a process of its own, beside each kind of long work.

    python -m bench.together [--reads 10000000] [--entries 250000] [--on sqlite] [--on postgresql]

`idle` is the search by itself. Then it goes on while a hot list is imported, and comes again unchanged; while every
read gets another end (`recompute`), while a tenth of the reads is purged, and while SQLite writes its file anew
(`vacuum`). The bar: the 95th percentile is at most three times that of `idle`, and nothing takes over 250 ms; what
belongs into the agency's quiet hour (`vacuum`) has none. Beside it stands `writer`: how long somebody who writes one
small thing, as a push does, waits for his turn.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.another_policy import put_in_force
from bench.retention import PAUSE_S, PAYLOAD, _captured, _end_of, purge, settle, vacuum_file
from bench.search import opened
from bench.town import END, cars, fill, seen_plates
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.instant import from_micros
from hub.wiring import Hub, open_hub

ACTOR: Final = Actor("bench")
IDLE_S: Final = 15.0
RATIO: Final = 3.0
LONGEST_MS: Final = 250.0
QUIET: Final = "vacuum"
"""What is done in the agency's quiet hour."""


@dataclass
class Job:
    """One kind of long work: how long it took, and the milliseconds of each search and each small write meanwhile."""

    name: str
    rows: int
    began: float
    ended: float
    searches: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)


class Asker:
    """Somebody who searches, in a process of its own, until told to stop."""

    def __init__(self, settings: HubSettings, folder: Path) -> None:
        told = {"ALPRHUB_DATA": str(settings.data)}
        if settings.database_url:
            told["ALPRHUB_DATABASE_URL"] = settings.database_url.get_secret_value()
        self._folder = folder
        command = [sys.executable, "-m", "bench.together", "--ask", str(folder)]
        self._process = subprocess.Popen(command, env={**os.environ, **told})
        while not (folder / "asking").exists():
            time.sleep(0.1)

    def stop(self) -> list[tuple[float, float]]:
        """When each search began (monotonic seconds), and how long its answer took (milliseconds)."""
        (self._folder / "stop").touch()
        self._process.wait()
        return [tuple(one) for one in json.loads((self._folder / "asked").read_text())]


def ask(folder: Path) -> None:
    """Search until the file `stop` is there."""
    asked: list[tuple[float, float]] = []
    with open_hub(HubSettings(), SetClock(END)) as hub:
        plates, number = seen_plates(hub.store, 2000), 0
        (folder / "asking").touch()
        while not (folder / "stop").exists():
            why = Why(
                next(iter(hub.governing.profile.purposes)), "measuring a search"
            )  # another policy has other purposes
            query = Query(why, plates=(plates[number % len(plates)],), limit=50)
            began = time.monotonic()
            hub.search.reads.find(ACTOR, query)
            asked.append((began, (time.monotonic() - began) * 1000))
            number += 1
            time.sleep(PAUSE_S)
    (folder / "asked").write_text(json.dumps(asked))


@contextmanager
def small_writes(hub: Hub) -> Iterator[list[tuple[float, float]]]:
    """Write one small thing now and then, and note when that began and how long it took (milliseconds)."""
    written: list[tuple[float, float]] = []
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.1):
            began = time.monotonic()
            hub.store.settle()
            written.append((began, (time.monotonic() - began) * 1000))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join()


def jobs(hub: Hub, clock: SetClock, reads: int, entries: int) -> Iterator[tuple[str, int, Callable[[], object]]]:
    """Each kind of long work in its order: its name, how many rows it is, and the work."""
    import numpy as np

    listed = [
        NewEntry(plate, "stolen", f"26-{number}", "US-CA")
        for number, plate in enumerate(cars(entries, np.random.default_rng(11)))
    ]
    yield "idle", 0, lambda: time.sleep(IDLE_S)
    yield "import", len(listed), lambda: hub.hotlists.lists.load(ACTOR, "wanted", listed, complete=True)
    yield "import, unchanged", len(listed), lambda: hub.hotlists.lists.load(ACTOR, "wanted", listed, complete=True)
    put_in_force(hub, ACTOR, "long-beach")
    yield "recompute", reads, lambda: hub.retention.recompute.run(ACTOR)
    over = _end_of(hub.store, from_micros(_captured(hub.store, reads // 10)))
    yield "purge", reads // 10, lambda: purge(hub, clock, over)
    if hub.store.is_sqlite:
        yield QUIET, 0, lambda: vacuum_file(hub)


def measure(database: str, reads: int, entries: int) -> bool:
    """Build, measure and print one database; gives whether every bar was met."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alprhub-bench-")))
        (scratch / "data").mkdir()
        clock = SetClock(END)
        hub = stack.enter_context(opened(database, scratch / "data", clock))
        began = time.perf_counter()
        fill(hub.store, reads, payload_bytes=PAYLOAD)
        settle(hub.store)
        print(f"{database}: {reads:,} reads, built in {time.perf_counter() - began:.0f} s", flush=True)
        asker, done = Asker(hub.settings, scratch), []
        with small_writes(hub) as written:
            for name, rows, work in jobs(hub, clock, reads, entries):
                started = time.monotonic()
                work()
                done.append(Job(name, rows, started, time.monotonic()))
        for spans, of in ((asker.stop(), "searches"), (written, "writes")):
            for job in done:
                getattr(job, of).extend(took for at, took in spans if job.began <= at <= job.ended)
    return report(database, done)


def report(database: str, done: list[Job]) -> bool:
    """The table of one database and its verdict."""
    idle = _p95(done[0].searches)
    table = Table(
        database, "rows", "wall s", "searches", "p50 ms", "p95 ms", "max ms", "p95 / idle", "writer p95 ms", "max ms"
    )
    missed = []
    for job in done:
        searches, writes = job.searches or [0.0], job.writes or [0.0]
        table.add_row(
            job.name, f"{job.rows:,}" if job.rows else "", f"{job.ended - job.began:.1f}", str(len(job.searches)),
            f"{median(searches):.1f}", f"{_p95(searches):.1f}", f"{max(searches):.0f}",
            f"{_p95(searches) / idle:.1f}", f"{_p95(writes):.0f}", f"{max(writes):.0f}",
        )  # fmt: skip
        if job.name != QUIET and (_p95(searches) > RATIO * idle or max(searches) > LONGEST_MS):
            missed.append(job.name)
    Console(width=140).print(table)
    bar = f"p95 at most {RATIO:.0f} times idle, and nothing over {LONGEST_MS:.0f} ms"
    print(f"{database}: {bar}: " + (f"missed beside {', '.join(missed)}" if missed else "met beside everything") + "\n")
    return not missed


def _p95(of: list[float]) -> float:
    return quantiles(of, n=20)[-1] if len(of) > 1 else max(of, default=0.0)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="a search beside long work")
    parser.add_argument("--reads", type=int, default=int(os.environ.get("READS", "10000000")))
    parser.add_argument("--entries", type=int, default=250_000)
    parser.add_argument("--on", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        ask(given.ask)
        return
    for database in given.on or ["sqlite", "postgresql"]:
        measure(database, given.reads, given.entries)


if __name__ == "__main__":
    main()
