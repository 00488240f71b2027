"""Nothing lost: what no run covered and when a camera fell silent is known, and what was missed is pulled again."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from plain import PlainConnector
from sqlalchemy import text
from timed import Vendor, coverage, every, holes, kept, outcomes

from connectors.contract import Page, Window
from connectors.errors import AdminMustFix, TryAgain, VendorChanged
from hub.clock import SetClock
from hub.errors import Conflict, Invalid, NotFound
from hub.ingest.sync import MOST_WINDOWS
from hub.ingest.windows import FIRST_WINDOW, LONGEST_WINDOW
from hub.people import Actor
from hub.wiring import Hub

LOOK_BACK = PlainConnector.info.look_back
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def vendor(opened: Hub, feed: Any, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    made = Vendor(clock)
    monkeypatch.setattr(PlainConnector, "pull", made.pull)
    return made


def test_a_run_that_ends_well_leaves_no_gap(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> None:
    assert holes(opened, actor) == []
    opened.ingest.sync.run(actor, "feed")
    assert holes(opened, actor) == []
    clock.advance(HOUR)
    assert holes(opened, actor) == [(clock.now() - HOUR, clock.now())]
    assert opened.ingest.gaps.find(actor, "feed")[0].reason == "no run asked for it"
    opened.ingest.sync.run(actor, "feed")
    assert holes(opened, actor) == []


@pytest.mark.clause(
    "hermosa-beach 429.5 ¶1", "westminster 462.4 ¶1", "hayward 429.4 ¶1", "palm-springs 430.8 ¶1",
    lacks="an alert, and a manifest of every batch",
)  # fmt: skip
def test_a_run_that_fails_half_way_leaves_exactly_the_uncovered_part(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    opened.ingest.sync.run(actor, "feed")
    start = clock.now()
    clock.advance(10 * HOUR)
    vendor.add(every(timedelta(minutes=10), start, clock.now()))
    vendor.down = {35}
    with pytest.raises(TryAgain):
        opened.ingest.sync.run(actor, "feed")
    assert kept(opened) == set(range(30))
    assert holes(opened, actor) == [(vendor.reads[29], clock.now())]
    (gap,) = opened.ingest.gaps.find(actor, "feed", until=clock.now())
    assert gap.reason == "the vendor is down"
    assert [(part.since, part.until) for part in coverage(opened)] == [(vendor.reads[29], clock.now())]
    vendor.down = set()
    opened.ingest.sync.run(actor, "feed")
    assert vendor.windows[-1].since == vendor.reads[29] - LOOK_BACK
    assert (kept(opened), holes(opened, actor)) == (set(range(60)), [])


def test_a_killed_run_has_covered_what_its_pages_vouched_for(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    opened.ingest.sync.run(actor, "feed")
    start = clock.now()
    clock.advance(10 * HOUR)
    vendor.add(every(timedelta(minutes=10), start, clock.now()))
    vendor.down, vendor.error = {35}, SystemExit()  # type: ignore[assignment]
    with pytest.raises(SystemExit):
        opened.ingest.sync.run(actor, "feed")
    assert outcomes(opened) == ["done", "running"]
    assert opened.ingest.gaps.find(actor)[0].reason == "a run that asks for it has not ended"
    vendor.down = set()
    opened.ingest.sync.run(actor, "feed")
    assert outcomes(opened) == ["done", "Killed", "partly", "done"]
    assert vendor.windows[-1].since == vendor.reads[29] - LOOK_BACK
    assert (kept(opened), holes(opened, actor)) == (set(range(60)), [])


def test_an_outage_longer_than_the_look_back_loses_nothing(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    opened.ingest.sync.run(actor, "feed")
    start = clock.now()
    vendor.add(every(HOUR, start, start + 3 * DAY))
    vendor.down = set(vendor.reads)
    for _ in range(3):
        clock.advance(DAY)
        with pytest.raises(TryAgain):
            opened.ingest.sync.run(actor, "feed")
    assert holes(opened, actor) == [(start, clock.now())]
    vendor.down = set()
    opened.ingest.sync.run(actor, "feed")
    assert (kept(opened), holes(opened, actor)) == (set(vendor.reads), [])


@pytest.fixture
def missed(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> tuple[datetime, datetime]:
    """Three and a half days that no run has asked for, between two that some have."""
    begin = clock.now()
    opened.ingest.sync.run(actor, "feed")
    clock.advance(10 * DAY)
    vendor.add(every(HOUR, begin, clock.now()))
    opened.ingest.sync.run(actor, "feed", begin - HOUR, begin + 4 * DAY)
    since, until = begin + 4 * DAY, begin + 7 * DAY + 12 * HOUR
    opened.ingest.sync.run(actor, "feed", until, clock.now())
    assert holes(opened, actor) == [(since, until)]
    vendor.windows.clear()
    return since, until


def windows_of(missed: tuple[datetime, datetime]) -> list[tuple[datetime, datetime]]:
    since, until = missed
    starts = every(LONGEST_WINDOW, since, until + 12 * HOUR)
    return [(start - LOOK_BACK, min(start + LONGEST_WINDOW, until)) for start in starts]


def test_back_fill_pulls_what_was_missed_in_days_oldest_first_and_leaves_the_checkpoint(
    opened: Hub, actor: Actor, vendor: Vendor, missed: tuple[datetime, datetime]
) -> None:
    def checkpoint() -> Any:
        with opened.store.read() as connection:
            return connection.scalar(text("SELECT checkpoint FROM connections"))

    before = checkpoint()
    saved = opened.ingest.sync.backfill(actor, "feed")
    assert vendor.spans() == windows_of(missed)
    assert saved.stored == 84
    assert (kept(opened), holes(opened, actor), checkpoint()) == (set(vendor.reads), [], before)
    vendor.windows.clear()
    assert opened.ingest.sync.backfill(actor, "feed").pulled == 0
    assert vendor.windows == []


def test_an_ordinary_run_pulls_what_was_missed_after_what_is_new(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock, missed: tuple[datetime, datetime]
) -> None:
    now = clock.now()
    clock.advance(HOUR)
    opened.ingest.sync.run(actor, "feed")
    # What the named windows covered behind the gap did not move the checkpoint, so it goes on before the gap.
    assert vendor.spans()[0] == (now - 6 * DAY - LOOK_BACK, now - 5 * DAY)
    assert vendor.spans()[-1] == (now - LOOK_BACK, now + HOUR)
    assert (kept(opened), holes(opened, actor)) == (set(vendor.reads), [])


def test_a_long_gap_is_closed_by_several_runs(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> None:
    begin = clock.now()
    opened.ingest.sync.run(actor, "feed")
    with opened.store.write() as connection:  # as runs of an earlier release left it: the checkpoint says too much
        connection.execute(
            text("UPDATE runs SET since = since - :back, until = until - :back"), {"back": 12 * 86_400_000_000}
        )
    vendor.add(every(6 * HOUR, begin - 12 * DAY, begin))
    hole = holes(opened, actor)
    assert hole == [(begin - 12 * DAY, begin)]
    opened.ingest.sync.run(actor, "feed", begin - HOUR, begin)
    vendor.windows.clear()
    clock.advance(HOUR)
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET checkpoint = NULL"))
    opened.ingest.sync.run(actor, "feed")
    assert len(vendor.windows) == 1 + MOST_WINDOWS
    assert [since for since, _ in vendor.spans()[1:]] == [
        begin - 12 * DAY - LOOK_BACK + number * DAY for number in range(MOST_WINDOWS)
    ]
    assert len(holes(opened, actor)) == 1
    clock.advance(HOUR)
    opened.ingest.sync.run(actor, "feed")
    assert (kept(opened), holes(opened, actor)) == (set(vendor.reads), [])


@pytest.mark.parametrize("error", [TryAgain("down"), VendorChanged("it reaches back seven days only")])
def test_what_cannot_be_had_any_more_stays_a_gap_and_stops_no_run(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock, error: Exception
) -> None:
    begin = clock.now()
    opened.ingest.sync.run(actor, "feed")
    clock.advance(4 * DAY)
    vendor.add(every(HOUR, begin, clock.now()))
    opened.ingest.sync.run(actor, "feed", clock.now() - DAY, clock.now())
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET checkpoint = NULL"))
    vendor.down, vendor.error = {40}, error
    clock.advance(HOUR)
    vendor.windows.clear()
    opened.ingest.sync.run(actor, "feed")
    # After a refusal the next day is asked for all the same, with its look-back; an outage ends the try.
    end = begin + 2 * DAY - LOOK_BACK if isinstance(error, VendorChanged) else begin + 3 * DAY
    assert holes(opened, actor) == [(vendor.reads[33], end)]
    assert opened.ingest.gaps.find(actor, "feed")[0].reason == str(error)
    with pytest.raises(type(error)):
        opened.ingest.sync.backfill(actor, "feed")
    vendor.down = set()
    clock.advance(2 * DAY)
    opened.ingest.sync.run(actor, "feed")
    assert (kept(opened), holes(opened, actor)) == (set(vendor.reads), [])


def test_a_window_that_the_vendor_refused_is_left_alone_for_a_day(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    begin = clock.now()
    opened.ingest.sync.run(actor, "feed")
    clock.advance(2 * DAY)
    vendor.add(every(HOUR, begin, clock.now()))
    opened.ingest.sync.run(actor, "feed", clock.now() - DAY, clock.now())
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET checkpoint = NULL"))
    vendor.down, vendor.error = {0}, VendorChanged("too old")
    asked = []
    for _ in range(5):
        clock.advance(HOUR)
        vendor.windows.clear()
        opened.ingest.sync.run(actor, "feed")
        asked.append(len(vendor.windows))
    assert asked == [2, 1, 1, 1, 1]
    clock.advance(DAY)
    vendor.windows.clear()
    opened.ingest.sync.run(actor, "feed")
    assert len(vendor.windows) == 2


def test_what_would_be_over_is_not_pulled_again(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> None:
    begin = clock.now()
    opened.ingest.sync.run(actor, "feed")
    clock.advance(2 * DAY)
    opened.ingest.sync.run(actor, "feed", clock.now() - HOUR, clock.now())
    clock.advance(40 * DAY)
    assert holes(opened, actor) == [(clock.now() - 30 * DAY, clock.now())]
    vendor.windows.clear()
    opened.ingest.sync.backfill(actor, "feed")
    assert vendor.spans()[0][0] >= begin + 11 * DAY
    assert len(vendor.windows) <= 31


def test_after_a_pause_longer_than_reads_live_no_run_asks_for_what_would_be_over(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    opened.ingest.sync.run(actor, "feed")
    clock.advance(90 * DAY)
    vendor.windows.clear()
    opened.ingest.sync.run(actor, "feed")
    assert vendor.spans()[0] == (clock.now() - 30 * DAY - LOOK_BACK, clock.now() - 29 * DAY)
    assert len(vendor.windows) == 30
    assert holes(opened, actor) == []
    vendor.windows.clear()
    clock.advance(HOUR)
    opened.ingest.sync.run(actor, "feed")
    assert vendor.spans() == [(clock.now() - HOUR - LOOK_BACK, clock.now())]


def test_a_read_that_comes_late_within_the_look_back_is_kept_once(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    vendor.add(every(timedelta(minutes=5), clock.now() - HOUR, clock.now() + 2 * HOUR))
    vendor.hidden = {10}
    opened.ingest.sync.run(actor, "feed")
    assert kept(opened) == set(range(12)) - {10}
    vendor.hidden = set()
    stored = 0
    for _ in range(3):
        clock.advance(timedelta(minutes=10))
        stored += opened.ingest.sync.run(actor, "feed").stored
    assert kept(opened) == set(range(18))
    assert stored == 7


def test_a_read_that_comes_later_than_any_look_back_is_caught_by_back_fill(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    since = clock.now() - HOUR
    vendor.add(every(timedelta(minutes=5), since, clock.now()))
    vendor.hidden = {3}
    opened.ingest.sync.run(actor, "feed")
    clock.advance(5 * HOUR)
    vendor.hidden = set()
    opened.ingest.sync.run(actor, "feed")
    assert 3 not in kept(opened)
    assert opened.ingest.sync.backfill(actor, "feed").stored == 0, "every time is covered"
    assert opened.ingest.sync.backfill(actor, "feed", since=since).stored == 1
    assert opened.ingest.sync.backfill(actor, "feed", since=since, until=clock.now()).stored == 0
    assert kept(opened) == set(range(12))


def test_a_named_window_never_makes_the_next_run_skip_what_lies_before_it(
    opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock
) -> None:
    begin = clock.now()
    opened.ingest.sync.run(actor, "feed")
    clock.advance(3 * DAY)
    vendor.add(every(HOUR, begin, clock.now()))
    opened.ingest.sync.run(actor, "feed", clock.now() - HOUR, clock.now() + HOUR)
    opened.ingest.sync.run(actor, "feed", begin - DAY, begin - HOUR)
    vendor.windows.clear()
    opened.ingest.sync.run(actor, "feed")
    assert vendor.spans() == [(at - LOOK_BACK, at + DAY) for at in every(DAY, begin, clock.now())]
    assert (kept(opened), holes(opened, actor)) == (set(vendor.reads), [])
    vendor.windows.clear()
    clock.advance(HOUR)
    opened.ingest.sync.run(actor, "feed")
    assert vendor.spans() == [(clock.now() - HOUR - LOOK_BACK, clock.now())]


def test_a_source_that_is_taken_whole_has_no_gap_after_any_run(
    opened: Hub, actor: Actor, clock: SetClock, monkeypatch: pytest.MonkeyPatch, feed: Any
) -> None:
    windows: list[Window] = []

    def pull(_: PlainConnector, window: Window) -> Iterator[Page]:
        windows.append(window)
        yield Page((), {"taken": ["a.csv"]})

    monkeypatch.setattr(PlainConnector, "pull", pull)
    opened.ingest.sync.run(actor, "feed")
    begin = clock.now()
    clock.advance(5 * DAY)
    opened.ingest.sync.run(actor, "feed")
    assert windows[-1].since == begin - LOOK_BACK
    assert holes(opened, actor) == []
    opened.ingest.sync.backfill(actor, "feed")
    assert len(windows) == 3


def test_what_only_a_person_can_mend_pauses_back_fill_too(
    opened: Hub, actor: Actor, vendor: Vendor, missed: tuple[datetime, datetime]
) -> None:
    vendor.down, vendor.error = set(vendor.reads), AdminMustFix("the key was revoked")
    with pytest.raises(AdminMustFix):
        opened.ingest.sync.backfill(actor, "feed")
    assert opened.connections.accounts.list()[0].state == "paused"
    with pytest.raises(Conflict):
        opened.ingest.sync.backfill(actor, "feed")
    assert "it is paused" not in opened.ingest.gaps.find(actor)[0].reason


def test_a_question_about_gaps_that_cannot_be_is_refused(opened: Hub, actor: Actor, vendor: Vendor) -> None:
    with pytest.raises(NotFound):
        opened.ingest.gaps.find(actor, "nobody")
    with pytest.raises(Invalid):
        opened.ingest.gaps.find(actor, since=opened.clock.now() + HOUR)
    with pytest.raises(Invalid):
        opened.ingest.sync.backfill(actor, "feed", since=opened.clock.now())


def quiet(hub: Hub, actor: Actor, **asked: Any) -> list[tuple[str | None, datetime, datetime]]:
    return [(gap.camera, gap.since, gap.until) for gap in hub.ingest.gaps.find(actor, **asked) if gap.camera]


@pytest.fixture
def town(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> Callable[..., None]:
    """Runs over two weeks in which a camera reads every ten minutes by day and nothing for eight hours a night."""

    def make(*silent: tuple[datetime, datetime]) -> None:
        since, until = clock.now() - 14 * DAY, clock.now()
        vendor.page = 500
        times = [at for at in every(timedelta(minutes=10), since, until) if at.hour >= 8]
        vendor.add([at for at in times if not any(start < at < end for start, end in silent)])
        opened.ingest.sync.run(actor, "feed", since, until)

    return make


def test_a_camera_that_rests_every_night_is_not_silent(opened: Hub, actor: Actor, town: Any) -> None:
    town()
    assert quiet(opened, actor) == []


def test_a_camera_that_is_silent_for_far_longer_than_usual_is_a_gap_of_its_own(
    opened: Hub, actor: Actor, town: Any, clock: SetClock
) -> None:
    since = clock.now() - 7 * DAY
    until = since + 30 * HOUR
    town((since, until))
    assert quiet(opened, actor) == [("c0", since, until)]
    (gap,) = opened.ingest.gaps.find(actor, "feed")
    assert gap.usual_seconds == 8 * 3600 + 600
    assert gap.reason == "the camera was silent"
    assert quiet(opened, actor, since=until) == []
    assert quiet(opened, actor, since=since + HOUR) == [("c0", since, until)]


def test_a_camera_that_is_still_silent_says_so(opened: Hub, actor: Actor, town: Any, clock: SetClock) -> None:
    since = clock.now() - 3 * DAY
    town((since, clock.now()))
    (gap,) = opened.ingest.gaps.find(actor)
    assert (gap.camera, gap.since, gap.until, gap.reason) == ("c0", since, clock.now(), "the camera is silent")


def test_a_camera_is_not_blamed_for_what_its_connection_did_not_cover(
    opened: Hub, actor: Actor, town: Any, clock: SetClock
) -> None:
    since = clock.now() - 7 * DAY
    town((since, since + 40 * HOUR))
    with opened.store.write() as connection:
        hole = {"since": (since + 4 * HOUR).timestamp() * 1e6, "until": (since + 30 * HOUR).timestamp() * 1e6}
        connection.execute(
            text(
                "INSERT INTO runs (connection_id, since, until, started_at, ended_at, outcome) "
                "SELECT connection_id, :until, until, started_at, ended_at, outcome FROM runs"
            ),
            {name: int(at) for name, at in hole.items()},
        )
        connection.execute(text("UPDATE runs SET until = :since WHERE since < :since"), {"since": int(hole["since"])})
    assert holes(opened, actor) == [(since + 4 * HOUR, since + 30 * HOUR)]
    assert quiet(opened, actor) == []


def test_a_camera_with_few_reads_has_no_habits(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> None:
    vendor.add([clock.now() - 5 * DAY, clock.now() - HOUR])
    opened.ingest.sync.run(actor, "feed", clock.now() - 6 * DAY, clock.now())
    assert quiet(opened, actor) == []


def test_the_first_run_begins_a_day_back(opened: Hub, actor: Actor, vendor: Vendor, clock: SetClock) -> None:
    opened.ingest.sync.run(actor, "feed")
    assert vendor.spans() == [(clock.now() - FIRST_WINDOW, clock.now())]
