"""Search: p50 and p95 of every kind of query, as ratios to the raw indexed look-up of one plate in the same run.

    python -m bench.search [--reads 1000000] [--postgresql]

Builds the reads of `bench.town` in a scratch store with every index in place, then asks each kind of query with many
plates of it, warm. The audit record is left out: it is one insert, and it is not what differs between the kinds.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench.town import END, fill
from hub.audit.record import Why
from hub.clock import SetClock
from hub.search.query import Cursor, Mode, Query
from hub.settings import HubSettings
from hub.store.instant import to_micros
from hub.wiring import Hub, open_hub

ROUNDS = 60
WHY = Why("stolen_vehicle", "measuring a search")


@contextmanager
def opened(postgresql: bool) -> Iterator[Hub]:
    """An empty hub in a scratch folder, on either database."""
    with tempfile.TemporaryDirectory(prefix="alprhub-bench-") as scratch:
        if not postgresql:
            with open_hub(HubSettings(data=Path(scratch)), SetClock(END)) as hub:
                yield hub
            return
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
        import postgres

        with postgres.server() as server, postgres.database(server) as url:
            settings = HubSettings(data=Path(scratch), database_url=SecretStr(url))
            with open_hub(settings, SetClock(END)) as hub:
                yield hub


def kinds(plates: list[str]) -> dict[str, Callable[[], Query]]:
    """Each kind of query, made anew for a plate drawn from the store."""
    draw = random.Random(5)

    def one() -> str:
        return draw.choice(plates)

    def inside(length: int) -> str:
        plate = one()
        at = draw.randrange(1, max(len(plate) - length, 2))
        return f"*{plate[at : at + length]}*"

    def holed(plate: str) -> str:
        return f"{plate[:2]}?{plate[3:5]}*"

    april, may = END.replace(month=4), END.replace(month=5)
    return {
        "exact": lambda: Query(WHY, plates=(one(),), limit=50),
        "look-alike": lambda: Query(WHY, plates=(one(),), mode=Mode.LOOKALIKE, limit=50),
        "prefix 4": lambda: Query(WHY, plates=(f"{one()[:4]}*",), limit=50),
        "AB?12*": lambda: Query(WHY, plates=(holed(one()),), limit=50),
        "one edit": lambda: Query(WHY, plates=(one(),), mode=Mode.ONE_EDIT, limit=50),
        "4 inside": lambda: Query(WHY, plates=(inside(4),), limit=50),
        "3 inside": lambda: Query(WHY, plates=(inside(3),), limit=50),
        "2 inside": lambda: Query(WHY, plates=(inside(2),), limit=50),
        "attributes, 30 days": lambda: Query(WHY, makes=("TESL",), colours=("BLU",), since=april, until=may, limit=50),
    }


def measure(hub: Hub, plates: list[str]) -> dict[str, tuple[float, float]]:
    """p50 and p95 in milliseconds by kind, after one pass that warms up."""
    found: dict[str, tuple[float, float]] = {}
    now = to_micros(END)

    def timed(ask: Callable[[], object]) -> tuple[float, float]:
        took = []
        for turn in range(2 * ROUNDS):
            started = time.perf_counter()
            ask()
            if turn >= ROUNDS:
                took.append((time.perf_counter() - started) * 1000)
        took.sort()
        return took[len(took) // 2], took[int(len(took) * 0.95)]

    with hub.store.read() as connection:
        raw = text(
            "SELECT r.* FROM plates p JOIN reads r ON r.plate_id = p.id WHERE p.plate = :plate "
            "ORDER BY r.captured_at DESC LIMIT 50"
        )
        draw = random.Random(5)
        found["raw exact"] = timed(lambda: connection.execute(raw, {"plate": draw.choice(plates)}).all())
        for name, query in kinds(plates).items():
            found[name] = timed(lambda query=query: hub.search._rows(connection, query(), now))  # type: ignore[misc]
        page = Query(WHY, since=END.replace(year=2025), limit=50)
        found["page 1"] = timed(lambda: hub.search._rows(connection, page, now))
        middle = Cursor(to_micros(END.replace(month=1)), 0)
        deep = Query(WHY, since=END.replace(year=2025), limit=50, after=middle)
        found["a page in the middle"] = timed(lambda: hub.search._rows(connection, deep, now))
    return found


def main() -> None:
    """Build, measure and print."""
    parser = argparse.ArgumentParser(description="Measure search.")
    parser.add_argument("--reads", type=int, default=int(os.environ.get("READS", "1000000")))
    parser.add_argument("--postgresql", action="store_true")
    wanted = parser.parse_args()
    with opened(wanted.postgresql) as hub:
        started = time.perf_counter()
        plates = fill(hub.store, wanted.reads)
        took = time.perf_counter() - started
        found = measure(hub, plates)
    raw = found["raw exact"][1]
    table = Table("query", "p50 ms", "p95 ms", "p95 / raw exact")
    for name, (half, most) in found.items():
        table.add_row(name, f"{half:.2f}", f"{most:.2f}", f"{most / raw:.1f}")
    Console().print(table)
    where = "PostgreSQL" if wanted.postgresql else "SQLite"
    print(f"{where}: {wanted.reads:,} reads, {len(plates):,} distinct plates, built in {took:.0f} s")


if __name__ == "__main__":
    main()
