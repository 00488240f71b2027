"""Ingest: reads a second from a vendor's pages to the store, beside the raw driver and beside dlt, in one run.

    python -m bench.ingest [--reads 10000] [--json]

All four load the same pages of the Rekor stand-in, which runs in a process of its own: `raw` decodes and inserts with
sqlite3's executemany into one table with a unique key, the least that any loader must do; `dlt` merges on the key into
SQLite; `hub` is `sync` from HTTP page to commit, on SQLite and on PostgreSQL. First load, then the same again, in
several rounds; each loader's best round counts, because other work on the machine can only slow one down.
"""

import argparse
import gc
import json
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import open_hub

PAGE = 1000
ROUNDS = 5
FIRST = 3.5
AGAIN = 20
"""How many times as fast as dlt we want to be, at the first load and when the same comes again."""
REACH = timedelta(days=29)
COLUMNS = ("agent_uid", "best_plate", "best_confidence", "epoch_time_start", "camera", "site")


@contextmanager
def vendor(reads: int) -> Iterator[tuple[str, str]]:
    """The Rekor stand-in in another process: its address and key."""
    command = [sys.executable, "-m", "alprhub.sandbox", "rekor", "--port", "0", "--passes", str(reads)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        yield told["settings"]["base_url"], told["settings"]["api_key"]
    finally:
        process.terminate()
        process.wait()


def pages(url: str, key: str, since: datetime, until: datetime) -> Iterator[list[dict[str, Any]]]:
    """Scout's pages of a window: there is no cursor, so each starts where the last one ended."""
    start, end = since.isoformat(), until.isoformat()
    with httpx.Client() as client:
        while True:
            params = {"api_key": key, "start": start, "end": end, "topn": PAGE, "order": "asc"}
            page = msgspec.json.decode(client.get(f"{url}/api/search/plate", params=params).raise_for_status().content)
            yield page
            if len(page) < PAGE:
                return
            start = page[-1]["fields"]["epoch_time_start"]


def raw(file: Path, url: str, key: str, since: datetime, until: datetime) -> int:
    """Pages into one table, each kept once."""
    base = sqlite3.connect(file)
    base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=16000")
    base.execute(f"CREATE TABLE IF NOT EXISTS reads (uuid PRIMARY KEY, payload, {', '.join(COLUMNS)})")
    marks = ", ".join("?" * (len(COLUMNS) + 2))
    for page in pages(url, key, since, until):
        rows = [
            (item["fields"]["best_uuid"], msgspec.json.encode(item), *(item["fields"][name] for name in COLUMNS))
            for item in page
        ]
        with base:
            base.executemany(f"INSERT INTO reads VALUES ({marks}) ON CONFLICT DO NOTHING", rows)
    count = int(base.execute("SELECT count(*) FROM reads").fetchone()[0])
    base.close()
    return count


def dlt_pipeline(folder: Path, url: str, key: str, since: datetime, until: datetime) -> Callable[[], int]:
    """The same pages through dlt: merge on the key, no child tables, SQLite."""
    os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="CRITICAL")
    import dlt

    file = folder / "dlt.sqlite3"
    destination = dlt.destinations.sqlalchemy(f"sqlite:///{file}")
    pipeline = dlt.pipeline("bench", pipelines_dir=str(folder / "dlt"), destination=destination, dataset_name="main")

    def load() -> int:
        resource = dlt.resource(
            ({"uuid": item["fields"]["best_uuid"], **item} for page in pages(url, key, since, until) for item in page),
            name="reads",
            primary_key="uuid",
            write_disposition="merge",
            max_table_nesting=0,
        )
        pipeline.run(resource)
        with sqlite3.connect(file) as base:
            return int(base.execute("SELECT count(*) FROM reads").fetchone()[0])

    return load


@contextmanager
def hub_sync(
    settings: HubSettings, url: str, key: str, since: datetime, until: datetime
) -> Iterator[Callable[[], int]]:
    """`sync` of one connection as the hub does it."""
    actor = Actor("bench")
    account = {"base_url": url, "api_key": key, "page_size": PAGE, "fetch_images": False, "requests_per_second": 1000}
    with open_hub(settings) as hub:
        hub.connections.add(actor, "rekor", "rekor", account)

        def load() -> int:
            hub.sync.run(actor, "rekor", since, until)
            with hub.store.read() as connection:
                return int(connection.exec_driver_sql("SELECT count(*) FROM reads").scalar() or 0)

        yield load


def timed(load: Callable[[], int]) -> tuple[float, float, int]:
    """Wall and CPU seconds of a load, and the rows that stand afterwards."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    rows = load()
    return time.perf_counter() - wall, time.process_time() - cpu, rows


def resident() -> float:
    """Resident memory of this process now, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(reads: int) -> dict[str, Any]:
    """Every loader on the same pages, first load and re-delivery."""
    until = datetime.now(UTC) + timedelta(minutes=1)
    since = until - REACH
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="alprhub-bench-") as scratch, vendor(reads) as (url, key):
        folder = Path(scratch)
        same = (url, key, since, until)
        expected = len({item["fields"]["best_uuid"] for page in pages(*same) for item in page})

        rounds: dict[str, list[dict[str, float]]] = {}

        def both(name: str, load: Callable[[], int]) -> None:
            first, again = timed(load), timed(load)
            if first[2] != expected or again[2] != expected:
                raise SystemExit(f"{name} kept {first[2]} then {again[2]} of {expected} reads")
            rounds.setdefault(name, []).append(
                {
                    "first_per_s": expected / first[0],
                    "first_per_cpu_s": expected / first[1],
                    "again_per_s": expected / again[0],
                    "again_per_cpu_s": expected / again[1],
                }
            )

        with postgresql() as databases:
            for number in range(ROUNDS):  # in turn, so that a noisy minute on the machine hits all of them
                here = folder / str(number)
                here.mkdir()
                both("raw executemany", partial(raw, here / "raw.sqlite3", *same))
                with hub_sync(HubSettings(data=here / "hub"), *same) as load:
                    before = resident()
                    both("hub, SQLite", load)
                    memory = (before, resident())
                with databases() as address:
                    settings = HubSettings(data=here / "hub-pg", database_url=SecretStr(address))
                    with hub_sync(settings, *same) as load:
                        both("hub, PostgreSQL", load)
                both("dlt, SQLite", dlt_pipeline(here, *same))
    for name, rows in rounds.items():
        found[name] = {key: round(max(row[key] for row in rows)) for key in rows[0]}
    return {**found, "reads": expected, "rounds": ROUNDS, "resident_mib": [round(part) for part in memory]}


@contextmanager
def postgresql() -> Iterator[Callable[[], AbstractContextManager[str]]]:
    """A real PostgreSQL that gives new databases."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    import postgres

    with postgres.server() as server:
        yield partial(postgres.database, server)


def main() -> None:
    """Measure and print the verdict; ends badly only where it could not measure."""
    parser = argparse.ArgumentParser(description="Measure ingest.")
    parser.add_argument("--reads", type=int, default=int(os.environ.get("READS", "10000")))
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    found = measure(wanted.reads)
    peer, raw_limit = found["dlt, SQLite"], found["raw executemany"]
    table = Table("loader", "first load/s", "again/s", "first / dlt", "again / dlt", "first / raw", "again / raw")
    for name in ("raw executemany", "hub, SQLite", "hub, PostgreSQL", "dlt, SQLite"):
        row = found[name]
        row["first_to_dlt"], row["again_to_dlt"] = (row[k] / peer[k] for k in ("first_per_s", "again_per_s"))
        row["first_to_raw"], row["again_to_raw"] = (row[k] / raw_limit[k] for k in ("first_per_s", "again_per_s"))
        ratios = [f"{row[k]:.2f}" for k in ("first_to_dlt", "again_to_dlt", "first_to_raw", "again_to_raw")]
        table.add_row(name, f"{row['first_per_s']:,}", f"{row['again_per_s']:,}", *ratios)
    ours = found["hub, SQLite"]
    met = ours["first_to_dlt"] >= FIRST and ours["again_to_dlt"] >= AGAIN
    if wanted.json:
        print(json.dumps({**found, "met": met}, indent=2))
    else:
        Console().print(table)
        memory = found["resident_mib"]
        print(f"{found['reads']} reads, best of {ROUNDS} rounds; hub's resident memory {memory[0]} -> {memory[1]} MiB")
        print(f"bar (SQLite): first load >= {FIRST} x dlt, again >= {AGAIN} x dlt: {'met' if met else 'MISSED'}")
        print(f"measured: {ours['first_to_dlt']:.2f} x dlt and {ours['first_to_raw']:.2f} of raw at the first load")


if __name__ == "__main__":
    main()
