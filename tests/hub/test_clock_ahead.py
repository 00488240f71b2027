"""A clock that was ahead stops no source: what it wrote down is none, and what it skipped is pulled."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plain import PlainConnector
from sqlalchemy import text
from timed import Vendor, coverage, every, holes, kept, outcomes

from connectors.contract import Page, Window
from connectors.errors import VendorChanged
from hub.clock import SetClock
from hub.people import Actor
from hub.wiring import Hub

LOOK_BACK = PlainConnector.info.look_back
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTES = timedelta(minutes=10)


@pytest.fixture
def vendor(opened: Hub, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    made = Vendor(clock)
    monkeypatch.setattr(PlainConnector, "pull", made.pull)
    return made


@pytest.fixture
def was_ahead(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> datetime:
    """One good run, and then one whose clock was fifteen days ahead; gives when that was."""
    opened.sync.run(actor, "feed")
    clock.advance(HOUR)
    right = clock.now()
    vendor.add(every(MINUTES, right - HOUR, right + 3 * HOUR))
    vendor.hidden = {number for number, at in vendor.reads.items() if at >= right}
    clock.advance(15 * DAY)
    opened.sync.run(actor, "feed")
    clock.advance(-15 * DAY)
    vendor.hidden = set()
    vendor.windows.clear()
    return right


def test_what_a_clock_ahead_skipped_is_pulled_by_the_next_run(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock, was_ahead: datetime
) -> None:
    clock.advance(3 * HOUR)
    opened.sync.run(actor, "feed")
    assert vendor.spans() == [(was_ahead - HOUR - LOOK_BACK, clock.now())]
    assert kept(opened) == set(vendor.reads)
    vendor.windows.clear()
    clock.advance(HOUR)
    opened.sync.run(actor, "feed")
    assert vendor.spans() == [(clock.now() - HOUR - LOOK_BACK, clock.now())]


def test_what_a_clock_ahead_covered_stays_a_gap_on_the_days_that_it_named(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock, was_ahead: datetime
) -> None:
    opened.sync.run(actor, "feed")
    assert set(outcomes(opened)) == {"done", "ahead"}
    last = opened.showing.of("feed").last_run
    assert last is not None
    assert last.started_at == clock.now()
    stopped = clock.now()
    clock.advance(16 * DAY)
    assert holes(opened, actor) == [(stopped, clock.now())]


def test_gaps_and_coverage_take_no_run_of_the_future_for_true(
    opened: Hub, actor: Actor, clock: SetClock, was_ahead: datetime
) -> None:
    assert holes(opened, actor) == [(was_ahead - HOUR, was_ahead)]
    assert [(gap.since, gap.until) for gap in coverage(opened)] == [(was_ahead - HOUR, was_ahead)]


def test_health_says_that_runs_lie_in_the_future_until_the_next_run(
    opened: Hub, actor: Actor, was_ahead: datetime
) -> None:
    (card,) = [card for card in opened.health.of("feed").cards if card.code == "runs_ahead"]
    assert card.command == "alprhub sync feed"
    assert "16 runs of feed lie in the future" in card.happened
    opened.sync.run(actor, "feed")
    assert "runs_ahead" not in [card.code for card in opened.health.of("feed").cards]


def test_the_very_first_run_may_have_been_ahead(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> None:
    clock.advance(15 * DAY)
    opened.sync.run(actor, "feed")
    clock.advance(-15 * DAY)
    vendor.add([clock.now() - HOUR])
    opened.sync.run(actor, "feed")
    assert kept(opened) == {0}


def test_a_clock_that_is_set_back_by_seconds_makes_nothing_of_what_was(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    opened.sync.run(actor, "feed")
    clock.advance(timedelta(seconds=-20))
    assert [card.code for card in opened.health.of("feed").cards if card.code == "runs_ahead"] == []
    opened.sync.run(actor, "feed")
    assert set(outcomes(opened)) == {"done"}


def test_a_window_that_a_vendor_refused_to_a_clock_ahead_is_asked_for_again(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    begin = clock.now()
    opened.sync.run(actor, "feed", begin - 5 * DAY, begin - 4 * DAY)
    opened.sync.run(actor, "feed", begin - 3 * DAY, begin)
    vendor.add([begin - 4 * DAY + HOUR])
    vendor.down, vendor.error = {0}, VendorChanged("not served")
    clock.advance(15 * DAY)
    with pytest.raises(VendorChanged):
        opened.sync.backfill(actor, "feed", begin - 4 * DAY, begin - 3 * DAY)
    clock.advance(HOUR - 15 * DAY)
    vendor.down = set()
    opened.sync.run(actor, "feed")
    assert kept(opened) == {0}


def test_a_file_drop_goes_on_and_takes_nothing_twice(
    opened: Hub, actor: Actor, clock: SetClock, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, given = ["a"], list[str]()

    def pull(self: Any, window: Window) -> Any:
        taken = dict(window.checkpoint.get("taken", {}))
        for name in files:
            if name not in taken:
                given.append(name)
                taken[name] = 1
        yield Page((), {"taken": taken, **self.until(window)})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    for until in (lambda _window: {}, lambda window: {"until": window.until.isoformat()}):
        files, given = ["a"], []
        monkeypatch.setattr(PlainConnector, "until", staticmethod(until), raising=False)
        with opened.store.write() as connection:
            connection.execute(text("UPDATE connections SET checkpoint = NULL"))
            connection.execute(text("DELETE FROM runs"))
        opened.sync.run(actor, "feed")
        clock.advance(15 * DAY)
        opened.sync.run(actor, "feed")
        clock.advance(HOUR - 15 * DAY)
        files = ["a", "b"]
        opened.sync.run(actor, "feed")
        assert given == ["a", "b"]


def test_a_round_of_look_ups_that_a_clock_ahead_began_is_not_gone_on_with(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    end = clock.now() + 15 * DAY
    with opened.store.write() as connection:
        ident = connection.scalar(text("SELECT id FROM connections"))
        connection.execute(
            text("INSERT INTO rounds (connection_id, since, until, goes_on) VALUES (:id, :since, :until, true)"),
            {"id": ident, "since": int((end - DAY).timestamp() * 1e6), "until": int(end.timestamp() * 1e6)},
        )
    opened.sync.run(actor, "feed")
    assert vendor.windows[0].until == clock.now()
