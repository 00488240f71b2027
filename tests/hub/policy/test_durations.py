"""Calendar arithmetic that no clock change can bend, held against PostgreSQL's."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.policy.durations import Duration, room

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
START = datetime(2000, 1, 1, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(), timedelta(days=90 * 365)).map(lambda since: START + since)
ZONES = (
    "America/Los_Angeles", "America/New_York", "America/Phoenix", "America/Adak", "Pacific/Honolulu", "Europe/London",
    "Europe/Dublin", "Australia/Sydney", "Australia/Lord_Howe",
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("captured", "duration", "gone"),
    [
        ("2026-02-20T20:00:00Z", "P30D", "2026-03-22T20:00:00Z"),  # elapsed hours over a clock change
        ("2026-02-20T20:00:00Z", "P4W2D", "2026-03-22T20:00:00Z"),
        ("2024-02-29T18:00:00Z", "P1Y", "2025-02-28T18:00:00Z"),  # a leap day rounds down
        ("2026-01-31T18:00:00Z", "P1M", "2026-02-28T18:00:00Z"),
        ("2025-03-09T09:30:00Z", "P1Y", "2026-03-09T08:30:00Z"),  # 01:30 on the wall, both years
        ("2025-03-08T10:30:00Z", "P1Y", "2026-03-08T10:30:00Z"),  # 02:30, which next year's wall skips
        ("2024-08-31T06:30:00Z", "P24M", "2026-08-31T06:30:00Z"),  # 23:30 on 30 August, local
        ("2025-11-01T08:30:00Z", "P1Y", "2026-11-01T08:30:00Z"),  # 01:30, which next year's wall shows twice: the first
        ("2026-11-01T09:30:00Z", "P1Y", "2027-11-01T08:30:00Z"),  # the second 01:30, once next year
        ("2024-02-29T18:00:00Z", "P1YT1H", "2025-02-28T19:00:00Z"),
    ],
)
def test_ceilings_follow_the_agencys_calendar_and_round_down(captured: str, duration: str, gone: str) -> None:
    assert Duration.parse(duration).ceiling(at(captured), LOS_ANGELES) == at(gone)


@pytest.mark.parametrize(
    ("received", "duration", "free"),
    [
        ("2026-02-20T20:00:00Z", "P30D", "2026-03-22T20:00:00Z"),
        ("2024-02-29T18:00:00Z", "P1Y", "2025-03-01T18:00:00Z"),  # a leap day rounds up
        ("2026-01-29T18:00:00Z", "P1M", "2026-03-01T18:00:00Z"),
        ("2025-12-31T18:00:00Z", "P2M", "2026-03-01T18:00:00Z"),
        ("2025-03-08T10:30:00Z", "P1Y", "2026-03-08T10:30:00Z"),  # the skipped hour
        ("2025-11-01T08:30:00Z", "P1Y", "2026-11-01T09:30:00Z"),  # the repeated hour: the second
        ("2026-11-01T09:30:00Z", "P1M", "2026-12-01T09:30:00Z"),
    ],
)
def test_floors_follow_the_same_calendar_and_round_up(received: str, duration: str, free: str) -> None:
    assert Duration.parse(duration).floor(at(received), LOS_ANGELES) == at(free)


def test_the_zone_that_an_instant_is_written_in_changes_nothing() -> None:
    duration = Duration.parse("P30D")
    local = at("2026-02-20T20:00:00Z").astimezone(LOS_ANGELES)
    assert duration.ceiling(local, LOS_ANGELES) == duration.floor(local, LOS_ANGELES) == at("2026-03-22T20:00:00Z")


@given(INSTANTS, st.integers(1, 120))
def test_months_never_add_more_than_their_days_and_one_skipped_hour(instant: datetime, months: int) -> None:
    ceiling = Duration(months, timedelta()).ceiling(instant, LOS_ANGELES)
    assert timedelta(days=28 * months) - timedelta(hours=2) <= ceiling - instant <= timedelta(days=31 * months, hours=1)


@given(INSTANTS, INSTANTS)
def test_a_later_capture_never_expires_earlier(one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    for text in ("P30D", "P1Y", "P24M"):
        duration = Duration.parse(text)
        # Two instants of one repeated hour may swap by that hour; nothing else may.
        assert duration.ceiling(first, LOS_ANGELES) <= duration.ceiling(second, LOS_ANGELES) + timedelta(hours=1)


@given(INSTANTS, st.integers(0, 60), st.timedeltas(timedelta(), timedelta(days=400)))
def test_a_floor_never_ends_before_the_ceiling_of_the_same_period(at: datetime, months: int, more: timedelta) -> None:
    duration = Duration(months, more)
    ceiling, floor = duration.ceiling(at, LOS_ANGELES), duration.floor(at, LOS_ANGELES)
    assert ceiling <= floor <= ceiling + timedelta(days=1, hours=1)


@pytest.mark.parametrize("text", ["", "P", "30D", "P1Y2", "PT", "P-1D", "P1.5D", "p30d", "P30D ", "P٣D", "30 days"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["P101Y", "P99999999999999Y", "P40000D", "PT9999999999S", "P9999999999D"])
def test_what_nobody_will_see_the_end_of_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than 100 years"):
        Duration.parse(text)


@given(INSTANTS, st.sampled_from(["P30D", "P1Y", "P12M", "P366D", "P13M", "P1Y30D", "P24M"]), st.sampled_from(ZONES))
def test_the_room_after_a_floor_is_never_overstated(at: datetime, text: str, zone: str) -> None:
    ceiling, floor, where = Duration.parse(text), Duration.parse("P1Y"), ZoneInfo(zone)
    assert ceiling.ceiling(at, where) - floor.floor(at, where) >= room(ceiling, floor)


def drawn(count: int) -> list[tuple[datetime, str, str]]:
    """Instants, zones and periods: half of them anywhere, half near month ends and clock changes."""
    dice = random.Random(42)
    periods = ["P30D", "PT72H", "P1M", "P6M", "P1Y", "P18M", "P24M", "P5Y", "P1Y30D", "P1MT1H"]
    made = []
    for _ in range(count):
        zone = dice.choice(ZONES)
        if dice.random() < 0.5:
            instant = START + timedelta(microseconds=dice.randrange(37 * 365 * 86_400 * 1_000_000))
        else:
            month, day = dice.choice([(2, 29), (1, 31), (8, 31), (3, 9), (11, 3), (4, 4), (10, 4), (3, 28), (10, 28)])
            clock = (dice.randrange(4), dice.randrange(60))
            wall = datetime(dice.randrange(2004, 2037, 4), month, day, *clock, tzinfo=ZoneInfo(zone))
            instant = (wall + timedelta(days=dice.randrange(-3, 4))).astimezone(UTC)
        made.append((instant, zone, dice.choice(periods)))
    return made


@pytest.mark.slow
def test_a_hundred_thousand_instants_end_where_postgresql_says_except_where_they_must_not(pg_url: str) -> None:
    """PostgreSQL clips the day, reads a skipped hour with the offset before, and a repeated one as its second.

    So a ceiling differs by the repeated hour exactly where the wall clock shows it twice, and a floor by the way to the
    first of the next month exactly where the day was clipped. Nothing else may differ.
    """
    questions = drawn(100_000)
    with psycopg.connect(pg_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "CREATE TEMP TABLE asked (id int, at timestamptz, zone text, months int, rest int8) ON COMMIT DROP"
        )
        with connection.cursor().copy("COPY asked FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "timestamptz", "text", "int4", "int8"])
            for ident, (instant, zone, text) in enumerate(questions):
                months, rest = Duration.parse(text)
                copy.write_row((ident, instant, zone, months, int(rest.total_seconds())))
        # A day would be a calendar day there; ours has 24 hours, so what is elapsed is handed over in seconds.
        theirs = connection.execute(
            """
            WITH walls AS (
                SELECT *, make_interval(secs => rest) AS elapsed, make_interval(months => months) AS by,
                       at AT TIME ZONE zone AS wall
                FROM asked)
            SELECT CASE WHEN months = 0 THEN at ELSE (wall + by) AT TIME ZONE zone END + elapsed,
                   date_trunc('month', wall) + by + (wall - date_trunc('month', wall)) <> wall + by AND months > 0,
                   (date_trunc('month', wall) + by + interval '1 month' + (wall - date_trunc('day', wall)))
                       AT TIME ZONE zone + elapsed
            FROM walls ORDER BY id
            """
        ).fetchall()
    seen: Counter[str] = Counter()
    for (instant, name, text), (ends, clipped, first_of_next) in zip(questions, theirs, strict=True):
        zone, duration = ZoneInfo(name), Duration.parse(text)
        wall = (ends - duration.elapsed).astimezone(zone)
        twice = wall.replace(fold=0).utcoffset(), wall.replace(fold=1).utcoffset()
        again = twice[0] - twice[1] if duration.months and wall.fold else timedelta()  # type: ignore[operator]
        assert duration.ceiling(instant, zone) == ends - again, (instant, name, text)
        assert duration.floor(instant, zone) == (first_of_next if clipped else ends), (instant, name, text)
        seen["repeated hour"] += again > timedelta()
        seen["clipped day"] += clipped
        seen["skipped hour"] += duration.months > 0 and wall.time() != instant.astimezone(zone).time()
        seen["the same"] += not again and not clipped
    assert seen["repeated hour"] > 50
    assert seen["skipped hour"] > 50
    assert seen["clipped day"] > 1000
    assert seen["the same"] > 80_000
