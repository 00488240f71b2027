"""A vendor whose reads are asked for by time, and what a hub has of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from plain import record
from sqlalchemy import text

from connectors.contract import Page, Record, Window
from connectors.errors import TryAgain
from hub.clock import SetClock
from hub.people import Actor
from hub.search.coverage import coverage as coverage_of
from hub.search.query import Query
from hub.wiring import Hub


@dataclass
class Vendor:
    """Reads that are asked for by time, `page` at once; `down` are the instants whose page cannot be had."""

    clock: SetClock
    reads: dict[int, datetime] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    down: set[int] = field(default_factory=set)
    error: Exception = field(default_factory=lambda: TryAgain("the vendor is down"))
    windows: list[Window] = field(default_factory=list)
    cameras: int = 1
    page: int = 10

    def add(self, times: Sequence[datetime]) -> None:
        for at in times:
            self.reads[len(self.reads)] = at

    def pull(self, window: Window) -> Iterator[Page]:
        self.windows.append(window)
        inside = sorted((at, number) for number, at in self.reads.items() if window.since <= at < window.until)
        seen = [(at, number) for at, number in inside if number not in self.hidden]
        for start in range(0, len(seen), self.page):
            page = seen[start : start + self.page]
            if self.down & {number for _, number in page}:
                raise self.error
            yield Page([self._record(at, number) for at, number in page], {"until": page[-1][0].isoformat()})
        yield Page((), {"until": window.until.isoformat()})

    def _record(self, at: datetime, number: int) -> Record:
        told = record(number, f"9SYN{number:04d}", at.isoformat(), camera=f"c{number % self.cameras}")
        return Record("plain", msgspec.json.encode(told))

    def spans(self) -> list[tuple[datetime, datetime]]:
        return [(window.since, window.until) for window in self.windows]


def kept(hub: Hub) -> set[int]:
    with hub.store.read() as connection:
        return {int(ident[1:]) for ident in connection.scalars(text("SELECT vendor_read_id FROM reads"))}


def outcomes(hub: Hub) -> list[str]:
    with hub.store.read() as connection:
        return list(connection.scalars(text("SELECT outcome FROM runs ORDER BY id")))


def holes(hub: Hub, actor: Actor) -> list[tuple[datetime, datetime]]:
    return [(gap.since, gap.until) for gap in hub.ingest.gaps.find(actor) if gap.camera is None]


def every(step: timedelta, since: datetime, until: datetime) -> list[datetime]:
    return [since + step * number for number in range((until - since) // step)]


def coverage(hub: Hub) -> list[Any]:
    with hub.store.read() as connection:
        (one,) = coverage_of(connection, Query(None), hub.clock.now(), hub.connections.accounts)  # type: ignore[arg-type]
    return one.gaps
