"""Retention: recompute of ten million reads, and the purge of the oldest beside a plain batched DELETE, under a reader.

    python -m bench.retention [--reads 10000000] [--on sqlite] [--on postgresql]

`recompute` gives every read another end, 24 months after its capture. Then time passes. `purge` is the hub's: holds
honoured, every table that knows of a read, plates that are left with none, certificates, audit. `DELETE` is what
anybody would write for the reads that end next: a thousand ids at a time from reads, payloads, ledger and candidates,
and a VACUUM on PostgreSQL, where it belongs to the price. `vacuum` is SQLite writing its file anew, as in the night
after a purge: who writes waits so long. `month` is the hub's purge of a whole month on PostgreSQL; of it `emptied` is
the last step alone, which does for reads and payloads what the `DELETE of a month` does. A process of
its own asks for single plates all the while.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Final

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

from bench.another_policy import put_in_force
from bench.search import opened
from bench.town import END, fill, seen_plates
from hub.clock import SetClock
from hub.people import Actor, Why
from hub.retention import months
from hub.search.query import Query
from hub.settings import HubSettings
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.wiring import Hub, open_hub

ACTOR: Final = Actor("bench")
HELD: Final = 1000
PAYLOAD: Final = 200
BATCH: Final = 1000
IDLE_S: Final = 15.0
PAUSE_S: Final = 0.02
"""Between two questions of the reader."""
DAY: Final = timedelta(days=1)
MONTH: Final = datetime(2025, 9, 1, tzinfo=UTC)
"""The month for the plain DELETE."""
PURGED, WHOLE, DELETED = (datetime(2025, 6, 1, tzinfo=UTC) + n * DAY for n in (0, 30, 60))
"""On PostgreSQL: where ends what the hub purges by rows, since it shares its place with what is older, then a month of
its own, then what the plain DELETE takes."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one way cost."""

    name: str
    rows: int
    cpu: float
    wall: float
    reader: list[float]
    """Milliseconds of each question that was asked meanwhile."""


class Reader:
    """Somebody who asks for single plates, in a process of its own, until told to stop."""

    def __init__(self, settings: HubSettings, folder: Path) -> None:
        told = {"ALPRHUB_DATA": str(settings.data)}
        if settings.database_url:
            told["ALPRHUB_DATABASE_URL"] = settings.database_url.get_secret_value()
        self._folder = folder
        command = [sys.executable, "-m", "bench.retention", "--read", str(folder)]
        self._process = subprocess.Popen(command, env={**os.environ, **told})
        while not (folder / "reading").exists():
            time.sleep(0.1)
        self.backend = int((folder / "reading").read_text() or 0)

    def stop(self) -> list[tuple[float, float]]:
        """When each question was asked (monotonic seconds), and how long its answer took (milliseconds)."""
        (self._folder / "stop").touch()
        self._process.wait()
        return [tuple(one) for one in json.loads((self._folder / "asked").read_text())]


def read(folder: Path) -> None:
    """Ask until the file `stop` is there."""
    asked: list[tuple[float, float]] = []
    with open_hub(HubSettings(), SetClock(END)) as hub:
        plates = seen_plates(hub.store, 2000)
        hub.store.close()  # from here on there is one connection, whose server's CPU is left out of the figures
        with hub.store.read() as connection:
            backend = "" if hub.store.is_sqlite else str(connection.scalar(text("SELECT pg_backend_pid()")))
        (folder / "starting").write_text(backend)
        (folder / "starting").rename(folder / "reading")
        number = 0
        while not (folder / "stop").exists():
            query = Query(Why("stolen_vehicle", "measuring a purge"), plates=(plates[number % len(plates)],), limit=50)
            began = time.monotonic()
            with hub.store.read() as connection:
                hub.search.reads.page(connection, query, to_micros(END))
            asked.append((began, (time.monotonic() - began) * 1000))
            number += 1
            time.sleep(PAUSE_S)
    (folder / "asked").write_text(json.dumps(asked))


def server_cpu(backend: int) -> float:
    """CPU seconds of a PostgreSQL and everything it ever started, but the backend of the reader; 0 without one."""
    if not backend:
        return 0.0
    postmaster = _stat(backend)[1]
    children = [int(one) for one in os.listdir("/proc") if one.isdigit()]
    stats = [_stat(one) for one in children if one != backend]
    ours = sum(own for own, parent, _ in stats if parent == postmaster)
    own, _, reaped = _stat(postmaster)
    return ours + own + reaped


def _stat(pid: int) -> tuple[float, int, float]:
    """CPU seconds of a process, its parent, and CPU seconds of those of its children that have ended."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0, 0.0
    tick = os.sysconf("SC_CLK_TCK")
    return (int(said[11]) + int(said[12])) / tick, int(said[1]), (int(said[13]) + int(said[14])) / tick


class Measured:
    """Figures of one database."""

    def __init__(self, backend: int) -> None:
        self._backend = backend
        self._spans: list[tuple[str, int, float, float, float]] = []

    def take(self, name: str, work: Callable[[], int]) -> None:
        """Measure work that says how many reads it did."""
        cpu, began = self._cpu(), time.monotonic()
        rows = work()
        self._spans.append((name, rows, self._cpu() - cpu, began, time.monotonic()))

    def add(self, name: str, rows: int, cpu: float, began: float, ended: float) -> None:
        """Note what was measured elsewhere."""
        self._spans.append((name, rows, cpu, began, ended))

    def figures(self, asked: list[tuple[float, float]]) -> list[Figure]:
        """What each took, with what the reader met in that time."""
        return [
            Figure(name, rows, cpu, ended - began, [took for at, took in asked if began <= at <= ended])
            for name, rows, cpu, began, ended in self._spans
        ]

    def cpu(self) -> float:
        """CPU seconds of this process and of the database's server until now."""
        return time.process_time() + server_cpu(self._backend)

    _cpu = cpu


def purge(hub: Hub, clock: SetClock, until: int) -> int:
    """The hub's own purge of what has ended by an instant (µs)."""
    clock.advance(from_micros(until) - clock.now())
    return sum(hub.retention.expired.purge(ACTOR).values())


def delete(store: Store, since: int, until: int) -> int:
    """A plain batched DELETE of the reads whose end lies in a span (µs), and of what goes with every read."""
    bound = {"first": since, "last": until, "behind": 0}
    some = "SELECT id, connection_id, vendor_read_id, captured_at FROM reads WHERE expires_at > :first AND "
    some += "expires_at <= :last AND NOT held "
    # Here all live as long, so they end in the order of their captures, which PostgreSQL has an index of.
    some += "ORDER BY expires_at" if store.is_sqlite else "AND captured_at >= :behind ORDER BY captured_at"
    some += f" LIMIT {BATCH}"
    gone = 0
    while True:
        with store.write() as connection:
            rows = store.rows(connection, some, bound)
            if not rows:
                break
            ids = {"ids": store.as_list([row[0] for row in rows])}
            times = {"early": min(row[3] for row in rows), "late": max(row[3] for row in rows)}
            bound["behind"] = times["late"]
            between = "captured_at >= :early AND captured_at <= :late"
            for table, key in (("reads", "id"), ("payloads", "read_id")):
                sql = f"DELETE FROM {table} WHERE {store.one_of(key, 'ids')} AND {between}"
                connection.execute(text(sql), ids | times)
            connection.execute(text(f"DELETE FROM candidates WHERE {store.one_of('read_id', 'ids')}"), ids)
            for source in {row[1] for row in rows}:
                names = store.as_list([row[2] for row in rows if row[1] == source])
                sql = f"DELETE FROM ledger WHERE connection_id = :source AND {store.one_of('vendor_read_id', 'names')}"
                connection.execute(text(sql), {"source": source, "names": names})
            gone += len(rows)
    if not store.is_sqlite:
        vacuum(store, "reads", "payloads", "ledger", "candidates")
    return gone


def delete_month(store: Store) -> int:
    """A plain batched DELETE of a month's reads and payloads, and of nothing else."""
    first, last = map(to_micros, (MONTH, MONTH + 30 * DAY))
    gone = 0
    some = "SELECT id, captured_at FROM reads WHERE captured_at >= :first AND captured_at < :last "
    some += f"ORDER BY captured_at LIMIT {BATCH}"
    while True:
        with store.write() as connection:
            rows = store.rows(connection, some, {"first": first, "last": last})
            if not rows:
                break
            bound = {"ids": [row[0] for row in rows], "early": rows[0][1], "late": rows[-1][1]}
            for table, key in (("reads", "id"), ("payloads", "read_id")):
                sql = f"DELETE FROM {table} WHERE {key} = ANY(:ids) AND captured_at >= :early AND captured_at <= :late"
                connection.execute(text(sql), bound)
            gone += len(rows)
    vacuum(store, f"reads_{MONTH:%Y_%m}", f"payloads_{MONTH:%Y_%m}")
    return gone


def vacuum(store: Store, *names: str) -> None:
    """What a DELETE leaves to be done on PostgreSQL."""
    with store._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in names:
            connection.execute(text(f"VACUUM {name}"))


def vacuum_file(hub: Hub) -> int:
    """What a night after a purge does on SQLite; no reads of its own."""
    hub.retention.vacuum.run(ACTOR)
    return 0


def settle(store: Store) -> None:
    """Let what was built reach the disk: it is not what is measured."""
    if not store.is_sqlite:
        vacuum(store, "")
        with store._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CHECKPOINT"))
    store.squeeze()
    os.sync()


def hold(store: Store, captured_before: datetime) -> int:
    """Hold a thousand of the last reads before an instant."""
    some = f"SELECT id FROM reads WHERE captured_at < :at ORDER BY captured_at DESC LIMIT {HELD}"
    with store.write() as connection:
        held = text(f"UPDATE reads SET held = true WHERE id IN ({some})")
        return connection.execute(held, {"at": to_micros(captured_before)}).rowcount


@contextmanager
def last_step(measured: Measured) -> Iterator[None]:
    """Measure the last step of each month by itself too."""
    whole = months._truncate

    def truncate(connection: Connection, name: str, now: int, floors: bool) -> bool:
        rows = connection.scalar(text(f"SELECT count(*) FROM {name} WHERE NOT held")) or 0
        cpu, began = measured.cpu(), time.monotonic()
        done = whole(connection, name, now, floors)
        measured.add("emptied", rows, measured.cpu() - cpu, began, time.monotonic())
        return done

    months._truncate = truncate
    try:
        yield
    finally:
        months._truncate = whole


def measure(database: str, reads: int) -> None:
    """Build, measure and print one database."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alprhub-bench-")))
        (scratch / "data").mkdir()
        clock = SetClock(END)
        hub = stack.enter_context(opened(database, scratch / "data", clock))
        began = time.perf_counter()
        fill(hub.store, reads, payload_bytes=PAYLOAD)
        tenth = reads // 10
        held = hold(hub.store, from_micros(_captured(hub.store, tenth)))
        if not hub.store.is_sqlite:
            held += hold(hub.store, PURGED)
        settle(hub.store)
        print(f"{database}: {reads:,} reads, {held:,} held, built in {time.perf_counter() - began:.0f} s", flush=True)
        reader = Reader(hub.settings, scratch)
        measured = Measured(reader.backend)
        measured.take("idle", lambda: time.sleep(IDLE_S) or 0)
        put_in_force(hub, ACTOR, "long-beach")
        measured.take("recompute", lambda: hub.retention.recompute.run(ACTOR)["changed"])
        if hub.store.is_sqlite:
            purged, deleted = (_end_of(hub.store, from_micros(_captured(hub.store, n))) for n in (tenth, 2 * tenth))
            whole = purged
        else:
            purged, whole, deleted = (_end_of(hub.store, at) for at in (PURGED, WHOLE, DELETED))
        measured.take("purge", lambda: purge(hub, clock, purged))
        measured.take("DELETE", lambda: delete(hub.store, whole, deleted))
        if hub.store.is_sqlite:
            measured.take("vacuum", lambda: vacuum_file(hub))
        else:
            with last_step(measured):
                measured.take("month", lambda: purge(hub, clock, whole))
            measured.take("DELETE of a month", lambda: delete_month(hub.store))
        report(database, measured.figures(reader.stop()))
        left = _held(hub.store)
        verified = hub.retention.certificates.verify()
        print(f"{database}: {left:,} of {held:,} held reads are there; certificates {verified}\n")


def _captured(store: Store, number: int) -> int:
    with store.read() as connection:
        sql = "SELECT captured_at FROM reads ORDER BY captured_at LIMIT 1 OFFSET :number"
        return int(connection.scalar(text(sql), {"number": number}) or 0)


def _end_of(store: Store, captured_before: datetime) -> int:
    """When the last of the reads that were captured before an instant has ended (µs)."""
    with store.read() as connection:
        sql = "SELECT expires_at FROM reads WHERE captured_at < :at ORDER BY captured_at DESC LIMIT 1"
        return int(connection.scalar(text(sql), {"at": to_micros(captured_before)}) or 0)


def _held(store: Store) -> int:
    with store.read() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM reads WHERE held")) or 0)


def report(database: str, figures: list[Figure]) -> None:
    """The table of one database, and its ratios."""
    by_name = {one.name: one for one in figures}
    idle = _p95(by_name["idle"].reader)
    table = Table(
        database, "reads", "CPU s", "µs CPU a read", "wall s", "reader p50 ms", "p95 ms", "p95 / idle", "slowest ms"
    )
    for one in figures:
        asked = one.reader or [0.0]
        table.add_row(
            one.name, f"{one.rows:,}", f"{one.cpu:.2f}", f"{one.cpu / one.rows * 1e6:.1f}" if one.rows else "",
            f"{one.wall:.1f}", f"{sorted(asked)[len(asked) // 2]:.2f}", f"{_p95(asked):.2f}",
            f"{_p95(asked) / idle:.1f}", f"{max(asked):.0f}",
        )  # fmt: skip
    Console(width=120).print(table)
    if emptied := [one for one in figures if one.name == "emptied"]:
        rows, cpu, plain = (
            sum(one.rows for one in emptied),
            sum(one.cpu for one in emptied),
            by_name["DELETE of a month"],
        )
        ratio = (plain.cpu / plain.rows) / (max(cpu, 0.01) / rows)
        print(
            f"{database}: a month's reads and payloads emptied for 1/{ratio:.0f} of the CPU of their DELETE and VACUUM"
        )


def _p95(asked: list[float]) -> float:
    return quantiles(asked, n=20)[-1] if len(asked) > 1 else asked[0]


def main() -> None:
    """Measure, or be the reader."""
    parser = argparse.ArgumentParser(description="Measure retention.")
    parser.add_argument("--reads", type=int, default=int(os.environ.get("READS", "10000000")))
    parser.add_argument("--on", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--read", type=Path)
    wanted = parser.parse_args()
    if wanted.read:
        read(wanted.read)
        return
    for database in wanted.on or ("sqlite", "postgresql"):
        measure(database, wanted.reads)


if __name__ == "__main__":
    main()
