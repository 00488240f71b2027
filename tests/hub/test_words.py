"""How the hub says things to people."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub import words


def test_a_time_is_that_of_the_agency_and_names_its_zone() -> None:
    at = datetime(2026, 7, 1, 6, 5, tzinfo=UTC)
    assert words.moment(at, ZoneInfo("America/Los_Angeles")) == "2026-06-30 23:05 PDT"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.42, "0.4 s"),
        (9, "9 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (717_089, "8 d 7 h"),
        (-90, "1 min 30 s"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert words.span(seconds) == words.span(timedelta(seconds=seconds)) == said


def test_a_count_has_its_noun() -> None:
    assert [words.count(number, "read") for number in (0, 1, 1240)] == ["0 reads", "1 read", "1,240 reads"]
    assert words.count(2, "entry", "entries") == "2 entries"


def test_how_long_ago_is_said_with_the_hour_and_with_the_day_where_that_is_another() -> None:
    zone, now = ZoneInfo("America/Los_Angeles"), datetime(2026, 11, 30, 22, 5, tzinfo=UTC)
    assert words.ago(now - timedelta(minutes=5), now, zone) == "5 min ago (14:00 PST)"
    assert words.ago(now - timedelta(days=3), now, zone) == "3 d ago (2026-11-27 14:05 PST)"


def test_names_that_are_many_are_counted() -> None:
    assert words.named(["a", "b", "c"], 2) == "a, b and 1 more"
    assert words.named(["a", "b"], 2) == "a, b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("P1Y", "1 year"),
        ("up to P30D", "up to 30 days"),
        ("P13M from captured_at", "13 months from captured_at"),
        ("P1DT12H", "1 day 12 hours"),
        ("PT1M", "1 minute"),
        ("P, PT and P30DX are none", "P, PT and P30DX are none"),
    ],
)
def test_a_period_is_said_in_words(text: str, said: str) -> None:
    assert words.periods(text) == said
