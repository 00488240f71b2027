"""The record knows what lives, on machines whose clocks differ, and with a database that is away."""

import errno
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from hub.clock import SetClock
from hub.jobs.catalogue import DueTask
from hub.jobs.jobs import Jobs
from hub.jobs.loop import Loop
from hub.jobs.proved import Done
from hub.jobs.record import DEAD, JobRuns
from hub.people import Actor
from hub.store import tables
from hub.store.instant import to_micros
from hub.store.turn import Turns
from hub.wiring import Hub

ACTOR = Actor("tester")
SHORT = timedelta(milliseconds=5)
AWAY = [OperationalError("UPDATE", None, Exception("gone")), OSError(errno.EMFILE, "Too many open files")]
"""What a database that is away raises, and the file of its lock where the process has no file left to open."""


def refusing(error: Exception, times: int | None = None) -> Any:
    """A turn to write that nobody gets, or nobody so many times; `tried` says how often it was asked for."""
    take = Turns.take

    def refuse(turns: Turns, *which: Any) -> Any:
        refuse.tried += 1  # type: ignore[attr-defined]
        if times is None or refuse.tried <= times:  # type: ignore[attr-defined]
            raise error
        return take(turns, *which)

    refuse.tried = 0  # type: ignore[attr-defined]
    return refuse


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


def test_a_hub_that_was_closed_is_told_nothing_again_and_of_no_life(
    opened: Hub, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that outlives its hub neither knocks for five minutes nor goes on for ever."""
    monkeypatch.setattr("hub.jobs.record.BEAT", SHORT)
    runs = JobRuns(opened.store, clock)
    entry = runs.begin("sync", "feed", "tests")
    assert entry is not None
    assert runs.begin("sync", "second", "tests") is not None  # and never ends
    (beating,) = (thread for thread in threading.enumerate() if thread is runs._beating)
    opened.store.close()
    beating.join(30)
    assert not beating.is_alive()
    refuse = refusing(AWAY[0])
    monkeypatch.setattr(Turns, "take", refuse)
    with pytest.raises(OperationalError):
        entry.end("done")
    assert refuse.tried == 1


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


@pytest.mark.parametrize("error", AWAY)
def test_what_keeps_a_sign_of_life_from_being_noted_does_not_end_the_signs(
    opened: Hub, clock: SetClock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("hub.jobs.record.BEAT", SHORT)
    runs = JobRuns(opened.store, clock)
    entry = runs.begin("sync", "feed", "tests")
    assert entry is not None
    with monkeypatch.context() as away:
        away.setattr(Turns, "take", turn := refusing(error))
        beating = runs._beating
        assert beating is not None
        while turn.tried < 2 and beating.is_alive():
            beating.join(0.005)
    clock.advance(DEAD * 2)
    while _alive_at(opened) < to_micros(clock.now()) and beating.is_alive():
        beating.join(0.005)
    assert runs.settle() == 0, "a run was noted as killed by the process in which it lives"
    entry.end("done")


def test_signs_of_life_that_ended_begin_again_with_the_next_run(opened: Hub, clock: SetClock) -> None:
    runs = JobRuns(opened.store, clock)
    runs._beating = dead = threading.Thread()
    entry = runs.begin("sync", "feed", "tests")
    assert entry is not None
    assert runs._beating is not dead
    entry.end("done")


@pytest.mark.parametrize("error", AWAY)
def test_how_a_run_ended_is_told_again_where_it_could_not_be_noted(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("hub.jobs.record.AGAIN", timedelta())
    entry = jobs.runs.begin("sync", "feed", "tests")
    assert entry is not None
    monkeypatch.setattr(Turns, "take", refusing(error, times=2))
    entry.end("done", {"stored": 3})
    assert [(run.outcome, run.counts) for run in jobs.runs.newest(5)] == [("done", {"stored": 3})]


@pytest.mark.parametrize("error", [*AWAY, ValueError("a defect")])
def test_a_run_that_is_over_shows_no_life_although_its_end_could_not_be_noted(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("hub.jobs.record.AGAIN", timedelta())
    monkeypatch.setattr("hub.jobs.record.PATIENCE", timedelta())
    entry = jobs.runs.begin("sync", "feed", "tests")
    assert entry is not None
    monkeypatch.setattr(Turns, "take", refusing(error))
    with pytest.raises(type(error)):
        entry.end("done")
    assert jobs.runs._alive == set()


@pytest.mark.parametrize("error", AWAY)
def test_a_process_ends_although_it_cannot_note_what_it_cut_short(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    entry = jobs.runs.begin("sync", "feed", "tests")
    assert entry is not None
    with monkeypatch.context() as away:
        away.setattr(Turns, "take", refusing(error))
        assert jobs.end([], SHORT) == 1
    entry.end("done")


@pytest.mark.parametrize("error", AWAY)
def test_a_piece_that_could_not_be_begun_is_said_to_wait_for_the_next_look(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    monkeypatch.setattr(Turns, "take", refusing(error))
    jobs.start(ACTOR, DueTask("tidy", "", lambda _: Done({})), lambda _: None).join()
    (entry,) = caplog.records
    assert entry.message.startswith("tidy: ")
    assert entry.message.endswith("; the next look begins it")


@pytest.mark.parametrize("error", AWAY)
def test_the_loop_outlives_what_keeps_it_from_looking(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    stop, looks = threading.Event(), list[int]()
    caplog.set_level(logging.WARNING, "alprhub.jobs")

    def due(_: str) -> list[DueTask]:
        looks.append(1)
        if len(looks) < 3:
            raise error
        stop.set()
        return []

    monkeypatch.setattr(jobs, "due", due)
    Loop(jobs, ACTOR, lambda _: None).run(stop, tick=SHORT)
    first, again = (entry.message for entry in caplog.records if entry.module == "loop")
    assert first.endswith("; nothing is lost, and the schedules go on once that is over")
    assert again == "the database answers again"


def _alive_at(hub: Hub) -> int:
    with hub.store.read() as connection:
        return int(connection.scalar(select(tables.job_runs.c.alive_at)) or 0)


def _killed(hub: Hub, job: str, subject: str) -> None:
    """A run whose process ended without a word: nothing says any more that it lives."""
    runs = JobRuns(hub.store, hub.clock)
    assert runs.begin(job, subject, "killed") is not None
    runs._alive.clear()
