"""Times: gaps, overlaps, offsets, units, and what no clock ever showed."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalize.fault import Unusable
from normalize.times import EARLIEST, LATEST, Zone, from_epoch, from_iso, local, rfc3339

PACIFIC = ZoneInfo("America/Los_Angeles")
FIRST, LAST = (at.replace(tzinfo=None) for at in (EARLIEST + timedelta(days=2), LATEST - timedelta(days=2)))
LIGHT = settings(max_examples=200, deadline=None)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-08T10:30:00Z", datetime(2026, 3, 8, 10, 30, tzinfo=UTC)),
        ("2026-03-08T02:30:00-08:00", datetime(2026, 3, 8, 10, 30, tzinfo=UTC)),
        ("2026-03-08 10:30:00.250001+00:00", datetime(2026, 3, 8, 10, 30, 0, 250001, tzinfo=UTC)),
        (" 20260308T103000Z ", datetime(2026, 3, 8, 10, 30, tzinfo=UTC)),
    ],
)
def test_an_offset_in_the_data_wins(text: str, at: datetime) -> None:
    assert from_iso(text, PACIFIC) == (at, Zone.IN_DATA)


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-01T10:15:30+02:00[Europe/Berlin]", "2026-06-01T10:15:30+02:00[Europe/Berlin][u-ca=iso8601]",
        "2026-06-01T08:15:30Z[UTC]", "2026-06-01T08:15:30z", "2026-06-01 08:15:30 UTC", "2026-06-01T08:15:30GMT",
        "2026-06-01T01:15:30\u221207:00", "2026-06-01T01:15:30\u201307:00", "2026-06-01T10:15:30 +02:00",
        "2026-06-01 10:15:30 +0200", "2026-06-01T01:15:30-7:00", "2026-06-01t10:15:30+02:00",
        "2026-06-01T16:15:3008:00", "2026-06-01T16:15:30 08:00", "2026-06-01T16:15:30 0800",
        "2026-06-01T16:15:30.00008:00", "20260601T101530 +0200", "2026-06-01T10:15:30[Europe/Berlin]",
        "2026-06-01T08:15:30+00:00Z", "2026-06-01T08:15:30-0000Z", "2026-06-01 08:15:30 +0000 UTC",
        "2026-06-01T10:15:30GMT+02:00", "2026-06-01 10:15:30 UTC+2", "2026-06-01T10:15:30UTC+2",
        "2026-06-01T10:15:30%2B02:00", "2026-06-01T10%3A15%3A30%2b02%3A00", "Mon, 01 Jun 2026 10:15:30 +0200",
        "2026-06-01T10:15:30+02:00[Nowhere/Yard]",
        "1 Jun 2026 08:15:30 GMT", "Mon, 1 Jun 2026 01:15:30 -0700", "Mon, 01 Jun 2026 08:15:30 -0000",
    ],
)  # fmt: skip
def test_an_offset_that_can_mean_one_thing_alone_is_read_however_it_is_spelled(text: str) -> None:
    assert from_iso(text, PACIFIC) == (datetime(2026, 6, 1, 8, 15, 30, tzinfo=UTC), Zone.IN_DATA)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-06-01T10:15+02:00[Europe/Berlin]", datetime(2026, 6, 1, 8, 15, tzinfo=UTC)),
        ("2026-05-31T24:00:00Z", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60.250Z", datetime(2017, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-06-01T22:15:30 14:00", datetime(2026, 6, 1, 8, 15, 30, tzinfo=UTC)),
        ("2026-06-01T16:15:30.25008:00", datetime(2026, 6, 1, 8, 15, 30, 250_000, tzinfo=UTC)),
    ],
)
def test_a_day_has_its_24th_hour_and_a_minute_its_60th_second(text: str, at: datetime) -> None:
    assert from_iso(text, PACIFIC) == (at, Zone.IN_DATA)


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-01T16:15:300800", "2026-06-01T16:15:30 8:00", "2026-06-01T16:15:30 8", "2026-06-01T16:1508:00",
        "2026-06-01T10:15:30[Nowhere/Yard]", "2026-06-01T10:15:30 EST", "2026-06-01T10:15:30+99:00",
        "2026-06-01T23:15:30 15:00",
        "2026-06-01T10:15:30-07:00Z", "2026-06-01T10:15:30+02:00 UTC", "2026-06-01T10:15:30Z+02:00",
        "Mon, 01 Jun 2026 10:15:30 CEST", "Mon, 01 Jun 2026 10:15:30", "Mon, 32 Jun 2026 10:15:30 +0200",
        "Mon, 01 Jun 2026 10:15:30 +9999", "2026-06-01T10:15:30%2",
        "2026-06-01T24:15:30Z", "2026-06-01T10:15:61Z", "2026-06-01T10:15:30 PM",
    ],
)  # fmt: skip
def test_an_offset_that_could_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(Unusable):
        from_iso(text, PACIFIC)


@pytest.mark.parametrize(
    "text",
    ["2026-06-01T10:15:30+14:01", "2026-06-01T10:15:30-15:00", "2026-06-01 10:15:30 +1500", "20260601T101530+2359",
     "2026-06-01T10:15:30%2B15:00", "Mon, 01 Jun 2026 10:15:30 +1500", "2026-06-01T10:15:30+15:00[Europe/Berlin]"],
)  # fmt: skip
def test_an_offset_that_no_clock_on_earth_has_is_refused_however_it_is_spelled(text: str) -> None:
    with pytest.raises(Unusable, match="no clock on earth"):
        from_iso(text, PACIFIC)


def test_an_hour_that_came_twice_is_doubtful_by_whatever_name_of_its_zone() -> None:
    assert from_iso("2026-11-01T01:30:00[America/Los_Angeles]").zone is Zone.GUESSED


def test_a_setting_says_where_a_bare_clock_stands() -> None:
    assert from_iso("2026-06-01T05:00:00", PACIFIC) == (datetime(2026, 6, 1, 12, tzinfo=UTC), Zone.CONFIGURED)
    assert from_iso("2026-05-31T24:00:00", PACIFIC) == (datetime(2026, 6, 1, 7, tzinfo=UTC), Zone.CONFIGURED)
    assert from_iso("2026-06-01T05:00:00") == (datetime(2026, 6, 1, 5, tzinfo=UTC), Zone.GUESSED)


def test_a_skipped_hour_never_was() -> None:
    with pytest.raises(Unusable, match="seen_at: did not exist in America/Los_Angeles"):
        from_iso("2026-03-08T02:30:00", PACIFIC, "seen_at")


def test_a_repeated_hour_is_taken_at_its_first_and_marked() -> None:
    assert from_iso("2026-11-01T01:30:00", PACIFIC) == (datetime(2026, 11, 1, 8, 30, tzinfo=UTC), Zone.GUESSED)


@pytest.mark.parametrize(
    "text",
    [
        "", "text", "2026-03-08", "20260308", "2023-02-30T25:61:61Z", "2026-13-01T00:00:00Z", "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00[Asia/Tokyo]", "9999-12-31T24:00:00Z", "Fri, 31 Dec 9999 23:59:59 -1200",
        "2101-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "12:00",
    ],
)  # fmt: skip
def test_what_is_no_time_of_a_reader_is_refused(text: str) -> None:
    with pytest.raises(Unusable) as refused:
        from_iso(text, PACIFIC, "seen_at")
    assert refused.value.field == "seen_at"


@LIGHT
@given(st.datetimes(FIRST, LAST), st.integers(-14 * 60, 14 * 60))
def test_any_offset_comes_back_to_the_same_instant(naive: datetime, minutes: int) -> None:
    at = naive.replace(tzinfo=UTC)
    there = at.astimezone(timezone(timedelta(minutes=minutes)))
    assert from_iso(there.isoformat()).at == at


@LIGHT
@given(st.datetimes(FIRST, LAST))
def test_a_local_time_that_was_comes_back_to_itself(naive: datetime) -> None:
    try:
        moment = local(naive, PACIFIC)
    except Unusable:
        return
    assert moment.at.astimezone(PACIFIC).replace(tzinfo=None) == naive


@pytest.mark.parametrize(
    ("count", "unit"),
    [(1_772_965_800, "s"), (1_772_965_800_000, "ms"), (1_772_965_800_000_000, "us"), (1_772_965_800 * 10**9, "ns")],
)
def test_each_unit_gives_the_same_instant(count: int, unit: str) -> None:
    expected = datetime(2026, 3, 8, 10, 30, tzinfo=UTC)
    assert from_epoch(count, unit) == (expected, Zone.IN_DATA)
    assert from_epoch(float(count), unit).at == expected


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_a_wrong_unit_is_noticed(unit: str) -> None:
    with pytest.raises(Unusable):
        from_epoch(1_772_965_800_000, unit)


def test_microseconds_survive() -> None:
    at = datetime(2026, 3, 8, 10, 30, 0, 999_999, tzinfo=UTC)
    count = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert from_epoch(count, "us").at == at


@LIGHT
@given(st.integers() | st.floats(), st.sampled_from(["s", "ms", "us", "ns"]))
def test_any_number_is_an_instant_of_ours_or_refused(count: float, unit: str) -> None:
    try:
        assert EARLIEST <= from_epoch(count, unit).at < LATEST
    except Unusable as refused:
        assert refused.reason  # noqa: PT017 - that it refuses and not how is the promise


def test_an_instant_is_written_in_utc_with_a_z() -> None:
    at = datetime(2026, 6, 1, 14, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    assert (rfc3339(at), rfc3339(at, "seconds")) == ("2026-06-01T12:00:00.000005Z", "2026-06-01T12:00:00Z")


@pytest.mark.parametrize("day", ["2026-11-30", "20261130", "2026-11-30-08:00", "2026-11-30+02:00", "20261130-0800"])
def test_a_day_with_an_offset_is_a_day_and_no_hour_of_it(day: str) -> None:
    with pytest.raises(Unusable, match="is a date without a time"):
        from_iso(day)
