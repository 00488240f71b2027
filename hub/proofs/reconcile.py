"""`Reconciliation`: every record that ever came is accounted for, by connection and day of its receipt.

What came is stored, was there already, was refused or was over age when it came; what was stored is visible, waits for
the purge, is held or was purged. The left sides are counted when pages are saved and reads purged (`days`), the right
side of the second is counted here, read by read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, text

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.people import Actor
from hub.ports import Lying, Spooled
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros
from hub.store.visible import visible_sql

_COUNTED: Final = f"""
SELECT connection_id, received_at / 86400000000 AS day,
  sum(CASE WHEN held THEN 1 ELSE 0 END) AS held,
  sum(CASE WHEN NOT held AND {visible_sql()} THEN 1 ELSE 0 END) AS visible,
  sum(CASE WHEN NOT held AND expires_at <= :now AND EXISTS (SELECT 1 FROM ledger WHERE ledger.connection_id =
    reads.connection_id AND ledger.vendor_read_id = reads.vendor_read_id AND ledger.read_id = reads.id)
    THEN 1 ELSE 0 END) AS unpurged
FROM reads GROUP BY connection_id, received_at / 86400000000
"""
"""Goes through every read: what is to be proved is that none is missing, and an index would be a second count of the
same rows. Once a day, by nobody who waits; it holds up no writer. What the ledger has forgotten is purged: only its
month is not emptied yet."""


@dataclass(frozen=True, slots=True)
class DayOfReceipt:
    """What became of the records that one connection received on one day (UTC)."""

    connection: str
    day: date
    pulled: int
    stored: int
    duplicates: int
    quarantined: int
    born_expired: int
    visible: int
    unpurged: int
    """Expired and invisible, not purged yet."""
    held: int
    purged: int
    difference_pulled: int
    """`pulled` less what is accounted for of it."""
    difference_stored: int
    """`stored` less what is accounted for of it: positive, reads are missing; negative, there are too many."""
    said: str | None
    """What a difference is, in words."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """All days, and whether everything is accounted for."""

    days: list[DayOfReceipt]
    lying: Lying
    """What came and is no record yet: it is in none of the days."""

    @property
    def differences(self) -> list[DayOfReceipt]:
        """The days that do not add up."""
        return [day for day in self.days if day.said is not None]


class Reconciliation:
    """Adds up what came and what is there."""

    def __init__(self, store: Store, audit: Audit, clock: Clock, spooled: Spooled) -> None:
        self._spooled = spooled
        self._store = store
        self._audit = audit
        self._clock = clock

    def run(self, actor: Actor) -> Reconciled:
        """Every connection's every day, of one moment; a difference is on record by connection and day."""
        table = tables.days
        with self._store.read() as connection:
            now = self._clock.now()
            rows = connection.execute(select(tables.connections.c.id, tables.connections.c.name)).all()
            names = {row.id: row.name for row in rows}
            noted = {(row.connection_id, row.day): row for row in connection.execute(select(table))}
            there = {
                (row.connection_id, row.day): row for row in connection.execute(text(_COUNTED), {"now": to_micros(now)})
            }
        keys = sorted(noted.keys() | there.keys(), key=lambda key: (names[key[0]], key[1]))
        reconciled = Reconciled(
            [_day(names[key[0]], key[1], noted.get(key), there.get(key)) for key in keys], self._spooled.lying()
        )
        wrong = [f"{day.connection} {day.day}: {day.said}" for day in reconciled.differences]
        self._audit.record(
            actor, Act.RETENTION_RECONCILE, Outcome.DIFFERS if wrong else Outcome.DONE, results=len(reconciled.days),
            differences=wrong, pushes_waiting=reconciled.lying.pushes, pushes_set_aside=reconciled.lying.set_aside,
        )  # fmt: skip
        return reconciled


def _day(connection: str, day: int, noted: Row[Any] | None, there: Row[Any] | None) -> DayOfReceipt:
    pulled, stored, duplicates, quarantined, born_expired, purged = _numbers(
        noted, ("pulled", "stored", "duplicates", "quarantined", "born_expired", "purged")
    )
    visible, unpurged, held = _numbers(there, ("visible", "unpurged", "held"))
    came = pulled - stored - duplicates - quarantined - born_expired
    kept = stored - visible - unpurged - held - purged
    return DayOfReceipt(
        connection, date(1970, 1, 1) + timedelta(days=day),
        pulled, stored, duplicates, quarantined, born_expired, visible, unpurged, held, purged, came, kept,
        _sentence(came, kept, noted is None),
    )  # fmt: skip


def _numbers(row: Row[Any] | None, names: Iterable[str]) -> list[int]:
    return [0 if row is None else int(getattr(row, name)) for name in names]


def _sentence(came: int, kept: int, unnoted: bool) -> str | None:
    if unnoted:
        return f"{-kept} reads of a day that nobody counted: they came before the hub counted days"
    sentences = []
    if came:
        sentences.append(f"{abs(came)} records {'not accounted for' if came > 0 else 'accounted for twice'}")
    if kept > 0:
        sentences.append(f"{kept} stored reads are gone and no purge has counted them")
    elif kept < 0:
        sentences.append(f"{-kept} reads are there that no page has counted")
    return "; ".join(sentences) or None
