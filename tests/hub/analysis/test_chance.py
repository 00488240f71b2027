"""The arithmetic of chance: how often a habit alone would bring two cars together."""

from datetime import datetime
from math import exp, factorial, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st
from town import LOCAL

from hub.analysis.chance import DAY, HOUR, Habit, MeetingSpan, PlaceActivity, chance, surprise, wall
from hub.store.instant import to_micros


@given(st.integers(0, 30), st.floats(0.001, 40))
def test_a_score_is_the_poisson_tail(meetings: int, expected: float) -> None:
    below = sum(exp(-expected) * expected**count / factorial(count) for count in range(meetings))
    tail = sum(exp(-expected) * expected**count / factorial(count) for count in range(meetings, 150))
    score = surprise(meetings, expected)
    assert score >= 0
    assert score == pytest.approx(-log10(tail), rel=1e-6, abs=1e-6) or tail > 1 - 1e-9
    assert 10**-score == pytest.approx(1 - below, abs=1e-9)


@given(st.integers(1, 2000), st.floats(1e-6, 2000), st.floats(1.01, 3))
def test_more_meetings_surprise_more_and_more_expected_ones_less(meetings: int, expected: float, more: float) -> None:
    here = surprise(meetings, expected)
    assert surprise(meetings + 1, expected) >= here - 1e-9
    assert surprise(meetings, expected * more) <= here + 1e-9


MONDAY = wall(to_micros(datetime(2026, 5, 4, 8, tzinfo=LOCAL)), LOCAL)
SPAN = MeetingSpan(MONDAY + 14 * DAY, MONDAY + 14 * DAY + 2 * HOUR // 60, 4)
KNOWN = PlaceActivity(MONDAY - DAY, MONDAY + 28 * DAY, 10_000.0)
WORKDAYS = [day for day in range(28) if day % 7 < 5]


def worth(*times: float) -> float:
    """The chance of a plate that passes at these times, in days after the first Monday at eight, to be in SPAN."""
    habit = Habit([MONDAY + round(at * DAY) for at in times])
    return chance(SPAN, habit, KNOWN, SPAN.other_days(KNOWN))


def test_the_other_days_of_a_kind_are_counted_where_the_place_is_known() -> None:
    assert SPAN.other_days(KNOWN) == 19
    assert MeetingSpan(MONDAY + 5 * DAY, MONDAY + 5 * DAY + 1, 0).other_days(KNOWN) == 8
    assert SPAN.other_days(PlaceActivity(SPAN.start, SPAN.end, 1.0)) == 0


def test_who_is_there_every_workday_at_that_minute_is_expected() -> None:
    assert worth(*WORKDAYS) == 1.0
    assert worth(*WORKDAYS[:10]) == pytest.approx(10 / 19)


def test_who_was_there_on_the_day_alone_is_not_expected() -> None:
    once = worth(14.0001)
    assert once == pytest.approx(1 - exp(-4 / 10_000))
    assert worth() == 0.0


def test_who_keeps_the_hour_is_expected_for_his_share_of_it() -> None:
    loose = worth(*(day + 0.01 for day in WORKDAYS if day != 14))  # a quarter past eight
    assert loose == pytest.approx(1 - exp(-19 * 2 / (19 * 62)))


def test_weekends_say_nothing_about_workdays() -> None:
    weekends = [day for day in range(28) if day % 7 >= 5]
    assert worth(*weekends) < 0.01


def test_who_passes_at_all_hours_is_expected_at_any() -> None:
    bus = Habit([MONDAY + n * DAY // 72 + HOUR // 10 for n in range(28 * 72)])
    busy = PlaceActivity(KNOWN.since, KNOWN.until, 1e6)
    assert chance(SPAN, bus, busy, 19) == pytest.approx(1 - exp(-2 / 20), rel=0.1)


def test_in_dense_traffic_anybody_is_expected_more() -> None:
    dense = MeetingSpan(SPAN.start, SPAN.end, 400)
    assert chance(dense, Habit([SPAN.start]), KNOWN, 0) > 90 * chance(SPAN, Habit([SPAN.start]), KNOWN, 0)


def test_a_habit_keeps_its_hour_over_a_change_of_the_clocks() -> None:
    before, after = (datetime(2026, 3, day, 8, tzinfo=LOCAL) for day in (7, 9))
    assert wall(to_micros(after), LOCAL) - wall(to_micros(before), LOCAL) == 2 * DAY
    assert to_micros(after) - to_micros(before) == 2 * DAY - HOUR


def test_a_habit_around_midnight_is_one() -> None:
    midnight = MONDAY + 16 * HOUR
    span = MeetingSpan(midnight + 14 * DAY - HOUR // 60, midnight + 14 * DAY + HOUR // 60, 1)
    habit = Habit([midnight + day * DAY + (-1) ** day * HOUR // 120 for day in range(28)])
    days = span.other_days(KNOWN)
    assert chance(span, habit, KNOWN, days) == 1.0
