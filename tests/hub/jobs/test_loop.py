"""The loop begins what is due, each piece once and no more than one process can carry."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from plain import PlainConnector

from connectors.contract import Page, Window
from hub.jobs.catalogue import DueTask
from hub.jobs.jobs import Jobs
from hub.jobs.loop import Loop
from hub.jobs.record import JobRun
from hub.people import Actor
from hub.wiring import Hub

ACTOR = Actor("tester")
SHORT = timedelta(milliseconds=20)


class Hanging:
    """A vendor that answers nobody until it is let go; `asked` are the threads that wait for it."""

    def __init__(self) -> None:
        self.go_on, self.reached = threading.Event(), threading.Event()
        self.asked: list[str] = []

    def pull(self, window: Window) -> Iterator[Page]:
        self.asked.append(threading.current_thread().name)
        self.reached.set()
        assert self.go_on.wait(30)
        yield Page([], {"until": window.until.isoformat()})


@pytest.fixture
def hanging(opened: Hub, feed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    """Two connections, `feed` and `second`, whose vendor hangs."""
    opened.connections.add(ACTOR, "second", "plain", {"folder": str(feed)})
    made = Hanging()
    monkeypatch.setattr(PlainConnector, "pull", lambda _, window: made.pull(window))
    yield made
    made.go_on.set()


def begun_in_three_looks(jobs: Jobs, vendor: Hanging) -> list[str]:
    """What a loop that looks whom to sync, and twice again while the vendor is asked, has begun by its own account."""
    jobs.catalogue.jobs = {"sync": jobs.catalogue.jobs["sync"]}
    stop, due, begun, looks = threading.Event(), jobs.due, list[DueTask](), list[int]()

    def look(name: str) -> list[DueTask]:
        assert not looks or vendor.reached.wait(30)
        looks.append(1)
        if len(looks) == 3:
            stop.set()
        return due(name)

    jobs.due = look  # type: ignore[method-assign]
    Loop(jobs, ACTOR, lambda _: None, begun.append).run(stop, tick=SHORT, grace=SHORT)
    return [task.subject for task in begun]


def test_what_waits_for_its_place_is_begun_once_and_not_before(
    opened: Hub, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.jobs.jobs.AT_ONCE", 1)
    assert begun_in_three_looks(Jobs(opened, "tests"), hanging) == ["feed", "second"]
    assert len(hanging.asked) == 1


def test_what_is_more_than_a_process_carries_is_left_to_a_later_look(
    opened: Hub, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.jobs.loop.MOST", 1)
    assert begun_in_three_looks(Jobs(opened, "tests"), hanging) == ["feed"]


@pytest.mark.parametrize("setting", ["hub.jobs.jobs.AT_ONCE", "hub.jobs.loop.MOST"])
def test_connections_that_hang_hold_up_no_job_of_the_whole_hub(
    opened: Hub, hanging: Hanging, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setattr(setting, 1)
    jobs, stop = Jobs(opened, "tests"), threading.Event()
    known, told = jobs.catalogue.jobs, list[JobRun]()
    jobs.catalogue.jobs = {name: known[name] for name in ("sync", "purge", "notices")}
    enough = threading.Timer(30, stop.set)
    enough.start()

    def hear(run: JobRun) -> None:
        told.append(run)
        if {run.job for run in told} == {"purge", "notices"}:
            stop.set()

    Loop(jobs, ACTOR, hear).run(stop, tick=SHORT, grace=SHORT)
    enough.cancel()
    assert {run.job: run.outcome for run in told} == {"purge": "done", "notices": "done"}
    assert hanging.asked
