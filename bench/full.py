"""Ingest into a store that is full already, with every index in place: a page of reads kept, beside the raw driver.

`raw` makes the rows of a page of parsed reads in the plainest way (payload compressed and hashed, place to cell) and
inserts them into the same tables: executemany on SQLite, binary COPY into temporary tables and INSERT … ON CONFLICT on
PostgreSQL; plates, cameras and ids it knows beforehand. `ready` is what the driver takes of that. `store` keeps pages
as the hub does. Pages take turns, so that both meet the same store. The whole path goes from a stand-in's HTTP pages to
the commit.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from statistics import median
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from bench.ingest import PAGE, REACH, resident, vendor
from bench.town import COLOURS, END, MAKES, seen_plates
from hub.area import cell_of
from hub.ingest.interpreter import tuned_for_pages
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import tables
from hub.store.codec import compress, field_names
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.page import Accepted, PageToSave
from hub.store.plates import MARK
from hub.store.saving import save
from hub.wiring import Hub, open_hub
from normalize import vehicle
from normalize.read import Camera, Place, Read
from normalize.states import state
from normalize.times import Zone
from normalize.vehicle import Vehicle
from normalize.word import Word

PAGES = 20
NEW_PLATES = 0.08
SOURCE = 1
_READ = (
    *("id", "connection_id", "vendor_read_id", "plate_id", "plate_raw", "plate_state", "plate_confidence"),
    *("camera_id", "captured_at", "zone", "received_at", "ingested_at", "latitude", "longitude", "cell", "make"),
    *("colour", "body", "obtained", "expires_at", "rule"),
)
_PAYLOAD = ("read_id", "kind", "part", "dictionary_id", "payload", "sha256", "details", "captured_at")
_LEDGER = ("connection_id", "vendor_read_id", "read_id")


def pages(store: Store, count: int) -> Iterator[list[Accepted]]:
    """Pages of fresh reads, most of plates that are in the store already."""
    known = seen_plates(store, 50_000)
    with store.read() as connection:
        last = connection.scalar(text("SELECT max(id) FROM reads")) or 0
        sql = "SELECT vendor_id FROM cameras WHERE connection_id = :source"
        cameras = [row[0] for row in store.rows(connection, sql, {"source": SOURCE})]
    draw = random.Random(last)
    for page in range(count):
        yield [_fresh(draw, known, cameras, last + page * PAGE + n) for n in range(PAGE)]


def _fresh(draw: random.Random, known: list[str], cameras: list[str], number: int) -> Accepted:
    plate = f"{draw.randrange(10)}ZZ{draw.randrange(10**4):04d}" if draw.random() < NEW_PLATES else draw.choice(known)
    at = END + timedelta(microseconds=37 * number)
    place = {"latitude": draw.gauss(33.86, 0.05), "longitude": draw.gauss(-118.33, 0.05)}
    looks = {"make": draw.choice(MAKES), "colour": draw.choice(COLOURS), "body": "4D"}
    payload = {
        "best_uuid": f"full-{number:012d}",
        "best_plate": plate,
        "camera": draw.choice(cameras),
        "epoch_time_start": at.isoformat(),
        "boxes": [{"x": draw.randrange(1920), "y": draw.randrange(1080)} for _ in range(8)],
        "vehicle": {name: {"name": said, "confidence": draw.random()} for name, said in looks.items()},
        **place,
        "about": {f"setting_{letter}": draw.random() for letter in "abcdefghij"},
    }
    read = Read(
        vendor_read_id=f"full-{number:012d}",
        plate_raw=plate,
        state=state("us-ca"),
        plate_confidence=draw.random(),
        captured_at=at,
        zone=Zone.IN_DATA,
        camera=Camera(id=payload["camera"]),
        place=Place(**place),
        vehicle=Vehicle(
            make=vehicle.make(looks["make"]), colour=vehicle.colour(looks["colour"]), body=vehicle.body("4D")
        ),
    )
    return Accepted(read, "full", 0, msgspec.json.encode(payload), at + timedelta(days=365), "bench")


def measure(hub: Hub) -> dict[str, float]:
    """Reads a second of `raw`, of `ready` and of `store` by their median page, in turns.

    Every few pages one pays for a checkpoint of SQLite's log, whoever's turn it is.
    """
    took: dict[str, list[float]] = {"raw": [], "ready": [], "store": []}
    with tuned_for_pages():  # as a sync keeps pages
        for number, page in enumerate(pages(hub.store, 2 * PAGES)):
            timed = _raw(hub.store, page) if number % 2 else _kept(hub, page)
            for name, seconds in timed.items():
                took[name].append(seconds)
    return {name: PAGE / median(seconds) for name, seconds in took.items()}


def whole_path(settings: HubSettings) -> dict[str, float]:
    """Reads a CPU second from HTTP page to commit, and this process's resident memory in MiB before and after."""
    actor, name = Actor("bench"), f"rekor-{os.getpid()}"
    until = datetime.now(UTC) + timedelta(minutes=1)
    with vendor(PAGES * PAGE) as (url, key), open_hub(settings) as hub:
        account = {"base_url": url, "api_key": key, "page_size": PAGE, "fetch_images": False}
        hub.connections.add(actor, name, "rekor", {**account, "requests_per_second": 1000})
        before, cpu = resident(), time.process_time()
        saved = hub.sync.run(actor, name, until - REACH, until)
        return {
            "per_cpu_s": saved.stored / (time.process_time() - cpu),
            "stored": saved.stored,
            "before": before,
            "after": resident(),
        }


def whole_path_alone(settings: HubSettings) -> dict[str, float]:
    """The same in a process of its own, whose memory holds nothing else."""
    told = {"ALPRHUB_DATA": str(settings.data)}
    if settings.database_url:
        told["ALPRHUB_DATABASE_URL"] = settings.database_url.get_secret_value()
    command = [sys.executable, "-m", "bench.full"]
    done = subprocess.run(command, env={**os.environ, **told}, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _kept(hub: Hub, page: list[Accepted]) -> dict[str, float]:
    whole = PageToSave(connection_id=SOURCE, obtained="pull", received_at=END, accepted=page)
    started = time.perf_counter()
    save(hub.store, hub.images, whole, END)
    return {"store": time.perf_counter() - started}


def _raw(store: Store, page: list[Accepted]) -> dict[str, float]:
    with store.write() as connection:
        plates = {item.read.plate: item.read.plate_key for item in page}
        sql = f"SELECT plate, id FROM plates WHERE {store.one_of('plate', 'plates')}"
        ids = {row[0]: row[1] for row in store.rows(connection, sql, {"plates": store.as_list(list(plates))})}
        fresh = [plate for plate in plates if plate not in ids]
        ids |= dict(zip(fresh, range(store.allot(connection, "plates", len(fresh)), 1 << 60), strict=False))
        first = store.allot(connection, "reads", len(page))
        sql = "SELECT vendor_id, id FROM cameras WHERE connection_id = :source"
        cameras = {row[0]: row[1] for row in store.rows(connection, sql, {"source": SOURCE})}
    now, names = to_micros(END), field_names(page[0].payload)
    started = time.perf_counter()
    listed = [(ids[plate], plate, plates[plate]) for plate in fresh]
    reads, ledger, payloads = [], [], []
    for number, item in enumerate(page, first):
        one = item.read
        assert one.place
        where = (one.place.latitude, one.place.longitude)
        reads.append((
            *(number, SOURCE, one.vendor_read_id, ids[one.plate], one.plate_raw, one.plate_state),
            *(one.plate_confidence, cameras[one.camera.id], to_micros(one.captured_at), one.zone.value, now, now),
            *(*where, cell_of(*where), one.vehicle.make.code, one.vehicle.colour.code, one.vehicle.body.code),
            *("pull", to_micros(item.expires_at), item.rule),
        ))  # fmt: skip
        ledger.append((SOURCE, one.vendor_read_id, number))
        payload = compress(item.payload, names)
        captured = to_micros(one.captured_at)
        payloads.append((number, item.kind, 0, 1, payload, sha256(item.payload).digest(), _details(one), captured))
    rows: list[tuple[Any, tuple[str, ...], list[tuple[Any, ...]]]] = [
        (tables.plates, ("id", "plate", "plate_key"), listed),
        (tables.reads, _READ, reads),
        (tables.ledger, _LEDGER, ledger),
        (tables.payloads, _PAYLOAD, payloads),
    ]

    made = time.perf_counter()
    with store.write() as connection:
        for table, columns, tuples in rows:
            if store.is_sqlite:
                _executemany(connection, table, columns, tuples)
            else:
                _copy(store, connection, table, columns, tuples)
        if store.is_sqlite:
            marked = [(ident, plate + MARK) for ident, plate, _ in listed]
            connection.exec_driver_sql("INSERT INTO plates_inside (rowid, text) VALUES (?, ?)", marked)
    ended = time.perf_counter()
    return {"raw": ended - started, "ready": ended - made}


def _details(read: Read) -> bytes:
    """What has no column, as short as the hub keeps it."""
    looks = {name: {"said": word.said, "known": word.known} for name, word in read.vehicle if isinstance(word, Word)}
    return msgspec.json.encode({"vehicle": looks, "state": {"said": read.state.said, "known": read.state.known}})


def _executemany(connection: Connection, table: Any, columns: tuple[str, ...], rows: list[Any]) -> None:
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    connection.exec_driver_sql(sql, rows)


def _copy(store: Store, connection: Connection, table: Any, columns: tuple[str, ...], rows: list[Any]) -> None:
    names = ", ".join(columns)
    connection.execute(
        text(f"CREATE TEMPORARY TABLE page ON COMMIT DROP AS SELECT {names} FROM {table.name} WITH NO DATA")
    )
    page = table.to_metadata(type(table.metadata)(), name="page")
    store.insert(connection, page, columns, rows)
    connection.execute(text(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM page ON CONFLICT DO NOTHING"))
    connection.execute(text("DROP TABLE page"))


if __name__ == "__main__":
    print(json.dumps(whole_path(HubSettings())))
