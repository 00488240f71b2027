"""When a job is due."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.jobs.timetable import Every, Nightly, spread

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
INSTANTS = st.integers(1_577_836_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
LENGTHS = st.integers(60, 7 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


def zone() -> ZoneInfo:
    """The zone of the policy in force."""
    return ZONE


@given(st.text(min_size=1), LENGTHS, INSTANTS)
def test_a_span_has_one_start_however_often_somebody_looks(name: str, length: timedelta, now: datetime) -> None:
    pace = spread(name, length)
    following = pace.following(now)
    assert now < following <= now + length + timedelta(seconds=1)
    assert not pace.due(now, now)
    assert pace.due(now, following)
    assert not pace.due(now, following - timedelta(seconds=1)) or following - timedelta(seconds=1) < now


def test_what_never_ran_is_due() -> None:
    assert Every(timedelta(hours=1)).due(None, NOW)
    assert Nightly(3, 20, zone).due(None, NOW)


@pytest.mark.parametrize("pace", [Every(timedelta(hours=1)), Nightly(3, 20, zone), Nightly(4, 50, zone, 0)])
def test_a_run_in_the_future_of_now_is_no_run(pace: Every | Nightly) -> None:
    assert pace.due(NOW + timedelta(days=15), NOW)


@pytest.mark.parametrize("pace", [Every(timedelta(hours=1)), Nightly(3, 20, zone), Nightly(4, 50, zone, 0)])
def test_a_run_that_another_machines_clock_puts_some_seconds_ahead_counts(pace: Every | Nightly) -> None:
    assert not pace.due(NOW + timedelta(seconds=30), NOW)


def test_a_night_that_was_missed_is_made_up_for() -> None:
    pace = Nightly(3, 20, zone)
    before, night = datetime(2026, 5, 31, 12, tzinfo=UTC), datetime(2026, 6, 1, 10, 20, tzinfo=UTC)
    assert not pace.due(before, night - timedelta(seconds=1))
    assert pace.due(before, night)
    assert pace.due(before, night + timedelta(hours=20))
    assert not pace.due(night, night + timedelta(hours=23))
    assert pace.following(NOW) == night + timedelta(days=1)


def test_a_weekly_night_waits_for_its_day() -> None:
    pace = Nightly(4, 50, zone, 0)  # 1 June 2026 is a Monday
    monday = datetime(2026, 6, 1, 11, 50, tzinfo=UTC)
    assert pace.due(monday - timedelta(days=7, seconds=1), monday - timedelta(seconds=1))
    assert not pace.due(monday, monday + timedelta(days=6, hours=23))
    assert pace.due(monday, monday + timedelta(days=7))
    assert pace.following(NOW) == monday + timedelta(days=7)


@pytest.mark.parametrize("day", [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)])
def test_a_night_whose_hour_is_skipped_or_comes_twice_counts_once(day: datetime) -> None:
    pace, last, starts = Nightly(2, 30, zone), day - timedelta(hours=2), 0
    for minute in range(0, 24 * 60, 5):
        now = day + timedelta(minutes=minute)
        if pace.due(last, now):
            last, starts = now, starts + 1
    assert starts == 1
