"""Whole months of reads that are over go at once, where the database keeps them in months (PostgreSQL).

First goes, some thousands of reads at a time, what other tables know of them: the ledger, candidates, pictures, hits,
links, and then the plates that no other read has. Each read is certified in the transaction in which the ledger forgets
it, so a run that is killed and one that goes on count it once. Last, in one step of milliseconds, the month itself is
emptied with its payloads, and what is held in it is put back.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.partitions import months_of, payloads_of, span_of
from hub.store.plates import no_row
from hub.store.visible import visible_sql

BATCH: Final = 5000
"""Reads (or plates) in one transaction: the writer is never held long."""
FEW: Final = 1000
"""A month of no more reads than this is purged row by row: that is as fast, and no reader has to wait."""
PATIENCE_MS: Final = 100
"""How long the last step waits for readers that are under way; new readers wait behind it."""
ATTEMPTS: Final = 20
BETWEEN_S: Final = 0.5
_OVER: Final = "NOT r.held AND r.expires_at <= :now AND coalesce(r.floor_at, 0) <= :now"
_HERE: Final = f"r.id > :after AND r.id <= :last AND {_OVER}"
_OF_THEM: Final = f"x.read_id = r.id AND x.read_id > :after AND x.read_id <= :last AND {_HERE}"


class Destroyed(NamedTuple):
    """What went of one connection and rule."""

    connection_id: int
    rule: str
    counts: Mapping[str, int]
    rows: str
    """The digest of the vendor's ids (`certificates.digest_of`)."""
    captured: tuple[int, int] | None


Certifies = Callable[[Connection, Destroyed], None]
"""Certifies, in the transaction that removes."""
CountsDay = Callable[[Connection, int, int, int], None]
"""Counts, in that transaction: the connection, a receipt (µs) of a day, and how many reads of that day went."""


def over(store: Store, now: int, floors: bool) -> list[str]:
    """The months that have more than a few reads that may go, and in which every one that nobody holds is expired.

    With `floors` some policy wanted reads kept for a time: of a read that carries no floor nobody knows that here.
    """
    if not dialect(store).IN_MONTHS:
        return []
    with store.read() as connection:
        return [
            name
            for name in months_of(connection)
            if connection.scalar(text(f"SELECT 1 FROM {name} WHERE NOT held LIMIT 1 OFFSET {FEW}")) is not None
            and _is_over(connection, name, now, floors)
        ]


def empty(store: Store, name: str, now: int, floors: bool, account: Certifies, day: CountsDay) -> bool:
    """Remove all that a month has and nobody holds; gives whether it is done.

    It is not done where readers were in the way at every attempt, or where a read came meanwhile that is not over; the
    purge by rows finds what is left.
    """
    after = 0
    while True:
        with store.write() as connection:
            last = _last(connection, name, after)
            if last is None:
                break
            _forget(connection, name, {"after": after, "last": last, "now": now}, account, day)
            after = last
    _remove_plates(store, name, now)
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(BETWEEN_S)
        try:
            with store.write() as connection:
                return _truncate(connection, name, now, floors)
        except OperationalError:  # readers took too long
            continue
    return False


def _is_over(connection: Connection, name: str, now: int, floors: bool) -> bool:
    early = f"{visible_sql()} OR floor_at > :now" + (" OR floor_at IS NULL" if floors else "")
    sql = f"SELECT 1 FROM {name} WHERE ({early}) AND NOT held LIMIT 1"
    return connection.scalar(text(sql), {"now": now}) is None


def _last(connection: Connection, name: str, after: int) -> int | None:
    some = f"SELECT id FROM {name} WHERE id > :after ORDER BY id LIMIT {BATCH}"
    last: int | None = connection.scalar(text(f"SELECT max(id) FROM ({some}) AS next_ones"), {"after": after})
    return last


def _forget(connection: Connection, name: str, here: Mapping[str, int], account: Certifies, day: CountsDay) -> None:
    """Remove what other tables know of some reads, and certify it."""
    counts: dict[tuple[int, str], dict[str, int]] = {}
    for what, change in {
        "pictures": "UPDATE images x SET state = 'doomed', url = NULL FROM {month} r WHERE {these} AND "
        "x.state <> 'doomed'",
        "hits": "DELETE FROM hits x USING {month} r WHERE {these}",
    }.items():
        gone = change.format(month=name, these=_OF_THEM)
        counting = f"WITH gone AS ({gone} RETURNING r.connection_id, r.rule) SELECT *, count(*) FROM gone GROUP BY 1, 2"
        for connection_id, rule, count in connection.execute(text(counting), here):
            counts.setdefault((connection_id, rule), {})[what] = count
    plates = connection.scalars(
        text(f"DELETE FROM candidates x USING {name} r WHERE {_OF_THEM} RETURNING x.plate_id"), here
    ).all()
    for table in ("links", "held_reads"):
        connection.execute(text(f"DELETE FROM {table} x USING {name} r WHERE {_OF_THEM}"), here)
    _remove_unread(connection, name, sorted(set(plates)), here["now"])
    rows: dict[tuple[int, str], Destroyed] = {}
    days: dict[tuple[int, int], int] = {}
    for connection_id, rule, received, reads, payloads, first, last, digest in connection.execute(
        text(_LEDGER.format(month=name, payloads=payloads_of(name))), here
    ):
        if received is not None:
            days[connection_id, received] = reads
            continue
        told_of = counts.setdefault((connection_id, rule), {})
        told_of |= {"reads": reads, "payloads": payloads}
        rows[connection_id, rule] = Destroyed(connection_id, rule, told_of, digest, (first, last))
    for gone_of in rows.values():
        account(connection, gone_of)
    for (connection_id, number), count in days.items():
        day(connection, connection_id, number * 86_400_000_000, count)


_LEDGER: Final = f"""
WITH gone AS (
  DELETE FROM ledger l USING {{month}} r LEFT JOIN {{payloads}} p ON p.read_id = r.id AND p.captured_at = r.captured_at
  WHERE {_HERE} AND l.connection_id = r.connection_id AND l.vendor_read_id = r.vendor_read_id AND l.read_id = r.id
  RETURNING r.connection_id, r.rule, r.vendor_read_id, r.captured_at, r.received_at / 86400000000 AS received,
    p.read_id IS NOT NULL AS with_payload
)
SELECT connection_id, rule, received, count(*), count(*) FILTER (WHERE with_payload), min(captured_at),
  max(captured_at), encode(sha256(convert_to(
    string_agg(vendor_read_id, E'\\n' ORDER BY vendor_read_id COLLATE "C"), 'UTF8')), 'hex')
FROM gone GROUP BY GROUPING SETS ((connection_id, rule), (connection_id, received))
"""
"""Whom the ledger forgets: by connection and rule (`received` is null), and by connection and day."""


def _remove_plates(store: Store, name: str, now: int) -> None:
    """Remove the plates of a month that no read has but those of it that go."""
    after = 0
    some = f"SELECT plate_id FROM {name} WHERE plate_id > :after ORDER BY plate_id LIMIT {BATCH}"
    while True:
        with store.write() as connection:
            plates = sorted(set(connection.scalars(text(some), {"after": after})))
            if not plates:
                return
            _remove_unread(connection, name, plates, now)
            after = plates[-1]


def _remove_unread(connection: Connection, name: str, plates: list[int], now: int) -> None:
    if not plates:
        return
    stays, (begin, end) = f"({visible_sql('r')} OR r.floor_at > :now)", span_of(name)
    connection.execute(
        text(
            "DELETE FROM plates p WHERE p.id = ANY(:plates) "
            f"AND {no_row('reads r WHERE r.plate_id = p.id AND (r.captured_at < :begin OR r.captured_at >= :end)')} "
            f"AND {no_row(f'{name} r WHERE r.plate_id = p.id AND {stays}')} "
            f"AND {no_row('candidates c WHERE c.plate_id = p.id')} "
            f"AND p.id NOT IN (SELECT plate_id FROM {name} WHERE held)"
        ),
        {"plates": plates, "now": now, "begin": begin, "end": end},
    )


def _truncate(connection: Connection, name: str, now: int, floors: bool) -> bool:
    # Emptied and not dropped: late reads of this month still have a place. A month that is emptied at once is empty for
    # whoever looks at an earlier moment too, so nobody may be looking: readers hold the whole table while they do.
    connection.execute(text(f"SET LOCAL lock_timeout = {PATIENCE_MS}"))
    connection.execute(text("LOCK TABLE ONLY reads IN ACCESS EXCLUSIVE MODE"))
    if not _is_over(connection, name, now, floors):
        return False
    payloads = payloads_of(name)
    of_held = {
        name: f"SELECT * FROM {name} WHERE held",
        payloads: f"SELECT p.* FROM {payloads} p JOIN {name} r ON r.id = p.read_id WHERE r.held",
    }
    for part, held in of_held.items():
        connection.execute(text(f"CREATE TEMPORARY TABLE kept_{part} ON COMMIT DROP AS {held}"))
    connection.execute(text(f"TRUNCATE TABLE {name}, {payloads}"))
    for part in of_held:
        connection.execute(text(f"INSERT INTO {part} SELECT * FROM kept_{part}"))
    return True
