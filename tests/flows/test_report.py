"""What Prefect's pages say of runs: the words of `alprhub runs`."""

from datetime import UTC, datetime, timedelta

import pytest

from flows import report
from hub.jobs.record import JobRun

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
RUNS = [
    JobRun(
        "sync", "gate", "tester", AT, AT + timedelta(seconds=65), "done", {"pulled": 3, "quarantined": 1, "hits": 0}
    ),
    JobRun("sync", "pier", "tester", AT, AT + timedelta(seconds=2), "failed", {"pulled": 0, "hits": 0}, "no"),
]


def test_a_table_has_the_words_of_people_and_no_column_of_zeros() -> None:
    assert report.rows_of(RUNS) == [
        {"what": "gate", "result": "good", "took": "1 min 5 s", "came": 3, "set aside": 1},
        {"what": "pier", "result": "failed", "took": "2 s", "came": 0, "set aside": 0},
    ]


def test_a_state_says_the_same_words() -> None:
    assert report.state_of(RUNS[:1]).message == "3 came, 1 set aside"


def test_a_table_says_which_job_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, str] = {}
    monkeypatch.setattr(report, "create_table_artifact", lambda _, **told: made.update(told))
    report._table(RUNS)
    assert made["key"] == "alprhub-sync"
    assert made["description"].startswith("What `sync` did")
