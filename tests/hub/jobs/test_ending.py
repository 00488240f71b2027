"""Whoever is told to end ends between two pieces of work, and the record says so of each."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import two
from plain import PlainConnector, record, write_page

from connectors.contract import Page, Window
from connectors.errors import TryAgain
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.jobs.catalogue import DueTask
from hub.jobs.jobs import Jobs
from hub.people import Actor
from hub.policy.document import FOLDER
from hub.wiring import Hub

ACTOR = Actor("tester")
AT = "2026-06-01T11:{:02d}:00Z"
SHORT = timedelta(milliseconds=20)


def test_who_is_told_to_end_while_pieces_are_begun_ends_those_that_are(
    jobs: Jobs, opened: Hub, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, start = threading.Event(), threading.Event(), jobs.start
    opened.connections.accounts.add(ACTOR, "second", "plain", {"folder": str(feed)})
    monkeypatch.setattr("hub.jobs.jobs.GRACE", SHORT)

    def pull(self: PlainConnector, window: Window) -> Iterator[Page]:
        begun.set()
        assert go_on.wait(30)
        yield Page([], {"until": window.until.isoformat()})

    def interrupted(actor: Actor, task: DueTask, *told: Any) -> threading.Thread:
        if begun.is_set():
            raise KeyboardInterrupt
        thread = start(actor, task, *told)
        assert begun.wait(30)
        return thread

    monkeypatch.setattr(PlainConnector, "pull", pull)
    monkeypatch.setattr(jobs, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        jobs.run_due(ACTOR, "sync")
    assert [outcome for _, outcome in ended(jobs, "sync")] == ["stopped"]
    go_on.set()


def test_work_whose_thread_is_interrupted_is_stopped_on_record(
    jobs: Jobs, opened: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    (task,) = jobs.due("sync")
    monkeypatch.setattr(opened.ingest.sync.__class__, "run", _raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        jobs.run(ACTOR, task)
    assert ended(jobs, "sync") == [("feed", "stopped")]


@pytest.fixture
def work_for_all(
    jobs: Jobs, opened: Hub, feed: Path, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that has expired and one that has not, whose picture nobody could fetch, another policy, and a list."""
    monkeypatch.setattr(PlainConnector, "fetch_image", _raising(TryAgain("down")), raising=False)
    write_page(feed, 1, [record(1, "9SYN001", AT.format(1))])
    jobs.run_due(ACTOR, "sync")
    clock.advance(timedelta(days=31))
    url = "https://pictures.example/2.jpg"
    write_page(feed, 2, [record(2, "9SYN002", clock.now().isoformat(), picture_url=url)])
    jobs.run_due(ACTOR, "sync")
    shorter = tmp_path / "shorter.yaml"
    shorter.write_text(FOLDER.joinpath("hermosa-beach.yaml").read_text().replace("P30D", "P20D"))
    two.activate(opened, ACTOR, str(shorter), "a shorter schedule")
    opened.hotlists.lists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    clock.advance(timedelta(minutes=1))


@pytest.mark.usefixtures("work_for_all")
@pytest.mark.parametrize("job", ["sync", "publish", "purge", "pictures", "recompute"])
def test_whoever_is_told_to_end_ends_long_work_between_two_pieces(jobs: Jobs, opened: Hub, job: str) -> None:
    (task,) = jobs.due(job)
    jobs.stopping.set()
    run = jobs.run(ACTOR, task)
    assert run is not None
    assert run.outcome == "stopped"
    assert [task.job for task in Jobs(opened, "the next").due(job)] == [job]


def _raising(error: BaseException) -> object:
    def fail(*_: object) -> None:
        raise error

    return fail


def ended(jobs: Jobs, name: str) -> list[tuple[str, str]]:
    """What a job's record says, newest first."""
    return [(run.subject, run.outcome) for run in jobs.runs.newest(20, job=name)]
