"""A dry run shows what a run would bring, keeps nothing, and discloses no plate."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import two
from plain import PlainConnector, record, write_page
from sqlalchemy import text

from alprhub.sandbox import flock_settings
from connectors.contract import Window
from hub.clock import SetClock
from hub.connections.trial import shape
from hub.errors import Invalid
from hub.people import Actor
from hub.wiring import Hub

AT = "2026-06-01T11:00:00Z"


def kept(hub: Hub) -> dict[str, Any]:
    with hub.store.read() as connection:
        tables = ("reads", "plates", "quarantine", "cameras", "runs", "images", "hits", "payloads", "ledger")
        counts = {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables}
        return {**counts, "checkpoint": connection.scalar(text("SELECT checkpoint FROM connections"))}


@pytest.fixture
def mixed(opened: Hub, actor: Actor, feed: Path) -> Path:
    """A feed of two reads that are held, then two new ones, one twice, an expired one and three that are none."""
    write_page(feed, 1, [record(1, "9SYN001", AT), record(2, "9SYN002", AT)])
    opened.ingest.sync.run(actor, "feed")
    new = [
        record(3, "9SYN003", AT, picture="jpeg", make="Toyota", candidates=[["9SYN0O3", 0.4]]),
        record(4, "9SYN-004", AT),
    ]
    old = record(5, "9SYN005", "2026-04-01T11:00:00Z")
    broken = [{"id": "b1", "at": AT}, {"id": "b2", "at": AT}, {**record(6, "9SYN006", "soon")}]
    write_page(feed, 2, [*new, new[0], old, *broken])
    return feed


def test_a_dry_run_counts_what_a_run_would_bring_and_keeps_nothing(opened: Hub, actor: Actor, mixed: Path) -> None:
    before = kept(opened)
    trial = opened.connections.trials.run(actor, "feed")
    assert kept(opened) == before
    assert (trial.pulled, trial.fresh, trial.duplicates, trial.quarantined, trial.born_expired) == (9, 2, 3, 3, 1)
    assert {(one.field, one.count) for one in trial.refused} == {("plate", 2), ("captured_at", 1)}
    assert not trial.more
    done = opened.ingest.sync.run(actor, "feed")
    assert (done.pulled, done.stored, done.duplicates, done.quarantined, done.born_expired) == (9, 2, 3, 3, 1)


def test_the_first_reads_are_shown_with_the_shape_of_their_plates(opened: Hub, actor: Actor, mixed: Path) -> None:
    shown = opened.connections.trials.run(actor, "feed").shown
    assert [(one["plate_shape"], one["vendor_read_id"], one["plate_state"]) for one in shown] == [
        ("9AAA999", "r3", "US-CA"),
        ("9AAA-999", "r4", "US-CA"),
    ]
    assert (shown[0]["images"], shown[0]["candidates"], shown[0]["make"]) == (1, 1, "TOYT")
    assert "9SYN00" not in repr(opened.connections.trials.run(actor, "feed"))
    assert shape("АB 1•2") == "AA 9•9"


def test_an_id_that_is_made_of_the_plate_is_not_shown(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [{**record(1, "9SYN001", AT), "id": "c1/9syn-001/11:00"}])
    assert opened.connections.trials.run(actor, "feed").shown[0]["vendor_read_id"] is None


def test_a_dry_run_is_on_record_without_a_plate(opened: Hub, actor: Actor, mixed: Path) -> None:
    opened.connections.trials.run(actor, "feed")
    done, asked = opened.audit.events(2)
    assert (asked["action"], asked["outcome"], done["outcome"], done["results"]) == (
        "connections.dry_run", "asked", "done", 2,
    )  # fmt: skip
    assert "9SYN" not in repr((asked, done))


def test_a_limit_ends_it_and_says_so(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(n, f"9SYN0{n:02}", AT) for n in range(10)])
    write_page(feed, 2, [], suffix=".broken")
    trial = opened.connections.trials.run(actor, "feed", limit=4)
    assert (trial.pulled, trial.fresh, trial.more) == (4, 4, True)
    for wrong in (0, 100_001):
        with pytest.raises(Invalid, match="limit"):
            opened.connections.trials.run(actor, "feed", limit=wrong)


def test_without_times_it_is_the_window_of_the_next_run_and_a_pause_is_no_hindrance(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Window] = []
    whole = PlainConnector.pull
    monkeypatch.setattr(PlainConnector, "pull", lambda self, window: asked.append(window) or whole(self, window))
    write_page(feed, 1, [record(1, "9SYN001", AT)])
    opened.connections.accounts.pause(actor, "feed", "not yet")
    opened.connections.trials.run(actor, "feed")
    opened.connections.accounts.resume(actor, "feed")
    opened.ingest.sync.run(actor, "feed")
    opened.connections.trials.run(actor, "feed")
    opened.ingest.sync.run(actor, "feed")
    assert asked[0] == asked[1]
    assert asked[2] == asked[3]
    opened.connections.trials.run(actor, "feed", datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))
    assert asked[-1].until - asked[-1].since == timedelta(days=1)
    with pytest.raises(Invalid, match="since"):
        opened.connections.trials.run(actor, "feed", datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))


def test_a_source_that_cannot_be_pulled_is_not_asked(opened: Hub, actor: Actor) -> None:
    opened.connections.accounts.add(actor, "flock", "flock", flock_settings("http://127.0.0.1:1"), check=False)
    with pytest.raises(Invalid, match="cannot be pulled"):
        opened.connections.trials.run(actor, "flock")


def test_a_fault_of_the_connector_is_a_refusal_like_any_other(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", AT)])
    monkeypatch.setattr(PlainConnector, "read_of", lambda self, record: 1 // 0)
    trial = opened.connections.trials.run(actor, "feed")
    assert Counter(one.reason for one in trial.refused) == {"could not be parsed: its connector has a defect": 1}


def test_it_goes_by_the_policy_in_force_and_by_what_runs_have_covered_as_a_run_does(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Window] = []
    whole = PlainConnector.pull
    monkeypatch.setattr(PlainConnector, "pull", lambda self, window: asked.append(window) or whole(self, window))
    write_page(feed, 1, [record(1, "9SYN001", AT), record(2, "9SYN002", AT)])
    opened.ingest.sync.run(actor, "feed")
    clock.advance(timedelta(days=40))
    trial = opened.connections.trials.run(actor, "feed")
    assert (trial.pulled, trial.duplicates, trial.born_expired) == (2, 0, 2)
    opened.ingest.sync.run(actor, "feed")
    assert asked[1] == asked[2]  # a day of the forty, as the first window of the run is
    assert asked[1].until - asked[1].since <= timedelta(days=2)
    with pytest.raises(Invalid, match="nothing to try"):
        opened.connections.trials.run(actor, "feed", until=asked[1].until - timedelta(days=30))
    two.activate(opened, actor, "long-beach", "another manual")
    write_page(feed, 2, [record(3, "9SYN003", (clock.now() - timedelta(days=20)).isoformat())])
    clock.advance(timedelta(days=11))
    trial = opened.connections.trials.run(actor, "feed", clock.now() - timedelta(days=60))
    assert (trial.pulled, trial.fresh, trial.born_expired) == (3, 0, 3), "each was promised thirty days"
    write_page(feed, 3, [record(4, "9SYN004", clock.now().isoformat())])
    clock.advance(timedelta(days=40))
    trial = opened.connections.trials.run(actor, "feed", clock.now() - timedelta(days=99))
    assert (trial.pulled, trial.fresh, trial.born_expired) == (4, 1, 3)
