"""Jobs run when they are due, each on its own, and their record says how it went."""

import errno
import os
import re
import signal
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from plain import PlainConnector, record, write_page
from registries import PLAIN
from sqlalchemy import event, text, update
from sqlalchemy.exc import OperationalError

from connectors.contract import Page, Proof, Window
from connectors.errors import AdminMustFix, TryAgain
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.jobs.catalogue import AGAIN, DueTask
from hub.jobs.jobs import Jobs
from hub.jobs.loop import Loop
from hub.jobs.proved import NO_WAY_TO_LOOK, Done
from hub.jobs.record import BEAT, DEAD, KEPT, JobRun, JobRuns
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import tables
from hub.wiring import Hub, open_hub

ACTOR = Actor("tester")
AT = "2026-06-01T11:{:02d}:00Z"
SHORT = timedelta(milliseconds=20)


def ended(jobs: Jobs, name: str) -> list[tuple[str, str]]:
    """What a job's record says, newest first."""
    return [(run.subject, run.outcome) for run in jobs.runs.newest(20, job=name)]


def test_what_is_due_runs_and_is_on_record(jobs: Jobs, feed: Path) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1)), {"id": "bad"}])
    (run,) = jobs.run_due(ACTOR, "sync")
    assert (run.subject, run.outcome, run.error) == ("feed", "done", None)
    (kept,) = jobs.runs.newest(5)
    assert (kept.counts["pulled"], kept.counts["stored"], kept.counts["quarantined"]) == (2, 1, 1)
    assert kept.runner.startswith("tests (")
    assert jobs.run_due(ACTOR, "sync") == []


def test_of_two_processes_that_find_a_job_due_one_runs_it(jobs: Jobs, opened: Hub) -> None:
    other = Jobs(opened, "another")
    (mine,), (theirs,) = jobs.due("sync"), other.due("sync")
    assert jobs.run(ACTOR, mine) is not None
    assert other.run(ACTOR, theirs) is None
    assert len(ended(jobs, "sync")) == 1


def test_what_is_under_way_is_not_begun_again(jobs: Jobs, opened: Hub, clock: SetClock) -> None:
    entry = jobs.runs.begin("sync", "feed", "tests")
    assert entry is not None
    clock.advance(timedelta(seconds=30))
    assert jobs.due("sync") == []
    assert jobs.runs.begin("sync", "feed", "another") is None
    entry.end("done")


def test_a_run_that_was_killed_is_said_to_be_and_runs_again_at_once(jobs: Jobs, opened: Hub, clock: SetClock) -> None:
    _killed(opened, "sync", "feed")
    clock.advance(DEAD - timedelta(seconds=1))
    assert jobs.due("sync") == []
    clock.advance(timedelta(seconds=2))
    (task,) = jobs.due("sync")
    assert ended(jobs, "sync") == [("feed", "killed")]
    assert jobs.run(ACTOR, task) is not None
    assert ended(jobs, "sync") == [("feed", "done"), ("feed", "killed")]


def test_what_kills_its_process_twice_waits_for_its_time(jobs: Jobs, opened: Hub, clock: SetClock) -> None:
    opened.connections.accounts.schedule(ACTOR, "feed", timedelta(hours=6))
    for _ in range(2):
        assert len(jobs.due("sync")) == 1
        _killed(opened, "sync", "feed")
        clock.advance(DEAD + timedelta(seconds=1))
    assert jobs.due("sync") == []
    clock.advance(timedelta(hours=6))
    assert len(jobs.due("sync")) == 1


def _killed(hub: Hub, job: str, subject: str) -> None:
    """A run whose process ended without a word: nothing says any more that it lives."""
    runs = JobRuns(hub.store, hub.clock)
    assert runs.begin(job, subject, "killed") is not None
    runs._alive.clear()


def test_a_run_says_that_it_lives(opened: Hub, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.jobs.record.BEAT", timedelta(milliseconds=5))
    runs = JobRuns(opened.store, clock)
    entry = runs.begin("sync", "feed", "tests")
    assert entry is not None
    clock.advance(DEAD * 2)
    alive = select_alive(opened)
    while select_alive(opened) == alive:
        threading.Event().wait(0.005)
    assert runs.settle() == 0
    entry.end("done")


def select_alive(hub: Hub) -> int:
    """When the only run said last that it lives."""
    with hub.store.read() as connection:
        return int(connection.scalar(text("SELECT alive_at FROM job_runs")) or 0)


def test_a_clock_that_was_ahead_and_is_right_again_begins_nothing_twice_a_look(jobs: Jobs, clock: SetClock) -> None:
    clock.advance(timedelta(hours=2))
    for name in ("sync", "purge", "notices"):
        jobs.run_due(ACTOR, name)
    clock.advance(timedelta(hours=-2))
    begun = 0
    for _ in range(12):
        begun += sum(len(jobs.run_due(ACTOR, name)) for name in ("sync", "purge"))
        clock.advance(timedelta(seconds=5))
    assert begun == 3  # each once, and the minute's turn of the sync


def test_a_run_that_was_killed_while_the_clock_was_ahead_holds_up_nothing(
    jobs: Jobs, opened: Hub, clock: SetClock
) -> None:
    clock.advance(timedelta(days=3))
    _killed(opened, "sync", "feed")
    clock.advance(timedelta(days=-3))
    (task,) = jobs.due("sync")
    assert jobs.run(ACTOR, task) is not None
    assert sorted(outcome for _, outcome in ended(jobs, "sync")) == ["done", "killed"]


def test_what_shows_no_life_for_a_minute_is_gone() -> None:
    assert BEAT * 2 < DEAD <= timedelta(minutes=1)


def test_a_database_that_is_away_when_a_run_ends_is_told_again(
    jobs: Jobs, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.jobs.record.AGAIN", SHORT)
    entry = jobs.runs.begin("sync", "feed", "tests")
    assert entry is not None
    write, fails = opened.store.write, [True, True]

    def away() -> Any:
        if fails:
            fails.pop()
            raise OperationalError("UPDATE", None, Exception("gone"))
        return write()

    monkeypatch.setattr(opened.store.__class__, "write", lambda *_, **__: away())
    entry.end("done", {"stored": 3})
    monkeypatch.undo()
    assert [(run.outcome, run.counts) for run in jobs.runs.newest(5)] == [("done", {"stored": 3})]


def test_the_loop_ends_although_the_database_is_away(jobs: Jobs, opened: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = jobs.runs.begin("sync", "feed", "tests")
    assert entry is not None

    def away(_: object, **__: object) -> Any:
        raise OperationalError("UPDATE", None, Exception("gone"))

    monkeypatch.setattr(opened.store.__class__, "write", away)
    assert jobs.end([], SHORT) == 1
    monkeypatch.undo()
    entry.end("done")


def test_a_vendor_that_hangs_holds_up_no_other(
    jobs: Jobs, opened: Hub, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    opened.connections.accounts.add(ACTOR, "slow", "plain", {"folder": str(feed)})

    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        if threading.current_thread().name == "pull-slow":
            assert go_on.wait(30)
        yield Page([], {"until": window.until.isoformat()})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    done = threading.Event()
    told: list[JobRun] = []

    def hear(run: JobRun) -> None:
        told.append(run)
        done.set()

    threads = [jobs.start(ACTOR, task, hear) for task in jobs.due("sync")]
    assert done.wait(30)
    assert [run.subject for run in told] == ["feed"]
    go_on.set()
    for thread in threads:
        thread.join()
    assert {run.outcome for run in told} == {"done"}


def test_who_is_told_to_end_puts_on_record_what_was_cut_short(
    jobs: Jobs, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr("hub.jobs.jobs.GRACE", SHORT)

    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        os.kill(os.getpid(), signal.SIGINT)
        assert go_on.wait(30)
        yield Page([], {"until": window.until.isoformat()})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    with pytest.raises(KeyboardInterrupt):
        jobs.run_due(ACTOR, "sync")
    assert ended(jobs, "sync") == [("feed", "stopped")]
    go_on.set()
    assert len(Jobs(opened, "the next").due("sync")) == 1


def test_an_error_is_kept_in_the_hubs_own_words(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlainConnector, "pull", _raising(TryAgain("the vendor is down")))
    (run,) = jobs.run_due(ACTOR, "sync")
    assert (run.outcome, run.error) == ("failed", "the vendor is down")


def test_a_defect_is_kept_without_its_text(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlainConnector, "pull", _raising(ValueError("row of 9SYN001")))
    (run,) = jobs.run_due(ACTOR, "sync")
    assert run.outcome == "failed"
    assert "a defect of the hub itself at line" in str(run.error)
    assert "9SYN001" not in str(run.error)


def test_a_refused_account_is_not_asked_again(jobs: Jobs, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlainConnector, "pull", _raising(AdminMustFix("the key was revoked")))
    jobs.run_due(ACTOR, "sync")
    clock.advance(timedelta(hours=1))
    assert jobs.due("sync") == []


def _raising(error: Exception) -> object:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_a_list_that_is_not_proved_is_published_again_soon(
    jobs: Jobs, opened: Hub, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    clock.advance(timedelta(seconds=1))
    push = PlainConnector.push
    monkeypatch.setattr(PlainConnector, "push", _raising(TryAgain("down")))
    (run,) = jobs.run_due(ACTOR, "publish")
    assert (run.subject, run.outcome) == ("wanted at feed", "unproved")
    assert jobs.due("publish") == []
    monkeypatch.setattr(PlainConnector, "push", push)
    clock.advance(AGAIN)
    (run,) = jobs.run_due(ACTOR, "publish")
    assert run.outcome == "done"


def test_a_list_that_nobody_can_prove_is_not_sent_again_and_again(
    jobs: Jobs, opened: Hub, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    clock.advance(timedelta(seconds=1))
    monkeypatch.setattr(PlainConnector, "proof", Proof.ACCEPTED)
    (run,) = jobs.run_due(ACTOR, "publish")
    assert (run.outcome, run.error) == ("unproved", NO_WAY_TO_LOOK)
    sent = 0
    for _ in range(12):
        clock.advance(AGAIN)
        sent += len(jobs.run_due(ACTOR, "publish"))
    assert sent == 1  # its hour


def test_a_list_is_read_back_between_two_publications(jobs: Jobs, opened: Hub, clock: SetClock) -> None:
    opened.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    clock.advance(timedelta(seconds=1))
    assert jobs.due("verify") == []  # nothing was sent yet
    jobs.run_due(ACTOR, "publish")
    seen = []
    for turn in range(24):
        clock.advance(timedelta(minutes=5))
        seen += [(run.job, turn) for name in ("publish", "verify") for run in jobs.run_due(ACTOR, name)]
    published, read_back = ([turn for job, turn in seen if job == name] for name in ("publish", "verify"))
    assert len(published) == 2
    assert 2 <= len(read_back) <= 3
    first, *later = read_back
    assert first == 0
    assert all(abs(one - other) >= 5 for one in published for other in later), "half an hour lies between them"


def test_every_job_of_the_whole_hub_runs_once_a_turn(jobs: Jobs, clock: SetClock) -> None:
    whole = ["holds", "purge", "recompute", "tidy", "vacuum", "months", "reconcile", "audit", "canary", "checkpoint"]
    for name in whole:
        (run,) = jobs.run_due(ACTOR, name)
        assert (run.job, run.outcome) == (name, "done")
        assert jobs.run_due(ACTOR, name) == []
    clock.advance(timedelta(days=7))
    assert [run.job for name in whole for run in jobs.run_due(ACTOR, name)] == whole


def test_old_records_are_forgotten(jobs: Jobs, clock: SetClock) -> None:
    jobs.run_due(ACTOR, "sync")
    clock.advance(KEPT + timedelta(days=1))
    jobs.run_due(ACTOR, "sync")
    assert jobs.runs.forget() == 1
    assert len(ended(jobs, "sync")) == 1


def test_the_record_finds_what_concerns_a_connection_and_what_went_badly(jobs: Jobs) -> None:
    for job, subject, outcome in (
        ("sync", "feed", "done"),
        ("publish", "wanted at feed", "unproved"),
        ("sync", "other", "failed"),
    ):
        entry = jobs.runs.begin(job, subject, "tests")
        assert entry is not None
        entry.end(outcome)  # type: ignore[arg-type]
    assert {run.subject for run in jobs.runs.newest(9, concerning="feed")} == {"feed", "wanted at feed"}
    assert {run.subject for run in jobs.runs.newest(9, bad=True)} == {"wanted at feed", "other"}


def test_runs_in_which_there_was_nothing_to_do_can_be_left_out(jobs: Jobs) -> None:
    for job, outcome, sent in (
        ("notices", "done", 0),
        ("notices", "done", 10),
        ("notices", "failed", 0),
        ("sync", "done", 0),
    ):
        entry = jobs.runs.begin(job, "", "tests")
        assert entry is not None
        entry.end(outcome, {"sent": sent})  # type: ignore[arg-type]
    kept = [(run.job, run.outcome, run.counts["sent"]) for run in jobs.runs.newest(9, without=["notices"])]
    assert kept == [("sync", "done", 0), ("notices", "failed", 0), ("notices", "done", 10)]


def test_the_loop_runs_what_is_due_until_it_is_told_to_end(jobs: Jobs, feed: Path) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1))])
    stop, told = threading.Event(), []

    def hear(run: JobRun) -> None:
        told.append(run)
        if {run.job for run in told} >= {"sync", "purge", "reconcile"}:
            stop.set()

    assert Loop(jobs, ACTOR, hear).run(stop, tick=SHORT) == 0
    assert next(run for run in told if run.job == "sync").counts["stored"] == 1


def test_what_goes_on_when_the_loop_ends_is_stopped_and_begun_again_at_the_next_start(
    jobs: Jobs, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, stop = threading.Event(), threading.Event(), threading.Event()

    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        begun.set()
        stop.set()
        assert go_on.wait(30)
        yield Page([], {"until": window.until.isoformat()})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    assert Loop(jobs, ACTOR, lambda _: None).run(stop, tick=SHORT, grace=SHORT) >= 1
    assert ("feed", "stopped") in ended(jobs, "sync")
    go_on.set()
    assert len(Jobs(opened, "the next").due("sync")) == 1


def test_the_loop_outlives_a_database_that_is_away(jobs: Jobs, opened: Hub, caplog: pytest.LogCaptureFixture) -> None:
    stop, looks = threading.Event(), []
    due = jobs.due

    def look(name: str) -> list[DueTask]:
        looks.append(name)
        with opened.store.write() as connection:
            if len(looks) == 1:
                connection.execute(text("ALTER TABLE job_runs RENAME TO away"))
            elif len(looks) == 3:
                connection.execute(text("ALTER TABLE away RENAME TO job_runs"))
        if len(looks) > 3:
            stop.set()
        return due(name)

    jobs.due = look  # type: ignore[method-assign]
    Loop(jobs, ACTOR, lambda _: None).run(stop, tick=SHORT)
    said = [entry.message for entry in caplog.records]
    assert sum("the schedules go on once that is over" in message for message in said) == 1
    assert sum("answers again" in message for message in said) == 1
    assert not any("job_runs" in message for message in said), "a driver's words may quote a row"


@pytest.mark.parametrize(
    ("failed", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "the file '/data/x' finds no room: the disk is"),
        (
            OperationalError(
                "INSERT", None, sqlite3.OperationalError("database or disk is full"), hide_parameters=True
            ),
            "finds no room: the disk is full",
        ),
    ],
)
def test_the_loop_waits_for_room_and_says_once_in_plain_words_what_it_waits_for(
    jobs: Jobs, opened: Hub, caplog: pytest.LogCaptureFixture, failed: Exception, says: str
) -> None:
    stop, looks, due = threading.Event(), list[str](), jobs.due

    def look(name: str) -> list[DueTask]:
        looks.append(name)
        if len(looks) < 4:
            raise failed
        stop.set()
        return due(name)

    jobs.due = look  # type: ignore[method-assign]
    Loop(jobs, ACTOR, lambda _: None).run(stop, tick=SHORT)
    (said,) = [entry.message for entry in caplog.records if "schedules go on" in entry.message]
    assert says in said
    assert "9SYN001" not in said


def test_a_run_that_finds_no_room_says_so_and_is_no_defect_and_a_defect_is_told_without_its_class(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/data/x")
    for failed, says in (
        (full, r"the file '/data/x' finds no room: the disk is full"),
        (RuntimeError("9SYN001"), r"a defect of the hub itself at line \d+ of \w+\.py; whoever maintains it needs.*"),
    ):

        def fail(actor: Actor, failed: Exception = failed) -> Done:
            raise failed

        run = jobs.run(ACTOR, DueTask("sync", f"feed {says[:3]}", fail))
        assert run is not None
        assert re.fullmatch(says, run.error or "")


def test_who_sends_by_itself_and_takes_no_lists_is_not_run(
    jobs: Jobs, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    assert (len(jobs.due("sync")), len(jobs.due("publish"))) == (1, 1)
    for ability in ("pull", "push"):
        monkeypatch.delattr(PlainConnector, ability)
    assert (jobs.due("sync"), jobs.due("publish"), jobs.catalogue.take(["wanted"])) == ([], [], [])


def test_a_connection_of_a_connector_that_is_not_here_is_left_alone(jobs: Jobs, opened: Hub) -> None:
    with opened.store.write() as connection:
        connection.execute(update(tables.connections).values(connector="somebody's"))
    assert jobs.due("sync") == []


def test_a_time_that_somebody_named_is_not_the_turn_of_the_connection(jobs: Jobs, clock: SetClock) -> None:
    named = jobs.catalogue.sync("feed", clock.now() - timedelta(days=2), clock.now())
    assert jobs.run(ACTOR, named) is not None
    assert ended(jobs, "backfill") == [("feed", "done")]
    assert [task.subject for task in jobs.due("sync")] == ["feed"]
    assert jobs.run(ACTOR, jobs.catalogue.sync("feed")) is not None
    assert jobs.due("sync") == []


def test_while_a_time_that_somebody_named_is_pulled_the_turn_waits(jobs: Jobs) -> None:
    filling = jobs.runs.begin("backfill", "feed", "tests")
    assert filling is not None
    assert jobs.due("sync") == []
    filling.end("done")
    assert [task.subject for task in jobs.due("sync")] == ["feed"]


def _asked(jobs: Jobs, hub: Hub, names: Sequence[str]) -> int:
    """How many statements a look at these jobs takes."""
    counted: list[str] = []

    def note(*told: Any) -> None:
        counted.append(told[2])

    event.listen(hub.store._reader, "before_cursor_execute", note)
    for name in names:
        jobs.due(name)
    event.remove(hub.store._reader, "before_cursor_execute", note)
    return len(counted)


def test_a_look_asks_no_more_where_there_are_more_connections_and_lists(
    jobs: Jobs, opened: Hub, feed: Path, clock: SetClock
) -> None:
    names = ("sync", "publish", "verify")
    opened.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    jobs.run_due(ACTOR, "publish")
    few = _asked(jobs, opened, names)
    for number in range(4):
        opened.connections.accounts.add(ACTOR, f"feed-{number}", "plain", {"folder": str(feed)}, check=False)
        opened.hotlists.lists.load(ACTOR, f"wanted-{number}", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    assert len(jobs.due("publish")) == 25
    assert _asked(jobs, opened, names) == few


def test_the_record_gives_the_newest_two_runs_of_each_subject(settings: HubSettings, clock: SetClock) -> None:
    with open_hub(settings, clock, registry=PLAIN) as hub:
        runs = JobRuns(hub.store, clock)
        for number in range(3):
            for job, subject in (("sync", "gate"), ("sync", "pier"), ("publish", "gate")):
                entry = runs.begin(job, subject, "tests")
                assert entry is not None
                entry.end("done", {"stored": number})
            clock.advance(timedelta(minutes=1))
        last = runs.last("sync", ["gate", "pier", "nobody"])
        numbers = {subject: [run.counts["stored"] for run in found] for subject, found in last.items()}
        assert numbers == {"gate": [2, 1], "pier": [2, 1], "nobody": []}
        clock.advance(timedelta(days=-1))
        assert runs.last("sync", ["gate"]) == {"gate": []}, "runs in the future of now are none"
