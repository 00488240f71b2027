"""Hours of the day: by the clock on the wall, through every change of it, in Python and in both databases alike."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import postgres
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import record, write_page
from sqlalchemy import BigInteger, Column, MetaData, Table

from hub.clock import SetClock
from hub.errors import Invalid
from hub.people import Actor, Why
from hub.search.hours import Hours, within
from hub.search.query import Query
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.wiring import Hub

INSTANTS = Table("instants", MetaData(), Column("at", BigInteger))
PACIFIC = ZoneInfo("America/Los_Angeles")
ALL_DAYS = frozenset(range(7))
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6
Asked = Callable[[tuple[Hours, ...], ZoneInfo, datetime, datetime, list[datetime]], list[bool]]

CHANGES = {
    "America/Los_Angeles": ["2026-03-08T10:00", "2025-11-02T09:00"],
    "America/St_Johns": ["2026-03-08T05:30", "2025-11-02T04:30"],  # half an hour off
    "Europe/Berlin": ["2026-03-29T01:00", "2025-10-26T01:00"],  # on another day than here
    "Australia/Lord_Howe": ["2026-04-04T15:00", "2025-10-04T15:30"],  # changes by half an hour
    "Africa/Casablanca": ["2026-02-15T02:00", "2026-03-22T02:00"],  # changes for a month only
    "Pacific/Apia": ["2011-12-30T10:00"],  # left out a day
    "America/Phoenix": ["2026-03-08T10:00"],  # never changes
    "Asia/Kolkata": ["2026-03-08T10:00"],
}
"""Instants in UTC about which the clock on the wall may change."""


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22:00-02:00", Hours(1320, 120, ALL_DAYS)),
        ("22:00-02:00@fri,sat", Hours(1320, 120, frozenset({FRIDAY, SATURDAY}))),
        (" 22:00 - 02:00 @ Fri, SAT ", Hours(1320, 120, frozenset({FRIDAY, SATURDAY}))),
        ("08:30-17:15@mon,tue,wed,thu,fri", Hours(510, 1035, frozenset(range(5)))),
        ("08:00-09:00@sun,sun", Hours(480, 540, frozenset({SUNDAY}))),
        ("23:59-24:00", Hours(1439, 0, ALL_DAYS)),
        ("00:00-24:00", Hours(0, 0, ALL_DAYS)),
        ("08:00-08:00", Hours(480, 480, ALL_DAYS)),
    ],
)
def test_hours_are_what_people_write(text: str, hours: Hours) -> None:
    assert Hours.parse(text) == hours


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "night", "22:00", "22:00-", "-02:00", "22-02", "8:00-9:00", "22:00-02:00-04:00", "22:00–02:00"),
        *("10pm-2am", "22:00:00-02:00:00", "22:00-02:00 22:00-02:00", "-22:00-02:00", "²²:00-02:00"),
        *("24:00-02:00", "24:01-02:00", "22:00-24:01", "25:00-02:00", "22:60-02:00", "22:00-01:99", "99:99-00:00"),
        *("22:00-02:00@", "22:00-02:00@fr", "22:00-02:00@friday", "22:00-02:00@fri,", "22:00-02:00@,fri"),
        *("22:00-02:00@fri;sat", "22:00-02:00@5", "@fri", "22:00-02:00@fri@sat"),
    ],
)
def test_what_are_no_hours_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid, match=r"^hours: "):
        Hours.parse(text)


@given(st.text(max_size=30))
def test_any_text_is_hours_or_is_refused(text: str) -> None:
    try:
        hours = Hours.parse(text)
    except Invalid:
        return
    assert 0 <= hours.since < 24 * 60
    assert 0 <= hours.until < 24 * 60
    assert hours.days
    assert hours.days <= ALL_DAYS


@pytest.mark.parametrize(
    ("text", "local", "held"),
    [
        # Friday, 5 June 2026
        ("08:00-09:00", "2026-06-05T08:00:00", True),
        ("08:00-09:00", "2026-06-05T07:59:59.999999", False),
        ("08:00-09:00", "2026-06-05T08:59:59.999999", True),
        ("08:00-09:00", "2026-06-05T09:00:00", False),
        ("08:00-09:00@fri", "2026-06-06T08:30:00", False),
        ("22:00-02:00@fri", "2026-06-05T21:59:59", False),
        ("22:00-02:00@fri", "2026-06-05T22:00:00", True),
        ("22:00-02:00@fri", "2026-06-06T01:59:59", True),
        ("22:00-02:00@fri", "2026-06-06T02:00:00", False),
        ("22:00-02:00@fri", "2026-06-05T01:00:00", False),  # the night before began on Thursday
        ("22:00-02:00@fri", "2026-06-06T22:00:00", False),
        ("22:00-02:00@sun", "2026-06-08T01:00:00", True),  # from Sunday into Monday
        ("22:00-02:00@mon", "2026-06-08T01:00:00", False),
        ("22:00-24:00@fri", "2026-06-05T23:59:59.999999", True),
        ("22:00-24:00@fri", "2026-06-06T00:00:00", False),
        ("00:00-24:00@fri", "2026-06-05T00:00:00", True),
        ("00:00-24:00@fri", "2026-06-05T23:59:59", True),
        ("00:00-24:00@fri", "2026-06-06T00:00:00", False),
        ("08:00-08:00@fri", "2026-06-06T07:59:59", True),
        ("08:00-08:00@fri", "2026-06-06T08:00:00", False),
        # Sunday, 8 March 2026: the clock goes from 02:00 to 03:00
        ("01:00-02:00@sun", "2026-03-08T01:59:59", True),
        ("01:00-02:00@sun", "2026-03-08T03:00:00", False),
        ("03:00-04:00@sun", "2026-03-08T03:00:00", True),
        ("22:00-04:00@sat", "2026-03-08T03:59:59", True),
        ("22:00-04:00@sat", "2026-03-08T04:00:00", False),
    ],
)
def test_a_span_holds_its_first_minute_not_its_last_and_belongs_to_the_day_it_begins_on(
    asked: Asked, text: str, local: str, held: bool
) -> None:
    at, hours = datetime.fromisoformat(local).replace(tzinfo=PACIFIC), Hours.parse(text)
    assert hours.holds(at, PACIFIC) is held
    instant = at.astimezone(UTC)
    assert asked((hours,), PACIFIC, instant - timedelta(days=9), instant + timedelta(days=9), [instant]) == [held]


def test_an_hour_that_comes_twice_is_held_both_times(asked: Asked) -> None:
    # Sunday, 2 November 2025: 01:30 comes at 08:30 UTC, and once more at 09:30.
    instants = [datetime(2025, 11, 2, 7, 30, tzinfo=UTC) + timedelta(hours=n) for n in range(4)]
    hours = Hours.parse("01:00-02:00@sun")
    assert [hours.holds(at, PACIFIC) for at in instants] == [False, True, True, False]
    for wider in (timedelta(), timedelta(days=1)):
        since, until = instants[0] - wider, instants[3] + wider
        assert asked((hours,), PACIFIC, since, until, instants)[:3] == [False, True, True]


def test_an_hour_that_never_comes_holds_nothing(asked: Asked) -> None:
    hours = (Hours.parse("02:00-03:00@sun"),)
    gap = datetime(2026, 3, 8, 10, tzinfo=UTC)
    instants = [gap + timedelta(minutes=n) for n in range(-90, 90)]
    assert not any(asked(hours, PACIFIC, gap - timedelta(days=2), gap + timedelta(days=2), instants))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Says which instants a database finds within hours."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('hours') / 'instants.sqlite3'}"
        if request.param == "postgresql":
            url = stack.enter_context(postgres.database(request.getfixturevalue("pg_server")))
        store = Store(url)
        stack.callback(store.close)
        with store.write() as connection:
            INSTANTS.create(connection)

        def found(
            hours: tuple[Hours, ...], zone: ZoneInfo, since: datetime, until: datetime, instants: list[datetime]
        ) -> list[bool]:
            micros = [to_micros(at) for at in instants]
            with store.write() as connection:
                connection.execute(INSTANTS.delete())
                store.insert(connection, INSTANTS, ("at",), [(at,) for at in micros])
                sql = f"SELECT i.at FROM instants i WHERE {within(hours, 'i.at', zone, since, until)}"
                held = {row[0] for row in store.rows(connection, sql, {})}
            return [at in held for at in micros]

        yield found


@st.composite
def questions(draw: st.DrawFn) -> tuple[tuple[Hours, ...], ZoneInfo, datetime, datetime, list[datetime]]:
    """Hours in a zone, a window about a change of its clock, and instants in it, most of them near the change."""
    name = draw(st.sampled_from(sorted(CHANGES)))
    change = datetime.fromisoformat(draw(st.sampled_from(CHANGES[name]))).replace(tzinfo=UTC)
    near = st.one_of(
        st.sampled_from([timedelta(), timedelta(seconds=59), timedelta(microseconds=-1)]),
        st.integers(-200, 200).map(lambda minutes: timedelta(minutes=minutes)),
        st.integers(-200, 200).map(lambda minutes: timedelta(minutes=minutes, microseconds=-1)),
        st.timedeltas(timedelta(hours=-4), timedelta(hours=4)),
    )
    anywhere = st.timedeltas(timedelta(days=-250), timedelta(days=250))
    since, until = sorted(change + draw(st.one_of(near, anywhere)) for _ in range(2))
    until += timedelta(microseconds=1)
    between = st.integers(to_micros(since), to_micros(until)).map(from_micros)
    inside = st.one_of(near.map(lambda step: change + step), between)
    minutes = st.one_of(st.sampled_from([0, 60, 90, 120, 150, 180]), st.integers(0, 24 * 60 - 1))
    days = st.frozensets(st.integers(0, 6), min_size=1)
    one = st.builds(Hours, minutes, minutes, st.one_of(st.just(ALL_DAYS), days))
    hours = draw(st.lists(one, min_size=1, max_size=3))
    instants = [min(max(at, since), until - timedelta(microseconds=1)) for at in draw(st.lists(inside, max_size=20))]
    return tuple(hours), ZoneInfo(name), since, until, [since, *instants]


@pytest.mark.slow
@settings(max_examples=tries(60, 250), deadline=None)
@given(question=questions())
def test_a_database_holds_what_the_clock_on_the_wall_says_through_every_change(asked: Asked, question: Any) -> None:
    hours, zone, since, until, instants = question
    expected = [any(one.holds(at, zone) for one in hours) for at in instants]
    assert asked(hours, zone, since, until, instants) == expected


def test_no_instant_outside_the_window_is_held(asked: Asked) -> None:
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    instants = [since - timedelta(microseconds=1), since, until - timedelta(microseconds=1), until]
    assert asked((Hours(0, 0),), PACIFIC, since, until, instants) == [False, True, True, False]


def test_a_search_by_hours_takes_the_agencys_clock_in_summer_and_in_winter(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    # The clock of Hermosa Beach stands at -08:00 before 8 March and at -07:00 after it.
    at = ["2026-03-01T08:30:00Z", "2026-03-10T07:30:00Z", "2026-03-10T08:30:00Z", "2026-03-11T06:59:59Z"]
    clock.advance(datetime(2026, 3, 12, tzinfo=UTC) - clock.now())
    write_page(feed, 1, [record(n, f"9SYN00{n}", captured) for n, captured in enumerate(at)])
    opened.ingest.sync.run(actor, "feed", datetime(2026, 2, 20, tzinfo=UTC))
    since, why = datetime(2026, 2, 25, tzinfo=UTC), Why("stolen_vehicle", "case of a stolen car", "26-1")

    def plates(text: str) -> list[str]:
        query = Query(why, since=since, hours=(Hours.parse(text),))
        return sorted(row.plate for row in opened.search.reads.find(actor, query).rows)

    assert plates("00:00-01:00") == ["9SYN000", "9SYN001"]
    assert plates("01:00-02:00") == ["9SYN002"]
    assert plates("23:00-24:00") == ["9SYN003"]
    assert plates("23:00-24:00@tue") == ["9SYN003"]
    assert plates("23:00-24:00@wed") == []
    assert plates("23:00-00:59@mon") == ["9SYN001"]
