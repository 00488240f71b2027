"""When a list is sent and read back, and what the record of it says."""

from datetime import timedelta

import pytest

from connectors.contract import Proof
from hub.clock import SetClock
from hub.hotlists.lists import NewEntry
from hub.hotlists.publishing import Published
from hub.jobs.jobs import Jobs
from hub.jobs.proved import NO_WAY_TO_LOOK, Done, published_as
from hub.people import Actor
from hub.wiring import Hub

ACTOR = Actor("tester")
READ_BACK, ACCEPTED = str(Proof.READ_BACK), str(Proof.ACCEPTED)
PROVED = {"added": 1, "removed": 0, "missing": 0, "unexpected": 0}


@pytest.mark.parametrize(
    ("published", "done"),
    [
        (Published("feed", 1, 0, True, READ_BACK), Done(PROVED)),
        (Published("feed", 1, 0, False, READ_BACK, error="feed is off"), Done(PROVED, "feed is off")),
        (Published("feed", 1, 0, False, ACCEPTED, error="feed is off"), Done(PROVED, "feed is off")),
        (Published("feed", 1, 0, False, ACCEPTED), Done(PROVED, NO_WAY_TO_LOOK)),
        (
            Published("feed", 1, 0, False, READ_BACK, 1200, 2),
            Done(
                PROVED | {"missing": 1200, "unexpected": 2},
                "the vendor's copy differs from ours: 1,200 missing there, 2 not on our list",
            ),
        ),
    ],
)
def test_what_is_not_proved_says_why(published: Published, done: Done) -> None:
    assert published_as(published) == done


def test_what_nobody_knows_is_not_counted() -> None:
    assert published_as(Published("feed", None, None, False, READ_BACK, None, None, "feed is off")).counts == {}


def test_a_list_that_is_on_its_way_is_not_due_although_it_has_changed_since(
    jobs: Jobs, opened: Hub, clock: SetClock
) -> None:
    opened.hotlists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    entry = jobs.runs.begin("publish", "wanted at feed", "tests")
    assert entry is not None
    clock.advance(timedelta(seconds=1))
    opened.hotlists.load(ACTOR, "wanted", [NewEntry("9SYN002", "stolen", "26-2", "US-CA")])
    assert jobs.due("publish") == []
    entry.end("done")
    assert [task.subject for task in jobs.due("publish")] == ["wanted at feed"]


def test_a_list_that_changes_in_the_instant_in_which_it_is_sent_is_sent_again(jobs: Jobs, opened: Hub) -> None:
    opened.hotlists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    assert len(jobs.run_due(ACTOR, "publish")) == 1
    assert [task.subject for task in jobs.due("publish")] == ["wanted at feed"]


def test_a_list_is_not_read_back_while_it_is_on_its_way(jobs: Jobs, opened: Hub, clock: SetClock) -> None:
    opened.hotlists.load(ACTOR, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    jobs.run_due(ACTOR, "publish")
    clock.advance(timedelta(hours=1))
    entry = jobs.runs.begin("publish", "wanted at feed", "tests")
    assert entry is not None
    assert jobs.due("verify") == []
    entry.end("done")
    assert [task.subject for task in jobs.due("verify")] == ["wanted at feed"]
