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
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench import full, recall
from bench.town import BODIES, COLOURS, END, MAKES, MONTHS, fill, known_plates, seen_plates
from hub.area import Circle
from hub.audit.record import Why
from hub.clock import SetClock
from hub.search.hours import Hours
from hub.search.query import Cursor, Mode, Query
from hub.search.rows import COLUMNS, Found
from hub.settings import HubSettings
from hub.store.instant import to_micros
from hub.wiring import Hub, open_hub

ROUNDS = 80
WHY = Why("stolen_vehicle", "measuring a search")


@contextmanager
def opened(database: str, folder: Path) -> Iterator[Hub]:
    """An empty hub in a scratch folder, on either database."""
    if database == "sqlite":
        with open_hub(HubSettings(data=folder), SetClock(END)) as hub:
            yield hub
        return
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    import postgres

    with postgres.server() as server, postgres.database(server) as url:
        settings = HubSettings(data=folder, database_url=SecretStr(url))
        with open_hub(settings, SetClock(END)) as hub:
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


def timed(asks: list[Callable[[], object]]) -> tuple[float, float]:
    """p50 and p95 in milliseconds of questions that were all asked once before."""
    for ask in asks:
        ask()
    took = []
    for ask in asks:
        started = time.perf_counter()
        ask()
        took.append((time.perf_counter() - started) * 1000)
    took.sort()
    return took[len(took) // 2], took[int(len(took) * 0.95)]


def measure(hub: Hub, plates: list[str]) -> dict[str, tuple[float, float]]:
    """p50 and p95 in milliseconds by kind."""
    found: dict[str, tuple[float, float]] = {}
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

        found["raw exact"] = timed([exact() for _ in range(ROUNDS)])
        for name, query in kinds(plates).items():
            found[name] = timed([ask(query()) for _ in range(ROUNDS)])
        page = Query(WHY, since=END - MONTHS)
        found["page 1"] = timed([ask(page)] * ROUNDS)
        for _ in range(99):
            last = ask(page)()[-1]
            page = replace(page, after=Cursor(to_micros(last.captured_at), last.id))
        found["page 100"] = timed([ask(page)] * ROUNDS)
        page = replace(page, after=Cursor(to_micros(END - MONTHS / 2), 0))
        found["a page in the middle"] = timed([ask(page)] * ROUNDS)
    return found


def report(database: str, found: dict[str, tuple[float, float]]) -> None:
    """The table of one database."""
    raw = found["raw exact"][1]
    table = Table(f"query ({database})", "p50 ms", "p95 ms", "p95 / raw exact")
    for name, (half, most) in found.items():
        table.add_row(name, f"{half:.2f}", f"{most:.2f}", f"{most / raw:.1f}")
    Console(width=100).print(table)


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser(description="Measure search.")
    parser.add_argument("--reads", type=int, default=int(os.environ.get("READS", "10000000")))
    parser.add_argument("--on", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--keep", type=Path)
    wanted = parser.parse_args()
    for number, database in enumerate(wanted.on or ("sqlite", "postgresql")):
        with ExitStack() as stack:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="alprhub-bench-"))
            hub = stack.enter_context(opened(database, wanted.keep or Path(scratch)))
            started = time.perf_counter()
            plates = known_plates(hub.store) or fill(hub.store, wanted.reads)
            took = time.perf_counter() - started
            print(f"{database}: {wanted.reads:,} reads, {len(plates):,} distinct plates, built in {took:.0f} s")
            report(database, measure(hub, seen_plates(hub.store, 5000)))
            if number == 0:  # both databases find the same plates
                recall.report(recall.measure(hub))
            rates, path = full.measure(hub), full.whole_path_alone(hub.settings)
            print(
                f"{database}, full: a page kept {rates['store']:,.0f} reads/s, raw {rates['raw']:,.0f} reads/s, ratio "
                f"{rates['store'] / rates['raw']:.2f}; from HTTP page to commit {path['per_cpu_s']:,.0f} reads a CPU "
                f"second, resident {path['before']:.0f} -> {path['after']:.0f} MiB\n"
            )


if __name__ == "__main__":
    main()
