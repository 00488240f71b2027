"""What Prefect is told of a run: numbers and names in people's words, and green only where all went well."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.exceptions import FailedRun

from flows import report
from flows.door import FlowFailed
from hub.jobs.record import JobRun

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def ran(subject: str, outcome: Any = "done", error: str | None = None, **counts: int) -> JobRun:
    return JobRun("sync", subject, "Prefect", AT, AT + timedelta(seconds=3), outcome, counts, error)


def test_all_that_went_well_is_green_with_its_numbers() -> None:
    state = report.state_of([ran("gate", stored=1200), ran("pier", stored=40)])
    assert state.is_completed()
    assert "1,240" in str(state.message)


@pytest.mark.parametrize("outcome", ["failed", "unproved", "stopped"])
def test_what_somebody_must_look_at_is_not_green_and_is_named(outcome: Any) -> None:
    state = report.state_of([ran("gate", stored=3), ran("pier", outcome, "no room for 9SYN001")])
    assert state.is_failed()
    assert "pier" in str(state.message)
    assert "gate" not in str(state.message)
    assert "9SYN001" not in str(state.message)


def test_the_table_of_a_run_says_how_each_went_and_nobodys_words(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(report, "create_table_artifact", lambda rows, **_: kept.extend(rows))
    monkeypatch.setattr(report.FlowRunContext, "get", object)
    report.state_of([ran("gate", stored=3), ran("pier", "unproved", "no room for 9SYN001")])
    assert [(row["what"], row["result"]) for row in kept] == [("gate", "good"), ("pier", "not proved")]
    assert "9SYN001" not in str(kept)


def test_what_a_purge_removed_is_said_as_reads_of_each_connection() -> None:
    purged = JobRun("purge", "", "Prefect", AT, AT + timedelta(seconds=3), "done", {"flock": 12, "hits": 1})
    assert report.state_of([purged]).message == "12 reads of flock, 1 read of hits"
    (row,) = report.rows_of([purged])
    assert (row["reads of flock"], row["reads of hits"]) == (12, 1)


def test_a_server_that_refuses_to_be_tidied_fails_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from httpx import ConnectError

    from flows import sweep

    def away(**_: object) -> Any:
        raise ConnectError("refused")

    monkeypatch.setattr(sweep, "get_client", away)
    monkeypatch.setattr(sweep, "deployment", type("Ours", (), {"id": "one"}))
    sweep.tidy_up([])
    assert "could not be tidied" in caplog.text


@pytest.mark.parametrize("ended", [FailedRun("pier (failed)"), FlowFailed("the hub refused")])
def test_a_run_that_ends_as_failed_on_purpose_is_logged_without_a_traceback(ended: Exception) -> None:
    logger = logging.getLogger("prefect.flow_runs")
    purpose, defect = (
        logger.makeRecord(logger.name, logging.ERROR, "", 0, "an exception", (), (type(error), error, None))
        for error in (ended, ZeroDivisionError("a defect"))
    )
    assert logger.filter(purpose)
    assert logger.filter(defect)
    assert (purpose.getMessage(), purpose.exc_info) == (f"The run ended as failed: {ended}", None)
    assert defect.exc_info is not None


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
