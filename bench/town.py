"""Reads by the million for measuring: sequential plate series of several states, a few cars seen often and most seldom.

Seeded; nothing in it is a real plate's history. Rows go straight into the store's tables, with every index in place.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy import text

from hub.area import cell_of
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.partitions import make_months
from hub.store.plates import MARK
from normalize.plate import canonical, fold

CAMERAS: Final = 500
CONNECTIONS: Final = 5
MONTHS: Final = timedelta(days=395)
END: Final = datetime(2026, 6, 1, tzinfo=UTC)
CHUNK: Final = 200_000
CONFUSED: Final = 0.03
_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_SERIES: Final = (  # pattern (9 a digit, A a letter), first number of the series, share of cars
    ("9AAA999", 70_000_000, 0.55),
    ("AAA9999", 60_000_000, 0.10),
    ("999AAA", 400_000, 0.08),
    ("AAA999", 2_000_000, 0.08),
    ("AA99999", 9_000_000, 0.07),
    ("9A99999", 3_000_000, 0.05),
    ("99AA999", 500_000, 0.04),
    ("AA9A99", 70_000, 0.03),
)
_ALIKE: Final = {"0": "O", "O": "0", "1": "I", "I": "1", "8": "B", "B": "8", "5": "S", "S": "5", "2": "Z", "Z": "2"}


def plate(pattern: str, number: int) -> str:
    """The plate of a place in a series: the last sign counts fastest."""
    signs = []
    for kind in reversed(pattern):
        base = 10 if kind == "9" else len(_LETTERS)
        number, rest = divmod(number, base)
        signs.append(str(rest) if kind == "9" else _LETTERS[rest])
    return "".join(reversed(signs))


def cars(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct plates in sequential series, in random order."""
    found: dict[str, None] = {}
    for pattern, first, share in _SERIES:
        for number in range(int(count * share) + 1):
            found.setdefault(plate(pattern, first + number * 3))
    listed = np.array(list(found), dtype=object)
    rng.shuffle(listed)
    return list(listed[:count])


def fill(store: Store, reads: int, seed: int = 7, payload_bytes: int = 0) -> list[str]:
    """Put `reads` reads into an empty store, and give the plates that are in it.

    With `payload_bytes` each has a payload of that size, which no compression makes smaller.
    """
    make_months(store, END)
    rng = np.random.default_rng(seed)
    known = cars(max(reads // 6, 100), rng)
    weights = rng.lognormal(0, 1.8, len(known)).cumsum()
    looks = [_drawn(rng, len(known), of) for of in (MAKES, COLOURS, BODIES)]
    ids: dict[str, int] = {}
    begin, end = to_micros(END - MONTHS), to_micros(END)
    cells = _sources(store, rng, begin)
    for start in range(0, reads, CHUNK):
        count = min(CHUNK, reads - start)
        chosen = np.searchsorted(weights, rng.random(count) * weights[-1]).tolist()
        early, late = (begin + (end - begin) * part // reads for part in (start, start + count))
        seen = zip(
            chosen,
            (rng.random(count) < CONFUSED).tolist(),
            np.sort(rng.integers(early, late, count)).tolist(),
            rng.integers(1, CAMERAS + 1, count).tolist(),
            rng.random(count).tolist(),
            strict=True,
        )
        rows: list[tuple[Any, ...]] = []
        kept: list[tuple[Any, ...]] = []
        payloads: list[tuple[Any, ...]] = []
        noise = rng.bytes(count * (payload_bytes + 32)) if payload_bytes else b""
        others: list[tuple[Any, ...]] = []
        fresh: list[str] = []

        def ident(one: str, fresh: list[str] = fresh) -> int:
            if one not in ids:
                ids[one] = len(ids) + 1
                fresh.append(one)
            return ids[one]

        for number, (car, confused, at, camera, sure) in enumerate(seen, start + 1):
            true = known[car]
            one = _misread(true) if confused else true
            source, vendor_id = camera % CONNECTIONS + 1, f"b{number:012d}"
            place = (ident(one), one, "US-CA", sure, camera, at, "in_data", at, at, cells[camera - 1])
            rows.append((number, source, vendor_id, *place, *(of[car] for of in looks), "pull", 2 * end, "bench"))
            kept.append((source, vendor_id, number))
            if payload_bytes:
                first = (number - start - 1) * (payload_bytes + 32)
                digest, payload = noise[first : first + 32], noise[first + 32 : first + 32 + payload_bytes]
                payloads.append((number, "bench", 0, 0, payload, digest, b"{}", at))
            if confused and one != true:
                others.append((number, 2, ident(true), 1 - sure, at, 2 * end))
        with store.write() as connection:
            listed = [(ids[one], one, fold(one)) for one in fresh]
            store.insert(connection, tables.plates, ("id", "plate", "plate_key"), listed)
            if store.is_sqlite:
                marked = [(ids[one], one + MARK) for one in fresh]
                connection.exec_driver_sql("INSERT INTO plates_inside (rowid, text) VALUES (?, ?)", marked)
            store.insert(connection, tables.reads, _COLUMNS, rows)
            store.insert(connection, tables.ledger, ("connection_id", "vendor_read_id", "read_id"), kept)
            store.insert(connection, tables.payloads, _PAYLOAD, payloads)
            columns = ("read_id", "rank", "plate_id", "confidence", "captured_at", "expires_at")
            store.insert(connection, tables.candidates, columns, others)
    with store.write() as connection:
        for name, given in (("plates", len(ids)), ("reads", reads), ("cameras", CAMERAS)):
            store.allot(connection, name, given)
        connection.execute(text("ANALYZE"))
    return list(ids)


def known_plates(store: Store) -> list[str]:
    """The plates of a store that was filled before, in the order in which they came."""
    with store.read() as connection:
        return list(connection.scalars(text("SELECT plate FROM plates ORDER BY id")))


def seen_plates(store: Store, count: int) -> list[str]:
    """The plates of reads drawn at random: a car that is seen often is asked for often."""
    with store.read() as connection:
        last = connection.scalar(text("SELECT max(id) FROM reads")) or 0
        drawn = random.Random(3).sample(range(1, last + 1), min(count, last))
        sql = f"SELECT p.plate FROM reads r JOIN plates p ON p.id = r.plate_id WHERE {store.one_of('r.id', 'ids')}"
        return [row[0] for row in store.rows(connection, sql, {"ids": store.as_list(drawn)})]


def _sources(store: Store, rng: np.random.Generator, at: int) -> list[int]:
    """The connections and cameras of the town, fifteen kilometres across; gives the cell of each camera."""
    north, east = (rng.normal(middle, 0.05, CAMERAS).tolist() for middle in (33.86, -118.33))
    with store.write() as connection:
        for number in range(1, CONNECTIONS + 1):
            connection.execute(
                tables.connections.insert().values(
                    name=f"source-{number}",
                    connector="rekor",
                    agency="bench",
                    settings="{}",
                    sealed=b"",
                    state="active",
                    added_at=at,
                )
            )
        cameras: list[tuple[Any, ...]] = [
            (n, n % CONNECTIONS + 1, str(n), f"camera {n}", north[n - 1], east[n - 1], f"site {n // 4}")
            for n in range(1, CAMERAS + 1)
        ]
        columns = ("id", "connection_id", "vendor_id", "name", "latitude", "longitude", "site")
        store.insert(connection, tables.cameras, columns, cameras)
    return [cell_of(*place) for place in zip(north, east, strict=True)]


def _drawn(rng: np.random.Generator, count: int, of: tuple[str, ...]) -> list[str]:
    """Words of a vocabulary, the first often and each next one less."""
    weights = 1 / np.arange(1, len(of) + 1)
    return [of[n] for n in rng.choice(len(of), count, p=weights / weights.sum())]


def _misread(one: str) -> str:
    at = next((n for n, sign in enumerate(one) if sign in _ALIKE), None)
    return one if at is None else canonical(one[:at] + _ALIKE[one[at]] + one[at + 1 :])


MAKES: Final = (
    *("TOYT", "HOND", "FORD", "CHEV", "NISS", "TESL", "BMW", "HYUN", "KIA", "DODG", "JEEP", "SUBA", "LEXS", "VOLK"),
    *("GMC", "MAZD", "AUDI", "RAM", "ACUR", "INFI", "VOLV", "PORS", "MITS", "LINC", "LNDR", "JAGU", "FIAT", "MASE"),
)
COLOURS: Final = ("WHI", "BLK", "GRY", "SIL", "BLU", "RED", "GRN", "BRO", "GLD", "ONG", "YEL", "PLE")
BODIES: Final = ("4D", "UT", "PK", "HB", "2D", "VN", "SW", "MC", "TK", "CV", "BU", "TR")
_COLUMNS: Final = (
    *("id", "connection_id", "vendor_read_id", "plate_id", "plate_raw", "plate_state", "plate_confidence"),
    *("camera_id", "captured_at", "zone", "received_at", "ingested_at", "cell", "make", "colour", "body", "obtained"),
    *("expires_at", "rule"),
)
_PAYLOAD: Final = ("read_id", "kind", "part", "dictionary_id", "payload", "sha256", "details", "captured_at")
