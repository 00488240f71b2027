"""Policy: the profile's ceilings, and calendar arithmetic that no clock change can bend."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import NotFound
from hub.policy.durations import Duration
from hub.policy.profile import load

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
START = datetime(2000, 1, 1, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(), timedelta(days=90 * 365)).map(lambda since: START + since)


def test_hermosa_beach_keeps_flock_thirty_days_motorola_a_year_and_others_thirty_days() -> None:
    profile = load("hermosa-beach")
    captured = datetime(2026, 1, 30, 8, tzinfo=UTC)
    assert profile.expiry("own", "flock", captured) == (datetime(2026, 3, 1, 8, tzinfo=UTC), "hb-flock")
    assert profile.expiry("own", "motorola", captured) == (datetime(2027, 1, 30, 8, tzinfo=UTC), "hb-motorola")
    for origin, vendor in (("commercial", "rekor"), ("native_reader", "native"), ("own", "somebody")):
        assert profile.expiry(origin, vendor, captured) == (datetime(2026, 3, 1, 8, tzinfo=UTC), "hb-other")


def test_commercial_flock_data_is_not_the_agencys_own_flock_data() -> None:
    assert load("hermosa-beach").rule_for("commercial", "flock").id == "hb-other"


def test_an_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="hermosa-beach"):
        load("atlantis")


@pytest.mark.parametrize(
    ("captured", "duration", "gone"),
    [
        ("2026-02-20T20:00:00Z", "P30D", "2026-03-22T20:00:00Z"),  # elapsed hours over a clock change
        ("2024-02-29T18:00:00Z", "P1Y", "2025-02-28T18:00:00Z"),  # a leap day rounds down
        ("2025-03-09T09:30:00Z", "P1Y", "2026-03-09T08:30:00Z"),  # 01:30 on the wall, both years
        ("2025-03-08T10:30:00Z", "P1Y", "2026-03-08T10:30:00Z"),  # 02:30, which next year's wall skips
        ("2024-08-31T06:30:00Z", "P24M", "2026-08-31T06:30:00Z"),  # 23:30 on 30 August, local
    ],
)
def test_ceilings_follow_the_agencys_calendar(captured: str, duration: str, gone: str) -> None:
    ceiling = Duration.parse(duration).ceiling(datetime.fromisoformat(captured), LOS_ANGELES)
    assert ceiling == datetime.fromisoformat(gone)


def test_the_golden_vectors_of_hermosa_beach_hold(shared: Path) -> None:
    vectors = json.loads((shared / "policy" / "profiles" / "retention-vectors.json").read_text("utf-8"))
    mine = [vector for vector in vectors if vector["agency"] == "hermosa-beach"]
    assert len(mine) == 5
    for vector in mine:
        expiry = load("hermosa-beach").expiry("own", vector["source"], datetime.fromisoformat(vector["captured_at"]))
        assert expiry.at == datetime.fromisoformat(vector["boundary"]), vector["note"]


@given(INSTANTS, st.integers(1, 120))
def test_months_never_add_more_than_their_days_and_one_skipped_hour(at: datetime, months: int) -> None:
    ceiling = Duration(months, timedelta()).ceiling(at, LOS_ANGELES)
    assert timedelta(days=28 * months) - timedelta(hours=2) <= ceiling - at <= timedelta(days=31 * months, hours=1)


@given(INSTANTS, INSTANTS)
def test_a_later_capture_never_expires_earlier(one: datetime, other: datetime) -> None:
    first, second = sorted((one, other))
    for text in ("P30D", "P1Y", "P24M"):
        duration = Duration.parse(text)
        # Two instants of one repeated hour may swap by that hour; nothing else may.
        assert duration.ceiling(first, LOS_ANGELES) <= duration.ceiling(second, LOS_ANGELES) + timedelta(hours=1)


@pytest.mark.parametrize("text", ["", "P", "30D", "P1Y2", "PT", "P-1D", "P1.5D"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        Duration.parse(text)
