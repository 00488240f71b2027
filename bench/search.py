"""Search: p50 and p95 of every kind of query, as ratios to the raw indexed look-up of one plate in the same run.

    python -m bench.search [--reads 10000000] [--on sqlite] [--on postgresql] [--keep FOLDER]

Builds the reads of `bench.town` in a scratch store with every index in place, then asks each kind of query with many
plates of it, warm. The audit record is left out: it is one insert, and it is not what differs between the kinds.
`--keep` leaves SQLite's store in a folder and uses it again.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench import full, recall
from bench.town import BODIES, COLOURS, END, MAKES, MONTHS, fill, known_plates, seen_plates
from hub.area import Circle
from hub.clock import Clock, SetClock
from hub.people import Why
from hub.search.hours import Hours
from hub.search.query import Cursor, Mode, Query
from hub.search.rows import COLUMNS, Found
from hub.settings import HubSettings
from hub.store.instant import to_micros
from hub.wiring import Hub, open_hub

ROUNDS = 80
PASSES = 3
WHY = Why("stolen_vehicle", "measuring a search")


@contextmanager
def opened(database: str, folder: Path, clock: Clock | None = None) -> Iterator[Hub]:
    """An empty hub in a scratch folder, on either database; nobody's clock moves but the one that is given."""
    clock = clock or SetClock(END)
    if database == "sqlite":
        with open_hub(HubSettings(data=folder), clock) as hub:
            yield hub
        return
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    import postgres

    # As whoever runs one for ten million reads would set it up: memory, and not a checkpoint for every gigabyte.
    large = {"shared_buffers": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min"}
    with postgres.server(**large) as server, postgres.database(server) as url:
        settings = HubSettings(data=folder, database_url=SecretStr(url))
        with open_hub(settings, clock) as hub:
            yield hub


def kinds(plates: list[str]) -> dict[str, Callable[[], Query]]:
    """Each kind of query, made anew for a plate drawn from the store."""
    draw = random.Random(5)
    a_month = {"since": END - timedelta(days=40), "until": END - timedelta(days=10)}
    a_week = {"since": END - timedelta(days=17), "until": END - timedelta(days=10)}

    def one() -> str:
        return draw.choice(plates)

    def inside(length: int) -> str:
        plate = one()
        at = draw.randrange(1, max(len(plate) - length, 2))
        return f"*{plate[at : at + length]}*"

    def holed(plate: str) -> str:
        return f"{plate[:2]}?{plate[3:5]}*"

    def looks() -> dict[str, Any]:
        return {"makes": (draw.choice(MAKES),), "colours": (draw.choice(COLOURS),), "bodies": (draw.choice(BODIES),)}

    def near(metres: float) -> Circle:
        return Circle(draw.gauss(33.86, 0.05), draw.gauss(-118.33, 0.05), metres)

    return {
        "exact": lambda: Query(WHY, plates=(one(),)),
        "look-alike": lambda: Query(WHY, plates=(one(),), mode=Mode.LOOKALIKE),
        "look-alike, candidates too": lambda: Query(WHY, plates=(one(),), mode=Mode.LOOKALIKE, candidates=True),
        "prefix of 5": lambda: Query(WHY, plates=(f"{one()[:5]}*",)),
        "prefix of 4": lambda: Query(WHY, plates=(f"{one()[:4]}*",)),
        "AB?12*": lambda: Query(WHY, plates=(holed(one()),)),
        "one edit": lambda: Query(WHY, plates=(one(),), mode=Mode.ONE_EDIT),
        "5 inside": lambda: Query(WHY, plates=(inside(5),)),
        "4 inside": lambda: Query(WHY, plates=(inside(4),)),
        "4 at the end": lambda: Query(WHY, plates=(f"*{one()[-4:]}",)),
        "3 inside": lambda: Query(WHY, plates=(inside(3),)),
        "2 inside": lambda: Query(WHY, plates=(inside(2),)),
        "every other (7?B?1?3)": lambda: Query(WHY, plates=("?".join(one()[::2]),)),
        "50 plates": lambda: Query(WHY, plates=tuple({one() for _ in range(50)})),
        "3 inside, colour, 30 days": lambda: Query(
            WHY, plates=(inside(3),), colours=(draw.choice(COLOURS),), **a_month
        ),
        "attributes, 30 days": lambda: Query(WHY, **looks(), **a_month),
        "within 1 km, 7 days": lambda: Query(WHY, area=near(1000), **a_week),
        "within 5 km, 7 days": lambda: Query(WHY, area=near(5000), **a_week),
        "within 1 km, any time": lambda: Query(WHY, area=near(1000)),
        "one camera": lambda: Query(WHY, cameras=(f"camera {draw.randrange(1, 500)}",)),
        "weekend nights": lambda: Query(WHY, hours=(Hours.parse("22:00-02:00@fri,sat"),), **a_month),
    }


def timed(kinds_of_asks: dict[str, list[Callable[[], object]]], passes: int) -> dict[str, tuple[float, float]]:
    """p50 and p95 in milliseconds over the questions of each kind.

    Every question is asked once before, then `passes` times, and its median counts. The kinds take turns, pass by pass,
    so that a machine that slows down for a while slows all of them.
    """
    took: dict[str, list[list[float]]] = {name: [[] for _ in asks] for name, asks in kinds_of_asks.items()}
    for again in range(passes + 1):
        for name, asks in kinds_of_asks.items():
            for ask, times in zip(asks, took[name], strict=True):
                started = time.perf_counter()
                ask()
                if again:
                    times.append((time.perf_counter() - started) * 1000)
    found = {name: sorted(map(median, questions)) for name, questions in took.items()}
    return {name: (times[len(times) // 2], times[int(len(times) * 0.95)]) for name, times in found.items()}


def measure(hub: Hub, plates: list[str], passes: int = PASSES) -> dict[str, tuple[float, float]]:
    """p50 and p95 in milliseconds by kind."""
    now = to_micros(END)
    with hub.store.read() as connection:
        # The same columns that an answer shows, by the driver alone.
        raw = f"""
            SELECT {COLUMNS} FROM plates p JOIN reads r ON r.plate_id = p.id
            JOIN cameras c ON c.id = r.camera_id JOIN connections n ON n.id = r.connection_id
            WHERE p.plate = :plate ORDER BY r.captured_at DESC LIMIT 50
        """
        draw = random.Random(5)

        def exact() -> Callable[[], object]:
            bound = {"plate": draw.choice(plates)}
            return lambda: hub.store.rows(connection, raw, bound)

        def ask(query: Query) -> Callable[[], list[Found]]:
            asked = replace(query, limit=50)
            return lambda: hub.search.page(connection, asked, now)

        asks: dict[str, list[Callable[[], object]]] = {"raw exact": [exact() for _ in range(ROUNDS)]}
        for name, query in kinds(plates).items():
            asks[name] = [ask(query()) for _ in range(ROUNDS)]
        page = Query(WHY, since=END - MONTHS)
        asks["page 1"] = [ask(page)] * ROUNDS
        for _ in range(99):
            last = ask(page)()[-1]
            page = replace(page, after=Cursor(to_micros(last.captured_at), last.id))
        asks["page 100"] = [ask(page)] * ROUNDS
        page = replace(page, after=Cursor(to_micros(END - MONTHS / 2), 0))
        asks["a page in the middle"] = [ask(page)] * ROUNDS
        return timed(asks, passes)


def report(database: str, found: dict[str, tuple[float, float]], tenth: dict[str, tuple[float, float]]) -> None:
    """The table of one database, beside the same kinds in a store with a tenth of the reads."""
    raw = found["raw exact"][1]
    table = Table(f"query ({database})", "p50 ms", "p95 ms", "p95 / raw exact", "p95 / at a tenth")
    for name, (half, most) in found.items():
        table.add_row(name, f"{half:.2f}", f"{most:.2f}", f"{most / raw:.1f}", f"{most / tenth[name][1]:.1f}")
    Console(width=110).print(table)


def built(stack: ExitStack, database: str, reads: int, folder: Path | None = None) -> Hub:
    """A hub with so many reads, in a scratch folder where none is named."""
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="alprhub-bench-"))
    hub = stack.enter_context(opened(database, folder or Path(scratch)))
    started = time.perf_counter()
    plates = known_plates(hub.store) or fill(hub.store, reads)
    took = time.perf_counter() - started
    print(f"{database}: {reads:,} reads, {len(plates):,} distinct plates, built in {took:.0f} s", flush=True)
    return hub


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser(description="Measure search.")
    parser.add_argument("--reads", type=int, default=int(os.environ.get("READS", "10000000")))
    parser.add_argument("--on", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--keep", type=Path)
    wanted = parser.parse_args()
    for number, database in enumerate(wanted.on or ("sqlite", "postgresql")):
        with ExitStack() as stack:
            small = built(stack, database, wanted.reads // 10)
            tenth = measure(small, seen_plates(small.store, 5000), passes=1)
        with ExitStack() as stack:
            hub = built(stack, database, wanted.reads, wanted.keep)
            report(database, measure(hub, seen_plates(hub.store, 5000)), tenth)
            if number == 0:  # both databases find the same plates
                recall.report(recall.measure(hub))
            rates, path = full.measure(hub), full.whole_path_alone(hub.settings)
            print(
                f"{database}, full: a page kept {rates['store']:,.0f} reads/s; raw {rates['raw']:,.0f}, ratio "
                f"{rates['store'] / rates['raw']:.2f} (of which its driver {rates['ready']:,.0f}); from HTTP page to "
                f"commit {path['per_cpu_s']:,.0f} reads a CPU second, resident {path['before']:.0f} -> "
                f"{path['after']:.0f} MiB\n"
            )


if __name__ == "__main__":
    main()
