"""The record knows what lives, on machines whose clocks differ, and with a database that is away."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from hub.audit.record import Actor
from hub.clock import SetClock
from hub.jobs.jobs import Jobs
from hub.jobs.record import DEAD, JobRuns
from hub.store import tables
from hub.store.instant import to_micros
from hub.wiring import Hub

ACTOR = Actor("tester")


@pytest.mark.parametrize("sign", [-DEAD - timedelta(seconds=1), DEAD + timedelta(seconds=1)])
def test_a_run_whose_last_sign_of_life_is_old_or_still_to_come_does_not_keep_a_person_from_beginning(
    opened: Hub, clock: SetClock, sign: timedelta
) -> None:
    _killed(opened, "sync", "feed")
    runs = JobRuns(opened.store, clock)
    assert runs.begin("sync", "feed", "by hand") is None
    with opened.store.write() as connection:
        connection.execute(update(tables.job_runs).values(alive_at=to_micros(clock.now() + sign)))
    entry = runs.begin("sync", "feed", "by hand")
    assert entry is not None
    entry.end("done")


def test_what_a_machine_whose_clock_is_some_seconds_ahead_has_done_or_does_is_not_begun_again(
    jobs: Jobs, clock: SetClock
) -> None:
    clock.advance(timedelta(seconds=30))
    (run,) = jobs.run_due(ACTOR, "purge")
    entry = jobs.runs.begin("sync", "feed", "ahead")
    assert entry is not None
    clock.advance(timedelta(seconds=-30))
    assert (run.outcome, jobs.due("purge"), jobs.due("sync")) == ("done", [], [])
    assert jobs.runs.begin("sync", "feed", "here") is None
    entry.end("done")


def test_alive_are_the_runners_of_what_goes_on_and_says_so(opened: Hub, clock: SetClock) -> None:
    runs = JobRuns(opened.store, clock)
    _killed(opened, "sync", "feed")
    clock.advance(DEAD + timedelta(seconds=1))
    over, entry = runs.begin("purge", "", "over"), runs.begin("tidy", "", "going on")
    assert over is not None
    assert entry is not None
    over.end("done")
    (alive,) = runs.alive()
    assert alive.startswith("going on (")
    entry.end("done")


def test_a_connection_whose_name_has_letters_that_a_search_takes_for_others_is_told_apart(jobs: Jobs) -> None:
    for subject in ("wanted at gate_1", "wanted at gate-1"):
        entry = jobs.runs.begin("publish", subject, "tests")
        assert entry is not None
        entry.end("done")
    assert [run.subject for run in jobs.runs.newest(9, concerning="gate_1")] == ["wanted at gate_1"]


def test_a_database_that_stays_away_is_not_waited_for_for_ever(
    jobs: Jobs, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def away(_: object, **__: object) -> Any:
        tries.append(1)
        assert len(tries) < 5, "it is told for ever"
        raise OperationalError("UPDATE", None, Exception("gone"))

    entry = jobs.runs.begin("sync", "feed", "tests")
    assert entry is not None
    monkeypatch.setattr("hub.jobs.record.AGAIN", timedelta())
    monkeypatch.setattr("hub.jobs.record.PATIENCE", timedelta())
    with monkeypatch.context() as gone:
        gone.setattr(opened.store.__class__, "write", away)
        with pytest.raises(OperationalError):
            entry.end("done")
    entry.end("done")


def _killed(hub: Hub, job: str, subject: str) -> None:
    """A run whose process ended without a word: nothing says any more that it lives."""
    runs = JobRuns(hub.store, hub.clock)
    assert runs.begin(job, subject, "killed") is not None
    runs._alive.clear()
