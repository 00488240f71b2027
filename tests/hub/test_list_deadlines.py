"""Each vendor has a deadline of its own for a list, which whatever it takes or gives begins anew."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from plain import PlainConnector

from connectors.contract import Delta, PushReport
from connectors.errors import TryAgain
from hub.hotlists import deadline
from hub.hotlists.deadline import Standstill, held_there
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.wiring import Hub


def test_a_deadline_begins_anew_with_every_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(deadline, "monotonic", lambda: now[0])
    left = Standstill(timedelta(seconds=60))
    now[0] = 50
    assert left.left() == 10
    left.went_on()
    assert left.left() == 60
    now[0] = 200
    assert left.left() == 0
    assert list(left_at_each(left, now)) == [60, 60]


def left_at_each(left: Standstill, now: list[float]) -> list[float]:
    found = []
    for _ in range(2):
        now[0] += 500
        left.went_on(1)
        found.append(left.left())
    return found


def test_a_vendor_that_takes_nothing_is_given_up_and_says_so(
    opened: Hub, feed: Path, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "STILL", timedelta(minutes=3))
    given: list[float] = []

    def push(self: PlainConnector, delta: Delta) -> PushReport:
        given.append(self.frame.patience())
        raise TryAgain("nothing was taken in time")

    monkeypatch.setattr(PlainConnector, "push", push)
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("9SYN001", "stolen", "26-1", "US-CA")])
    sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.verified, sent.error) == (False, "nothing was taken in time")
    assert 0 < given[0] <= 180


def test_a_vendor_that_goes_on_giving_its_list_has_its_time_anew_with_each_entry() -> None:
    steps: list[object] = []

    def given(_: str) -> Iterator[str]:
        for entry in ("9SYN001", "9SYN002"):
            steps.append(entry)
            yield entry

    vendor = SimpleNamespace(list_remote=given, frame=SimpleNamespace(sent=steps.append))
    assert list(held_there(vendor, "wanted")) == ["9SYN001", "9SYN002"]
    assert steps == ["9SYN001", 0, "9SYN002", 0]
