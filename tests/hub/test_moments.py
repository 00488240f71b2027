"""Times as people type them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub import moments
from hub.errors import Invalid

PACIFIC = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 11, 30, 22, 5, tzinfo=UTC)
"""14:05 on the agency's wall."""


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", "2026-11-30 14:05"),
        ("today", "2026-11-30 00:00"),
        ("Yesterday", "2026-11-29 00:00"),
        ("11/28/2026", "2026-11-28 00:00"),
        ("6/1/2026", "2026-06-01 00:00"),
        ("11/28/26", "2026-11-28 00:00"),
        ("11/28/26 14:30", "2026-11-28 14:30"),
        ("11/28/2026 14:30", "2026-11-28 14:30"),
        ("11/28/2026  2:30 PM", "2026-11-28 14:30"),
        ("2026-11-28", "2026-11-28 00:00"),
        ("2026-11-28 14:30", "2026-11-28 14:30"),
        ("2026-11-28T22:30:00Z", "2026-11-28 14:30"),
        ("2026-11-28T17:30-05:00", "2026-11-28 14:30"),
        (" 2h ", "2026-11-30 12:05"),
        ("2 h ago", "2026-11-30 12:05"),
        ("90min", "2026-11-30 12:35"),
        ("3d", "2026-11-27 14:05"),
        ("1w", "2026-11-23 14:05"),
    ],
)
def test_a_time_is_understood_as_people_write_it_in_the_zone_of_the_agency(text: str, meant: str) -> None:
    assert moments.instant(text, NOW, PACIFIC, "since") == datetime.fromisoformat(meant).replace(tzinfo=PACIFIC)


def test_today_is_the_day_on_the_wall_of_the_agency_and_not_in_greenwich() -> None:
    evening = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)
    assert moments.instant("today", evening, PACIFIC, "since") == datetime(2026, 11, 30, tzinfo=PACIFIC)


@pytest.mark.parametrize("text", ["", "soon", "28/11/2026", "2026-02-30", "14:30", "h", "-2h", "2 fortnights"])
def test_a_nonsense_time_is_refused_with_the_forms_that_are_understood(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        moments.instant(text, NOW, PACIFIC, "since")
    assert str(refused.value).startswith(f"since: {text!r} is no time; write ")
    for form in ("yesterday", "11/28/2026 14:30", "2h or 3d (that long ago)", "2026-11-28T14:30"):
        assert form in str(refused.value)


@pytest.mark.parametrize("text", ["999999w", "99999d"])
def test_a_time_that_lies_too_far_back_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=f"since: {text} ago is before any plate reader was sold"):
        moments.instant(text, NOW, PACIFIC, "since")


def test_a_year_without_plate_readers_is_refused() -> None:
    with pytest.raises(Invalid, match="since: 2999-01-01 is outside 1995 to 2099"):
        moments.instant("2999-01-01", NOW, PACIFIC, "since")


def test_a_reading_that_the_clocks_skipped_is_refused_with_the_zone() -> None:
    with pytest.raises(Invalid, match="did not exist in America/Los_Angeles"):
        moments.instant("3/8/2026 02:30", NOW, PACIFIC, "since")


def test_reads_from_the_future_cannot_be_asked_for() -> None:
    with pytest.raises(Invalid) as refused:
        moments.captured("2027-01-01", NOW, PACIFIC, "since")
    assert str(refused.value) == "since: 2027-01-01 00:00 PST is in the future; nothing was captured then yet"
    assert moments.captured("now", NOW, PACIFIC, "since") == NOW


def test_a_window_is_said_in_the_zone_in_which_it_was_understood() -> None:
    day = timedelta(days=1)
    assert moments.window(NOW - day, None, NOW, PACIFIC) == "from 2026-11-29 14:05 PST until now"
    assert moments.window(None, NOW - day, NOW, PACIFIC) == "from the first read on until 2026-11-29 14:05 PST"
    later = moments.window(NOW - day, NOW + day, NOW, PACIFIC)
    assert later.endswith("until 2026-12-01 14:05 PST, which is in the future: until now")
