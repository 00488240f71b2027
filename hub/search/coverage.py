"""How far each source could answer: an answer with a silent hole is worse than none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from connectors.contract import abilities
from hub.errors import NotFound
from hub.ports import Kinds
from hub.search.query import Query
from hub.store import runs, tables
from hub.store.instant import from_micros, to_micros

INCLUDED: Final = "included"
NOT_ASKED: Final = "not-asked"


@dataclass(frozen=True, slots=True)
class UncoveredTime:
    """A time that no run of a connection has covered."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """One connection's part in an answer.

    `status` is `included`, `on-demand` (it answers for one plate when asked, and what is here is what was asked for),
    `pushed` (it only sends by itself, and nobody can tell what it did not send), `not-asked` (left out by the query),
    `paused`, `removing` or `removed` (its reads stay until their time is up), `never-synced` or `not-available` (its
    connector may not run here any more). `gaps` are the times within the asked window that no run has covered, from the
    first run on where the query names no beginning; a run that failed has covered what its pages vouched for. A gap
    that begins at `covered_until` is merely the time since the last run, and one that ends at `covered_since` the time
    before the first: runs have covered nothing before it (None where they have, where the query begins later, and of a
    source that every run takes whole).
    """

    connection: str
    status: str
    last_success: datetime | None
    gaps: list[UncoveredTime]
    covered_until: datetime | None
    covered_since: datetime | None


def asked(covered: Sequence[Coverage]) -> dict[str, str]:
    """The connections that a query asked, each with how it stands; those that it left out are none of them."""
    return {part.connection: part.status for part in covered if part.status != NOT_ASKED}


def coverage(connection: Connection, query: Query, now: datetime, kinds: Kinds) -> list[Coverage]:
    """The coverage of every connection, by name, for a query's window (open ends: from the first run, until now)."""
    covered = runs.spans(connection, after=to_micros(query.since) if query.since else None, now=to_micros(now))
    ended = runs.last_done(connection)
    answers = []
    for row in connection.execute(select(tables.connections).order_by(tables.connections.c.name)):
        spans = covered.get(row.id, [])
        if spans and _is_taken_whole(row):  # its windows are of our asking: what lay there before was taken too
            spans = [runs.TimeSpan(min(spans[0].since, to_micros(query.since) if query.since else 0), spans[-1].until)]
        begin = to_micros(query.since) if query.since else spans[0].since if spans else to_micros(now)
        end = min(to_micros(query.until) if query.until else to_micros(now), to_micros(now))
        success = from_micros(ended[row.id]) if row.id in ended else None
        status = _status(row, query, bool(spans) or row.id in ended, kinds)
        holes = runs.holes(spans, begin, end) if status != "pushed" else ()
        gaps = [UncoveredTime(from_micros(start), from_micros(stop)) for start, stop in holes]
        until = from_micros(spans[-1].until) if spans else None
        first = None if _is_taken_whole(row) else _first(connection, row.id, query, spans)
        answers.append(Coverage(row.name, status, success, gaps, until, first))
    return answers


def _is_taken_whole(row: Row[Any]) -> bool:
    """Whether every run takes all that lies there, as of a folder of files: no time of it is uncovered."""
    return bool(row.checkpoint) and "until" not in msgspec.json.decode(row.checkpoint)


def _first(connection: Connection, ident: int, query: Query, spans: Sequence[runs.TimeSpan]) -> datetime | None:
    """From when on runs have covered anything, where that is later than the query's beginning."""
    if not spans:
        return None
    if query.since and (spans[0].since <= (at := to_micros(query.since)) or runs.covered_before(connection, ident, at)):
        return None
    return from_micros(spans[0].since)


def _status(row: Row[Any], query: Query, synced: bool, kinds: Kinds) -> str:
    if (query.connections and row.name not in query.connections) or (query.kinds and row.kind not in query.kinds):
        return NOT_ASKED
    if row.state != "active":
        return str(row.state)
    try:
        can = abilities(kinds.kind(row.connector))
    except NotFound:
        return "not-available"
    if "looks_up_plates" in can and "pulls_reads" not in can:
        return "on-demand"
    if {"receives_reads", "listens"} & set(can) and "pulls_reads" not in can:
        return "pushed"
    return INCLUDED if synced else "never-synced"
