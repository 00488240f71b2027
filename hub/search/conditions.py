"""What a read must fulfil besides its plate, as SQL over `reads r`; being visible cannot be left out."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from hub.search.hours import within
from hub.search.query import Query
from hub.store.countries import country_sql
from hub.store.dialect import dialect
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.visible import visible_sql
from normalize.vehicle import TYPES

DRIVERS: Final = ("r.plate_id", "k.plate_id", "r.camera_id", "r.cell", "r.make")
"""Columns that an index leads from, the best first."""
MOST_CAMERAS: Final = 300
"""More cameras than this are not gone through one by one."""
LONGEST_LIFE: Final = timedelta(days=3660)
"""Hours of the day are worked out this far back where a query names no beginning."""


@dataclass(slots=True)
class Conditions:
    """SQL conditions and what they bind, for reads captured from `since` on and before `until` (µs)."""

    sql: list[str]
    bound: dict[str, Any]
    since: int | None = None
    until: int | None = None
    tables: str = "reads r"
    times: tuple[str, ...] = ("r.captured_at",)
    keys: dict[str, list[Any]] = field(default_factory=dict)
    """Columns that may have these few values only; the index of one of them leads to the reads."""
    over_too: bool = False
    """Whether reads are meant whose time is over: only for a caller that looks at each one's end itself."""
    possible: bool = True
    """Whether any read can fulfil them: a camera that nobody knows has none."""

    @property
    def driver(self) -> str | None:
        """The column whose index leads to the reads."""
        return next((column for column in DRIVERS if column in self.keys), None)

    @property
    def several(self) -> bool:
        """Whether that column has several values, so that no index holds the reads in order of time."""
        return self.driver is not None and len(self.keys[self.driver]) > 1

    @property
    def by_plate_alone(self) -> bool:
        """Whether a plate and a time are all that is asked for, which the index of plates answers without the rows."""
        return not self.sql and list(self.keys) == ["r.plate_id"] and self.tables == "reads r"

    def where(self, store: Store, lead: str | None) -> tuple[list[str], dict[str, Any]]:
        """All conditions; no index but that of the column that leads (`lead`) is used."""
        alive = [] if self.over_too else [visible_sql("r", off_index=True)]
        sql, bound = [*alive, *self.sql], dict(self.bound)
        for column, values in self.keys.items():
            name = column.replace(".", "_")
            compared = column if column == lead else dialect(store).unindexed(column)
            sql.append(f"{compared} = :{name}" if len(values) == 1 else store.one_of(compared, name))
            bound[name] = values[0] if len(values) == 1 else store.as_list(values)
        return sql, bound

    def both(self, sql: str, **bound: Any) -> None:
        """Ask for one thing more."""
        self.sql.append(sql)
        self.bound.update(bound)


def conditions(store: Store, connection: Connection, query: Query, now: int, zone: ZoneInfo) -> Conditions:
    """The conditions of a query; cameras, sites, connections and kinds are looked up here, once."""
    terms = Conditions([], {"now": now})
    terms.since = to_micros(query.since) if query.since else None
    terms.until = to_micros(query.until) if query.until else None
    for column, name, values in (
        ("r.plate_state", "states", query.states),
        (country_sql("r"), "countries", query.countries),
        ("r.colour", "colours", query.colours),
        ("r.body", "bodies", query.bodies),
    ):
        if values:
            terms.both(store.one_of(column, name), **{name: store.as_list(values)})
    if query.makes:
        terms.keys["r.make"] = list(query.makes)
    if query.types:
        bodies = sorted(set().union(*(TYPES[vehicle_type] for vehicle_type in query.types)))
        terms.both(store.one_of("r.body", "types"), types=store.as_list(bodies))
    if query.min_confidence is not None:
        terms.both("r.plate_confidence >= :confidence", confidence=query.min_confidence)
    if query.hits_only:
        terms.both("EXISTS (SELECT 1 FROM hits h WHERE h.read_id = r.id)")
    if query.hours:
        begin = query.since or from_micros(now) - LONGEST_LIFE
        end = query.until or from_micros(now) + timedelta(days=1)
        terms.both(within(query.hours, "r.captured_at", zone, begin, end))
    _sources(store, connection, query, terms)
    _place(query, terms)
    return terms


def _sources(store: Store, connection: Connection, query: Query, terms: Conditions) -> None:
    """Cameras, sites, connections and kinds, all by the cameras that they mean: each belongs to one connection."""
    by_column = {"n.name": query.connections, "n.kind": query.kinds, "c.site": query.sites, "camera": query.cameras}
    by_column = {column: values for column, values in by_column.items() if values}
    if not by_column:
        return
    where, bound = [], {}
    for number, (column, values) in enumerate(by_column.items()):
        columns = ("c.name", "c.vendor_id") if column == "camera" else (column,)
        where.append(f"({' OR '.join(store.one_of(column_meant, f'asked_{number}') for column_meant in columns)})")
        bound[f"asked_{number}"] = store.as_list(values)
    sql = f"SELECT c.id FROM cameras c JOIN connections n ON n.id = c.connection_id WHERE {' AND '.join(where)}"
    cameras = [row[0] for row in store.rows(connection, sql, bound)]
    terms.possible = bool(cameras)
    if len(cameras) <= MOST_CAMERAS:
        terms.keys["r.camera_id"] = cameras
    else:
        terms.both(store.one_of("+r.camera_id", "cameras"), cameras=store.as_list(cameras))


def _place(query: Query, terms: Conditions) -> None:
    if query.area is None:
        return
    terms.tables = "reads r JOIN cameras c ON c.id = r.camera_id"
    sql, bound = query.area.condition("coalesce(r.latitude, c.latitude)", "coalesce(r.longitude, c.longitude)")
    terms.both(sql, **bound)
    cells = query.area.cells()
    if cells is not None:
        terms.keys["r.cell"] = cells
