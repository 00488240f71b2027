"""Reads by the million for measuring: sequential plate series of several states, a few cars seen often and most seldom.

Seeded; nothing in it is a real plate's history. Rows go straight into the store's tables, with every index in place.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy import text

from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
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


def fill(store: Store, reads: int, seed: int = 7) -> list[str]:
    """Put `reads` reads into an empty store, and give the plates that are in it."""
    rng = np.random.default_rng(seed)
    known = cars(max(reads // 6, 100), rng)
    weights = rng.lognormal(0, 1.8, len(known)).cumsum()
    ids: dict[str, int] = {}
    begin, end = to_micros(END - MONTHS), to_micros(END)
    with store.write() as connection:
        for number in range(1, CONNECTIONS + 1):
            connection.execute(
                tables.connections.insert().values(
                    id=number,
                    name=f"source-{number}",
                    connector="rekor",
                    agency="bench",
                    settings="{}",
                    sealed=b"",
                    state="active",
                    added_at=begin,
                )
            )
        cameras: list[tuple[Any, ...]] = [
            (n, n % CONNECTIONS + 1, str(n), f"camera {n}") for n in range(1, CAMERAS + 1)
        ]
        store.insert(connection, tables.cameras, ("id", "connection_id", "vendor_id", "name"), cameras)
    for start in range(0, reads, CHUNK):
        count = min(CHUNK, reads - start)
        chosen = np.searchsorted(weights, rng.random(count) * weights[-1])
        early, late = (begin + (end - begin) * part // reads for part in (start, start + count))
        seen = zip(
            [known[car] for car in chosen],
            rng.random(count) < CONFUSED,
            np.sort(rng.integers(early, late, count)),
            rng.integers(1, CAMERAS + 1, count),
            rng.random(count),
            strict=True,
        )
        rows: list[tuple[Any, ...]] = []
        fresh: list[str] = []
        for number, (true, confused, at, camera, sure) in enumerate(seen, start + 1):
            one = _misread(true) if confused else true
            if one not in ids:
                ids[one] = len(ids) + 1
                fresh.append(one)
            source, when = int(camera) % CONNECTIONS + 1, int(at)
            place = (ids[one], one, "US-CA", float(sure), int(camera), when, "in_data", when, when)
            looks = (_MAKES[number % 7], _COLOURS[number % 5], "4D")
            rows.append((number, source, f"b{number:012d}", *place, *looks, "pull", 2 * end, "bench"))
        with store.write() as connection:
            listed = [(ids[one], one, fold(one)) for one in fresh]
            store.insert(connection, tables.plates, ("id", "plate", "plate_key"), listed)
            if store.is_sqlite:
                marked = [(ids[one], one + MARK) for one in fresh]
                connection.exec_driver_sql("INSERT INTO plates_inside (rowid, text) VALUES (?, ?)", marked)
            store.insert(connection, tables.reads, _COLUMNS, rows)
    with store.write() as connection:
        connection.execute(text("ANALYZE"))
    return list(ids)


def _misread(one: str) -> str:
    at = next((n for n, sign in enumerate(one) if sign in _ALIKE), None)
    return one if at is None else canonical(one[:at] + _ALIKE[one[at]] + one[at + 1 :])


_MAKES: Final = ("TOYT", "HOND", "FORD", "CHEV", "NISS", "TESL", "BMW")
_COLOURS: Final = ("WHI", "BLK", "GRY", "SIL", "BLU")
_COLUMNS: Final = (
    *("id", "connection_id", "vendor_read_id", "plate_id", "plate_raw", "plate_state", "plate_confidence"),
    *("camera_id", "captured_at", "zone", "received_at", "ingested_at", "make", "colour", "body", "obtained"),
    *("expires_at", "rule"),
)
