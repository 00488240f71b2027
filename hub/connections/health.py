"""`Health`: how each connection is, in one word and one sentence, and a repair card for everything that needs a person.

Statuses, the worst of the cards deciding: `paused`, `failing` (its runs end with errors, or what it brings is refused),
`silent` (it always brings reads and now brings none), `late` (behind, but alive), `ok`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from connectors.contract import Connector, abilities
from hub.absent import no_connection
from hub.clock import Clock
from hub.connections import copies, figures
from hub.connections.accounts import Account, Connections
from hub.connections.card import OK, Card, worst_first
from hub.connections.cards import Seen, cards
from hub.connections.removedcards import removed_unproved
from hub.connections.surroundings import Surroundings
from hub.connections.waiting import SpoolFolder, Waiting
from hub.errors import NotFound
from hub.governing.in_force import Governing
from hub.store import tables
from hub.store.engine import Store
from hub.store.heard import HeardLine, lines_of
from hub.store.instant import from_micros, to_micros
from hub.store.provenance import provenance_of
from hub.store.runs import ahead
from hub.store.silences import cameras_of, silences
from hub.store.taken import bad_files
from hub.store.wanted import not_allowed

WELL = "Everything is as it should be."


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How a connection is. `requests_used` is `unknown`: no vendor tells, and what is not counted is not guessed.

    `lag_seconds` runs from the newest capture until now; `hour` is the last hour beside the same hour of the past four
    weeks (None: not known); `drift` is the share of the last records that was refused (None: none came).
    `needs_person`: something of it does not pass by itself.
    """

    connection: str
    status: str
    reason: str
    cards: list[Card]
    last_success: datetime | None
    newest_read: datetime | None
    lag_seconds: int | None
    hour: int
    hour_before: list[int | None]
    silent_cameras: list[dict[str, Any]]
    credentials_end: str | None
    requests_used: str
    drift: float | None
    waiting_pushes: int | None
    state: str
    needs_person: bool


class Health:
    """Looks at connections; changes nothing and talks to nobody."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        connections: Connections,
        spool: SpoolFolder,
        surroundings: Surroundings,
        governing: Governing,
        data: Path,
    ) -> None:
        self._data = data
        self._store = store
        self._clock = clock
        self._connections = connections
        self._spool = spool
        self._surroundings = surroundings
        self._governing = governing

    def all(self) -> list[HealthReport]:
        """Every connection's report, by name."""
        waiting = self._spool.waiting()
        return [self._report(account, waiting) for account in self._connections.list()]

    def of(self, name: str) -> HealthReport:
        """One connection's report; raises `NotFound`."""
        there = {account.name: account for account in self._connections.list()}
        if name not in there:
            raise NotFound(no_connection(name, list(there)))
        return self._report(there[name], self._spool.waiting())

    def around(self) -> list[Card]:
        """What a person should know of the hub itself, the worst first: its disk, what was set aside, its notices."""
        return worst_first(self._surroundings.cards(self._spool.waiting(), self._clock.now(), self._governing.zone))

    def removed(self) -> list[tuple[str, Card]]:
        """What a person must see to of connections that were removed without every proof, with their names."""
        return removed_unproved(self._store, self._governing.zone)

    def _report(self, account: Account, waiting: Waiting) -> HealthReport:
        seen = self._seen(account, waiting)
        ordered = worst_first(cards(seen))
        newest = from_micros(seen.ends.newest) if seen.ends.newest else None
        return HealthReport(
            connection=account.name,
            status=ordered[0].status if ordered else OK,
            reason=ordered[0].happened if ordered else WELL,
            cards=ordered,
            last_success=seen.runs.last_success,
            newest_read=newest,
            lag_seconds=int((seen.now - newest).total_seconds()) if newest else None,
            hour=seen.hour.now,
            hour_before=seen.hour.weeks,
            silent_cameras=[
                {
                    "camera": silence.camera,
                    "last_read": silence.last_read,
                    "usual_gap_seconds": silence.usual_gap_seconds,
                }
                for silence in seen.quiet
            ],
            credentials_end=seen.credentials_end.isoformat() if seen.credentials_end else None,
            requests_used="unknown",
            drift=round(seen.records.share, 4) if seen.records.came else None,
            waiting_pushes=None if waiting.counts is None else seen.waiting,
            state=account.state,
            needs_person=needs_person(ordered),
        )

    def _seen(self, account: Account, waiting: Waiting) -> Seen:
        now = self._clock.now()
        try:
            kind: type[Connector[Any]] | None = self._connections.kind(account.connector)
        except NotFound:
            kind = None
        with self._store.read() as connection:
            accounts = tables.connections
            row = connection.execute(select(accounts).where(accounts.c.id == account.id)).one()
            cameras = cameras_of(connection, account.id)
            idents = [camera.id for camera in cameras]
            ends = figures.ends(connection, idents)
            runs = figures.runs(connection, account.id)
            records = figures.records(connection, account.id, runs)
            whole = bool(account.checkpoint) and "until" not in account.checkpoint
            return Seen(
                account=account,
                kind=kind,
                row=row,
                closed=self._connections.closed(row),
                ends=ends,
                hour=figures.hour(self._store, connection, idents, ends.oldest, now),
                quiet=silences(connection, cameras, now),
                runs=runs,
                records=records,
                why_refused=figures.why_refused(connection, account.id) if records.refused else None,
                copies=self._copies(connection, row, kind, now),
                elsewhere=not_allowed(connection, row.id, to_micros(now)),
                # A source that every run takes whole has no gaps.
                missed=figures.missed(connection, row.id, self._oldest(account), now) if kind and not whole else [],
                ahead=ahead(connection, row.id, to_micros(now)),
                waiting=(waiting.counts or {}).get(account.id, 0),
                waiting_since=waiting.oldest.get(account.id),
                credentials_end=_credentials_end(kind, row),
                bad_files=bad_files(connection, row.id),
                line=self._line(account.id, now),
                now=now,
                zone=self._governing.zone,
            )

    def _line(self, ident: int, now: datetime) -> HeardLine | None:
        return lines_of(self._data, to_micros(now)).get(ident)

    def _oldest(self, account: Account) -> datetime:
        now = self._clock.now()
        return now - self._governing.life(account.provenance, now)

    def _copies(
        self, connection: Connection, row: Row[Any], kind: type[Connector[Any]] | None, now: datetime
    ) -> list[copies.UnprovedList]:
        gone = copies.withdrawn(connection, row.id, now)
        told = {copy.hotlist for copy in gone}
        hot_lists = gone + [
            copy
            for copy in copies.unproved(connection, row.id, now) + copies.behind(connection, row.id, now)
            if copy.hotlist not in told
        ]
        contract = provenance_of(row).contract
        allowed = contract is None or contract.forbids("hot_lists") is None
        if allowed and kind is not None and "pushes_hotlists" in abilities(kind):
            hot_lists += copies.never(connection, row.id, row.added_at, now)
        return hot_lists


def needs_person(cards: Iterable[Card]) -> bool:
    """Whether any of it does not pass by itself."""
    return any(card.needs_person for card in cards)


def passing(cards: Iterable[Card]) -> bool:
    """Whether any of it is wrong now and may pass by itself; a pause that a person wanted is not wrong."""
    return any(card.status != OK and card.code != "paused" and not card.needs_person for card in cards)


def _credentials_end(kind: type[Connector[Any]] | None, row: Row[Any]) -> date | None:
    field = kind.Settings.credentials_end if kind else ""
    value = msgspec.json.decode(row.settings).get(field) if field else None
    return date.fromisoformat(value) if value else None
