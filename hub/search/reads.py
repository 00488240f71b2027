"""`Search`: reads over all sources, newest first. Nothing is handed out before it is on record who asked and why."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from hub.access.asking import Asking
from hub.audit.actions import Act
from hub.clock import Clock
from hub.errors import NotFound
from hub.governing.in_force import Governing
from hub.passes import Sighting, passes
from hub.people import Actor
from hub.ports import Kinds
from hub.search import plates
from hub.search.conditions import Conditions, conditions
from hub.search.coverage import Coverage, asked, coverage
from hub.search.newest import edge, newest
from hub.search.pattern import Pattern
from hub.search.query import MOST_ROWS, Cursor, Query
from hub.search.rows import Found, choices_of, rows_of
from hub.store.engine import Store
from hub.store.instant import to_micros
from normalize.plate import fold

WALK: Final = 32_000
"""Reads that a walk looks at before every plate that fits is looked up after all."""
_ALL: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of rows, the cursor of the next page (None: there is none), and how far each source could answer.

    `estimate` is how many reads the query means; None where this page is not all of them: nobody has counted those, and
    what one page tells of a whole store may be wrong a hundredfold. `estimated` says that it is not known. `passes` are
    the ids of rows of this page that are one car going by once, seen by several cameras or told by several sources:
    each copy keeps its own life.
    """

    rows: list[Found]
    next: str | None
    estimate: int | None
    estimated: bool
    passes: list[tuple[int, ...]]
    coverage: list[Coverage]


class Search:
    """Searches the store."""

    def __init__(
        self,
        store: Store,
        asking: Asking,
        clock: Clock,
        governing: Governing,
        kinds: Kinds,
    ) -> None:
        self._store = store
        self._asking = asking
        self._clock = clock
        self._governing = governing
        self._kinds = kinds

    def find(self, actor: Actor, query: Query) -> FoundPage:
        """The newest visible reads that a query means, a page of them.

        Raises `PolicyRefused` without a purpose of the profile or a reason that says something, and `Invalid` for a
        question without an answer; a refusal is on record too.
        """
        with self._asking.question(actor, Act.READS_SEARCH, query.why, query=query.told()) as question:
            now = to_micros(self._clock.now())
            with self._store.read() as connection:
                rows = self.page(connection, query, now)
                covered = self._coverage(connection, query)
            last = rows[-1] if len(rows) == query.limit else None
            following = Cursor(to_micros(last.captured_at), last.id).text() if last else None
            question.answered(len(rows), asked(covered))
        whole = following is None and query.after is None
        return FoundPage(rows, following, len(rows) if whole else None, not whole, _passes(rows), covered)

    def every(self, query: Query) -> Iterator[Found]:
        """Every visible read that a query means, newest first, page by page; for callers that hold the question."""
        now = to_micros(self._clock.now())
        page = replace(query, limit=MOST_ROWS)
        while True:
            with self._store.read() as connection:
                rows = self.page(connection, page, now)
            yield from rows
            if len(rows) < MOST_ROWS:
                return
            page = replace(page, after=Cursor(to_micros(rows[-1].captured_at), rows[-1].id))

    def covered(self, query: Query) -> list[Coverage]:
        """How far each source could answer a query now."""
        with self._store.read() as connection:
            return self._coverage(connection, query)

    def page(self, connection: Connection, query: Query, now: int) -> list[Found]:
        """The rows of one page as of `now` (µs), each with its why; for callers that hold the question."""
        patterns = query.patterns()
        terms = conditions(self._store, connection, query, now, self._governing.now(connection).profile.zone)
        if not terms.possible:
            return []
        if not patterns:
            dated = newest(self._store, connection, terms, query.after, query.limit, now)
            return rows_of(self._store, connection, dated, lambda *_: "in the time and place asked for")
        ids = plates.find(self._store, connection, query, patterns, plates.MOST)
        keys: list[Cursor] = []
        if ids is None or len(ids) > plates.MANY:
            keys, terms.until = self._walk(connection, terms, query, patterns, ids, now)
            if len(keys) == query.limit or terms.until is None:
                ids = []
            elif ids is None:
                ids = plates.find(self._store, connection, query, patterns, _ALL)
        if ids:
            terms.keys["r.plate_id"] = ids
            left = query.limit - len(keys)
            keys += newest(self._store, connection, terms, query.after, left, now, candidates=query.candidates)
        return rows_of(self._store, connection, keys, self._why(connection, query, patterns, keys))

    def _walk(
        self,
        connection: Connection,
        terms: Conditions,
        query: Query,
        patterns: tuple[Pattern, ...],
        ids: list[int] | None,
        now: int,
    ) -> tuple[list[Cursor], int | None]:
        """Keys among the newest reads whose plate is meant, and where the walk ended (µs; None: with the last read)."""
        behind = edge(self._store, connection, terms, query.after, WALK)
        if ids is None:
            # A subquery for each read: with a join, planners would scan the whole table of plates.
            fits, bound = plates.fit(self._store, patterns, "p.plate")
            meant = f"(SELECT {fits} FROM plates p WHERE p.id = r.plate_id)"
            choice = f"SELECT 1 FROM candidates k JOIN plates p ON p.id = k.plate_id WHERE k.read_id = r.id AND {fits}"
        else:
            bound = {"walked": self._store.as_list(ids)}
            meant, among = (self._store.among(f"{table}.plate_id", "walked") for table in "rk")
            choice = f"SELECT 1 FROM candidates k WHERE k.read_id = r.id AND {among}"
        if query.candidates:
            meant = f"({meant} OR EXISTS ({choice}))"
        begin = terms.since if behind is None else max(behind, terms.since or behind)
        near = replace(terms, sql=[*terms.sql, meant], bound={**terms.bound, **bound}, since=begin)
        return newest(self._store, connection, near, query.after, query.limit, now), behind

    def _why(
        self, connection: Connection, query: Query, patterns: tuple[Pattern, ...], keys: list[Cursor]
    ) -> Callable[[int, str, str], str]:
        """Why a read is meant: by its plate, or else by the first of its candidates that is."""
        because = plates.reasons(query, patterns)
        others = choices_of(self._store, connection, [key.id for key in keys] if query.candidates else [])

        def why(ident: int, plate: str, connector: str) -> str:
            by_plate = because(plate)
            if by_plate is not None:
                return by_plate
            choice = next(choice for choice in others[ident] if because(choice.plate) is not None)
            sure = "" if choice.confidence is None else f", {choice.confidence:.2f}"
            by_choice = because(choice.plate)
            more = "" if by_choice == "exact" else f": {by_choice}"
            return f"candidate {choice.rank} of {self._name(connector)}{sure}{more}"

        return why

    def _coverage(self, connection: Connection, query: Query) -> list[Coverage]:
        return coverage(connection, query, self._clock.now(), self._kinds)

    def _name(self, connector: str) -> str:
        try:
            return self._kinds.kind(connector).info.name
        except NotFound:
            return connector


def _passes(rows: list[Found]) -> list[tuple[int, ...]]:
    return [passing.read_ids for passing in passes(map(_sighting, rows)) if len(passing.reads) > 1]


def _sighting(row: Found) -> Sighting:
    return Sighting(
        id=row.id,
        plate=row.plate,
        plate_key=fold(row.plate),
        plate_state=row.plate_state,
        captured_at=to_micros(row.captured_at),
        expires_at=to_micros(row.expires_at),
        connection=row.connection,
        camera_id=row.camera_id,
        camera=row.camera,
        site=row.site,
        latitude=row.latitude,
        longitude=row.longitude,
    )
