"""`Search`: reads over all sources, newest first. Nothing is handed out before it is on record who asked and why."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from hub.audit.record import Actor
from hub.clock import Clock
from hub.policy.asking import Asking
from hub.search import plates
from hub.search.coverage import Coverage, coverage
from hub.search.query import MOST_ROWS, Cursor, Query
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

WALK: Final = 2000
"""Reads that one step of a walk looks at."""
_COLUMNS: Final = """
    r.id, p.plate, r.plate_raw, r.plate_state, r.captured_at, r.zone, coalesce(c.name, c.vendor_id) AS camera,
    n.name AS connection, r.plate_confidence, r.make, r.colour, r.body, r.latitude, r.longitude, r.received_at,
    r.expires_at, r.plate_id
"""


@dataclass(frozen=True, slots=True)
class Found:
    """One read that matched, where it comes from, and why it matched."""

    id: int
    plate: str
    plate_raw: str
    plate_state: str | None
    captured_at: datetime
    zone: str
    camera: str
    connection: str
    plate_confidence: float | None
    make: str | None
    colour: str | None
    body: str | None
    latitude: float | None
    longitude: float | None
    received_at: datetime
    expires_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of rows, the cursor of the next page (None: there is none), and how far each source could answer."""

    rows: list[Found]
    next: str | None
    coverage: list[Coverage]


class Search:
    """Searches the store."""

    def __init__(self, store: Store, asking: Asking, clock: Clock) -> None:
        self._store = store
        self._asking = asking
        self._clock = clock

    def find(self, actor: Actor, query: Query) -> Answer:
        """The newest visible reads that a query means, a page of them.

        Raises `PolicyRefused` without a purpose of the profile or a reason that says something, and `Invalid` for a
        question without an answer; a refusal is on record too.
        """
        with self._asking.question(actor, "reads.search", query.why, query=query.told()) as question:
            query.patterns()
            now = self._clock.now()
            with self._store.read() as connection:
                rows = self._rows(connection, query, to_micros(now))
                covered = coverage(connection, query.connections, query.since, query.until, now)
            last = rows[-1] if len(rows) == query.limit else None
            following = Cursor(to_micros(last.captured_at), last.id).text() if last else None
            question.answered(len(rows))
        return Answer(rows, following, covered)

    def every(self, query: Query) -> Iterator[Found]:
        """Every visible read that a query means, newest first, page by page; for callers that hold the question."""
        now = to_micros(self._clock.now())
        page = replace(query, limit=MOST_ROWS)
        while True:
            with self._store.read() as connection:
                rows = self._rows(connection, page, now)
            yield from rows
            if len(rows) < MOST_ROWS:
                return
            page = replace(page, after=Cursor(to_micros(rows[-1].captured_at), rows[-1].id))

    def _rows(self, connection: Connection, query: Query, now: int) -> list[Found]:
        meant = plates.find(self._store, connection, query)
        conditions, bound = self._conditions(query, now)
        if meant.ids is not None:
            if not meant.ids:
                return []
            conditions.append(self._store.one_of("r.plate_id", "plates"))
            bound["plates"] = self._store.as_list(list(meant.ids))
            page = self._page(connection, conditions, bound, query.after, query.limit, by="+r.captured_at")
            return [_found(row, meant.ids[row["plate_id"]]) for row in page]
        rows: list[Found] = []
        after = query.after
        while len(rows) < query.limit:
            page = self._page(connection, conditions, bound, after, WALK if meant.patterns else query.limit)
            for row in page:
                reason = plates.why(query, meant.patterns, row["plate"])
                if reason is not None and len(rows) < query.limit:
                    rows.append(_found(row, reason))
            if len(page) < (WALK if meant.patterns else query.limit):
                break
            after = Cursor(page[-1]["captured_at"], page[-1]["id"])
        return rows

    def _page(
        self,
        connection: Connection,
        conditions: list[str],
        bound: dict[str, Any],
        after: Cursor | None,
        limit: int,
        by: str = "r.captured_at",
    ) -> list[Any]:
        """The next rows; `by` with a sign keeps planners from walking the index of times when plates are known."""
        where = list(conditions)
        given = {**bound, "limit": limit}
        if after is not None:
            where.append("(r.captured_at, r.id) < (:after_time, :after_id)")
            given.update(after_time=after.captured_at, after_id=after.id)
        sql = f"""
            SELECT {_COLUMNS} FROM reads r
            JOIN plates p ON p.id = r.plate_id
            JOIN cameras c ON c.id = r.camera_id
            JOIN connections n ON n.id = r.connection_id
            WHERE {" AND ".join(where)}
            ORDER BY {by} DESC, r.id DESC LIMIT :limit
        """
        return list(connection.execute(text(sql), given).mappings())

    def _conditions(self, query: Query, now: int) -> tuple[list[str], dict[str, Any]]:
        """What a row must fulfil besides its plate; `visible` comes first and cannot be left out."""
        # The sign keeps planners from walking the index of expiries, which holds nearly every read.
        conditions = ["+r.expires_at > :now"]
        bound: dict[str, Any] = {"now": now}
        for column, name, values in (
            ("r.plate_state", "states", query.states),
            ("n.name", "connections", query.connections),
            ("r.make", "makes", query.makes),
            ("r.colour", "colours", query.colours),
            ("r.body", "bodies", query.bodies),
        ):
            if values:
                conditions.append(self._store.one_of(column, name))
                bound[name] = self._store.as_list(list(values))
        if query.cameras:
            either = (self._store.one_of(column, "cameras") for column in ("c.vendor_id", "c.name"))
            conditions.append(f"({' OR '.join(either)})")
            bound["cameras"] = self._store.as_list(list(query.cameras))
        for at, sign in ((query.since, ">="), (query.until, "<")):
            if at is not None:
                name = "since" if sign == ">=" else "until"
                conditions.append(f"r.captured_at {sign} :{name}")
                bound[name] = to_micros(at)
        if query.min_confidence is not None:
            conditions.append("r.plate_confidence >= :confidence")
            bound["confidence"] = query.min_confidence
        if query.hits_only:
            conditions.append("EXISTS (SELECT 1 FROM hits h WHERE h.read_id = r.id)")
        return conditions, bound


def _found(row: Any, why: str) -> Found:
    times = {name: from_micros(row[name]) for name in ("captured_at", "received_at", "expires_at")}
    return Found(**{name: value for name, value in row.items() if name != "plate_id"} | times, why=why)
