"""Tables for people: times in a zone, truths as words, numbers rounded, and a vendor's text that stays text."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alprhub.cli.output import cell, print_rows

PACIFIC = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True)
class Row:
    """A row as services give them."""

    at: datetime
    fine: bool
    name: str


ROW = Row(datetime(2026, 11, 30, 22, 5, tzinfo=UTC), True, "Pier")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (ROW.at, "2026-11-30 14:05 PST"),
        (timedelta(seconds=717_089), "8 d 7 h"),
        (33.861712345, "33.86171"),
        (2.0, "2"),
        (["a", True, None], "a, yes, "),
        ("Pier\x1b[2J\x07 Ave\n3", "Pier\ufffd[2J\ufffd Ave 3"),
        ("Peñasco ¶2 → 3", "Peñasco ¶2 → 3"),
    ],
    ids=str,
)
def test_a_value_is_shown_as_people_read_it(value: Any, shown: str) -> None:
    assert cell(value, PACIFIC) == shown


def test_a_time_without_the_agencys_zone_is_shown_in_utc_and_says_so() -> None:
    assert cell(ROW.at) == "2026-11-30 22:05 UTC"


def test_columns_are_fields_or_fields_with_what_people_call_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([ROW], {"at": "time", "fine": "proved"}, False, zone=PACIFIC)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["time", "proved"]
    assert row.split() == ["2026-11-30", "14:05", "PST", "yes"]
    print_rows([{"vendor_id": "c1"}], ("vendor_id",), False)
    assert capsys.readouterr().out.split() == ["vendor", "id", "c1"]


def test_programs_get_utc_and_truths_whatever_people_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([ROW], {"at": "time"}, True, zone=PACIFIC)
    assert '"at": "2026-11-30T22:05:00Z"' in (shown := capsys.readouterr().out)
    assert '"fine": true' in shown
