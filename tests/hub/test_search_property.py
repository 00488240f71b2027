"""Search finds what a plain scan in Python finds, in the same order, for any store, any question and any threshold."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
import postgres
import pytest
from effort import tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from registries import Having
from scan import ACCOUNTS, EAST, LISTED, NORTH, STANDS, TYPE_OF, ZONE, Seen, explained, naive, should_tell, told
from sqlalchemy import text

import hub.search.newest as newest_step
from connectors.contract import Document
from hub.area import Circle, Polygon
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.search.hours import Hours
from hub.search.query import Cursor, Mode, Query
from hub.search.rows import Found
from hub.settings import HubSettings
from hub.wiring import Hub, open_hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
ACTOR = Actor("tester")
OPENED = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOW = OPENED - timedelta(days=1)
EARLY = datetime(2025, 6, 1, tzinfo=UTC)
"""No read has expired yet: what comes in now is kept."""
LATE = OPENED + timedelta(days=1000)
"""Every read has expired."""
HOUR = 3_600_000_000
GRID = st.tuples(st.sampled_from(NORTH), st.sampled_from(EAST))


SHORT = st.one_of(
    st.sampled_from(["AB0", "A80", "ABO", "A1A1", "11", "1B1A0"]),
    st.text("AB01", min_size=1, max_size=5),
    st.text("AB01O8Ж𠀀", min_size=1, max_size=4),
)
PATTERNS = st.one_of(
    SHORT,
    st.text("AB01?*", min_size=1, max_size=6),
    st.text("AB01O8Ж𠀀??**", min_size=1, max_size=6),
).filter(lambda text: set(text) - set("?*"))
SURE = st.sampled_from([None, 0.0, 0.5, 0.9, 1.0])
MOMENTS = st.builds(
    lambda text, micros: datetime.fromisoformat(text) + timedelta(microseconds=micros),
    st.sampled_from([
        "2026-05-31T12:00:00Z", "2026-05-31T11:00:00Z",
        "2026-05-30T12:00:00Z",  # a day before: where a first span ends
        "2026-05-16T06:59:00Z",
        "2026-05-01T12:00:00Z",  # thirty days before: a read of `feed` expires
        "2026-05-01T00:00:00Z",  # a month begins
        "2026-03-08T10:00:00Z", "2025-11-02T09:00:00Z", "2025-11-02T08:30:00Z",  # clocks change
        "2025-06-01T00:00:00Z",  # before it, no month has a partition of its own
        "2025-05-31T12:00:00Z",  # a year before: a read of `year` expires
    ]),
    st.sampled_from([0, 0, 0, 0, 1, -1, HOUR // 2, -HOUR // 2, 3 * HOUR]),
).filter(lambda at: at < OPENED)  # fmt: skip
SEEN = st.builds(
    Seen,
    plate=SHORT,
    camera=st.sampled_from(sorted(STANDS)),
    at=MOMENTS,
    state=st.sampled_from(["us-ca", "us-nv", None]),
    place=st.none() | st.none() | GRID,
    make=st.sampled_from([None, "TOYT", "FORD"]),
    colour=st.sampled_from([None, "SIL", "BLK"]),
    body=st.sampled_from([None, *TYPE_OF]),
    confidence=SURE,
    candidates=st.just(()) | st.lists(st.tuples(SHORT | st.just("-"), SURE), max_size=7),
)
AREAS = st.one_of(
    st.builds(lambda at, metres: Circle(*at, metres), GRID, st.sampled_from([1.0, 444.78, 500.0, 1500.0, 60_000.0])),
    st.lists(GRID, min_size=3, max_size=6).filter(lambda ring: len(set(ring)) > 2).map(tuple).map(Polygon),
)
MINUTES = st.sampled_from([0, 1, 60, 90, 119, 120, 121, 180, 300, 1410, 1439])
HOURS = st.builds(Hours, MINUTES, MINUTES, st.just(frozenset(range(7))) | st.frozensets(st.integers(0, 6), min_size=1))


def some(*values: Any) -> Any:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


FIELDS: dict[str, Any] = {
    "states": some("US-CA", "US-NV", "US-OR"),
    "since": MOMENTS,
    "until": MOMENTS,
    "hours": st.lists(HOURS, min_size=1, max_size=2).map(tuple),
    "area": AREAS,
    "cameras": some("c0", "c1", "c2", "Pier", "nobody's"),
    "sites": some("pier", "plaza", "nowhere"),
    "connections": some("feed", "lane", "year", "none"),
    "kinds": some("own", "commercial", "native_reader"),
    "makes": some("TOYT", "FORD", "BMW"),
    "colours": some("SIL", "BLK"),
    "bodies": some("4D", "UT", "MC"),
    "types": some("car", "suv", "pickup"),
    "hits_only": st.just(True),
    "min_confidence": SURE,
}


BENT = {
    Mode.PATTERN: ["*", "?", "*", "?", "0"],
    Mode.LOOKALIKE: ["0", "O", "8", "B", ""],
    Mode.ONE_EDIT: ["", "A", "0", "1", "Ж"],
}


@st.composite
def remembered(draw: Any, plates: list[str], mode: Mode) -> str:
    """One of the plates as somebody remembers it: right, or with a part or two that is another."""
    plate: str = draw(st.sampled_from(plates))
    for _ in range(draw(st.integers(0, 2))):
        first = draw(st.integers(0, len(plate)))
        last = min(first + draw(st.integers(0, 2)), len(plate))
        plate = plate[:first] + draw(st.sampled_from(BENT[mode])) + plate[last:]
    return plate if set(plate) - set("?*") else plates[0]


@st.composite
def questions(draw: Any, reads: list[Seen]) -> Query:
    """A question that has an answer, by plates and up to three conditions more, as people type it."""
    by_plate = draw(st.sampled_from([True, True, False]))
    more = st.lists(st.sampled_from(sorted(FIELDS)), min_size=not by_plate, max_size=3 - by_plate, unique=True)
    asked = {name: draw(FIELDS[name]) for name in draw(more)}
    mode = draw(st.sampled_from([Mode.PATTERN, *Mode]))
    known = sorted({plate for read in reads for plate in (read.plate, *(choice[1] for choice in read.choices))})
    wanted = remembered(known, mode) if known else PATTERNS
    plates = draw(st.lists(wanted | PATTERNS, min_size=1, max_size=3)) if by_plate else []
    if mode is not Mode.PATTERN:
        plates = [plate.replace("?", "").replace("*", "") for plate in plates]
    if draw(st.booleans()):
        plates = [f"{plate[:1]}-{plate[1:]} ".lower() for plate in plates]
    if asked.get("since") and asked.get("until") and asked["since"] >= asked["until"]:
        del asked["until"]
    if not plates and not {"since", "area", "cameras", "sites", "connections", "hits_only"} & set(asked):
        asked["since"] = EARLY - timedelta(days=30)
    zone = draw(st.sampled_from([UTC, ZONE]))
    asked |= {name: asked[name].astimezone(zone) for name in ("since", "until") if name in asked}
    limit = draw(st.sampled_from([1, 2, 3, 6]))
    return Query(WHY, plates=tuple(plates), mode=mode, candidates=draw(st.booleans()), limit=limit, **asked)


@st.composite
def worlds(draw: Any, few: int, most: int) -> tuple[list[Seen], list[Query]]:
    """What a store holds, each connection's reads in one page, and what is asked about it."""
    size = draw(st.sampled_from([0, 4, 12, 18, 24]))
    reads = sorted(draw(st.lists(SEEN, min_size=size, max_size=size)), key=attrgetter("account"))
    return reads, draw(st.lists(questions(reads), min_size=few, max_size=most))


THRESHOLDS = st.fixed_dictionaries({
    "hub.search.plates.MANY": st.sampled_from([0, 2, 4000]),
    "hub.search.plates.MOST": st.sampled_from([1, 4, 8000]),
    "hub.search.reads.WALK": st.sampled_from([1, 4, 32_000]),
    "hub.search.reads.MOST_ROWS": st.sampled_from([1, 3, 1000]),
    "hub.search.conditions.MOST_CAMERAS": st.sampled_from([0, 300]),
    "hub.search.newest.FIRST": st.sampled_from([newest_step.FIRST, dict.fromkeys(newest_step.FIRST, HOUR)]),
    "hub.search.newest.GROWTH": st.sampled_from([2, 8]),
    "hub.search.newest.FEW": st.sampled_from([0, 32]),
    "hub.search.probes._MOST_RANGES": st.sampled_from([1, 1500]),
    "hub.area.MOST_CELLS": st.sampled_from([0, 1000]),
})  # fmt: skip
"""What makes search choose one way or another, low enough for a store of a few reads to go every way."""


@contextmanager
def patched(values: dict[str, Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(name, value)
        yield


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def hubs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Hub]]:
    """Two hubs on one database, each with connections and a clock of its own; the cameras are known, reads are none."""
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            url = SecretStr(stack.enter_context(postgres.database(request.getfixturevalue("pg_server"))))
        folder = tmp_path_factory.mktemp("search")
        registry = Having(**{account.connector.info.key: account.connector for account in ACCOUNTS.values()})
        given = HubSettings(data=folder / "data", database_url=url)
        hub, other = (stack.enter_context(open_hub(given, SetClock(OPENED), registry=registry)) for _ in range(2))
        for name, account in ACCOUNTS.items():
            hub.connections.accounts.add(ACTOR, name, account.connector.info.key, {"folder": str(folder)})
        hub.hotlists.lists.load(ACTOR, "wanted", [NewEntry(plate, "stolen", "26-1", "US-CA") for plate in LISTED])
        move(hub, EARLY)
        take(hub, [Seen("A", EARLY, camera, place=stand.place) for camera, stand in STANDS.items()])
        with hub.store.write() as connection:
            for name, account in ACCOUNTS.items():
                bound = {"name": name, "kind": account.kind}
                connection.execute(text("UPDATE connections SET kind = :kind WHERE name = :name"), bound)
            for (name, vendor_id), stand in STANDS.items():
                sql = (
                    "UPDATE cameras SET name = :camera, site = :site WHERE vendor_id = :vendor_id "
                    "AND connection_id = (SELECT id FROM connections WHERE name = :name)"
                )
                bound = {"name": name, "vendor_id": vendor_id, "camera": stand.name, "site": stand.site}
                connection.execute(text(sql), bound)
        yield hub, other


def move(hub: Hub, to: datetime) -> None:
    """Set a hub's clock."""
    assert isinstance(hub.clock, SetClock)
    hub.clock.advance(to - hub.clock.now())


def take(hub: Hub, reads: Sequence[Seen], first: int = 0) -> None:
    """Keep reads, numbered from `first`, in their order."""
    for name, group in groupby(enumerate(reads, first), key=lambda one: one[1].account):
        account, connector = hub.connections.accounts.open(name)
        body = msgspec.json.encode([read.record(number) for number, read in group])
        records = connector.unpack(Document(body))
        hub.ingest.intake.take(connector, account.id, records, obtained="pull", received_at=OPENED)


def stored(hub: Hub, reads: Sequence[Seen], purged: datetime, now: datetime) -> None:
    """Make a hub's store hold these reads and no others, purged at one time and asked at another."""
    move(hub, LATE)
    hub.retention.expired.purge(ACTOR)
    move(hub, EARLY)
    take(hub, reads)
    move(hub, purged)
    hub.retention.expired.purge(ACTOR)
    move(hub, now)


def numbers(hub: Hub) -> dict[int, int]:
    """The tests' numbers of the reads that are kept, by their ids."""
    with hub.store.read() as connection:
        return {row[0]: int(row[1][1:]) for row in connection.execute(text("SELECT id, vendor_read_id FROM reads"))}


def asked(hub: Hub, query: Query) -> list[Found]:
    """All rows of a query, page by page."""
    rows: list[Found] = []
    while True:
        answer = hub.search.reads.find(ACTOR, query)
        rows += answer.rows
        assert len(answer.rows) <= query.limit
        assert answer.estimate == (None if answer.estimated else len(rows)), "a number is exact, or not given"
        if answer.next is None:
            return rows
        query = replace(query, after=Cursor.parse(answer.next))


AGO = st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(minutes=30), timedelta(days=200)])
examples = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@settings(examples, max_examples=tries(15, 40))
@given(
    world=worlds(2, 8), now=st.sampled_from([NOW, NOW + timedelta(microseconds=1), OPENED]), ago=AGO, values=THRESHOLDS
)
def test_the_fast_path_finds_what_a_plain_scan_finds_in_the_same_order(
    hubs: tuple[Hub, Hub],
    world: tuple[list[Seen], list[Query]],
    now: datetime,
    ago: timedelta,
    values: dict[str, Any],
) -> None:
    hub, _ = hubs
    reads, queries = world
    stored(hub, reads, now - ago, now)
    number_of = numbers(hub)
    for query in queries:
        with patched(values):
            rows, streamed = asked(hub, query), list(hub.search.reads.every(query))
        found = [number_of[row.id] for row in rows]
        assert found == naive(reads, query, now)
        assert [row.id for row in streamed] == [row.id for row in rows]
        for row, read in zip(rows, (reads[number] for number in found), strict=True):
            assert told(row) == should_tell(read)
            assert explained(query, read, row.why), row.why


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2025-11-02T08:30:00Z", "2025-11-02T09:00:00Z"),  # on the wall from 01:30 to 01:00
        ("2026-03-06T10:30:00Z", "2026-03-09T09:00:00Z"),  # the day after next has no 02:30
    ],
)
def test_since_and_until_are_instants_whatever_zone_they_are_written_in(
    hubs: tuple[Hub, Hub], since: str, until: str
) -> None:
    hub, _ = hubs
    instants = ["2025-11-02T08:40:00Z", "2025-11-02T09:10:00Z", "2026-03-08T09:45:00Z", "2026-03-08T10:15:00Z"]
    reads = [Seen("AB0", datetime.fromisoformat(instant), ("year", "c0")) for instant in instants]
    stored(hub, reads, NOW, NOW)
    number_of = numbers(hub)
    for zone in (UTC, ZONE):
        begin, end = (datetime.fromisoformat(at).astimezone(zone) for at in (since, until))
        query = Query(WHY, since=begin, until=end, hours=(Hours(60, 120), Hours(180, 240)))
        found = [number_of[row.id] for row in asked(hub, query)]
        assert found == naive(reads, query, NOW)
        assert found


@pytest.mark.slow
@settings(examples, max_examples=tries(12, 35))
@given(
    world=worlds(1, 1),
    steps=st.lists(st.tuples(st.lists(SEEN, max_size=3), AGO, st.booleans()), max_size=8),
    values=THRESHOLDS,
)
def test_pages_neither_repeat_nor_skip_while_another_connection_inserts_and_purges(
    hubs: tuple[Hub, Hub], world: tuple[list[Seen], list[Query]], steps: list[Any], values: dict[str, Any]
) -> None:
    (hub, other), (begin, (query,)) = hubs, world
    reads, now, upcoming = list(begin), NOW, iter(steps)
    stored(hub, reads, now, now)
    begun = naive(reads, query, now)
    places: list[tuple[datetime, int]] = []
    while True:
        with patched(values):
            answer = hub.search.reads.find(ACTOR, query)
        number_of = numbers(hub)
        page = [number_of[row.id] for row in answer.rows]
        # What came in behind the last row is in the page, what came in before it is not.
        assert page == naive(reads, query, now, places[-1] if places else None)[: query.limit]
        places += [(reads[number].at, number) for number in page]
        if answer.next is None:
            break
        query = replace(query, after=Cursor.parse(answer.next))
        fresh, later, purging = next(upcoming, ([], timedelta(0), False))
        now += later
        move(hub, now)
        move(other, now)
        take(other, fresh, len(reads))
        reads += fresh
        if purging:
            other.retention.expired.purge(ACTOR)
    assert places == sorted(set(places), reverse=True)
    assert {number for number in begun if reads[number].expires > now} <= {number for _, number in places}


@pytest.mark.parametrize(
    "seam",
    ["hub.search.plates.find", "hub.search.reads.newest", "hub.search.reads.rows_of", "hub.search.rows._images",
     "hub.search.reads.choices_of"],
)  # fmt: skip
def test_a_page_is_read_from_one_moment_though_a_purge_commits_in_the_middle_of_it(
    hubs: tuple[Hub, Hub], monkeypatch: pytest.MonkeyPatch, seam: str
) -> None:
    hub, other = hubs
    read = Seen("AB0", NOW, make="TOYT", candidates=[("1A1", 0.9)], picture="PICTURE-BYTES")
    stored(hub, [read], NOW, NOW)
    move(other, LATE)
    # It waits for everybody who still reads from before the purge, and that is this very thread.
    monkeypatch.setattr(other.store, "squeeze", lambda: None)
    module, name = seam.rsplit(".", 1)
    real = getattr(import_module(module), name)
    gone: list[int] = []

    def purge_first(*given: Any, **more: Any) -> Any:
        if not gone:
            gone.append(other.retention.expired.purge(ACTOR)["feed"])
        return real(*given, **more)

    monkeypatch.setattr(seam, purge_first)
    query = Query(WHY, plates=("1A1",), candidates=True, connections=("feed",))
    (row,) = hub.search.reads.find(ACTOR, query).rows
    assert gone == [1]
    assert told(row) == should_tell(read)
    assert (row.why, len(row.images)) == ("candidate 1 of Plain, 0.90", 1)
    assert hub.search.reads.find(ACTOR, query).rows == []
